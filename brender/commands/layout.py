"""Text that fits a window: columns, wrapped sentences, bars. Foreign text is made harmless on its way in (S23).

It knows no command and no noun; text.py and its neighbours say what stands in the columns. It knows no colour either:
a Line keeps its cells for those who show it in colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from brender.wire import screen
from brender.wire.screen import cells, escape

NARROWEST = 20  # a window is taken to be at least this wide
GAP = "  "


class Column(Struct, frozen=True):
    """One column: its title, the key of its values, and whether it may shrink (never under `least`)."""

    title: str
    key: str
    right: bool = False
    shrinks: bool = False
    least: int = 4


class Line(str):
    """A line of a table or of fields that still has its cells: what they say, and the key that each is the value of.

    A cell that is a title has the key "". Cells stand `GAP` apart, spaces after the last one are not shown.
    """

    __slots__ = ("cells", "keys")
    cells: Sequence[str]
    keys: Sequence[str]

    @classmethod
    def of(cls, keys: Sequence[str], cells: Sequence[str], room: int) -> Line:
        made = cls(cut(GAP.join(cells).rstrip(), room))
        made.keys, made.cells = keys, cells
        return made


def width(text: str) -> int:
    """How many columns a text takes; the usual case without looking at every character."""
    return len(text) if text.isascii() else screen.width(text)


def plain(value: Any) -> str:
    """One value as text: lists with commas, nothing for None and False, numbers without a needless fraction."""
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(one) for one in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{escape(str(name))}={plain(one)}" for name, one in value.items())
    return escape(str(value))


def cut(text: str, columns: int) -> str:
    """The text in at most so many columns, its end replaced by `…` where it is longer."""
    if width(text) <= columns:
        return text
    used = 0
    for index, char in enumerate(text):
        used += cells(char)
        if used > columns - 1:
            return text[:index] + "…" if columns > 0 else ""
    return text


def padded(text: str, columns: int, right: bool = False) -> str:
    """The text filled with spaces to a number of columns."""
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space


def columns(spec: Sequence[Column], rows: Sequence[Mapping[str, Any]], room: int) -> list[str]:
    """Lines of a table with a head, no wider than `room`. Columns that are empty in every row are left out."""
    room = max(room, NARROWEST)
    shown = [[plain(row.get(column.key)) for column in spec] for row in rows]
    kept = [at for at in range(len(spec)) if any(line[at] for line in shown)]
    heads = [spec[at].title for at in kept]
    body = [[line[at] for at in kept] for line in shown]
    widths = _fitted([spec[at] for at in kept], heads, body, room)
    while sum(widths) + len(GAP) * (len(widths) - 1) > room and len(widths) > 1:
        widths.pop()  # the last columns say the least
    lines: list[str] = []
    for keys, line in [([""] * len(kept), heads), *(([spec[at].key for at in kept], line) for line in body)]:
        parts = [
            padded(cut(word, size), size, spec[kept[at]].right)
            for at, (word, size) in enumerate(zip(line, widths, strict=False))
        ]
        lines.append(Line.of(keys, parts, room))
    return lines


def _fitted(spec: list[Column], heads: list[str], body: list[list[str]], room: int) -> list[int]:
    """The width of each column: as wide as its widest cell, then the widest that may shrink give way, evenly."""
    widths = [max([width(heads[at]), *(width(line[at]) for line in body)]) for at in range(len(spec))]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - room
    while over > 0:
        able = [
            at for at, column in enumerate(spec) if column.shrinks and widths[at] > max(column.least, width(heads[at]))
        ]
        if not able:
            break
        widest = max(able, key=widths.__getitem__)
        rest = [widths[at] for at in able if at != widest]
        floor = max([max(spec[widest].least, width(heads[widest])), *(size for size in rest if size < widths[widest])])
        step = max(1, min(over, widths[widest] - floor))
        widths[widest] -= step
        over -= step
    return widths


def wrap(text: str, room: int, indent: str = "") -> list[str]:
    """Lines of words no wider than `room`; a word that is wider is cut in pieces. All but the first are indented."""
    room = max(room, NARROWEST)
    lines: list[str] = []
    line = ""
    for word in text.split():
        while word:
            space = " " if line and line != indent else ""
            if width(line) + len(space) + width(word) <= room:
                line, word = line + space + word, ""
            elif line and line != indent:
                lines.append(line)
                line = indent
            else:
                head = _head(word, room - width(line))
                lines.append(line + head)
                line, word = indent, word[len(head) :]
    if line.strip() or not lines:
        lines.append(line)
    return lines


def _head(word: str, room: int) -> str:
    used = 0
    for index, char in enumerate(word):
        used += cells(char)
        if used > room and index:
            return word[:index]
    return word


def fields(values: Mapping[str, Any], names: Iterable[str], room: int) -> list[str]:
    """`name  value` lines for the values that are there, names aligned, long values wrapped below themselves."""
    kept = [(name, plain(values.get(name))) for name in names]
    kept = [(name, value) for name, value in kept if value]
    margin = max([width(name) for name, _ in kept], default=0) + len(GAP)
    lines: list[str] = []
    for name, value in kept:
        first, *rest = wrap_after(padded(name, margin), value, room)
        cells = (first[: margin - len(GAP)], first[margin:])
        lines += [Line.of(("", name), cells, max(room, NARROWEST)), *rest]
    return lines


def wrap_after(head: str, text: str, room: int) -> list[str]:
    """Wrapped text after a head that stands only on the first line."""
    margin = width(head)
    body = wrap(text, max(room - margin, NARROWEST))
    return [cut(head + body[0], max(room, NARROWEST))] + [
        cut(" " * margin + line, max(room, NARROWEST)) for line in body[1:]
    ]


def bar(done: int, total: int, size: int = 20) -> str:
    """`#####.....` for how far something is."""
    filled = size * done // total if total else 0
    return "#" * filled + "." * (size - filled)


def span(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 5 min, 3 h 20 min, 2 d 4 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 172800:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def capital(text: str) -> str:
    """The text with a capital letter first and the rest as it is: names keep their case."""
    return text[:1].upper() + text[1:]


def number(count: int, noun: str) -> str:
    """`1 worker`, `3 workers`, `no workers`."""
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
