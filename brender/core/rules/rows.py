"""What all CRUD rules share: attribute checks that name the attribute and the rule, and a row as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from brender.core.frames import AUTO, AUTO_WORD
from brender.core.rows import Row
from brender.errors import Conflict, Invalid, InvalidParams, nearest

_FOREIGN = re.compile("[\x00-\x1f\x7f/\ud800-\udfff]")
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


def row_of(row: Row) -> dict[str, Any]:
    """A row as plain data, in field order."""
    return asdict(row)


def checked(
    noun: str, values: Mapping[str, Any], known: Mapping[str, type], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The values, each known and of its type (a list may be written a,b,c); raises InvalidParams or Invalid."""
    for name in values:
        if name not in known:
            hint = nearest(name, known) or f"It has: {', '.join(known)}."
            raise InvalidParams(f"A {noun} has no attribute {name!r} that can be set.", hint=hint)
    for name in required:
        if values.get(name) in (None, ""):
            raise InvalidParams(f"A {noun} needs {name}.", hint=f"Write {name}=…")
    return {name: _typed(noun, name, value, known[name]) for name, value in values.items()}


def _typed(noun: str, name: str, value: Any, kind: type) -> Any:
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if kind is list and isinstance(value, str):
        value = [word for word in (part.strip() for part in value.split(",")) if word]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if name == "chunk" and value in (AUTO_WORD, AUTO) and value is not False:
        value = _chunk(noun, value)
    if kind is float and value is None:
        return None
    if kind is list and isinstance(value, list) and not all(isinstance(word, str) for word in value):
        raise Invalid(f"{noun} {name} is a list of words, not {value!r}.")
    if not isinstance(value, kind) or (kind in (int, float) and isinstance(value, bool)):
        raise Invalid(f"{noun} {name} is {_WORDS.get(kind, kind.__name__)}, not {value!r}.")
    if name == "name":
        check_name(noun, str(value))
    return value


def _chunk(noun: str, value: Any) -> int:
    """`auto` as it stands in a row, where it is a 0. Raises Invalid for a 0 that somebody wrote: tasks of no frames."""
    if value != AUTO_WORD:
        raise Invalid(f"{noun} chunk is {AUTO_WORD}, or 1 or more frames a task, not {value!r}.", hint="chunk=auto")
    return AUTO


def usable_name(said: str) -> str:
    """What a machine calls itself, bent into a name that `check_name` accepts; empty if nothing is left of it."""
    kept = "".join("-" if _FOREIGN.match(c) else c for c in said[:255]).strip()
    return f"w{kept}" if kept.isdigit() else kept


def check_name(noun: str, name: str) -> None:
    """Names are 1-255 characters without control characters and slashes, and not a bare number (that is an id)."""
    if not 1 <= len(name) <= 255 or name != name.strip():
        raise Invalid(f"A {noun} name has 1 to 255 characters and no space at its ends; {name[:60]!r} has {len(name)}.")
    if _FOREIGN.search(name):
        raise Invalid(f"A {noun} name holds no slash and no control character; {name!r} does.")
    if name.isdigit():
        raise Invalid(f"A {noun} name is not a bare number, which would look like an id; {name!r} is.")


def check_version(noun: str, row: Any, version: int | None) -> None:
    """Compare-and-set: refuse when somebody else changed the row since the caller read it."""
    if version is not None and row.version != version:
        raise Conflict(
            f"{noun.capitalize()} {row.name} is at version {row.version}, not {version}: it was changed meanwhile.",
            hint=f"Read it again ({noun} show {row.id}) and repeat.",
        )
