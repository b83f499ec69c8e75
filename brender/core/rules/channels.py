"""Channels: what people do to them. One that is added, altered or removed touches no other (CL-35).

Where they run is for hosting.py and census.py to say. What a type's parameters mean is the worker's business: here they
are plain values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brender.core.context import Context
from brender.core.events import AddChannels, Delete, MoveChannels, SetGroups, SwitchChannels, Update
from brender.core.farm import Farm
from brender.core.lifecycle import CHANNEL_TYPES, SYNTHETIC
from brender.core.rows import Channel, Key, Worker
from brender.core.rules import census, hosting, managers
from brender.core.rules.rows import check_name, check_version, checked, row_of
from brender.errors import Exists, Invalid, WrongState

VALUES: dict[str, type] = {
    "name": str,
    "short_name": str,
    "device_id": int,
    "key_id": int,
    "type": str,
    "params": dict,
    "placement": str,
    "manager_id": int,
    "labels": dict,
}
EDITABLE = {name: kind for name, kind in VALUES.items() if name not in ("placement", "manager_id")}
PLACEMENTS = ("pinned", "floating")
MOST_AT_ONCE = 10_000  # all or none of them in one turn, 30 us each
MOST_GROUPS = 32
READ_BY = ("device_id", "key_id", "type", "params")  # what a manager has to know anew


def add(ctx: Context, event: AddChannels) -> dict[str, Any]:
    """All of a list or none of it; what floats waits for the census that this begins (CL-14 to CL-16)."""
    if not 0 < len(event.channels) <= MOST_AT_ONCE:
        raise Invalid(f"A list holds 1 to {MOST_AT_ONCE} channels, not {len(event.channels)}.")
    rows = []
    for given in event.channels:
        values = checked("channel", given, VALUES, required=("name",))
        check(ctx.farm, values)
        rows.append(make(ctx, values))
    check_short(ctx.farm, rows)
    settle(ctx, rows)
    return {"channels": [{"id": row.id, "name": row.name, "state": row.state} for row in rows]}


def make(ctx: Context, values: dict[str, Any], row_id: int = 0) -> Channel:
    """A row whose values were checked, with an id of its own or this one; `settle` finds it a manager."""
    row = Channel(
        row_id or ctx.ledger.new_id("channel"), created_at=ctx.now, modified_at=ctx.now, **_placed(ctx.farm, values)
    )
    ctx.ledger.add(row)
    ctx.notice("channel.created", id=row.id, name=row.name)
    return row


def settle(ctx: Context, rows: Sequence[Channel]) -> None:
    """Pinned ones are told to their managers, floating ones wait for a census."""
    by_manager: dict[int, list[Channel]] = {}
    for row in rows:
        if row.placement == "pinned":
            by_manager.setdefault(row.manager_id, []).append(row)
    for manager_id, mine in by_manager.items():
        managers.host(ctx, ctx.worker(manager_id), mine)
    census.begin(ctx)


def check_short(farm: Farm, rows: Sequence[Channel]) -> None:
    """A short name means one channel, as its name does (CL-31). Raises Exists."""
    held: dict[str, str] = {}
    wanted = {row.short_name for row in rows} - {""}
    for row in farm.channels.values() if wanted else ():
        if row.short_name in wanted:
            other = held.setdefault(row.short_name, row.name)
            named = farm.channel_named(row.short_name)
            if other != row.name or named not in (None, row):
                whose = f"the short name of {other}" if other != row.name else "the name of another channel"
                raise Exists(f"Channel {row.name}: {row.short_name!r} is {whose} already.", hint="Take another word.")


def make_key(ctx: Context, name: str, unit: str = "", **values: Any) -> Key:
    """A new key; that its name is free was checked."""
    row = Key(ctx.ledger.new_id("key"), name, unit, created_at=ctx.now, modified_at=ctx.now, **values)
    ctx.ledger.add(row)
    ctx.notice("key.created", id=row.id, name=row.name)
    return row


def _placed(farm: Farm, values: dict[str, Any]) -> dict[str, Any]:
    """A device that is part of a machine, and a manager that is named, pin a channel, unless it is said to float."""
    device = farm.devices.get(values.get("device_id", 0))
    manager = values.get("manager_id") or (device.worker_id if device is not None else 0)
    placement = values.get("placement") or ("pinned" if manager else "floating")
    if placement == "pinned" and not manager:
        raise Invalid(f"Channel {values['name']} is pinned to no manager.", hint="Name one: manager=render-01")
    return {**values, "placement": placement, "manager_id": manager if placement == "pinned" else 0}


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """Parameters that are named change, None takes one out, the others stay; another type begins with none of them.
    Only these channels begin anew."""
    values = checked("channel", event.values, EDITABLE)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several channels.", hint="Name one channel.")
    for channel_id in event.ids:
        channel = ctx.channel(channel_id)
        check_version("channel", channel, event.version)
        write(ctx, channel, _merged(channel, values))
    return {"noun": "channel", "rows": [row_of(ctx.channel(channel_id)) for channel_id in event.ids]}


def _merged(channel: Channel, values: dict[str, Any]) -> dict[str, Any]:
    same_type = values.get("type", channel.type) == channel.type
    if "params" not in values and same_type:
        return values
    merged = {**(channel.params if same_type else {}), **values.get("params", {})}
    return {**values, "params": {name: value for name, value in merged.items() if value is not None}}


def write(ctx: Context, channel: Channel, values: dict[str, Any]) -> None:
    """Check and set attributes, and tell its manager where that has to know."""
    check(ctx.farm, values, channel)
    before = [getattr(channel, name) for name in READ_BY]
    ctx.ledger.set(channel, **values)
    if "short_name" in values:
        check_short(ctx.farm, [channel])
    if [getattr(channel, name) for name in READ_BY] != before:
        tell_again(ctx, [channel])


def tell_again(ctx: Context, channels: Sequence[Channel]) -> None:
    """These are read in another way from now on: their managers begin them anew."""
    found: dict[int, list[Channel]] = {}
    for channel in channels:
        if channel.manager_id and channel.state != "stopped":
            found.setdefault(channel.manager_id, []).append(channel)
    for manager_id, mine in found.items():
        managers.host(ctx, ctx.worker(manager_id), mine)


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """Stop and forget; what was measured stays readable by nobody's name (CL-23)."""
    rows = [ctx.channel(channel_id) for channel_id in dict.fromkeys(event.ids)]
    managers.drop(ctx, rows)
    for row in rows:
        ctx.ledger.remove(row)
    return {"noun": "channel", "deleted": [{"id": row.id, "name": row.name} for row in rows]}


def switch(ctx: Context, event: SwitchChannels) -> dict[str, Any]:
    """Start, stop or restart; what is so already is named and left alone."""
    if event.act not in ("start", "stop", "restart"):
        raise Invalid(f"A channel is started, stopped or restarted, not {event.act!r}.")
    rows = [ctx.channel(channel_id) for channel_id in dict.fromkeys(event.channels)]
    same = [row for row in rows if event.act != "restart" and (row.state == "stopped") == (event.act == "stop")]
    changed = [row for row in rows if row not in same]
    if event.act == "stop":
        managers.drop(ctx, changed)
        for row in changed:
            manager = row.manager_id if row.placement == "pinned" else 0
            ctx.ledger.set(row, state="stopped", error="", manager_id=manager, started_at=None)
    else:
        _start(ctx, changed)
    names = [[{"id": row.id, "name": row.name} for row in some] for some in (changed, same)]
    return {"act": event.act, "changed": names[0], "unchanged": names[1]}


def _start(ctx: Context, rows: Sequence[Channel]) -> None:
    """What has a manager begins anew there; what has none waits for one."""
    by_manager: dict[int, list[Channel]] = {}
    for row in rows:
        if row.manager_id:
            by_manager.setdefault(row.manager_id, []).append(row)
        elif row.state == "stopped":
            ctx.ledger.set(row, state="new", error="")
    for manager_id, mine in by_manager.items():
        managers.host(ctx, ctx.worker(manager_id), mine, again=True)
    census.begin(ctx)


def move(ctx: Context, event: MoveChannels) -> dict[str, Any]:
    """To a manager that was named; a pinned channel is pinned there from now on. 0: whoever has the fewest."""
    rows = [ctx.channel(channel_id) for channel_id in dict.fromkeys(event.channels)]
    if not event.manager:
        for row in rows:
            if row.placement != "floating":
                raise WrongState(f"Channel {row.name} is pinned; it floats to nobody.", hint="Name a manager.")
            if row.state != "stopped":
                hosting.release(ctx, row)
        census.begin(ctx)
        return {"moved": [{"id": row.id, "name": row.name} for row in rows], "manager": ""}
    manager = ctx.worker(event.manager)
    _check_manager(manager)
    away = [row for row in rows if row.manager_id != manager.id]
    managers.drop(ctx, away)
    for row in away:
        if row.state == "stopped":
            ctx.ledger.set(row, manager_id=manager.id if row.placement == "pinned" else 0)
    managers.host(ctx, manager, [row for row in away if row.state != "stopped"])
    return {"moved": [{"id": row.id, "name": row.name} for row in away], "manager": manager.name}


def set_groups(ctx: Context, event: SetGroups) -> dict[str, Any]:
    """Channels of a group that is gone go to the others; those of the others stay where they are."""
    manager = ctx.worker(event.manager)
    if len(event.groups) > MOST_GROUPS or len(set(event.groups)) != len(event.groups):
        raise Invalid(f"A manager has up to {MOST_GROUPS} groups, each once.")
    for name in event.groups:
        check_name("group", name)
    ctx.ledger.set(manager, config={**manager.config, "groups": event.groups})
    kept = managers.groups_of(manager)
    moved = [ctx.farm.channels[one] for one in sorted(ctx.farm.hosting.of.get(manager.id, ()))]
    managers.host(ctx, manager, [row for row in moved if row.group not in kept])
    return {"manager": manager.name, "groups": kept}


def place_anew(ctx: Context, channel: Channel, placement: str, manager_id: int) -> None:
    """Pin a channel to a manager, or let it float from where it is. Raises Invalid."""
    check(ctx.farm, {"placement": placement, "manager_id": manager_id}, channel)
    placed = _placed(ctx.farm, {"name": channel.name, "placement": placement, "manager_id": manager_id})
    if placement == "floating" or placed["manager_id"] == channel.manager_id:
        ctx.ledger.set(channel, placement=placement)
        return
    managers.drop(ctx, [channel])
    ctx.ledger.set(channel, placement=placement)
    if channel.state == "stopped":
        ctx.ledger.set(channel, manager_id=placed["manager_id"])
    else:
        managers.host(ctx, ctx.worker(placed["manager_id"]), [channel])


def _check_manager(manager: Worker) -> None:
    if not managers.is_manager(manager):
        raise WrongState(f"Worker {manager.name} hosts no channels.", hint="See manager list.")


def check(farm: Farm, values: dict[str, Any], channel: Channel | None = None) -> None:
    """Rules for the values of a channel. Raises Invalid or Exists, naming the channel."""
    name = str(values.get("name", channel.name if channel is not None else ""))
    known = farm.channel_named(name)
    if known is not None and known is not channel:
        raise Exists(f"A channel named {name!r} exists already.", hint="channel list")
    kind = values.get("type", channel.type if channel is not None else "scalar")
    if kind not in CHANNEL_TYPES and (channel is None or kind != channel.type):
        types = [*CHANNEL_TYPES, *managers.offered_types(farm)]
        if kind not in types:
            raise Invalid(f"Channel {name}: there is no type {kind!r}.", hint=f"One of {', '.join(types)}.")
    if values.get("short_name"):
        check_name("channel short", values["short_name"])
    if values.get("placement") not in (None, "", *PLACEMENTS):
        raise Invalid(f"Channel {name} is pinned or floating, not {values['placement']!r}.")
    manager = values.get("manager_id", 0)
    if manager and manager not in farm.workers:
        raise Invalid(f"Channel {name}: there is no worker {manager}.", hint="manager list")
    device = values.get("device_id", channel.device_id if channel is not None else 0)
    key = values.get("key_id", channel.key_id if channel is not None else 0)
    if (device and device not in farm.devices) or (key and key not in farm.keys):
        raise Invalid(f"Channel {name}: there is no device {device} or key {key}.", hint="device list, key list")
    if device and not key and kind not in SYNTHETIC:
        raise Invalid(f"Channel {name} says of what device, not what is measured there.", hint="key=cpu")
    for label, value in (values.get("labels") or {}).items():
        if not isinstance(value, str) or not 0 < len(label) <= 64 or len(value) > 255:
            raise Invalid(f"Channel {name}: label {label[:64]!r} is a word of up to 64 characters with a text.")
