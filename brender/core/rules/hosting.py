"""Channels and the managers that host them: who comes gets its own, who goes gives them to others, and what they say.

Pinned channels stay with theirs and go stale while it is away; floating ones move. Who gets one is for census.py to
say; what people do to channels is in rules/channels.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from brender.core.context import Context
from brender.core.events import ChannelsReady, ChannelStates, PlaceChannels
from brender.core.farm import Farm
from brender.core.lifecycle import CHANNEL_MOVES
from brender.core.orders import Host
from brender.core.rows import Channel, Worker
from brender.core.rules import census
from brender.core.rules.managers import candidates, drop, is_manager, lacks, put

LONGEST_ERROR = 500  # characters


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
    put(ctx, worker, able)
    census.begin(ctx)


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
    for channel in leaving[: census.A_TURN]:
        release(ctx, channel)
    for channel in silent[: census.A_TURN]:
        ctx.ledger.set(channel, state="stale", error=f"{worker.name} is {worker.presence}")
    if max(len(leaving), len(silent)) > census.A_TURN:
        farm.hosting.away[worker.id] = ctx.now
    else:
        census.begin(ctx)


def release(ctx: Context, channel: Channel) -> None:
    """It has no manager any more and waits for one."""
    drop(ctx, [channel])
    ctx.ledger.set(channel, state="new", manager_id=0, group="")


def look(ctx: Context, event: PlaceChannels) -> None:
    """Time is over: for managers that did not come back, and for those that did not answer."""
    hosting = ctx.farm.hosting
    for worker_id in [one for one, until in hosting.away.items() if until <= ctx.now]:
        hosting.away.pop(worker_id)
        worker = ctx.farm.workers.get(worker_id)
        gone_ = worker is not None and ctx.farm.loads[worker_id].session is None
        if worker is not None and (gone_ or worker.admin_state == "disabled"):
            vacate(ctx, worker)
    asked = hosting.census
    if asked is not None and (asked.until <= ctx.now or not asked.asked):
        census.place(ctx, asked)


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
