"""A command table made from an rpc.discover document: the words of a master that knows more than this brender does.

Its words are read by the same grammar as our own, as far as the document tells; the farm itself reads the values. It
must not know how a document is had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from brender.commands.calls import ANYBODY
from brender.commands.grammar import Signature, signature_from
from brender.commands.kinds import Kind
from brender.commands.parameters import Parameter
from brender.commands.table import Row, Table
from brender.errors import Unsupported

WIRE: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list[Any],
    "object": dict[str, Any],
    "null": None,
}


class Described(Kind):
    """A kind of which only the document's words are known."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._claims = frozenset(told.get("claims", ()))
        self.required = bool(told.get("asked"))
        self.many = bool(told.get("many"))  # type: ignore[misc]
        self.loose = bool(told.get("loose"))  # type: ignore[misc]
        self.file = bool(told.get("file"))  # type: ignore[misc]
        self.expects = str(told.get("expects", "a value"))  # type: ignore[misc]

    def claims(self, key: str) -> bool:
        return "*" in self._claims or key.lower() in self._claims


def table_of(document: Mapping[str, Any]) -> Table:
    """The table a document describes. Raises KeyError, TypeError or ValueError for what is no such document."""
    rows, aliases, signatures = [], {}, {}
    for method in document["methods"]:
        row = _row(method)
        rows.append(row)
        aliases.update(dict.fromkeys(method.get("x-aliases", ()), row.name))
        if row.spoken:
            signatures[row.name] = _signature(method)
    return Table(rows, aliases, signatures)


def _row(method: Mapping[str, Any]) -> Row:
    return Row(
        str(method["name"]),
        _elsewhere(str(method.get("description") or method.get("summary") or "")),
        str(method.get("x-role", ANYBODY)),
        str(method.get("x-example", "")),
        spoken=bool(method.get("x-spoken", True)),
        destructive=bool(method.get("x-destructive", False)),
        destructive_with=str(method.get("x-destructive-with", "")),
        watched=bool(method.get("x-watched", False)),
        usage=str(method.get("x-usage", "")),
    )


def _elsewhere(text: str) -> Callable[..., Any]:
    """The function of a command that only the master can run; its docstring is the command's text."""

    def run(*_: Any, **__: Any) -> Any:
        raise Unsupported("Only its master knows how to do that.")

    run.__doc__ = text
    return run


def _signature(method: Mapping[str, Any]) -> Signature:
    found = [_parameter(told) for told in method["params"]]
    fields = [_field(one, told.get("schema", {})) for one, told in zip(found, method["params"], strict=True)]
    return signature_from(str(method["name"]), found, fields)


def _field(one: Parameter, schema: Mapping[str, Any]) -> Any:
    """As field_of makes it: a list that is empty when left out is sent empty, for its kind to refuse."""
    if one.required:
        return one.name, one.wire
    if one.many and schema.get("default") == []:
        return one.name, one.wire, msgspec.field(default_factory=list)
    return one.name, one.wire | msgspec.UnsetType, UNSET


def _parameter(told: Mapping[str, Any]) -> Parameter:
    wire = _type(told.get("schema", {}))
    word = told.get("x-word", {})
    return Parameter(
        name=str(told["name"]),
        base=wire,
        wire=wire,
        required=bool(told.get("required")) and not word.get("many"),
        positional=bool(word.get("positional", False)),
        kind=Described(word) if "expects" in word else None,
        short=str(word.get("short", "")),
        text=str(told.get("description", "")),
    )


def _type(schema: Mapping[str, Any]) -> Any:
    """The Python type of a JSON schema; the farm checks its bounds."""
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    kinds = [_type(one) for one in schema.get("anyOf", ())]
    if kinds:
        whole = kinds[0]
        for kind in kinds[1:]:
            whole = whole | kind
        return whole
    return WIRE.get(schema.get("type", ""), Any)
