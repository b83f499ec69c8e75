"""What a terminal may be shown: foreign text made harmless, cells counted, words laid out in columns.

Names of machines, log lines and file names come from strangers; a terminal obeys what it is sent. Anything
that is not plain text becomes visible (`\\x1b`). It must not know editors, prompts or commands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

_BIDI = (0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSAFE = (*range(0x20), *range(0x7F, 0xA0), *_BIDI, 0x2028, 0x2029, 0xFEFF, *range(0xD800, 0xE000))


# Where wcwidth(3) differs from what the character's class says: vowels and finals that join a Hangul syllable, Arabic
# signs that stand before a number, wide signs in blocks that are not.
_ODD: dict[int, int] = {
    **dict.fromkeys((*range(0x1160, 0x1200), *range(0xD7B0, 0xD7C7), *range(0xD7CB, 0xD7FC)), 0),
    **dict.fromkeys((*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD), 1),
    **dict.fromkeys((*range(0x3248, 0x3250), *range(0x4DC0, 0x4E00)), 2),
}
_SHAPING = frozenset({"\u200c", "\u200d", *(chr(code) for code, columns in _ODD.items() if columns == 1)})
_EMOJI = range(0x1F300, 0x1FB00)  # what is new there is wide, as all of it


def _visible(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _in_json(code: int) -> str:
    return "".join(f"\\u{half:04x}" for half in memoryview(chr(code).encode("utf-16-le")).cast("H"))


_ALL = {code: _visible(code) for code in _UNSAFE}
_IN_LINES = {**_ALL, 0x09: "    ", 0x0A: "\n"}
_IN_JSON = {code: f"\\u{code:04x}" for code in _UNSAFE if code != 0x0A}

# Bold, faint, underline, reverse, their ends, and the sixteen colours. No blink, no conceal.
_CODE = r"(?:0|1|2|4|7|2[247]|[349][0-79]|10[0-7])"
_SGR = re.compile(rf"\x1b\[(?:{_CODE}(?:;{_CODE}){{0,3}})?m")
_RESET = "\x1b[0m"


def escape(text: str) -> str:
    """Foreign text for the inside of a line: every control, bidi mark and lone surrogate made visible."""
    return text if text.isascii() and text.isprintable() else _shown(text, _ALL)


def _shown(text: str, table: dict[int, str], visible: Callable[[int], str] = _visible) -> str:
    """The text with what the table has, what cannot be seen and what no terminal knows the width of, made visible."""
    text = text.translate(table)
    if text.isascii():
        return text
    return text.translate({ord(char): visible(ord(char)) for char in set(text) if _hidden(char)})


def _hidden(char: str) -> bool:
    """Format characters, but for those that shape letters or stand before a number, and what is no character yet."""
    kind = unicodedata.category(char)
    return (kind == "Cf" and char not in _SHAPING) or (kind == "Cn" and ord(char) not in _EMOJI)


def escape_json(text: str) -> str:
    """A JSON document that stays the same document, with unsafe characters as its own `\\u` escapes."""
    return _shown(text, _IN_JSON, _in_json)


def safe(text: str, colour: bool = True) -> str:
    """Our own lines for a terminal: newlines stay, wanted colours stay and always end, the rest is escaped."""
    if "\x1b" not in text:
        return _shown(text, _IN_LINES)
    parts: list[str] = []
    at, lit = 0, False
    for found in _SGR.finditer(text):
        parts.append(_shown(text[at : found.start()], _IN_LINES))
        if colour:
            parts.append(found[0])
            lit = found[0] not in (_RESET, "\x1b[m")
        at = found.end()
    parts.append(_shown(text[at:], _IN_LINES))
    if lit:
        parts.append(_RESET)
    return "".join(parts)


def is_plain(char: str) -> bool:
    """Whether a typed character may enter a line."""
    return ord(char) not in _ALL and not _hidden(char)


def cells(char: str) -> int:
    """How many columns one character takes, as wcwidth(3) says: 0 for combining marks, 2 for wide ones."""
    if char.isascii():
        return 1
    odd = _ODD.get(ord(char))
    if odd is not None:
        return odd
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
