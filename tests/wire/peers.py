"""The other side of the wire: a terminal that obeys what it is sent, and peers that cut their bytes."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from brender.wire.screen import cells
from brender.wire.session import Conversation, Reply, Request
from brender.wire.telnet import DO, ECHO, IAC, NAWS, SB, SE, SGA, TTYPE, WILL

#: What Debian's telnet answers to the offer, with a window of 80 by 24.
ANSWERS = bytes((IAC, DO, ECHO, IAC, DO, SGA, IAC, WILL, NAWS, IAC, WILL, TTYPE))
WINDOW = bytes((IAC, SB, NAWS, 0, 80, 0, 24, IAC, SE))

SGR = re.compile(r"\x1b\[[0-9;]*m")
_TOKEN = re.compile(r"\x1b\[([0-9]*)([A-Za-z])|(.)", re.DOTALL)


class Screen:
    """One row of a VT100 with wide characters; a newline scrolls the row into `rows`."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.row: list[str] = []
        self.column = 0

    def show(self, text: str) -> None:
        for number, final, char in _TOKEN.findall(SGR.sub("", text)):
            if final:
                self._command(final, int(number or 1))
            else:
                self._char(char)

    @property
    def text(self) -> str:
        return "".join(self.row)

    def _command(self, final: str, number: int) -> None:
        if final == "K":
            del self.row[self.column :]
        elif final == "D":
            self.column -= number
        elif final == "H":
            self.column = 0
        elif final == "J":
            self.rows, self.row = [], []
        else:
            raise AssertionError(f"the editor sent a sequence that ends in {final}")

    def _char(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.rows.append(self.text)
            self.row, self.column = [], 0
        elif char == "\b":
            self.column -= 1
        elif cells(char) == 0:
            self.row[self.column - 1] += char
        else:
            # A wide character fills two columns, the second with nothing.
            filling = [char] + [""] * (cells(char) - 1)
            self.row[self.column : self.column + len(filling)] = filling
            self.column += len(filling)


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes, cut at these places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


def talk(port: Conversation, parts: Sequence[bytes]) -> tuple[bytes, list[Request]]:
    """All that comes of feeding these parts."""
    out, requests = b"", []
    for part in parts:
        more, found = port.feed(part)
        out += more
        requests += found
    return out, requests


def session(**options: object) -> Conversation:
    """A telnet session at its first prompt, its greeting read."""
    port = Conversation(**options)  # type: ignore[arg-type]
    port.silence()
    port.feed(ANSWERS + WINDOW)
    return port


def says(text: str) -> Reply:
    """A reply in words."""
    return Reply(text=lambda size: text)
