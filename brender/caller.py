"""One question to a master over a plain socket, and its answer. It must not know commands or how answers are shown."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from brender import address
from brender.errors import from_envelope
from brender.wire.screen import escape

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
MOST_SAID = 80  # characters of what a stranger says
HINT = (
    "Start one: brender up (a master and a worker here), or brender master. "
    "Another farm: --master HOST:PORT, BRENDER_MASTER, or master: in the file that brender config names."
)


class Master(Struct, frozen=True):
    """Whom to ask: its address, who named it (a flag, a variable, a file; for errors), and the name of who asks."""

    address: str = ""
    origin: str = ""
    name: str = ""


class NoMaster(Exception):
    """Nobody answers at the master's address, or nobody who is a master; `message` says which, `hint` what to do."""

    def __init__(self, message: str, hint: str = HINT) -> None:
        super().__init__(f"{message} {hint}")
        self.message, self.hint = message, hint


class _Stranger(Exception):
    """Something that is no master has spoken: its first words."""


def conversation(
    master: Master | str,
    method: str,
    params: dict[str, Any],
    patience: float | None = ANSWER_SECONDS,
    connect: float = CONNECT_SECONDS,
) -> Iterator[Any]:
    """The answer of the master, then the events it sends; an answer that comes late may come after events.

    Raises NoMaster, also after `patience` seconds without an answer (None: never) or `connect` seconds without a
    connection, or the error it answers with.
    """
    asked = Master(master) if isinstance(master, str) else master
    host, port = address.parse(asked.address)
    place = address.in_words(host, port) + (f" ({asked.origin})" if asked.origin else "")
    name = asked.name or os.environ.get("USER") or "cli"
    hello = {"jsonrpc": "2.0", "method": "session.hello", "params": {"name": name}}
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    connected = heard = False
    try:
        with socket.create_connection((host, port), connect) as link:
            connected = True
            # At once: a peer that is silent for 200 ms is taken for a telnet.
            link.sendall(b"".join(json.dumps(one).encode() + b"\n" for one in (hello, request)))
            link.settimeout(patience)
            with link.makefile("rb") as lines:
                for message in _messages(link, lines):
                    heard = True
                    yield message
    except OSError as error:
        raise _unanswered(place, error, connected, heard) from None
    except _Stranger as said:
        if str(said).startswith(("brender:", "This is a brender")):
            raise NoMaster(f"The master at {place} says: {said}") from None
        raise NoMaster(f"Something listens at {place}, but it is no brender master: it says «{said}».") from None
    if not heard:
        raise NoMaster(f"What listens at {place} hung up without a word: no brender master, or one that is leaving.")
    raise NoMaster(f"The master at {place} closed the connection.")


def _unanswered(place: str, error: OSError, connected: bool, heard: bool) -> NoMaster:
    """Why nothing was heard (any more), in the words of somebody who has to do something about it."""
    if isinstance(error, socket.gaierror):
        return NoMaster(f"No master answers at {place}: no machine of that name is known here.")
    if isinstance(error, ConnectionRefusedError):
        return NoMaster(f"No master answers at {place}: nothing listens there.")
    if heard:
        return NoMaster(f"The connection to the master at {place} broke: {error.strerror or error}.")
    if isinstance(error, TimeoutError) and connected:
        return NoMaster(f"Something listens at {place}, but it says nothing: a master that hangs, or no master.")
    if isinstance(error, TimeoutError):
        return NoMaster(f"No master answers at {place}: the machine is off, or a firewall is between.")
    return NoMaster(f"No master answers at {place}: {error.strerror or error}.")


def _messages(link: socket.socket, lines: Any) -> Iterator[Any]:
    for line in lines:
        if not line.endswith(b"\n"):
            return  # the connection ended within a message
        message = _read(line)
        if message.get("id") == 1:
            if "error" in message:
                raise from_envelope(message["error"])
            link.settimeout(None)  # events come when they come
            yield message.get("result")
        elif message.get("method") == "event":
            yield message["params"]


def _read(line: bytes) -> dict[str, Any]:
    """A message of the master. Before it may stand a telnet offer, to a client that was slow."""
    start = line.find(b"{")
    try:
        message = json.loads(line[start:]) if start >= 0 else None
    except ValueError:
        message = None
    if not isinstance(message, dict):
        text = line.strip().decode("utf-8", "replace")
        raise _Stranger(escape(text[:MOST_SAID]))
    return message
