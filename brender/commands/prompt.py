"""What a program with a prompt of its own asks about a line before it is entered: how it may go on, what it would do.

The console, the command line's shell completion and the page use it; nothing here changes a farm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct
from msgspec.structs import asdict

from brender.commands import completion, touches
from brender.commands.calls import ANYBODY, Call, Unwatch, Watch
from brender.commands.kinds import LOOSE, Arg
from brender.commands.table import Row
from brender.core.events import Event
from brender.errors import Invalid, InvalidParams
from brender.wire.words import split

MOST_WATCHED = 1000  # rows
LONGEST_HELPED = 8 * 1024  # characters, 20 ms of the hub; a longer line is pasted, and nobody completes it
LONGEST = 16 * 1024  # whoever has more sends the method and its params
Line = Annotated[str, Arg(text="the line as typed so far")]
READERS = (ANYBODY, "viewer")  # what these may do changes nothing


def complete(
    call: Call,
    line: Line,
    cursor: Annotated[int | None, Meta(ge=0), Arg(text="characters before the cursor; all when left out")] = None,
) -> dict[str, Any]:
    """Say what may stand in place of the line's characters from `start` to the cursor: whole words, quoted if need be.

    `about` is what a word means, or how the thing it names is. Positions count characters, not bytes.
    """
    at = len(line) if cursor is None else min(cursor, len(line))
    found = completion.complete(call, line, at) if len(line) <= LONGEST_HELPED else completion.Completion(at, [])
    return {"start": found.start, "items": [asdict(item) for item in found.items]}


def touch(
    call: Call,
    line: Annotated[str, Meta(max_length=LONGEST), Arg(text="the line as it would be entered")] = "",
    *,
    method: Annotated[str, Arg(text="instead of a line: the method it would be")] = "",
    params: Annotated[list[Any] | dict[str, Any] | None, LOOSE, Arg(text="and its params")] = None,
) -> dict[str, Any]:
    """Say whether a command takes something away, and how many things of which noun it would change. Changes nothing.

    What the command would be refused with is the error here, too.
    """
    row, wire = _meant(call, line, method, params)
    if row is None or wire is None:
        return {"destructive": False, **asdict(touches.Touched())}
    destructive = row.destructive and bool(getattr(wire, row.destructive_with, row.destructive_with == ""))
    found = None if row.role in READERS or row.reads is not None else call.table.run(call, row, wire)
    touched = touches.of_event(call.farm, found) if isinstance(found, Event) else touches.Touched()
    return {"destructive": destructive, **asdict(touched)}


#: Commands that are the watch of a list under a name of their own: that list, and what is always asked of it.
WATCHES: Mapping[str, tuple[str, dict[str, Any]]] = {"channel.watch": ("channel.list", {"limit": 50, "trend": True})}


def as_watch(method: str, given: dict[str, Any]) -> dict[str, Any] | None:
    """The params of rpc.watch that such a command stands for, where a program draws what is watched itself."""
    found = WATCHES.get(method)
    if found is None:
        return None
    return {"method": found[0], "params": {**found[1], **given}}


def watch(
    call: Call,
    method: Annotated[str, Arg(text="a command that reads: at the prompt its words follow, watch worker list")],
    params: Annotated[list[Any] | dict[str, Any] | None, LOOSE, Arg(text="its params")] = None,
    *,
    name: Annotated[str, Meta(max_length=255), Arg(text="what you call it; the method when left out")] = "",
) -> Watch:
    """Answer what a command that reads answers, and again as often as that changes; or follow a job: watch JOB.

    It is asked again when something has happened, twice a second at the most. A program gets the first answer at once,
    then rpc.watched events of its own session. Ctrl-C, rpc unwatch or farm unsubscribe ends it. A word that is a noun
    or a command is no job here; job watch follows a job of that name.
    """
    row = call.table.method(method)
    if not row.watched:
        raise Invalid(f"{row.words} cannot be watched.", hint="Lists, show, status and why can: watch worker list.")
    wire = call.table.signature(row).read(params)
    limit = getattr(wire, "limit", UNSET)
    if limit is not UNSET and limit > MOST_WATCHED:
        raise Invalid(f"At most {MOST_WATCHED} rows are watched at once, not {limit}.", hint="Use offset for others.")
    return Watch(name or row.name, row.name, wire, call.table.run(call, row, wire), row.moving)


def unwatch(call: Call, name: Annotated[str, Arg(text="one of them; all when left out")] = "") -> Unwatch:
    """End what this session watches."""
    return Unwatch(name)


def _meant(
    call: Call, line: str, method: str, params: list[Any] | dict[str, Any] | None
) -> tuple[Row | None, Struct | None]:
    if method:
        return call.table.read(method, params)
    try:
        words = [word for word in split(line) if word != "--json"]
    except ValueError as error:
        raise InvalidParams(f"The line cannot be split into words: {error}.") from None
    return call.table.resolve(words) if words else (None, None)
