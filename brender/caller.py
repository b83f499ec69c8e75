"""One question to a master on a connection of its own, for programs that ask and end. It must not know commands or
how answers are shown; the connection itself is the API's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from brender.api.connection import TIMEOUT
from brender.api.link import CONNECT_SECONDS, Master, result
from brender.errors import NoMaster

__all__ = ["Master", "NoMaster", "conversation"]


def conversation(
    master: Master | str,
    method: str,
    params: dict[str, Any],
    patience: float | None = TIMEOUT,
    connect: float = CONNECT_SECONDS,
) -> Iterator[Any]:
    """The answer of the master, then the events it sends; an answer that comes late may come after events.

    Raises NoMaster, also after `patience` seconds without an answer (None: never) or `connect` seconds without a
    connection, or the error it answers with.
    """
    asked = Master(master) if isinstance(master, str) else master
    with asked.dial(connect) as link:
        try:
            number = link.send(method, params)
            until = None if patience is None else time.monotonic() + patience
            while True:
                message = link.read(until)
                if message.get("id") == number:
                    until = None  # events come when they come
                    yield result(message)
                elif message.get("method") == "event":
                    yield message["params"]
        except OSError as error:
            raise link.left(error) from None
