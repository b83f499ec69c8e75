"""What a master and a worker say to each other about the log of an attempt, which lives on the worker that ran it,
or about what the worker's daemon itself has said.

The master asks (`log`), the worker answers in pieces (`worker.log`); while it is followed, each further piece waits for
a `log.more`, so that a slow reader slows the sending and fills no memory. It must not know files or sessions.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

ASK: Final = "log"
MORE: Final = "log.more"
ENOUGH: Final = "log.enough"
PIECE: Final = 256 * 1024  # bytes of a log in one message
OWN: Final = 0  # in place of an attempt: the log of the daemon itself


class Ask(Struct, frozen=True):
    """Bytes of an attempt's log: from position `start`, or the last `lines`, and what is printed later if `follow`.

    Positions count the bytes as the task printed them. `request` is the master's own number for the answer's pieces.
    """

    request: int
    attempt: int
    start: int | None = None
    lines: int | None = None
    follow: bool = False


class About(Struct, frozen=True):
    """The request that a `log.more` or a `log.enough` is about."""

    request: int


class Piece(Struct, frozen=True):
    """Some bytes of a log. `start` is their position: later than asked for where the bytes before it were dropped.

    `size` is how many bytes the task has printed so far. After `eof` no piece of this request comes.
    """

    request: int
    attempt: int
    data: bytes = b""
    start: int = 0
    size: int = 0
    eof: bool = False


def whole(data: bytes) -> int:
    """How many bytes of the data to take so that no UTF-8 character is cut at the end; bad bytes count as whole."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 == 0xC0:
            length = 2 if byte & 0xE0 == 0xC0 else 3 if byte & 0xF0 == 0xE0 else 4 if byte & 0xF8 == 0xF0 else 0
            return len(data) - back if length > back else len(data)
        if byte & 0xC0 != 0x80:
            break
    return len(data)


def in_text(data: bytes) -> str:
    """A log as text: what is no UTF-8 stays visible as escapes."""
    return data.decode("utf-8", "backslashreplace")
