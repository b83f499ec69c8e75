"""Commands about channels: what is measured, where that runs, and what was measured last."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands.calls import Call, RunLines, Watch
from brender.commands.channel_selection import CHANNEL_WORD, CHANNELS, CHANNELS_OR_ALL, CHANNELS_TO_SET
from brender.commands.channel_values import (
    CHANNEL_CHANGES,
    CHANNEL_VALUES,
    NEW_CHANNELS,
    check_params,
    check_reading,
    row_values,
)
from brender.commands.inventory import MANAGER
from brender.commands.kinds import LOCAL_FILE, Arg
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.farm import Farm
from brender.core.rows import Channel, Worker
from brender.errors import Invalid, InvalidParams
from brender.wire.words import split
from brender.worker.sampling import TYPES

Some = Annotated[list[Channel], CHANNELS, Arg(text="which channels")]
Any_ = Annotated[list[Channel], CHANNELS_OR_ALL, Arg(text="which channels; all when left out")]
Values = Annotated[
    dict[str, Any] | None, CHANNEL_VALUES, Arg(text="type, device, key, manager, labels, its parameters")
]
MOST_LINES = 20_000


def listing(
    call: Call,
    channels: Any_,
    *,
    limit: Limit = 200,
    offset: Offset = 0,
    trend: Annotated[bool, Arg(text="also the last values of each, as a line of marks")] = False,
) -> dict[str, Any]:
    """List channels: how each is, which manager hosts it, its last value and how old that is."""
    shown = channels[offset : offset + limit]
    rows = [line(call, channel, trend) for channel in shown]
    return {"channels": rows, "total": len(channels), "offset": offset}


def watch(
    call: Call,
    channels: Any_,
    *,
    limit: Annotated[int, Meta(ge=1, le=1000), Arg(text="rows at most")] = 50,
) -> Watch:
    """Show channels with their last values as a line of marks, again and again as they change; Ctrl-C ends it."""
    row = call.table.rows["channel.list"]
    ids = [channel.id for channel in channels]
    wire = call.table.signature(row).read({"channels": ids, "limit": limit, "trend": True})
    return Watch("channel.watch", row.name, wire, call.table.run(call, row, wire), row.moving)


def show(call: Call, channels: Some) -> dict[str, Any]:
    """Show everything about channels."""
    rows = []
    for channel in channels:
        rows.append({**asdict(channel), **line(call, channel, False)})
    return {"channels": rows, "total": len(rows), "offset": 0}


def line(call: Call, channel: Channel, trend: bool) -> dict[str, Any]:
    """One channel in a line."""
    farm = call.farm
    at, value = farm.latest.get(channel.id, (None, None))
    row: dict[str, Any] = {
        "id": channel.id,
        "name": channel.name,
        "short_name": channel.short_name,
        "type": channel.type,
        "state": channel.state,
        **names_of(farm, channel.device_id, channel.key_id, channel.manager_id),
        "group": channel.group,
        "placement": channel.placement,
        "value": value,
        "at": at,
        "age": None if at is None else round(max(0.0, call.wall - at), 1),
        "error": channel.error,
        "started_at": channel.started_at,
    }
    if trend:
        row["trend"] = list(farm.trends.get(channel.id, ()))
    return row


def names_of(farm: Farm, device_id: int, key_id: int, manager_id: int) -> dict[str, Any]:
    """What a channel's numbers are called; `worker_id` is the machine that its device is part of, 0: of none."""
    device, key = farm.devices.get(device_id), farm.keys.get(key_id)
    return {
        "manager": _name(farm.workers, manager_id),
        "device": device.name if device is not None else "",
        "worker_id": device.worker_id if device is not None else 0,
        "key": key.name if key is not None else "",
        "unit": key.unit if key is not None else "",
    }


def _name(rows: dict[int, Any], row_id: int) -> str:
    found = rows.get(row_id)
    return "" if found is None else str(found.name)


def add(
    call: Call,
    names: Annotated[
        tuple[list[str], dict[str, Any]] | None, NEW_CHANNELS, Arg(text="names; {json}: values of all")
    ] = None,
    values: Values = None,
    *,
    channels: Annotated[list[dict[str, Any]] | None, Arg(text="each with its own name and values")] = None,
) -> events.Event:
    """Make channels and start them: those of a machine there, the others at the manager that has the fewest.

    A name DEVICE.KEY means that device and key, where both are known. Without a device the types easy, middle, hard
    and custom make their own values; for the others they come by reading put.
    """
    words, loose = names if names is not None else ([], {})
    given = [{"name": name, **loose, **(values or {})} for name in words]
    for one in channels or []:
        given.append({**loose, **(values or {}), **one})
    if not given:
        raise InvalidParams("channel add needs one name at least.", hint="channel add nas.free type=ntime timedelta=60")
    return events.AddChannels([_new(call.farm, one) for one in given], call.who.name)


def _new(farm: Farm, given: dict[str, Any]) -> dict[str, Any]:
    values = row_values(farm, given)
    name = values.get("name")
    if isinstance(name, str) and "device_id" not in values and "key_id" not in values:
        device, _, key = name.rpartition(".")
        known = farm.device_named(device), farm.key_named(key)
        if known[0] is not None and known[1] is not None:
            values |= {"device_id": known[0].id, "key_id": known[1].id}
    if isinstance(values.get("type", "scalar"), str):
        check_params(farm, values.get("type", "scalar"), values.get("params", {}))
    check_reading(farm.devices.get(values.get("device_id", 0)), farm.keys.get(values.get("key_id", 0)))
    return values


def change(
    call: Call,
    channels: Annotated[list[Channel], CHANNELS_TO_SET, Arg(text="which channels")],
    values: Annotated[dict[str, Any], CHANNEL_CHANGES, Arg(text="name, type, device, key, labels, its parameters")],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change channels; those whose reading changes begin anew, no others do. PARAMETER=none takes one out."""
    wanted = row_values(call.farm, values)
    for name in ("manager_id", "placement"):
        if name in wanted:
            raise InvalidParams("A channel is moved, not set.", hint="channel move NAME MANAGER")
    if not isinstance(wanted.get("type", ""), str):
        raise InvalidParams("The type of a channel is a word.", hint=f"One of {', '.join(TYPES)}.")
    for channel in channels:
        kind = wanted.get("type", channel.type)
        kept = channel.params if kind == channel.type else {}
        check_params(call.farm, kind, {**kept, **wanted.get("params", {})})
        device = call.farm.devices.get(wanted.get("device_id", channel.device_id))
        check_reading(device, call.farm.keys.get(wanted.get("key_id", channel.key_id)))
    return events.Update("channel", [channel.id for channel in channels], wanted, version, call.who.name)


def delete(call: Call, channels: Some) -> events.Event:
    """Stop channels and forget them."""
    return events.Delete("channel", [channel.id for channel in channels], call.who.name)


def start(call: Call, channels: Some) -> events.Event:
    """Start channels that were stopped."""
    return events.SwitchChannels([channel.id for channel in channels], "start", call.who.name)


def stop(call: Call, channels: Some) -> events.Event:
    """Measure no more, until they are started."""
    return events.SwitchChannels([channel.id for channel in channels], "stop", call.who.name)


def restart(call: Call, channels: Some) -> events.Event:
    """Begin channels anew."""
    return events.SwitchChannels([channel.id for channel in channels], "restart", call.who.name)


def move(
    call: Call,
    channel: Annotated[list[Channel], CHANNEL_WORD, Arg(text="a channel, a glob, all or a state")],
    manager: Annotated[Worker | None, MANAGER, Arg(text="to whom; whoever has the fewest when left out")] = None,
) -> events.Event:
    """Give channels to another manager; a pinned one is pinned there."""
    return events.MoveChannels([one.id for one in channel], manager.id if manager is not None else 0, call.who.name)


def load(
    call: Call,
    file: Annotated[str, LOCAL_FILE, Arg("f", "a file with lines; only the brender program reads files")] = "",
    *,
    lines: Annotated[list[str] | str | None, Arg(text="the lines themselves")] = None,
) -> RunLines:
    """Run lines of the form COMMAND ||| message, such as CHL_ADD ||| nas.free {"type": "ntime"}, one after the other.

    A line that is refused is named, and the others are run. Empty lines and those that begin with # say nothing.
    """
    if file:
        raise InvalidParams(
            "Files are read where you are, by the brender program.",
            hint="On your machine: brender channel load -f FILE",
        )
    found = lines.splitlines() if isinstance(lines, str) else lines or []
    if not found:
        raise InvalidParams("channel load needs lines.", hint="brender channel load -f FILE")
    if len(found) > MOST_LINES:
        raise Invalid(f"At most {MOST_LINES} lines are run at once, not {len(found)}.")
    return RunLines([(number, words) for number, text in enumerate(found, 1) if (words := _words(text))])


def _words(text: str) -> list[str]:
    """The words of a line; one that cannot be split is one word, which no command is."""
    text = text.strip()
    if not text or text.startswith("#"):
        return []
    command, bars, message = text.partition("|||")
    try:
        return [*command.split(), *split(message)] if bars else split(text)
    except ValueError:
        return [text]
