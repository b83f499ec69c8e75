"""What Tab offers: nouns, verbs, options, and what the argument under the cursor may be. It never raises."""

from __future__ import annotations

import shlex
from typing import Any

from brender.commands.calls import Call
from brender.commands.grammar import Signature
from brender.commands.kinds import starting
from brender.commands.parameters import Parameter
from brender.commands.table import Row
from brender.errors import BrenderError

MOST = 200


def complete(call: Call, line: str, cursor: int) -> list[str]:
    """Whole words that may stand in place of the word that ends at the cursor, quoted where they need it."""
    before, word = _cut(line[:cursor])
    if before is None:
        return []
    try:
        found = _first(call, word) if not before else _later(call, before, word)
    except BrenderError:
        return []
    return [shlex.quote(one) if any(char in one for char in " '\"\\") else one for one in found[:MOST]]


def _cut(text: str) -> tuple[list[str] | None, str]:
    """The words before the cursor's word, and that word as far as it is typed."""
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(text + closing)
        except ValueError:
            continue
        if not text or (text[-1].isspace() and not closing):
            return words, ""
        return words[:-1], words[-1] if words else ""
    return None, ""


def _may(call: Call, row: Row) -> bool:
    return row in call.table.allowed(call.who.role)


def _first(call: Call, word: str) -> list[str]:
    short = [
        alias for alias, name in call.table.aliases.items() if "." not in alias and _may(call, call.table.rows[name])
    ]
    nouns = [noun for noun in call.table.nouns() if any(_may(call, row) for row in call.table.verbs(noun))]
    return starting(word, [*dict.fromkeys(noun.partition("_")[0] for noun in nouns), *short])


def _later(call: Call, before: list[str], word: str) -> list[str]:
    verbs = [row for row in call.table.verbs(before[0].lower()) if _may(call, row)]
    if len(before) == 1 and verbs:
        second = [noun.partition("_")[2] for noun in call.table.nouns() if noun.startswith(f"{before[0].lower()}_")]
        return starting(word, [*second, *(row.verb.replace("_", "-") for row in verbs)])
    both = [row for row in call.table.verbs("_".join(before).lower()) if _may(call, row)]
    if len(before) == 2 and both:
        return starting(word, [row.verb.replace("_", "-") for row in both])
    row, rest = call.table.split(before)
    return _argument(call, call.table.signature(row), rest, word)


def _argument(call: Call, signature: Signature, rest: list[str], word: str) -> list[str]:
    given, free = _given(signature, rest)
    option = signature.by_short.get(rest[-1][1:]) if rest and len(rest[-1]) == 2 and rest[-1][0] == "-" else None
    if option is not None and not option.flag:
        return _values(call, option, word, given)
    key, equals, value = word.partition("=")
    if equals and key.replace("-", "_") in signature.by_name:
        return [f"{key}={one}" for one in _values(call, signature.by_name[key.replace("-", "_")], value, given)]
    if word.startswith("-"):
        return starting(word, [*(f"-{short}" for short in signature.by_short), *_flags(signature, given)])
    found = _values(call, free, word, given) if free is not None else []
    keys = [f"{one.name}=" for one in signature.parameters if _named(one) and one.name not in given]
    loose = [one for each in signature.parameters if each.loose for one in _values(call, each, word, given)]
    flags = [] if word else _flags(signature, given)
    return [*found, *starting(word, [*keys, *loose, *flags])]


def _named(parameter: Parameter) -> bool:
    return not parameter.positional and not parameter.flag and not parameter.loose


def _flags(signature: Signature, given: dict[str, Any]) -> list[str]:
    return [f"--{one.name.replace('_', '-')}" for one in signature.parameters if one.flag and one.name not in given]


def _given(signature: Signature, rest: list[str]) -> tuple[dict[str, Any], Parameter | None]:
    """The wire values of the words so far, as well as they read, and the parameter that the next word would be."""
    reading = signature.reading()
    try:
        reading.all(list(rest))
    except BrenderError:
        return dict(reading.values), None
    free = [one for one in reading.free if one.many or one.name not in reading.values]
    return dict(reading.values), free[0] if free else None


def _values(call: Call, parameter: Parameter, word: str, given: dict[str, Any]) -> list[str]:
    if parameter.kind is not None:
        others = {name: value for name, value in given.items() if name != parameter.name or parameter.many}
        return parameter.kind.complete(call, word, others)
    if parameter.flag:
        return starting(word, ("true", "false"))
    return starting(word, parameter.choices)
