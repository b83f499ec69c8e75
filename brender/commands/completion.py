"""What Tab offers: nouns, verbs, options, and what the argument under the cursor may be. It never raises.

One code for the line editor in the master, which puts words in, and for `rpc.complete`, which also tells what they are.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from brender.commands.calls import Call, may
from brender.commands.discovery import first_words, second_words
from brender.commands.grammar import Signature
from brender.commands.offers import MOST, Offer, merged, starting
from brender.commands.parameters import Parameter
from brender.commands.table import Row
from brender.errors import BrenderError
from brender.wire.screen import is_plain
from brender.wire.words import split

_NEEDS_QUOTES = frozenset(" '\"\\")


class Item(Struct, frozen=True):
    """A word as it is to stand in the line, quoted where it needs it, and what it is in a few words."""

    text: str
    about: str


class Completion(Struct, frozen=True):
    """What may stand in place of the line's characters from `start` to the cursor."""

    start: int
    items: list[Item]


def complete(call: Call, line: str, cursor: int) -> Completion:
    """Whole words for the word that ends at the cursor, sorted within their kind, at most 200."""
    start = _start_of_word(line, cursor)
    try:
        before, word = split(line[:start]), _typed(line[start:cursor])
        found = following(call, before, word)
    except (BrenderError, ValueError):
        return Completion(start, [])
    items = [Item(_quoted(one.word), one.about) for one in found if one.word and all(map(is_plain, one.word))]
    return Completion(start, items[:MOST])


def words_of(call: Call) -> Callable[[str, int], tuple[int, list[str]]]:
    """The same for the line editor in the master: where the word begins, and the words alone."""

    def words(line: str, cursor: int) -> tuple[int, list[str]]:
        found = complete(call, line, cursor)
        return found.start, [item.text for item in found.items]

    return words


def _start_of_word(line: str, cursor: int) -> int:
    """Where the word under the cursor begins: after the last blank that no quote holds."""
    start, at, quote = 0, 0, ""
    while at < cursor:
        char = line[at]
        if char == "\\" and quote != "'":
            at += 1
        elif char in ("'", '"') and quote in ("", char):
            quote = "" if quote else char
        elif char.isspace() and not quote:
            start = at + 1
        at += 1
    return start


def _typed(text: str) -> str:
    """What a word means as far as it is typed, an open quote closed. Raises ValueError where it ends in mid-air."""
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(text + closing)
        except ValueError:
            continue
        return words[0] if words else ""
    raise ValueError("no word")


def _quoted(word: str) -> str:
    return shlex.quote(word) if _NEEDS_QUOTES.intersection(word) else word


def following(call: Call, before: list[str], word: str) -> list[Offer]:
    """What may stand after these words of a command, as a whole line is completed."""
    return _later(call, before, word) if before else _first(call, word)


def _may(call: Call, row: Row) -> bool:
    return row.spoken and may(call.who.role, row.role)


def _first(call: Call, word: str) -> list[Offer]:
    rows = call.table.rows
    short = {alias: rows[name] for alias, name in call.table.aliases.items() if "." not in alias}
    about = {alias: row.summary for alias, row in short.items() if _may(call, row)}
    about |= first_words(
        [noun for noun in call.table.nouns() if any(_may(call, row) for row in call.table.verbs(noun))]
    )
    return starting(word, about, about.__getitem__)


def _later(call: Call, before: list[str], word: str) -> list[Offer]:
    watched = call.table.after_watch(before)
    if watched is not None:
        return _watched(call, list(watched), word)
    return _command(call, before, word, call.table.allowed(call.who.role))


def _watched(call: Call, before: list[str], word: str) -> list[Offer]:
    """After `watch`: the commands that can be watched, or a job."""
    able = [row for row in call.table.allowed(call.who.role) if row.watched]
    if before and call.table.names_command(before[0]):
        return _command(call, before, word, able)
    row = call.table.rows["job.watch"]
    jobs = _argument(call, call.table.signature(row), before, word) if _may(call, row) else []
    if before:
        return jobs
    nouns = first_words([row.noun for row in able])
    short = {alias: row.summary for row in able for alias in call.table.aliases_of(row) if "." not in alias}
    words = nouns | short
    return merged(starting(word, words, words.__getitem__), jobs)


def _command(call: Call, before: list[str], word: str, able: list[Row]) -> list[Offer]:
    """After a noun its verbs that are able, after a command its arguments."""
    noun, words = call.table.noun(before)
    verbs = {row.verb.replace("_", "-"): row.summary for row in able if row.noun == noun}
    if len(words) == 1 and verbs:
        verbs |= second_words(call.table, noun)
        return starting(word, verbs, verbs.__getitem__)
    row, rest = call.table.split(words)
    if row not in able:
        return []
    return _argument(call, call.table.signature(row), rest, word)


def _argument(call: Call, signature: Signature, rest: list[str], word: str) -> list[Offer]:
    given, free = _given(signature, rest)
    if free is not None and free.rest and free.name in given:
        return _values(call, free, word, given)
    option = signature.by_short.get(rest[-1][1:]) if rest and len(rest[-1]) == 2 and rest[-1][0] == "-" else None
    if option is not None and not option.flag:
        return _values(call, option, word, given)
    key, equals, value = word.partition("=")
    if equals and key.replace("-", "_") in signature.by_name:
        parameter = signature.by_name[key.replace("-", "_")]
        return [Offer(f"{key}={one.word}", one.about) for one in _values(call, parameter, value, given)]
    flags = _flags(signature, given)
    found = [_alone(free, one) for one in _values(call, free, word, given)] if free is not None else []
    if word.startswith("-"):
        options = {f"-{short}": one.text for short, one in signature.by_short.items()} | flags
        return [*starting(word, options, options.__getitem__), *found]
    keys = {f"{one.name}=": _about(one) for one in signature.parameters if _named(one) and one.name not in given}
    for each in signature.parameters:
        keys |= {one.word: one.about for one in _values(call, each, word, given)} if each.loose else {}
    keys |= {} if word else flags
    return [*found, *starting(word, keys, keys.__getitem__)]


def _alone(parameter: Parameter, offer: Offer) -> Offer:
    """A word that would be taken for an option or for key=value is offered with its parameter's name before it."""
    key, equals, _ = offer.word.partition("=")
    claimed = parameter.kind is not None and parameter.kind.claims(key)
    if offer.word.startswith("-") or (equals and not claimed):
        return Offer(f"{parameter.name}={offer.word}", offer.about)
    return offer


def _about(parameter: Parameter) -> str:
    return parameter.text or parameter.expects


def _named(parameter: Parameter) -> bool:
    return not parameter.positional and not parameter.flag and not parameter.loose


def _flags(signature: Signature, given: dict[str, Any]) -> dict[str, str]:
    flags = [one for one in signature.parameters if one.flag and one.name not in given]
    return {f"--{one.name.replace('_', '-')}": _about(one) for one in flags}


def _given(signature: Signature, rest: list[str]) -> tuple[dict[str, Any], Parameter | None]:
    """The wire values of the words so far, as well as they read, and the parameter that the next word would be."""
    reading = signature.reading()
    try:
        reading.all(list(rest))
    except BrenderError:
        return dict(reading.values), None
    free = [one for one in reading.free if one.many or one.name not in reading.values]
    return dict(reading.values), free[0] if free else None


def _values(call: Call, parameter: Parameter, word: str, given: dict[str, Any]) -> list[Offer]:
    if parameter.kind is not None:
        others = {name: value for name, value in given.items() if name != parameter.name or parameter.many}
        return parameter.kind.complete(call, word, others)
    if parameter.flag:
        return starting(word, ("true", "false"))
    return starting(word, parameter.choices)
