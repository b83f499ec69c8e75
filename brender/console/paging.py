"""Long output a screen at a time: which lines are shown for which key. Pure; somebody else reads keys and writes.

Pages scroll, as those of `more` do, so that what was shown stays in the terminal's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

REVERSE, PLAIN, WIPE = "\x1b[7m", "\x1b[0m", "\r\x1b[K"
FORWARD = (" ", "f", "pagedown", "c-f")
LINE = ("enter", "down", "j", "c-j")
BACK = ("b", "pageup", "c-b")
LEAVE = ("q", "Q", "c-c", "c-d", "escape")
KEYS = "space more, enter a line, b back, / search, q leave"
LONGEST = 80  # characters of a search


class Pager:
    """`lines` are no wider than the terminal. `shown(line)` makes one fit for it, at the time it is shown."""

    def __init__(self, lines: Sequence[str], size: tuple[int, int], shown: Callable[[str], str] = str) -> None:
        self.done = False
        self._lines = lines
        self._shown = shown
        self._columns, self._rows = size
        self._next = 0  # the first line that is not shown yet
        self._sought: str | None = None  # what is being typed after /
        self._last = ""
        self._word = ""

    @staticmethod
    def needed(lines: Sequence[str], size: tuple[int, int]) -> bool:
        """Whether so many lines, and a prompt under them, are more than a screen."""
        return len(lines) > size[1] - 1

    def resize(self, size: tuple[int, int]) -> str:
        """The window changed; what to show for it."""
        self._columns, self._rows = size
        return WIPE + self._status()

    def begin(self) -> str:
        """The first page and the line that says how it goes on."""
        return self._page(self._room)

    def press(self, key: str) -> str:
        """What to show after a key; `done` is set by the one that ends it."""
        self._word = ""
        if self._sought is not None:
            return self._typing(key)
        if key in LEAVE:
            self.done = True
            return WIPE
        if key in FORWARD:
            return self._page(self._room)
        if key in LINE:
            return self._page(1)
        if key in BACK:
            self._next = max(0, self._next - 2 * self._room)
            return self._page(self._room)
        if key == "G":
            return self._page(len(self._lines))
        if key == "/":
            self._sought = ""
            return f"{WIPE}/"
        if key == "n":
            return self._seek(self._last)
        return WIPE + self._status()

    @property
    def _room(self) -> int:
        return max(1, self._rows - 1)

    def _page(self, count: int) -> str:
        end = min(len(self._lines), self._next + count)
        text = "".join(f"{self._shown(line)}\n" for line in self._lines[self._next : end])
        self._next = end
        self.done = end >= len(self._lines)
        return WIPE + text + ("" if self.done else self._status())

    def _status(self) -> str:
        total = len(self._lines)
        word = self._word or f"{self._next} of {total} lines ({100 * self._next // total} %)  {KEYS}"
        return f"{REVERSE} {word[: self._columns - 3]} {PLAIN}"

    def _typing(self, key: str) -> str:
        assert self._sought is not None
        if key == "enter":
            sought, self._sought = self._sought, None
            return self._seek(sought or self._last)
        if key in ("c-c", "escape") or (key in ("backspace", "c-h") and not self._sought):
            self._sought = None
            return WIPE + self._status()
        if key in ("backspace", "c-h"):
            self._sought = self._sought[:-1]
        elif len(key) == 1 and key.isprintable() and len(self._sought) < LONGEST:
            self._sought += key
        return f"{WIPE}/{self._sought}"

    def _seek(self, sought: str) -> str:
        """Go on at the next line that has the text, case not looked at; the page before it is passed over."""
        self._last = sought
        start = max(0, self._next - self._room + 1)  # the line after the first of this page
        low = sought.lower()
        found = next(
            (place for place in range(start, len(self._lines)) if low and low in self._lines[place].lower()), -1
        )
        if found < 0:
            self._word = "not found" if sought else "nothing to look for: type / and a text"
            return WIPE + self._status()
        self._next = found
        return self._page(self._room)
