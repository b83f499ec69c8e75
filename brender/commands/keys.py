"""Commands about keys: what is measured, in what unit, and how it is calibrated."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.structs import asdict

from brender.commands.calls import Call
from brender.commands.inventory import KEY, KEY_VALUES, NEW_KEY_VALUES
from brender.commands.kinds import Arg
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.rows import Key

One = Annotated[Key, KEY, Arg(text="which key")]


def listing(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """List keys with their units and how many channels measure each."""
    counts: dict[int, int] = {}
    for channel in call.farm.channels.values():
        counts[channel.key_id] = counts.get(channel.key_id, 0) + 1
    rows = [{**asdict(key), "channels": counts.get(key.id, 0)} for key in call.farm.keys.values()]
    return {"keys": rows[offset : offset + limit], "total": len(rows), "offset": offset}


def add(
    call: Call,
    name: Annotated[str, Arg(text="its name, as the driver has it")],
    values: Annotated[dict[str, Any] | None, NEW_KEY_VALUES, Arg(text="unit, description, kind, mul, add")] = None,
) -> events.Event:
    """Make a key. What a probe says of it is kept as (value + add) * mul."""
    return events.Create("key", {"name": name, **(values or {})}, call.who.name)


def change(
    call: Call,
    key: One,
    values: Annotated[dict[str, Any], KEY_VALUES, Arg(text="name, unit, description, kind, mul, add")],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change a key; its channels begin anew where what is kept of them changes."""
    return events.Update("key", [key.id], values, version, call.who.name)


def delete(call: Call, key: One) -> events.Event:
    """Delete a key that no channel measures."""
    return events.Delete("key", [key.id], call.who.name)
