"""A line of text with a cursor, and the lines before it. It must not know keys, screens or prompts.

Positions are indexes of characters; `before` and `after` step over combining marks, so that the cursor
never stands inside a letter.
"""

from __future__ import annotations

from brender.wire.screen import cells

HISTORY_LINES = 100
HISTORY_CHARS = 32 * 1024


class Line:
    """At most `limit` characters. More is refused and marks the line `overlong`: its end is missing."""

    __slots__ = ("_limit", "chars", "cursor", "killed", "overlong")

    def __init__(self, limit: int) -> None:
        self.chars: list[str] = []
        self.cursor = 0
        self.overlong = False
        self.killed = ""
        self._limit = limit

    @property
    def text(self) -> str:
        return "".join(self.chars)

    def set(self, text: str) -> None:
        """Another line, the cursor at its end."""
        self.chars = list(text)
        self.cursor = len(self.chars)
        self.overlong = False

    def insert(self, text: str) -> bool:
        """Put text in at the cursor; False when it does not fit, and then nothing changes."""
        if len(self.chars) + len(text) > self._limit:
            self.overlong = True
            return False
        self.chars[self.cursor : self.cursor] = text
        self.cursor += len(text)
        return True

    def cut(self, start: int, end: int) -> str:
        """Take the characters between two positions out, wherever the cursor is in them."""
        gone = "".join(self.chars[start:end])
        del self.chars[start:end]
        self.cursor = start
        return gone

    def start(self) -> int:
        return 0

    def end(self) -> int:
        return len(self.chars)

    def before(self) -> int:
        at = self.cursor - 1
        while at > 0 and not cells(self.chars[at]):
            at -= 1
        return max(at, 0)

    def after(self) -> int:
        at = self.cursor + 1
        while at < len(self.chars) and not cells(self.chars[at]):
            at += 1
        return min(at, len(self.chars))

    def word_before(self) -> int:
        at = self.cursor
        while at and self._blank(at - 1):
            at -= 1
        while at and not self._blank(at - 1):
            at -= 1
        return at

    def word_after(self) -> int:
        at = self.cursor
        while at < len(self.chars) and self._blank(at):
            at += 1
        while at < len(self.chars) and not self._blank(at):
            at += 1
        return at

    def _blank(self, at: int) -> bool:
        # A blank that carries a combining mark is a letter.
        return self.chars[at].isspace() and (at + 1 == len(self.chars) or cells(self.chars[at + 1]) > 0)


class History:
    """The lines entered before, oldest first, bounded in number and size, with a place to walk in them."""

    __slots__ = ("_at", "_draft", "_lines", "_size")

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._at = 0
        self._draft = ""

    def add(self, line: str) -> None:
        """Remember a line unless it is blank or the one before; the walk starts again at the end."""
        if line.strip() and self._lines[-1:] != [line]:
            self._lines.append(line)
            self._size += len(line)
            while len(self._lines) > HISTORY_LINES or self._size > HISTORY_CHARS:
                self._size -= len(self._lines.pop(0))
        self.rest()

    def rest(self) -> None:
        """End the walk: the next step back gives the newest line."""
        self._at, self._draft = len(self._lines), ""

    def step(self, by: int, typed: str) -> str | None:
        """The line one step back (-1) or on (+1), None at the ends; `typed` comes back after the newest."""
        wanted = self._at + by
        if not 0 <= wanted <= len(self._lines):
            return None
        if self._at == len(self._lines):
            self._draft = typed
        self._at = wanted
        return self._draft if wanted == len(self._lines) else self._lines[wanted]
