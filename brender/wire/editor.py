"""The line under the operator's fingers: keys in, drawing out, and word when a line is entered.

prompt_toolkit costs 2 ms a key and 770 KB a session, so this small editor serves telnet inside the master.
It draws one row that scrolls sideways, so that a long line needs no knowledge of how a terminal wraps.
It must not know telnet, commands or who waits for an answer; while `drawing` is off it edits unseen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from brender.wire.line import History, Line
from brender.wire.screen import cells, escape, in_columns, is_plain, width

Complete = Callable[[str, int], tuple[int, list[str]]]
Action = Literal["", "enter", "interrupt", "quit"]

ESCAPE_MOST = 16

#: Keys that move the cursor to a place, and keys that cut from the cursor to a place.
MOVES: dict[str, Callable[[Line], int]] = {
    **dict.fromkeys(("\x01", "\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"), Line.start),
    **dict.fromkeys(("\x05", "\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"), Line.end),
    **dict.fromkeys(("\x02", "\x1b[D", "\x1bOD"), Line.before),
    **dict.fromkeys(("\x06", "\x1b[C", "\x1bOC"), Line.after),
    **dict.fromkeys(("\x1bb", "\x1b[1;5D", "\x1b[1;3D"), Line.word_before),
    **dict.fromkeys(("\x1bf", "\x1b[1;5C", "\x1b[1;3C"), Line.word_after),
}
CUTS: dict[str, Callable[[Line], int]] = {
    **dict.fromkeys(("\x7f", "\x08"), Line.before),
    **dict.fromkeys(("\x04", "\x1b[3~"), Line.after),
    "\x15": Line.start,
    "\x0b": Line.end,
    **dict.fromkeys(("\x17", "\x1b\x7f"), Line.word_before),
    "\x1bd": Line.word_after,
}
KILLS = frozenset(("\x15", "\x0b", "\x17", "\x1b\x7f", "\x1bd"))
WALKS = {**dict.fromkeys(("\x10", "\x1b[A", "\x1bOA"), -1), **dict.fromkeys(("\x0e", "\x1b[B", "\x1bOB"), 1)}


class Editor:
    """One line of input for one peer.

    `complete(line, cursor)` gives where the word that ends at the cursor begins, and whole words that may stand in its
    place. `limit` is in characters; an `overlong` line must not be obeyed.
    A `plain` peer (nc) gets no echo and its control characters mean nothing.
    """

    def __init__(self, prompt: str, limit: int, complete: Complete) -> None:
        self.prompt = prompt
        self.columns = 80
        self.drawing = False
        self.plain = True
        self._line = Line(limit)
        self._history = History()
        self._complete = complete
        self._left = 0
        self._column = 0
        self._escape = ""
        self._after_cr = False
        self._tabbed = False
        self._out: list[str] = []

    @property
    def overlong(self) -> bool:
        """Whether more was typed than the line holds."""
        return self._line.overlong

    @property
    def deaf(self) -> bool:
        """Whether the line is overlong and no escape sequence under way: then only control characters mean anything."""
        return self._line.overlong and not self._escape

    def drawn(self) -> str:
        """What is to be shown since the last call."""
        out, self._out = "".join(self._out), []
        return out

    def take(self) -> str:
        """The entered line; it is remembered and an empty one begins, not drawn yet."""
        line = self._line.text
        self._line.set("")
        self._left = self._column = 0
        if not self.plain:
            self._history.add(line)
        return line

    def clear(self) -> None:
        """Forget what is typed and show an empty prompt."""
        self._line.set("")
        self._history.rest()
        self.redraw()

    def resize(self, columns: int) -> None:
        """The window is now this wide."""
        self.columns = columns
        if self._line.chars:
            self.redraw()

    def press(self, char: str) -> Action:
        """One character of input. Says when the line is entered, interrupted, or the peer wants to leave."""
        after_cr, self._after_cr = self._after_cr, char == "\r"
        if self._escape and char not in "\r\n\x03":
            self._in_escape(char)
            return ""
        self._escape = ""
        if char == "\x1b":
            self._escape = char
        elif char in "\r\n":
            # Enter is CR LF or CR NUL in telnet and LF in nc.
            return "" if char == "\n" and after_cr else self._enter()
        elif self.plain:
            self._type(" " if char == "\t" else char)
        elif char == "\x03":
            self._show("^C\r\n")
            self.clear()
            return "interrupt"
        elif char == "\x04" and not self._line.chars:
            return "quit"
        else:
            self._key(char)
        return ""

    def redraw(self) -> None:
        """Draw the row again: the prompt, the part of the line that fits, and the cursor in its place."""
        if not self.drawing:
            return
        room, line = self._room(), self._line
        self._scroll(room)
        self._column = width(line.chars[self._left : line.cursor])
        end, used = self._left, 0
        while end < len(line.chars) and used + cells(line.chars[end]) <= room:
            used += cells(line.chars[end])
            end += 1
        shown = "".join(line.chars[self._left : end])
        back = f"\x1b[{used - self._column}D" if used > self._column else ""
        self._show(f"\r{self.prompt}{shown}\x1b[K{back}")

    def _room(self) -> int:
        return max(8, self.columns - width(self.prompt) - 1)

    def _scroll(self, room: int) -> None:
        line = self._line
        if (self._left < line.cursor or not self._left) and width(line.chars[self._left : line.cursor]) <= room:
            return
        # Half a window at once, so that a long paste is not redrawn for each of its characters.
        self._left, used = line.cursor, 0
        while self._left and used + cells(line.chars[self._left - 1]) <= room // 2:
            self._left -= 1
            used += cells(line.chars[self._left])

    def _show(self, text: str) -> None:
        if self.drawing:
            self._out.append(text)

    def _enter(self) -> Action:
        self._tabbed = False
        self._show("\r\n")
        return "enter"

    def _key(self, key: str) -> None:
        tabbed, self._tabbed = self._tabbed, False
        line = self._line
        if key in MOVES:
            line.cursor = MOVES[key](line)
            self.redraw()
        elif key in CUTS:
            self._cut(key)
        elif key in WALKS:
            recalled = self._history.step(WALKS[key], line.text)
            if recalled is not None:
                line.set(recalled)
                self.redraw()
        elif key == "\t":
            self._tab(tabbed)
        elif key == "\x19":
            line.insert(line.killed)
            self.redraw()
        elif key == "\x0c":
            self._show("\x1b[H\x1b[2J")
            self.redraw()
        elif len(key) == 1:
            self._type(key)

    def _type(self, char: str) -> None:
        line = self._line
        if not is_plain(char) or not (line.cursor or self.plain or cells(char)):
            # A combining mark at the start would sit on the prompt.
            return
        if not line.insert(char) or not self.drawing:
            return
        if line.cursor == len(line.chars) and self._column + cells(char) <= self._room():
            self._column += cells(char)
            self._show(char)
        else:
            self.redraw()

    def _cut(self, key: str) -> None:
        line = self._line
        at_end = line.cursor == len(line.chars)
        start, end = sorted((line.cursor, CUTS[key](line)))
        gone = line.cut(start, end)
        if key in KILLS and gone:
            line.killed = gone
        if at_end and len(gone) == 1 and cells(gone) == 1 and not self._left and self.drawing:
            self._column -= 1
            self._show("\b\x1b[K")
        elif gone:
            self.redraw()

    def _in_escape(self, char: str) -> None:
        sequence = self._escape + char
        if char == "\x1b" or sequence in ("\x1b[", "\x1bO"):
            self._escape = sequence if char != "\x1b" else char
        elif sequence.startswith("\x1b[") and " " <= char <= "?":
            # An endless sequence is swallowed to its end without being kept.
            self._escape = sequence[:ESCAPE_MOST]
        else:
            self._escape = ""
            if not self.plain:
                self._key(sequence)

    def _tab(self, tabbed: bool) -> None:
        """One word fits: put it in. Several: put in what they share; at the second Tab list them."""
        line = self._line
        start, words = self._complete(line.text, line.cursor)
        found = sorted({word for word in words if word and all(map(is_plain, word))})
        if not found:
            return
        typed = "".join(line.chars[start : line.cursor])
        shared = _shared(found)
        if len(found) == 1 and line.cursor == len(line.chars) and not shared.endswith(("=", "/", ":", ".")):
            shared += " "
        self._tabbed = len(found) > 1
        if shared != typed and len(shared) >= len(typed):
            line.cut(start, line.cursor)
            if not line.insert(shared):
                line.insert(typed)
            self.redraw()
        elif tabbed and self._tabbed:
            self._show("\r\n" + "".join(escape(row) + "\r\n" for row in in_columns(found, self.columns)))
            self.redraw()


def _shared(words: list[str]) -> str:
    first, last = words[0], words[-1]
    for index, char in enumerate(first):
        if char != last[index : index + 1]:
            return first[:index]
    return first
