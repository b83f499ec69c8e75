"""`brender logs` from a shell: what a task has printed, and with -f what it prints until it ends; and `brender worker
tail`: what the daemon of a worker has said.

It must not know how logs travel between master and workers, nor how they are followed over restarts (api/follow.py).
"""

from __future__ import annotations

import sys
from typing import Any

from brender.api.follow import Piece, pieces
from brender.api.link import Master
from brender.caller import conversation
from brender.commandline.answers import Shown, line
from brender.endings import DONE


def read_log(master: Master | str, given: dict[str, Any], form: str) -> int:
    """The last lines; with start= or --follow all that comes, piece by piece. Raises NoMaster and what is refused.

    As json one document for the last lines, and as both JSON forms a line for each piece that comes.
    """
    return _read("task.log", master, given, form)


def read_tail(master: Master | str, given: dict[str, Any], form: str) -> int:
    """The same of a worker's own log, which never ends."""
    return _read("worker.tail", master, given, form)


def _read(method: str, master: Master | str, given: dict[str, Any], form: str) -> int:
    if not given.get("follow") and "start" not in given:
        first = next(conversation(master, method, given))
        if form == "text" and not sys.stdout.isatty():
            _print(first, form)
        else:
            Shown(form, "never").show(method, first)  # its words are not ours to colour
        return DONE
    for piece in pieces(Master(master) if isinstance(master, str) else master, given, method=method):
        _print(piece, form)
    return DONE


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
