"""A command as the line that a person would type for it, from its method and params. It knows no command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from brender.commands.parameters import Parameter
from brender.commands.table import Table


def line(table: Table, method: str, params: Mapping[str, Any]) -> str:
    """Words that mean the same again at a prompt; a method that is not in the table as itself with its params."""
    row = table.find(method)
    if row is None:
        return f"{method} {json.dumps(params)}"
    words = [row.words]
    in_order = True
    for parameter in sorted(table.signature(row).parameters, key=lambda one: one.rest):  # behind it nothing is ours
        if parameter.name in params:
            words += _words(parameter, params[parameter.name], in_order)
        elif parameter.positional:
            in_order = False
    return " ".join(words)


def _words(parameter: Parameter, value: Any, in_order: bool) -> Iterator[str]:
    name = parameter.name.replace("_", "-")
    if parameter.flag:
        yield f"--{name}" if value else f"--{name}=false"
    elif parameter.loose:
        yield from (f"{key}={_word(one)}" for key, one in value.items())
    elif parameter.positional and in_order:
        yield from map(_word, value if parameter.many and isinstance(value, list) else [value])
    else:
        yield f"{parameter.name}={_word(value)}"


def _word(value: Any) -> str:
    """A text as a shell would want it, anything else as JSON."""
    if isinstance(value, str):
        return shlex.quote(value) if set(value) & set(" \t'\"\\#{}[]") or not value else value
    said = json.dumps(value, ensure_ascii=False)
    return shlex.quote(said) if isinstance(value, (dict, list)) else said
