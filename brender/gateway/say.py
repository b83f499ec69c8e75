"""`gateway.say`: a line typed in the page's console, read and answered in the words of the prompt.

The table reads the words and text makes the sentences, both as at every other door; the master is asked over the page's
own connection, so its current project and what it may do are those of the page. It must not know pages or sockets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from brender import __version__
from brender.commands import COMMANDS, text
from brender.commands.calls import Call, Who
from brender.core.farm import Farm
from brender.errors import BrenderError, InvalidParams
from brender.wire.screen import safe
from brender.wire.words import split

METHOD = "gateway.say"
LOCAL = ("rpc.help", "rpc.discover")  # the table alone answers these: help needs no master
# What comes after the answer of these has no place here.
STREAMS = ("rpc.watch", "job.watch", "task.log", "worker.tail", "farm.subscribe")
LONGEST = 16 * 1024  # characters; whoever has more sends the method and its params
Ask = Callable[[str, dict[str, Any]], Awaitable[bytes]]


class Said(Struct, forbid_unknown_fields=True):
    """What the page sends: a line, and how many columns its console has."""

    line: Annotated[str, Meta(max_length=LONGEST)]
    columns: Annotated[int, Meta(ge=20, le=1000)] = 80


async def say(params: Any, ask: Ask) -> dict[str, str]:
    """The prompt's answer to a line. A refusal is text, too; only params of another shape are an error."""
    try:
        said = msgspec.convert(params, Said)
    except msgspec.ValidationError as error:
        raise InvalidParams(f"{METHOD}: {error}.", hint='It takes {"line": "job list", "columns": 80}.') from None
    try:
        return {"text": await _answer(said, ask)}
    except BrenderError as error:
        return {"text": safe(f"ERR {error.code} {error.sentence()}", colour=False)}


async def _answer(said: Said, ask: Ask) -> str:
    words = _words(said.line)
    if not words:
        return ""
    row, params = COMMANDS.resolve(words)
    if row.name in STREAMS:
        raise InvalidParams(
            f"{row.words} goes on after its answer, and this console shows answers.",
            hint="The pages of jobs, machines and tasks move by themselves; telnet and a shell follow it, too.",
        )
    if row.name in LOCAL:
        data = COMMANDS.run(_nowhere(), row, params)
    else:
        data = msgspec.json.decode(await ask(row.name, COMMANDS.signature(row).given(params)))
    return text.render(row.name, data, (said.columns, 24), asked=words)


def _words(line: str) -> list[str]:
    """Raises InvalidParams for a quote that is not closed."""
    try:
        return split(line)
    except ValueError as error:
        raise InvalidParams(f"The line cannot be split into words: {error}.") from None


@cache
def _nowhere() -> Call:
    return Call(farm=Farm(), who=Who(), table=COMMANDS, info=lambda: {"version": __version__})
