"""How an answer comes on the screen: at once, a page at a time, or drawn again in place. And the keys that are waited for.

It must not know commands or the farm. Text that comes in is safe for a terminal already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys

from brender.commands.layout import cut
from brender.console.paging import PLAIN, REVERSE, Pager
from brender.console.painting import Painter
from brender.console.seat import Seat
from brender.wire.screen import cells

WIPE_LINE, WIPE_BELOW, CLEAR = "\x1b[2K", "\x1b[J", "\x1b[H\x1b[2J"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
PORTION = 200  # lines written before the terminal is waited for
_NAMES = {Keys.ControlM: "enter", Keys.ControlH: "backspace"}


def named(key: KeyPress) -> str:
    """A key in a word: `enter`, `c-c`, `pagedown`, or the character that was typed."""
    pressed = key.key
    return _NAMES.get(pressed, pressed.value) if isinstance(pressed, Keys) else str(pressed)


async def show(seat: Seat, text: str) -> None:
    """Show an answer; one of more than a screen a page at a time, unless something has been typed ahead."""
    lines = text.split("\n")
    size = seat.size
    rows = _rows(lines, size[0]) if len(lines) <= size[1] else lines
    if not Pager.needed(rows, size) or seat.typed_ahead():
        await _at_once(seat, lines)
        return
    rows = rows if rows is not lines else _rows(lines, size[0])
    painter = Painter(rows)
    pager = Pager(rows, size, painter.line if seat.colour else None)
    seat.write(pager.begin())
    keys: asyncio.Queue[str] = asyncio.Queue()
    with seat.listening(lambda key: keys.put_nowait(named(key)) is None, fresh=True):
        while not pager.done:
            key = await seat.unless_gone(keys.get())
            if seat.size != size:
                size = seat.size
                pager.resize(size)
            seat.write(pager.press(key))
            await seat.drain()


async def _at_once(seat: Seat, lines: Sequence[str]) -> None:
    painter = Painter(lines)
    for at in range(0, len(lines), PORTION):
        shown = lines[at : at + PORTION]
        if seat.colour:
            shown = [painter.line(place) for place in range(at, at + len(shown))]
        seat.write("\n".join(shown) + "\n")
        await seat.drain()


def _rows(lines: Sequence[str], columns: int) -> list[str]:
    """The rows that a terminal makes of the lines: long ones (JSON, logs) take several."""
    rows: list[str] = []
    for line in lines:
        if len(line) <= columns and (line.isascii() or sum(map(cells, line)) <= columns):
            rows.append(line)
        elif line.isascii():
            rows += [line[at : at + columns] for at in range(0, len(line), columns)]
        else:
            rows += _broken(line, columns)
    return rows


def _broken(line: str, columns: int) -> list[str]:
    rows, start, used = [], 0, 0
    for place, char in enumerate(line):
        if used + cells(char) > columns:
            rows.append(line[start:place])
            start, used = place, 0
        used += cells(char)
    return [*rows, line[start:]]


class Frame:
    """Lines that are drawn again in the same place. Pure: it gives text for the terminal."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour
        self._drawn = 0
        self._size = (0, 0)

    def draw(self, lines: Sequence[str], word: str, size: tuple[int, int]) -> str:
        """The lines that fit, and under them the word that says how this ends."""
        columns, rows = size
        start = HIDE
        if self._drawn and size != self._size:
            start += CLEAR  # the terminal has broken the lines anew: their places are not known
        elif self._drawn:
            start += f"\r\x1b[{self._drawn - 1}A" if self._drawn > 1 else "\r"
        shown = [cut(line, columns) for line in lines[: max(1, rows - 2)]]
        if len(lines) > len(shown):
            word = f"{len(lines) - len(shown)} more lines do not fit. {word}"
        self._drawn, self._size = len(shown) + 1, size
        painter = Painter(shown)
        if self._colour:
            shown = [painter.line(place) for place in range(len(shown))]
        body = "".join(f"{WIPE_LINE}{line}\n" for line in shown)
        return f"{start}{body}{WIPE_LINE}{REVERSE} {cut(word, columns - 3)} {PLAIN}{WIPE_BELOW}"

    def end(self) -> str:
        """Take the word away; the lines stay."""
        return f"\r{WIPE_LINE}{SHOW}" if self._drawn else SHOW
