"""What a terminal may be shown: foreign text made harmless, cells counted, words laid out in columns.

Names of machines, log lines and file names come from strangers; a terminal obeys what it is sent. Anything
that is not plain text becomes visible (`\\x1b`). It must not know editors, prompts or commands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_BIDI = (0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSAFE = (*range(0x20), *range(0x7F, 0xA0), *_BIDI, 0x2028, 0x2029, 0xFEFF, *range(0xD800, 0xE000))


def _visible(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_ALL = {code: _visible(code) for code in _UNSAFE}
_IN_LINES = {**_ALL, 0x09: "    ", 0x0A: "\n"}
_IN_JSON = {code: f"\\u{code:04x}" for code in _UNSAFE if code != 0x0A}

# Bold, faint, underline, reverse, their ends, and the sixteen colours. No blink, no conceal.
_CODE = r"(?:0|1|2|4|7|2[247]|[349][0-79]|10[0-7])"
_SGR = re.compile(rf"\x1b\[(?:{_CODE}(?:;{_CODE}){{0,3}})?m")
_RESET = "\x1b[0m"


def escape(text: str) -> str:
    """Foreign text for the inside of a line: every control, bidi mark and lone surrogate made visible."""
    return text if text.isascii() and text.isprintable() else text.translate(_ALL)


def escape_json(text: str) -> str:
    """A JSON document that stays the same document, with unsafe characters as its own `\\u` escapes."""
    return text.translate(_IN_JSON)


def safe(text: str, colour: bool = True) -> str:
    """Our own lines for a terminal: newlines stay, wanted colours stay and always end, the rest is escaped."""
    if "\x1b" not in text:
        return text.translate(_IN_LINES)
    parts: list[str] = []
    at, lit = 0, False
    for found in _SGR.finditer(text):
        parts.append(text[at : found.start()].translate(_IN_LINES))
        if colour:
            parts.append(found[0])
            lit = found[0] not in (_RESET, "\x1b[m")
        at = found.end()
    parts.append(text[at:].translate(_IN_LINES))
    if lit:
        parts.append(_RESET)
    return "".join(parts)


def is_plain(char: str) -> bool:
    """Whether a typed character may enter a line."""
    return ord(char) not in _ALL


def cells(char: str) -> int:
    """How many columns one character takes: 0 for combining marks, 2 for wide ones."""
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def width(text: Iterable[str]) -> int:
    """How many columns a text without controls takes."""
    return sum(map(cells, text))


def in_columns(words: Sequence[str], columns: int, most: int = 200) -> list[str]:
    """Lines that list the words column by column within the window, as ls does; at most `most` words."""
    shown = [_cut(escape(word), columns - 1) for word in words[:most]]
    if not shown:
        return []
    cell = max(map(width, shown)) + 2
    across = max(1, (columns + 1) // cell)
    rows = -(-len(shown) // across)
    lines = []
    for row in range(rows):
        line = "".join(word + " " * (cell - width(word)) for word in shown[row::rows])
        lines.append(line.rstrip())
    if len(words) > most:
        lines.append(f"and {len(words) - most} more")
    return lines


def _cut(word: str, columns: int) -> str:
    used = 0
    for index, char in enumerate(word):
        used += cells(char)
        if used > columns:
            return word[:index]
    return word
