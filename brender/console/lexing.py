"""A line as it is being typed: which of its pieces is what, and whether it goes on. Pure; it knows the table's words.

It gives colours names (`noun`, `flag`, `error`…), never codes, and asks no farm: the name of a machine is a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from brender.commands.discovery import second_words
from brender.commands.table import Row, Table

Piece = tuple[str, str]  # what it is, and its text

_BLANK = re.compile(r"\s+")
_WORD = re.compile(r"(?:[^\s'\"\\]|\\.|\\$|'[^']*'?|\"(?:[^\"\\]|\\.|\\$)*\"?)+", re.DOTALL)
_WHOLE = re.compile(r"(?:[^\s'\"\\]|\\.|\\$|'[^']*'|\"(?:[^\"\\]|\\.)*\")+", re.DOTALL)
_KEYED = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)=")
_OPENING = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_-]*=)?(?=[{\[])")
_MARK = re.compile(r"\"(?:[^\"\\]|\\.)*(\"|\\?\Z)|[{}\[\]]", re.DOTALL)
_PAIRS = {"{": "}", "[": "]"}
LEAVE = ("quit", "exit", "logout")


def pieces(table: Table, text: str) -> list[Piece]:
    """The text cut in pieces, none missing, each with what it is: space, noun, verb, word, flag, key, string, error."""
    found: list[Piece] = []
    words: list[str] = []
    row: Row | None = None
    at = 0
    for token, _ in _tokens(text):
        at += len(token)
        if token.isspace():
            found.append(("space", token))
            continue
        typing = at == len(text)
        place = len(words)
        words.append(token)
        noun, rest = table.noun(words)
        if place == 0:
            row = table.find(token)
            found.append((_first(table, token, typing), token))
        elif len(rest) == 1:
            found.append(("noun", token))
        elif len(rest) == 2 and table.verbs(noun):
            row = table.find(f"{noun}.{token}")
            found.append((_second(table, noun, token, typing), token))
        else:
            found += _argument(table, row, token)
    return found


def _first(table: Table, token: str, typing: bool) -> str:
    low = token.lower()
    if table.verbs(low):
        return "noun"
    if table.find(token) is not None or low in LEAVE:
        return "verb"
    names = (*table.nouns(), *table.aliases, *LEAVE)
    return "word" if typing and any(name.startswith(low) for name in names) else "error"


def _second(table: Table, noun: str, token: str, typing: bool) -> str:
    if table.find(f"{noun}.{token}") is not None:
        return "verb"
    if token in ("?", "--help", "-h"):
        return "flag"
    low = token.lower()
    verbs = [*(row.verb.replace("_", "-") for row in table.verbs(noun)), *second_words(table, noun)]
    return "word" if typing and any(verb.startswith(low) for verb in verbs) else "error"


def _argument(table: Table, row: Row | None, token: str) -> list[Piece]:
    if token[0] == "-" and len(token) > 1 and not token[1].isdigit():
        return [("flag", token)]
    keyed = _KEYED.match(token)
    if keyed is not None and _is_key(table, row, keyed[1]):
        rest = token[keyed.end() :]
        return [("key", keyed[0]), *([(_kind(rest), rest)] if rest else [])]
    return [(_kind(token), token)]


def _is_key(table: Table, row: Row | None, name: str) -> bool:
    if row is None:
        return False
    signature = table.signature(row)
    return name.replace("-", "_") in signature.by_name or any(one.loose for one in signature.parameters)


def _kind(token: str) -> str:
    return "string" if token[0] in "'\"{[" else "word"


def goes_on(text: str) -> bool:
    """Whether the line is not whole yet: a quote is open, or a JSON object or list that a word begins with.

    An empty last line ends it all the same, so that nobody is held by an apostrophe.
    """
    return not text.endswith("\n") and not all(whole for _, whole in _tokens(text))


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Blanks and words in turn, and whether each is whole. A JSON value at the beginning of a word keeps its blanks."""
    at = 0
    while at < len(text):
        found = _BLANK.match(text, at)
        if found is not None:
            yield found[0], True
            at = found.end()
            continue
        opening = _OPENING.match(text, at)
        inside = at if opening is None else _end_of_json(text, opening.end())
        if inside < 0:
            yield text[at:], False
            return
        rest = _WORD.match(text, inside)
        end = inside if rest is None else rest.end()
        yield text[at:end], rest is None or _WHOLE.fullmatch(rest[0]) is not None
        at = end


def _end_of_json(text: str, start: int) -> int:
    """Where the bracket that opens here is closed, or -1 where it is not."""
    stack: list[str] = []
    for mark in _MARK.finditer(text, start):
        if mark[0][0] == '"':
            if mark[1] != '"':
                return -1
        elif mark[0] in _PAIRS:
            stack.append(_PAIRS[mark[0]])
        elif stack and mark[0] == stack[-1]:
            stack.pop()
            if not stack:
                return mark.end()
    return -1
