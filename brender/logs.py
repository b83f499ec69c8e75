"""`brender logs` from a shell: what a task has printed, and with -f what it prints until it ends.

It must not know how logs travel between master and workers, nor how they are followed over restarts (api/follow.py).
"""

from __future__ import annotations

import json
import sys
from typing import Any

from brender.api.follow import Piece, pieces
from brender.api.link import Master
from brender.caller import conversation


def read_log(master: str, given: dict[str, Any], as_json: bool) -> int:
    """The last lines; with start= or --follow all that comes, piece by piece. Raises NoMaster and what is refused."""
    if not given.get("follow") and "start" not in given:
        first = next(conversation(master, "task.log", given))
        if sys.stdout.isatty() or as_json:
            _show(first, as_json)
        else:
            _print(first, as_json)
        return 0
    for piece in pieces(Master(master), given):
        _print(piece, as_json)
    return 0


def _print(piece: Piece, as_json: bool) -> None:
    """Untouched into a file or a pipe; at a terminal so that what a task prints cannot harm it."""
    from brender.wire.screen import escape

    text = piece["text"]
    if as_json:
        text = json.dumps(piece) + "\n"
    elif sys.stdout.isatty():
        text = "\n".join(map(escape, text.replace("\r\n", "\n").split("\n")))
    sys.stdout.write(text)
    sys.stdout.flush()


def _show(answer: Piece, as_json: bool) -> None:
    """One answer as at the prompt."""
    import shutil

    from brender.commands import text

    size = shutil.get_terminal_size()
    print(json.dumps(answer, indent=2) if as_json else text.render("task.log", answer, (size.columns, size.lines)))
