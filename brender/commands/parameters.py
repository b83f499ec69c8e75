"""One parameter of a command: what its annotation says, how it is written, which field of the params it becomes.

It must not know words, farms or other parameters; grammar.py puts several together.
"""

from __future__ import annotations

import inspect
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from brender.commands.kinds import Arg, Kind

_ORDINARY: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


class Parameter(Struct, frozen=True):
    """One parameter: `wire` is its JSON type, `base` the same without bounds, `kind` reads it against a farm."""

    name: str
    base: Any
    wire: Any
    required: bool
    positional: bool
    kind: Kind | None = None
    short: str = ""
    text: str = ""
    argument: str = ""  # its name in the command's function

    @property
    def flag(self) -> bool:
        return self.base is bool

    @property
    def many(self) -> bool:
        return self.kind is not None and self.kind.many

    @property
    def loose(self) -> bool:
        return self.kind is not None and self.kind.loose

    @property
    def choices(self) -> tuple[str, ...]:
        """The words a Literal allows."""
        return get_args(self.base) if get_origin(self.base) is Literal else ()

    @property
    def expects(self) -> str:
        """What a person may write here."""
        if self.kind is not None:
            return self.kind.expects
        if self.choices:
            return "one of " + ", ".join(self.choices)
        return _ORDINARY.get(self.base, "a value")

    @property
    def usage(self) -> str:
        """How it stands in the usage line."""
        if self.loose:
            return "key=value…"
        if self.flag:
            return f"[--{self.name.replace('_', '-')}]"
        word = f"<{self.name}>" if self.positional else f"{self.name}=<{_hint(self)}>"
        if self.short and not self.positional:
            word = f"-{self.short} <{_hint(self)}>"
        dots = "…" if self.many else ""
        return f"{word}{dots}" if self.required or (self.many and _refuses_none(self)) else f"[{word}{dots}]"


def _hint(parameter: Parameter) -> str:
    return (
        "|".join(parameter.choices) if parameter.choices else {int: "n", float: "n"}.get(parameter.base, parameter.name)
    )


def _refuses_none(parameter: Parameter) -> bool:
    return bool(getattr(parameter.kind, "required", False))


def union_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union, or the kind alone."""
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def read_parameter(given: inspect.Parameter, hint: Any) -> Parameter:
    """A parameter of a command's function, with what its annotation says of it."""
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *found = get_args(hint)
        extras = tuple(found)
    kind = next((extra for extra in extras if isinstance(extra, Kind)), None)
    arg = next((extra for extra in extras if isinstance(extra, Arg)), Arg())
    metas = tuple(extra for extra in extras if isinstance(extra, msgspec.Meta))
    base = kind.wire if kind is not None else _without_none(hint)
    return Parameter(
        name=given.name.rstrip("_"),  # `for_` is what Python allows for `for`
        argument=given.name,
        base=base,
        wire=Annotated[(base, *metas)] if metas else base,
        required=given.default is inspect.Parameter.empty and not (kind is not None and kind.many),
        positional=given.kind is not inspect.Parameter.KEYWORD_ONLY and base is not bool and not (kind and kind.loose),
        kind=kind,
        short=arg.short,
        text=arg.text,
    )


def _without_none(hint: Any) -> Any:
    kept = [kind for kind in union_of(hint) if kind is not types.NoneType]
    return kept[0] if len(kept) == 1 else hint


def field_of(parameter: Parameter, has_default: bool) -> Any:
    """One field of the params Struct; a list that must be named defaults to an empty one, for its kind to refuse."""
    if parameter.required:
        return parameter.name, parameter.wire
    if parameter.many and not has_default:
        return parameter.name, parameter.wire, field(default_factory=list)
    return parameter.name, parameter.wire | UnsetType, UNSET
