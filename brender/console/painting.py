"""Colours of states in lines that commands/text.py has made: green, yellow, red. Nothing else is ever coloured.

A state is found by the key its cell is the value of, so a machine that is called `error` stays as it is. Pure.
"""

from __future__ import annotations

import re

from brender.commands.layout import GAP, Line
from brender.wire.screen import safe

GREEN, YELLOW, RED, PLAIN = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
STATES = frozenset({"state", "presence", "activity", "admin_state", "ended"})
TROUBLE = {"warning": YELLOW, "failed": RED}  # worth a look whatever stands there
COLOURS = {
    **dict.fromkeys(("online", "enabled", "success0", "success", "active"), GREEN),
    **dict.fromkeys(("running", "busy", "stopping", "waiting", "draining", "lost", "paused", "rerun"), YELLOW),
    **dict.fromkeys(("error", "terminated", "killed", "immortal", "disabled", "stopped"), RED),
}
_STATE = re.compile(r"[a-z]+0?")


def painted(line: str) -> str:
    """A line for a terminal with colours: safe, and its states coloured where it still has its cells."""
    if not isinstance(line, Line):
        return safe(line, colour=False)
    parts = [_cell(key, cell) for key, cell in zip(line.keys, line.cells, strict=False)]
    plain = GAP.join(line.cells).rstrip()
    return safe(GAP.join(parts).rstrip() if plain == line else str(line))


def _cell(key: str, cell: str) -> str:
    words = cell.strip()
    if not words:
        return cell
    if key in STATES:
        found = _STATE.match(words)
        colour = COLOURS.get(found[0], "") if found is not None else ""
        colour = YELLOW if words.endswith("(paused)") else colour
    else:
        colour = TROUBLE.get(key, "")
    return cell.replace(words, f"{colour}{words}{PLAIN}", 1) if colour else cell
