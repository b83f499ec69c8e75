"""What goes on for a while and is told piece by piece: a job until its run has ended, the log of a task or a worker.

Both go on where they were when the master is started anew. It must not know how anything is shown.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from brender.api.connection import PATIENCE, Patience
from brender.api.link import Link, Master, result
from brender.errors import NoMaster, WrongState, from_envelope

Status = dict[str, Any]
Piece = dict[str, Any]


def statuses(
    master: Master, which: dict[str, Any], patience: float = PATIENCE, until: float | None = None
) -> Iterator[Status]:
    """How far a job is, as often as that changes; the last one is of the ended run. `which` are job.watch's params.

    Raises NoMaster (at once when nobody was there at all), TimeoutError at `until` (a time.monotonic()), and what the
    master refuses.
    """
    waits = Patience(patience)
    met = False
    while True:
        try:
            with master.dial() as link:
                number = link.send("job.watch", which)
                for message in _messages(link, until):
                    met = True
                    waits.met()
                    if message.get("id") == number:
                        yield result(message)
                        return
                    if message.get("method") == "event":
                        yield message["params"]["data"]
        except NoMaster as error:
            if not met:
                raise
            waits.wait(error)


def _messages(link: Link, until: float | None = None) -> Iterator[dict[str, Any]]:
    """All messages of a connection; raises NoMaster when it breaks."""
    while True:
        try:
            message = link.read(until)
        except TimeoutError:
            raise
        except OSError as error:
            raise link.left(error) from None
        yield message


def pieces(
    master: Master, given: dict[str, Any], patience: float = PATIENCE, method: str = "task.log"
) -> Iterator[Piece]:
    """Every piece of a log from where it was asked for to its end, each byte once, over restarts of the master.

    `given` are the params of the method, task.log or worker.tail. Raises NoMaster and what is refused.
    """
    asked, waits, met, away = dict(given), Patience(patience), False, False
    while True:
        try:
            for piece in _spoken(master, method, asked):
                met, away = True, False
                waits.met()
                asked = _after(given, asked, piece)
                yield piece
                if piece["eof"]:
                    return
            continue  # it is not followed (any more): the next piece is asked for
        except NoMaster as error:
            if not met:
                raise
            away = True
            waits.wait(error)
        except WrongState as error:  # the worker is not there: after a master it needs a moment, else it has left
            if not away:
                raise
            waits.wait(error)


def _spoken(master: Master, method: str, asked: dict[str, Any]) -> Iterator[Piece]:
    """What one connection tells: the answer, and the events after it while the log is followed."""
    with master.dial() as link:
        number = link.send(method, asked)
        following = True
        for message in _messages(link):
            if message.get("id") == number:
                first = result(message)
                following = bool(first["following"])
                yield first
            elif message.get("method") == "event":
                piece = message["params"]["data"]
                if "error" in piece:
                    raise from_envelope(piece["error"])
                yield piece
            if not following:
                return


def _after(given: dict[str, Any], asked: dict[str, Any], piece: Piece) -> dict[str, Any]:
    """What to ask for when the connection ends after this piece: the same attempt, from the next byte on."""
    kept = {name: value for name, value in given.items() if name != "lines"}
    attempt = piece.get("attempt", asked.get("attempt"))
    return {**kept, **({"attempt": attempt} if attempt is not None else {}), "start": piece["next"]}


def until_after(seconds: float | None) -> float | None:
    """A time.monotonic() so many seconds from now; None for never."""
    return None if seconds is None else time.monotonic() + seconds
