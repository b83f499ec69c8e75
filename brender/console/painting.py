"""Colours of states in text that commands/text.py has made: green, yellow, red. Nothing else is ever coloured.

It finds states where they stand: in a table under a head that says so, and after `state` in a list of fields. A machine
that is called `error` stays as it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from brender.wire.screen import cells

GREEN, YELLOW, RED, PLAIN = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
HEADS = frozenset({"state", "presence", "doing", "admin_state", "activity"})
_COLOURS = {
    **dict.fromkeys(("online", "enabled", "success0", "success", "active", "busy"), GREEN),
    **dict.fromkeys(("running", "assigned", "stopping", "waiting", "draining", "lost", "blocked", "paused"), YELLOW),
    **dict.fromkeys(("error", "terminated", "killed", "immortal", "disabled", "stopped"), RED),
}
_WORD = re.compile(r"([a-z]+)[^\s]*(?: \(paused\))?")
_HEAD = re.compile(r"\S+")
_FIELD = re.compile(r"([a-z_]+)\s{2,}(?=\S)")


class Painter:
    """Paints the lines of one answer. A line may be asked for at any time, so only those that are shown cost anything."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._heads = {place: found for place, line in enumerate(lines) if (found := _heads(line))}

    def line(self, place: int) -> str:
        """The line with its states coloured."""
        line = self._lines[place]
        if place in self._heads:
            return line
        field = _FIELD.match(line)
        if field is not None and field[1] in HEADS:
            return _painted(line, [field.end()])
        above = max((head for head in self._heads if head < place), default=None)
        if above is None or "" in self._lines[above:place]:
            return line
        return _painted(line, _places(line, self._heads[above]))


def _heads(line: str) -> list[int]:
    """The columns at which states stand under a table's head; nothing for a line that is none."""
    words = list(_HEAD.finditer(line))
    if len(words) < 2 or not line.isascii():
        return []
    return [word.start() for word in words if word[0] in HEADS and _apart(line, word.start(), word.end())]


def _apart(line: str, start: int, end: int) -> bool:
    """Whether a word is a head of its own: two blanks, or the edge, on both sides."""
    return (start == 0 or line[:start].endswith("  ")) and (end == len(line) or line[end : end + 2] == "  ")


def _places(line: str, columns: list[int]) -> list[int]:
    """Where in the text these columns are: wide characters take two, marks none."""
    if line.isascii():
        return [column for column in columns if column < len(line)]
    found, at = [], 0
    for place, char in enumerate(line):
        if at in columns and cells(char):
            found.append(place)
        at += cells(char)
    return found


def _painted(line: str, places: Sequence[int]) -> str:
    for place in reversed(places):
        word = _WORD.match(line, place)
        colour = _COLOURS.get(word[1]) if word is not None else None
        if word is not None and colour is not None and (place == 0 or line[place - 1] == " "):
            shown = YELLOW if word[0].endswith("(paused)") else colour
            line = f"{line[:place]}{shown}{word[0]}{PLAIN}{line[word.end() :]}"
    return line
