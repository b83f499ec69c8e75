"""What a terminal is shown: the same lines that a pipe gets, with states, titles and refusals in colour.

rich draws them; its own tables are not used, since a thousand rows take them 0.4 s. It must not know commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING

from brender.commands.layout import GAP, Line

if TYPE_CHECKING:
    from rich.text import Text

GOOD, BUSY, WARN, BAD, QUIET, TITLE = "green", "cyan", "yellow", "bold red", "bright_black", "bold"
WORDS: dict[str, str] = {
    **dict.fromkeys(("online", "success0", "enabled", "active"), GOOD),
    **dict.fromkeys(("running", "busy"), BUSY),
    **dict.fromkeys(("disabled", "draining", "paused", "waiting", "stopping", "rerun", "returned"), WARN),
    **dict.fromkeys(("lost", "error", "terminated", "killed", "immortal"), BAD),
    **dict.fromkeys(("offline", "idle", "not run", "new", "assigned", "stopped", "archived"), QUIET),
}
# Cells that say one state, and cells that say several with their counts.
STATES = frozenset({"state", "presence", "activity", "admin_state", "ended"})
SUMS = frozenset({"workers", "jobs", "tasks", "counts"})
ALWAYS = {"warning": WARN, "failed": BAD}
_WORD = re.compile("|".join(sorted(map(re.escape, WORDS), key=len, reverse=True)))
_OK = re.compile(r"OK(?= |$)")


def coloured(lines: Sequence[str]) -> Text:
    """The lines as one text for rich."""
    from rich.text import Span, Text

    found: list[Span] = []
    at = 0
    for line in lines:
        end_of_line = at + len(line)  # a cell's own spaces may be cut off there
        found += [Span(at + start, min(at + end, end_of_line), style) for style, start, end in spans(line)]
        at += len(line) + 1
    return Text("\n".join(lines), no_wrap=True, overflow="crop", spans=found)


def spans(line: str) -> Iterator[tuple[str, int, int]]:
    """The parts of a line that have a colour: style, first and last character."""
    if not isinstance(line, Line):
        found = _OK.match(line)
        if found:
            yield GOOD, *found.span()
        return
    at = 0
    for key, cell in zip(line.keys, line.cells, strict=False):
        yield from ((style, at + start, at + end) for style, start, end in _of_cell(key, cell))
        at += len(cell) + len(GAP)


def _of_cell(key: str, cell: str) -> Iterator[tuple[str, int, int]]:
    if key in STATES:
        found = _WORD.match(cell.lstrip())
        if found:
            yield WORDS[found[0]], 0, len(cell)
    elif key == "":
        yield TITLE, 0, len(cell)
    elif key in SUMS:
        yield from ((WORDS[found[0]], *found.span()) for found in _WORD.finditer(cell))
    elif key in ALWAYS and cell.strip():
        yield ALWAYS[key], 0, len(cell)


def write(lines: Sequence[str], stream: IO[str], width: int) -> None:
    """Put lines on a terminal of this width, in colour."""
    from rich.console import Console

    console = Console(file=stream, force_terminal=True, no_color=False, highlight=False, width=width, soft_wrap=True)
    console.print(coloured(lines))
