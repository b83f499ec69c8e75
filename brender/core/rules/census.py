"""Placing channels that have no manager: all managers are asked at that moment, and the fewest get them (CL-15, CL-16).

It must not know why a channel waits: whoever adds one, or lets one go, begins a census.
"""

from __future__ import annotations

from heapq import heapreplace

from brender.core.context import Context
from brender.core.events import Counted
from brender.core.farm import Farm
from brender.core.hosting import Census
from brender.core.orders import CountChannels
from brender.core.rows import Channel
from brender.core.rules.managers import candidates, driver_of, host, lacks

A_TURN = 250  # channels that move in one turn of the farm, some 10 ms; the others follow at once


def begin(ctx: Context) -> None:
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
        place(ctx, census)


def place(ctx: Context, census: Census) -> None:
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
