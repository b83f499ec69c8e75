"""Managers: which worker hosts channels, what each of them can host, and how it is told of its own.

A manager is a worker whose daemon says so. It must not know when a channel moves: hosting.py and census.py decide that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from brender.core.context import Context
from brender.core.farm import Farm
from brender.core.hosting import HOSTED
from brender.core.lifecycle import CHANNEL_TYPES, SYNTHETIC
from brender.core.orders import ChannelSpec, Host
from brender.core.rows import Channel, Worker

A_MESSAGE = 500  # channels of one order: a frame has room for 4 MiB
MAIN = "main"  # the group of a manager that has no others


def is_manager(worker: Worker) -> bool:
    """Whether its daemon hosts channels."""
    return "manager" in worker.facts.get("roles", ())


def groups_of(worker: Worker) -> list[str]:
    """Its groups, which share its channels evenly; one when nobody made any."""
    found = worker.config.get("groups")
    return [str(one) for one in found] if isinstance(found, list) and found else [MAIN]


def candidates(farm: Farm) -> list[Worker]:
    """Managers that may get floating channels now."""
    found = (farm.workers[one] for one in farm.sessions.values())
    return [one for one in found if is_manager(one) and one.admin_state == "enabled"]


def lacks(farm: Farm, worker: Worker, channel: Channel) -> str:
    """What it does not have that this channel needs, in words; empty where it can host it."""
    driver = driver_of(farm, channel)
    if driver and driver not in worker.facts.get("probes", ()):
        return f"probe {driver!r}"
    if channel.type not in CHANNEL_TYPES and channel.type not in worker.facts.get("channel_types", ()):
        return f"channel type {channel.type!r}"
    return ""


def offered_types(farm: Farm) -> list[str]:
    """Channel types of plug-ins that some manager has, or had when it was here last."""
    return sorted({str(name) for worker in farm.workers.values() for name in worker.facts.get("channel_types", ())})


def driver_of(farm: Farm, channel: Channel) -> str:
    """The probe that a channel is read with; none for types that make their own values."""
    if channel.type in SYNTHETIC or not channel.device_id:
        return ""
    return farm.devices[channel.device_id].driver


def spec_of(farm: Farm, channel: Channel) -> ChannelSpec:
    """What its manager is told of it."""
    spec = ChannelSpec(channel.id, channel.name, channel.type, channel.params, group=channel.group)
    driver = driver_of(farm, channel)
    if driver:
        device = farm.devices[channel.device_id]
        spec.device, spec.driver, spec.config = device.id, driver, device.config
    key = farm.keys.get(channel.key_id)
    if key is not None:
        spec.key, spec.mul, spec.add = key.name, key.mul, key.add
    return spec


def host(ctx: Context, manager: Worker, channels: Iterable[Channel], again: bool = False) -> None:
    """These are the manager's: tell it, if it is here; else it hears of them when it comes."""
    load = ctx.farm.loads[manager.id]
    ctx.ledger.set(manager, rehosted_at=ctx.now)
    online = load.session is not None and is_manager(manager)
    told = []
    for channel in channels:
        group = channel.group if channel.manager_id == manager.id else ""
        values = {"manager_id": manager.id, "group": _group_for(ctx.farm, manager, group), "error": ""}
        lacking = lacks(ctx.farm, manager, channel) if online else ""
        if lacking:
            values["error"] = f"{manager.name} has no {lacking}"
            ctx.ledger.set(channel, state="error", **values)
            continue
        ctx.ledger.set(channel, state="starting" if online else "assigned", **values)
        told.append(channel)
    if online:
        put(ctx, manager, told, again)


def put(ctx: Context, manager: Worker, channels: Sequence[Channel], again: bool = False) -> None:
    """What it is to read of these, in orders of bounded size."""
    for at in range(0, len(channels), A_MESSAGE):
        specs = [spec_of(ctx.farm, channel) for channel in channels[at : at + A_MESSAGE]]
        ctx.order(ctx.farm.loads[manager.id].session, Host(put=specs, again=again))


def drop(ctx: Context, channels: Iterable[Channel]) -> None:
    """Their managers give these up; the rows are the caller's."""
    found: dict[int, list[int]] = {}
    for channel in channels:
        if channel.manager_id in ctx.farm.loads and channel.state in HOSTED:
            found.setdefault(channel.manager_id, []).append(channel.id)
    for manager_id, ids in found.items():
        ctx.ledger.set(ctx.farm.workers[manager_id], rehosted_at=ctx.now)
        ctx.order(ctx.farm.loads[manager_id].session, Host(drop=ids))


def _group_for(farm: Farm, manager: Worker, present: str) -> str:
    """The group of this manager that has the fewest channels; the first of equals."""
    groups = groups_of(manager)
    if present in groups or len(groups) == 1:
        return present if present in groups else groups[0]
    counts = dict.fromkeys(groups, 0)
    for channel_id in farm.hosting.of.get(manager.id, ()):
        group = farm.channels[channel_id].group
        if group in counts:
            counts[group] += 1
    return min(groups, key=lambda group: counts[group])
