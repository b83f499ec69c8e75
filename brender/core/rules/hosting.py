"""Which manager hosts which channel: asked at that moment, the fewest get them, and who goes gives its own to others.

A manager is a worker whose daemon says so. Pinned channels stay with theirs and go stale while it is away; floating
ones move. What people do to channels is in rules/channels.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapreplace

from brender.core.context import Context
from brender.core.events import ChannelsReady, ChannelStates, Counted, PlaceChannels
from brender.core.farm import Channel, Farm, Worker
from brender.core.hosting import HOSTED, Census
from brender.core.lifecycle import CHANNEL_MOVES, CHANNEL_TYPES, SYNTHETIC
from brender.core.orders import ChannelSpec, CountChannels, Host

A_MESSAGE = 500  # channels of one order: a frame has room for 4 MiB
A_TURN = 250  # channels that move in one turn of the farm, some 10 ms; the others follow at once
MAIN = "main"  # the group of a manager that has no others
LONGEST_ERROR = 500


def is_manager(worker: Worker) -> bool:
    """Whether its daemon hosts channels."""
    return "manager" in worker.facts.get("roles", ())


def groups_of(worker: Worker) -> list[str]:
    """Its groups, which share its channels evenly; one when nobody made any."""
    found = worker.config.get("groups")
    return [str(one) for one in found] if isinstance(found, list) and found else [MAIN]


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


# ---- one manager


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
    if not online:
        return
    for at in range(0, len(told), A_MESSAGE):
        specs = [spec_of(ctx.farm, channel) for channel in told[at : at + A_MESSAGE]]
        ctx.order(load.session, Host(put=specs, again=again))


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


# ---- managers come and go


def welcome(ctx: Context, worker: Worker) -> None:
    """A worker said hello: it is told all its channels, keeps those that it has as they are, and drops the others."""
    hosting = ctx.farm.hosting
    hosting.away.pop(worker.id, None)
    if not is_manager(worker):
        return
    mine = [ctx.farm.channels[one] for one in sorted(hosting.of.get(worker.id, ()))]
    ctx.order(ctx.farm.loads[worker.id].session, Host(keep=[channel.id for channel in mine]))
    able = []
    for channel in mine:
        lacking = lacks(ctx.farm, worker, channel)
        if lacking:
            ctx.ledger.set(channel, state="error", error=f"{worker.name} has no {lacking}")
        else:
            able.append(channel)
    for channel in able:
        if channel.state in ("assigned", "stale", "error"):
            ctx.ledger.set(channel, state="starting", error="")
    for at in range(0, len(able), A_MESSAGE):
        specs = [spec_of(ctx.farm, channel) for channel in able[at : at + A_MESSAGE]]
        ctx.order(ctx.farm.loads[worker.id].session, Host(put=specs))
    begin_census(ctx)


def gone(ctx: Context, worker: Worker, patience: float) -> None:
    """A worker's connection has ended: after so many seconds its floating channels are given to others."""
    hosting = ctx.farm.hosting
    if hosting.census is not None:
        hosting.census.asked.discard(worker.id)
    if hosting.count(worker.id):
        hosting.away[worker.id] = ctx.now + patience
        if patience <= 0:
            vacate(ctx, worker)


def vacate(ctx: Context, worker: Worker) -> None:
    """It is away, or is to have no more: floating channels wait for another manager, pinned ones go stale."""
    farm = ctx.farm
    farm.hosting.away.pop(worker.id, None)
    here = farm.loads[worker.id].session is not None
    others = [one for one in candidates(farm) if one is not worker]
    mine = [farm.channels[one] for one in sorted(farm.hosting.of.get(worker.id, ()))]
    leaving = [
        channel
        for channel in mine
        if channel.placement == "floating" and (not here or not all(lacks(farm, one, channel) for one in others))
    ]
    silent = [
        channel
        for channel in mine
        if channel.placement == "pinned" and not here and "stale" in CHANNEL_MOVES[channel.state]
    ]
    for channel in leaving[:A_TURN]:
        release(ctx, channel)
    for channel in silent[:A_TURN]:
        ctx.ledger.set(channel, state="stale", error=f"{worker.name} is {worker.presence}")
    if max(len(leaving), len(silent)) > A_TURN:
        farm.hosting.away[worker.id] = ctx.now
    else:
        begin_census(ctx)


def release(ctx: Context, channel: Channel) -> None:
    """It has no manager any more and waits for one."""
    drop(ctx, [channel])
    ctx.ledger.set(channel, state="new", manager_id=0, group="")


# ---- the census


def candidates(farm: Farm) -> list[Worker]:
    """Managers that may get floating channels now."""
    found = (farm.workers[one] for one in farm.sessions.values())
    return [one for one in found if is_manager(one) and one.admin_state == "enabled"]


def begin_census(ctx: Context) -> None:
    """Ask every manager how many channels it has at this moment, where something waits; joins one under way."""
    hosting = ctx.farm.hosting
    if not hosting.waiting or hosting.census is not None:
        return
    managers = candidates(ctx.farm)
    if not managers:
        for channel in _waiting(ctx.farm):
            ctx.ledger.set(channel, error="no manager is online")
        return
    hosting.censuses += 1
    hosting.census = Census(hosting.censuses, ctx.now + ctx.settings.census_seconds, {one.id for one in managers})
    for one in managers:
        ctx.order(ctx.farm.loads[one.id].session, CountChannels(hosting.censuses))


def counted(ctx: Context, event: Counted) -> None:
    """One manager has answered; the last answer ends the census."""
    found, census = ctx.load_at(event.session), ctx.farm.hosting.census
    if found is None or census is None or event.census != census.number:
        return
    census.counts[found[0].id] = max(0, event.count)
    census.asked.discard(found[0].id)
    if not census.asked:
        _place(ctx, census)


def look(ctx: Context, event: PlaceChannels) -> None:
    """Time is over: for managers that did not come back, and for those that did not answer."""
    hosting = ctx.farm.hosting
    for worker_id in [one for one, until in hosting.away.items() if until <= ctx.now]:
        hosting.away.pop(worker_id)
        worker = ctx.farm.workers.get(worker_id)
        gone_ = worker is not None and ctx.farm.loads[worker_id].session is None
        if worker is not None and (gone_ or worker.admin_state == "disabled"):
            vacate(ctx, worker)
    census = hosting.census
    if census is not None and (census.until <= ctx.now or not census.asked):
        _place(ctx, census)


def _waiting(farm: Farm) -> list[Channel]:
    found = []
    for channel_id in sorted(farm.hosting.waiting):
        channel = farm.channels.get(channel_id)
        if channel is None or channel.manager_id or channel.state != "new" or channel.placement != "floating":
            farm.hosting.waiting.discard(channel_id)
        else:
            found.append(channel)
    return found


class Ranks:
    """Managers by how many channels they have, for each need that channels have: one of thousands is found at once."""

    def __init__(self, farm: Farm, census: Census) -> None:
        self._farm = farm
        self._managers = candidates(farm)
        self.counts = {one.id: census.counts.get(one.id, farm.hosting.count(one.id)) for one in self._managers}
        self._able: dict[tuple[str, str], list[tuple[int, int]]] = {}  # need -> a heap of [count as it was, manager]

    def take(self, channel: Channel) -> int:
        """The manager that has the fewest of those that can host it, which has one more now; 0: none can."""
        need = (driver_of(self._farm, channel), channel.type)
        able = self._able.get(need)
        if able is None:
            fit = [one.id for one in self._managers if not lacks(self._farm, one, channel)]
            able = self._able[need] = sorted((self.counts[one], one) for one in fit)
        while able and able[0][0] != self.counts[able[0][1]]:  # it got some for another need since
            heapreplace(able, (self.counts[able[0][1]], able[0][1]))
        if not able:
            return 0
        chosen = able[0][1]
        self.counts[chosen] += 1
        heapreplace(able, (self.counts[chosen], chosen))
        return chosen

    def why_not(self, channel: Channel) -> str:
        """Why no manager can host it."""
        if not self._managers:
            return "no manager is online"
        return f"no manager that is online has the {lacks(self._farm, self._managers[0], channel)}"


def _place(ctx: Context, census: Census) -> None:
    """Each channel to the manager that has the fewest; of equals the one with the lowest id (CL-15, CL-16)."""
    farm = ctx.farm
    farm.hosting.census = None
    ranks = Ranks(farm, census)
    given: dict[int, list[Channel]] = {}
    placed = 0
    for channel in _waiting(farm):
        if placed == A_TURN:  # the others by the same counts, in the next turn
            farm.hosting.census = Census(census.number, ctx.now, set(), ranks.counts)
            break
        chosen = ranks.take(channel)
        if not chosen:
            ctx.ledger.set(channel, error=ranks.why_not(channel))
            continue
        placed += 1
        given.setdefault(chosen, []).append(channel)
        farm.hosting.waiting.discard(channel.id)
    for manager_id, channels in given.items():
        host(ctx, farm.workers[manager_id], channels)
        ctx.notice("channel.placed", manager=farm.workers[manager_id].name, count=len(channels))


# ---- what managers say


def ready(ctx: Context, event: ChannelsReady) -> None:
    """«I have set up everything, I start logging»: only now they are logging (CL-18)."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    for channel in _own(ctx.farm, found[0], event.started):
        ctx.ledger.set(channel, state="logging", error="", started_at=ctx.now)
    for channel in _own(ctx.farm, found[0], event.kept):
        ctx.ledger.set(channel, state="logging", error="", started_at=channel.started_at or ctx.now)
    failed = dict(event.failed)
    for channel in _own(ctx.farm, found[0], failed):
        _fail(ctx, found[0], channel, failed[channel.id])


def states(ctx: Context, event: ChannelStates) -> None:
    """Channels fell silent, failed, or are back."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    said = {channel_id: (state, why) for channel_id, state, why in event.channels}
    for channel in _own(ctx.farm, found[0], said):
        state, why = said[channel.id]
        if state == "error":
            _fail(ctx, found[0], channel, why)
        elif state in ("logging", "stale") and state in (*CHANNEL_MOVES[channel.state], channel.state):
            ctx.ledger.set(channel, state=state, error=why[:LONGEST_ERROR] if state == "stale" else "")
            if state == "stale":
                ctx.notice("channel.stale", id=channel.id, name=channel.name, why=channel.error)


def _fail(ctx: Context, worker: Worker, channel: Channel, why: str) -> None:
    ctx.ledger.set(channel, state="error", error=why[:LONGEST_ERROR] or "its manager does not say why")
    ctx.notice("channel.error", id=channel.id, name=channel.name, manager=worker.name, why=channel.error)


def _own(farm: Farm, worker: Worker, ids: Iterable[int]) -> list[Channel]:
    """Those of these channels that are still this manager's; what it says of others came too late."""
    mine = farm.hosting.of.get(worker.id, set())
    return [farm.channels[one] for one in ids if one in mine]
