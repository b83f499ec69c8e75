"""How an answer comes on the screen: at once, a page at a time, or drawn again in place.

It must not know commands or the farm. Lines are made safe for a terminal when they are shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys

from brender.commands.layout import cut, width
from brender.console.paging import PLAIN, REVERSE, Pager
from brender.console.painting import painted
from brender.console.seat import Seat
from brender.wire.screen import cells, safe

WIPE_LINE, WIPE_BELOW, CLEAR = "\x1b[2K", "\x1b[J", "\x1b[H\x1b[2J"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
PORTION = 200  # lines written before the terminal is waited for
_NAMES = {Keys.ControlM: "enter", Keys.ControlH: "backspace"}


def named(key: KeyPress) -> str:
    """A key in a word: `enter`, `c-c`, `pagedown`, or the character that was typed."""
    pressed = key.key
    return _NAMES.get(pressed, pressed.value) if isinstance(pressed, Keys) else str(pressed)


@contextmanager
def keys_of(seat: Seat) -> Iterator[asyncio.Queue[str]]:
    """The keys that are pressed from now on, in words; what was typed before waits for the next prompt."""
    keys: asyncio.Queue[str] = asyncio.Queue()

    def heard(key: KeyPress) -> bool:
        keys.put_nowait(named(key))
        return True

    with seat.listening(heard, fresh=True):
        yield keys


async def show(seat: Seat, lines: Sequence[str]) -> None:
    """Show an answer; one of more than a screen a page at a time, unless something has been typed ahead."""
    size = seat.size
    rows = broken(lines, size[0]) if len(lines) <= size[1] else lines
    if not Pager.needed(rows, size) or seat.typed_ahead():
        await _at_once(seat, lines)
        return
    rows = rows if rows is not lines else broken(lines, size[0])
    pager = Pager(rows, size, shown_on(seat))
    seat.write(pager.begin())
    with keys_of(seat) as keys:
        while not pager.done:
            key = await seat.unless_gone(keys.get())
            if seat.size != size:
                size = seat.size
                pager.resize(size)
            seat.write(pager.press(key))
            await seat.drain()


def shown_on(seat: Seat) -> Callable[[str], str]:
    """What makes a line fit for this terminal."""
    return painted if seat.colour else lambda line: safe(line, colour=False)


async def _at_once(seat: Seat, lines: Sequence[str]) -> None:
    shown = shown_on(seat)
    for at in range(0, len(lines), PORTION):
        seat.write("".join(f"{shown(line)}\n" for line in lines[at : at + PORTION]))
        await seat.drain()


def broken(lines: Sequence[str], columns: int) -> list[str]:
    """The rows that a terminal makes of the lines: long ones (JSON, logs) take several."""
    rows: list[str] = []
    for line in lines:
        rows += [line] if width(line) <= columns else _pieces(line, columns)
    return rows


def _pieces(line: str, columns: int) -> list[str]:
    if line.isascii():
        return [line[at : at + columns] for at in range(0, len(line), columns)]
    rows, start, used = [], 0, 0
    for place, char in enumerate(line):
        if used + cells(char) > columns:
            rows.append(line[start:place])
            start, used = place, 0
        used += cells(char)
    return [*rows, line[start:]]


class Frame:
    """Lines that are drawn again in the same place. Pure: it gives text for the terminal."""

    def __init__(self, shown: Callable[[str], str]) -> None:
        """`shown` makes a line fit for the terminal."""
        self._shown = shown
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
        fit = lines[: max(1, rows - 2)]
        if len(lines) > len(fit):
            word = f"{len(lines) - len(fit)} more lines do not fit. {word}"
        self._drawn, self._size = len(fit) + 1, size
        whole = (line if width(line) <= columns else cut(line, columns) for line in fit)
        body = "".join(f"{WIPE_LINE}{self._shown(line)}\n" for line in whole)
        return f"{start}{body}{WIPE_LINE}{REVERSE} {cut(word, columns - 3)} {PLAIN}{WIPE_BELOW}"

    def end(self) -> str:
        """Take the word away; the lines stay."""
        return f"\r{WIPE_LINE}{SHOW}" if self._drawn else SHOW
