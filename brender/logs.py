"""`brender logs` from a shell: what a task has printed, and with -f what it prints until it ends.

It goes on at the byte where it stopped when the master is started anew, so that no line is lost or shown twice. It must
not know how logs travel between master and workers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from brender.caller import Master, NoMaster, conversation
from brender.commandline.answers import Shown, line
from brender.endings import DONE
from brender.errors import WrongState, from_envelope

PATIENCE = 60.0  # seconds for a master that was there, and then for the worker, to come back
PAUSE = 0.3
Piece = dict[str, Any]


def read_log(master: Master | str, given: dict[str, Any], form: str) -> int:
    """The last lines; with start= or --follow all that comes, piece by piece. Raises NoMaster and what is refused.

    As json one document for the last lines, and as both JSON forms a line for each piece that comes.
    """
    if not given.get("follow") and "start" not in given:
        first = next(conversation(master, "task.log", given))
        if form == "text" and not sys.stdout.isatty():
            _print(first, form)
        else:
            Shown(form, "never").show("task.log", first)  # its words are not ours to colour
        return DONE
    for piece in pieces(master, given):
        _print(piece, form)
    return DONE


def pieces(master: Master | str, given: dict[str, Any]) -> Iterator[Piece]:
    """Every piece of the log from where it was asked for to its end, each byte once, over restarts of the master."""
    asked, met, away = dict(given), 0.0, False
    while True:
        try:
            for piece in _spoken(master, asked):
                met, away = time.monotonic(), False
                asked = _after(given, asked, piece)
                yield piece
                if piece["eof"]:
                    return
            continue  # it is not followed (any more): the next piece is asked for
        except NoMaster:
            if not given.get("follow") or not met or time.monotonic() - met > PATIENCE:
                raise
            away = True
        except WrongState:  # the worker is not there: after a master it needs a moment, else it has left
            if not away or time.monotonic() - met > PATIENCE:
                raise
        time.sleep(PAUSE)


def _spoken(master: Master | str, asked: dict[str, Any]) -> Iterator[Piece]:
    """What one connection tells: the answer, and the events after it while the log is followed."""
    messages = conversation(master, "task.log", asked)
    first = next(messages)
    yield first
    while first["following"]:
        piece = next(messages)["data"]
        if "error" in piece:
            raise from_envelope(piece["error"])
        yield piece


def _after(given: dict[str, Any], asked: dict[str, Any], piece: Piece) -> dict[str, Any]:
    """What to ask for when the connection ends after this piece: the same attempt, from the next byte on."""
    attempt = piece.get("attempt", asked.get("attempt"))
    return {
        **{name: value for name, value in given.items() if name != "lines"},
        "attempt": attempt,
        "start": piece["next"],
    }


def _print(piece: Piece, form: str) -> None:
    """Untouched into a file or a pipe; at a terminal so that what a task prints cannot harm it."""
    from brender.wire.screen import escape

    text = piece["text"]
    if form != "text":
        text = line(piece) + "\n"
    elif sys.stdout.isatty():
        text = "\n".join(map(escape, text.replace("\r\n", "\n").split("\n")))
    sys.stdout.write(text)
    sys.stdout.flush()
