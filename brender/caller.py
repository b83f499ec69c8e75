"""One question to a master over a plain socket, and its answer. It must not know commands or how answers are shown."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from typing import Any

from brender import address
from brender.errors import InternalError, from_envelope

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0


class NoMaster(Exception):
    """Nobody answers at the master's address."""


def conversation(
    master: str, method: str, params: dict[str, Any], patience: float | None = ANSWER_SECONDS
) -> Iterator[Any]:
    """The answer of the master, then the events it sends; an answer that comes late may come after events.

    Raises NoMaster, also after `patience` seconds without an answer (None: never), the error it answers with, or
    Forbidden for an address that is not this machine's.
    """
    host, port = address.master(master)
    place = address.in_words(host, port)
    hello = {"jsonrpc": "2.0", "method": "session.hello", "params": {"name": os.environ.get("USER") or "cli"}}
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS) as link:
            # At once: a peer that is silent for 200 ms is taken for a telnet.
            link.sendall(b"".join(json.dumps(one).encode() + b"\n" for one in (hello, request)))
            link.settimeout(patience)
            with link.makefile("rb") as lines:
                yield from _messages(link, lines)
    except OSError as error:
        hint = "Start one (brender master, or brender up), or name another: --master HOST:PORT or BRENDER_MASTER."
        raise NoMaster(f"No master answers at {place}: {error.strerror or error}. {hint}") from None
    raise NoMaster(f"The master at {place} closed the connection.")


def _messages(link: socket.socket, lines: Any) -> Iterator[Any]:
    for line in lines:
        if not line.endswith(b"\n"):
            return  # the connection ended within a message
        start = line.find(b"{")  # before it may stand a telnet offer, to a client that was slow
        if start < 0:
            continue
        try:
            message = json.loads(line[start:])
        except ValueError:
            raise InternalError(
                "The master answered something that is no JSON.", hint="Is it a brender master?"
            ) from None
        if message.get("id") == 1:
            if "error" in message:
                raise from_envelope(message["error"])
            link.settimeout(None)  # events come when they come
            yield message.get("result")
        elif message.get("method") == "event":
            yield message["params"]
