"""Devices: what is measured at. A machine that reports itself makes its own; people and the database make others."""

from __future__ import annotations

from typing import Any

from brender.core.context import Context
from brender.core.events import Create, Delete, MoveChannels, Update
from brender.core.farm import Farm
from brender.core.rows import Channel, Device, Worker
from brender.core.rules import channels
from brender.core.rules.rows import check_version, checked, row_of, usable_name
from brender.errors import Exists, Invalid, NotFound, WrongState

EDITABLE: dict[str, type] = {
    "name": str,
    "worker_id": int,
    "description": str,
    "vendor_id": str,
    "product_id": str,
    "driver": str,
    "config": dict,
}
MOST_OWN = 64  # devices that one machine may report, and keys of each


def create(ctx: Context, event: Create) -> dict[str, Any]:
    values = checked("device", event.values, EDITABLE, required=("name",))
    check(ctx.farm, values)
    row = Device(ctx.ledger.new_id("device"), created_at=ctx.now, modified_at=ctx.now, **values)
    ctx.ledger.add(row)
    ctx.notice("device.created", id=row.id, name=row.name)
    return {"noun": "device", "row": row_of(row)}


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """Its own channels begin anew where they are read in another way; no others do (CL-35)."""
    values = checked("device", event.values, EDITABLE)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several devices.", hint="Name one device.")
    for device_id in event.ids:
        device = ctx.device(device_id)
        check_version("device", device, event.version)
        check(ctx.farm, values, device)
        write(ctx, device, values)
    return {"noun": "device", "rows": [row_of(ctx.device(device_id)) for device_id in event.ids]}


def write(ctx: Context, device: Device, values: dict[str, Any]) -> None:
    """Set attributes that were checked, and tell who reads it."""
    before, machine = (device.driver, device.config), device.worker_id
    ctx.ledger.set(device, **values)
    if device.worker_id != machine and device.worker_id and machine:
        followers = [one for one in channels_of(ctx.farm, device.id) if one.manager_id == machine]
        channels.move(ctx, MoveChannels([one.id for one in followers if one.placement == "pinned"], device.worker_id))
    if (device.driver, device.config) != before:
        channels.tell_again(ctx, channels_of(ctx.farm, device.id))


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """A device that no channel reads."""
    deleted = []
    for device_id in event.ids:
        device = ctx.device(device_id)
        user = next(iter(channels_of(ctx.farm, device_id)), None)
        if user is not None:
            raise WrongState(
                f"Device {device.name} is read by channel {user.name}.", hint=f"channel delete device={device.name}"
            )
        ctx.ledger.remove(device)
        deleted.append({"id": device.id, "name": device.name})
    return {"noun": "device", "deleted": deleted}


def channels_of(farm: Farm, device_id: int) -> list[Channel]:
    """The channels that read a device."""
    return [channel for channel in farm.channels.values() if channel.device_id == device_id]


def check(farm: Farm, values: dict[str, Any], device: Device | None = None) -> None:
    """Rules for the values of a device. Raises Invalid, Exists or NotFound."""
    name = values.get("name")
    known = farm.device_named(name) if name else None
    if known is not None and known is not device:
        raise Exists(f"A device named {name!r} exists already.", hint="device list")
    for word in ("vendor_id", "product_id"):
        found = values.get(word, "")
        if found and (len(found) != 4 or any(c not in "0123456789abcdef" for c in found)):
            raise Invalid(f"device {word} is 4 hexadecimal digits, not {found!r}.", hint="As in lspci -nn or dmesg.")
    worker_id = values.get("worker_id", 0)
    if worker_id and worker_id not in farm.workers:
        raise NotFound(f"There is no worker {worker_id}.", hint="worker list")


# ---- machines that report themselves


def report(ctx: Context, worker: Worker, before: Any) -> None:
    """Make the devices, keys and pinned channels that a machine says it has and did not say before: once, so that
    what people delete or rename stays as they want it."""
    known = {_address(one) for one in _described(before)}
    known |= {(one.driver, _index(one.config)) for one in ctx.farm.devices.values() if one.worker_id == worker.id}
    for one in _described(worker.facts.get("devices")):
        if _address(one) not in known:
            _enrol(ctx, worker, one, str(one["driver"]), one["config"])


def forget(ctx: Context, worker: Worker) -> int:
    """Delete the devices of a machine and the channels that read them there; how many channels.

    Raises WrongState when it measures for others, or others measure a device of its own.
    """
    mine = {one.id for one in ctx.farm.devices.values() if one.worker_id == worker.id}
    read = [one for one in ctx.farm.channels.values() if one.device_id in mine or one.manager_id == worker.id]
    others = [one for one in read if one.device_id not in mine or one.manager_id not in (worker.id, 0)]
    if others:
        first = others[0]
        at = f"is pinned to {worker.name}" if first.manager_id == worker.id else f"reads a device of {worker.name}"
        more = f", and {len(others) - 1} more are like that." if len(others) > 1 else "."
        move = f"   or   channel move {first.name} ANOTHER" if first.manager_id == worker.id else ""
        raise WrongState(f"Channel {first.name} {at}{more}", hint=f"channel delete {first.name}{move}")
    channels.delete(ctx, Delete("channel", [one.id for one in read]))
    for device_id in mine:
        ctx.ledger.remove(ctx.device(device_id))
    return len(read)


def _described(said: Any) -> list[dict[str, Any]]:
    """What can be understood of a list of devices."""
    shape = {"driver": str, "config": dict, "keys": dict}
    found = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    return [one for one in found if all(isinstance(one.get(name), kind) for name, kind in shape.items())][:MOST_OWN]


def _address(said: dict[str, Any]) -> tuple[str, str]:
    return said["driver"], _index(said["config"])


def _index(config: dict[str, Any]) -> str:
    return str(config.get("index", ""))


def _enrol(ctx: Context, worker: Worker, said: dict[str, Any], driver: str, config: dict[str, Any]) -> None:
    suffix = usable_name(str(said.get("name", "")))
    device = Device(
        ctx.ledger.new_id("device"),
        _free(ctx.farm, "device", f"{worker.name}.{suffix}" if suffix else worker.name),
        worker.id,
        str(said.get("description", ""))[:255],
        str(said.get("vendor_id", ""))[:4].lower(),
        str(said.get("product_id", ""))[:4].lower(),
        driver,
        config,
        created_at=ctx.now,
        modified_at=ctx.now,
    )
    ctx.ledger.add(device)
    ctx.notice("device.created", id=device.id, name=device.name)
    params = said.get("params") if isinstance(said.get("params"), dict) else {}
    rows = []
    for word, unit in list(said["keys"].items())[:MOST_OWN]:
        name = usable_name(str(word))
        if not name:
            continue
        key = ctx.farm.key_named(name) or channels.make_key(ctx, name, str(unit)[:40])
        values = {"name": _free(ctx.farm, "channel", f"{device.name}.{name}"), "device_id": device.id, "key_id": key.id}
        rows.append(channels.make(ctx, {**values, "placement": "pinned", "manager_id": worker.id, "params": params}))
    channels.settle(ctx, rows)


def _free(farm: Farm, table: str, wanted: str) -> str:
    """The name, numbered when it is taken."""
    chosen, count = wanted, 1
    while (table, 0, chosen) in farm.names:
        count += 1
        chosen = f"{wanted}-{count}"
    return chosen
