"""Commands about devices: what is measured at, and which drivers there are to ask it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.structs import asdict

from brender.commands import inventory
from brender.commands.calls import Call
from brender.commands.inventory import DEVICE, DEVICE_VALUES, NEW_DEVICE_VALUES
from brender.commands.kinds import Arg
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.farm import Farm
from brender.core.rows import Device
from brender.worker.instruments import INSTRUMENTS

One = Annotated[Device, DEVICE, Arg(text="which device")]


def listing(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """List devices with their drivers and how many channels read each."""
    counts: dict[int, int] = {}
    for channel in call.farm.channels.values():
        counts[channel.device_id] = counts.get(channel.device_id, 0) + 1
    rows = [_line(call.farm, device, counts.get(device.id, 0)) for device in call.farm.devices.values()]
    return {"devices": rows[offset : offset + limit], "total": len(rows), "offset": offset}


def _line(farm: Farm, device: Device, channels: int) -> dict[str, Any]:
    worker = farm.workers.get(device.worker_id)
    return {**asdict(device), "worker": worker.name if worker is not None else "", "channels": channels}


def show(call: Call, device: One) -> dict[str, Any]:
    """Show a device and the channels that read it."""
    names = [channel.name for channel in call.farm.channels.values() if channel.device_id == device.id]
    return {**_line(call.farm, device, len(names)), "names": names}


def drivers(call: Call) -> dict[str, Any]:
    """List drivers: what each measures, what can be set of it, and how many managers that are online have it."""
    offered: dict[str, int] = {}
    plug_ins: dict[str, Any] = {}
    for worker_id in call.farm.sessions.values():
        facts = call.farm.workers[worker_id].facts
        for name in facts.get("probes", ()):
            offered[name] = offered.get(name, 0) + 1
        plug_ins |= facts.get("plug_ins", {})
    rows = [
        {
            "name": name,
            "text": one.text,
            "keys": list(one.keys),
            "config": list(one.config.__struct_fields__),
            "managers": offered.get(name, 0),
            "schema": inventory.schema_of(name),
        }
        for name, one in INSTRUMENTS.items()
    ]
    others = sorted(offered.keys() - INSTRUMENTS.keys())
    rows += [_of_plug_in(name, plug_ins.get(name, {}), offered[name]) for name in others]
    return {"drivers": rows}


def _of_plug_in(name: str, said: dict[str, Any], managers: int) -> dict[str, Any]:
    """A driver by what a manager that has it says of it."""
    schema = said.get("schema", {})
    text = said.get("text") or "of a plug-in"
    keys, config = said.get("keys", []), list(schema.get("properties", {}))
    return {"name": name, "text": text, "keys": keys, "config": config, "managers": managers, "schema": schema}


def add(
    call: Call,
    name: Annotated[str, Arg(text="its name")],
    values: Annotated[
        dict[str, Any] | None, NEW_DEVICE_VALUES, Arg(text="driver, config, worker, description, vendor_id, product_id")
    ] = None,
) -> events.Event:
    """Make a device. Its config is checked against its driver's schema."""
    given = values or {}
    inventory.check_device(call.farm, given.get("driver", ""), given.get("config", {}))
    return events.Create("device", {"name": name, **given}, call.who.name)


def change(
    call: Call,
    device: One,
    values: Annotated[dict[str, Any], DEVICE_VALUES, Arg(text="name, driver, config, worker, description, ids")],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change a device; its channels begin anew where they are read in another way.

    With another worker its pinned channels go there and keep their history: a machine that was replaced.
    """
    inventory.check_device(call.farm, values.get("driver", device.driver), values.get("config", device.config))
    return events.Update("device", [device.id], values, version, call.who.name)


def delete(call: Call, device: One) -> events.Event:
    """Delete a device that no channel reads."""
    return events.Delete("device", [device.id], call.who.name)
