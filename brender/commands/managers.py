"""Commands about managers: the workers that host channels, and the groups among which each divides its own."""

from __future__ import annotations

from typing import Annotated, Any

from brender.commands.calls import Call
from brender.commands.channels import listing as channel_listing
from brender.commands.inventory import MANAGER
from brender.commands.kinds import Arg
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.farm import Farm
from brender.core.rows import Worker
from brender.core.rules.managers import groups_of, is_manager
from brender.errors import Exists, NotFound, WrongState, nearest

One = Annotated[Worker, MANAGER, Arg(text="which manager")]


def listing(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """List managers with their channels, groups, process and when they last got or lost a channel."""
    rows = [_line(call.farm, worker) for worker in call.farm.workers.values() if is_manager(worker)]
    return {"managers": rows[offset : offset + limit], "total": len(rows), "offset": offset}


def _line(farm: Farm, worker: Worker) -> dict[str, Any]:
    mine = [farm.channels[one] for one in farm.hosting.of.get(worker.id, ())]
    daemon = worker.facts.get("daemon", {})
    started = daemon.get("started_at")
    return {
        "id": worker.id,
        "name": worker.name,
        "state": worker.admin_state,
        "presence": worker.presence,
        "channels": len(mine),
        "logging": sum(channel.state == "logging" for channel in mine),
        "floating": sum(channel.placement == "floating" for channel in mine),
        "groups": groups_of(worker),
        "pid": daemon.get("pid"),
        "pid_path": daemon.get("pid_path", ""),
        "started_at": started,
        "modified_at": worker.rehosted_at or started,
        "clock_skew": worker.facts.get("clock_skew"),
    }


def channels(call: Call, manager: One) -> dict[str, Any]:
    """List the channels of one manager."""
    mine = [call.farm.channels[one] for one in sorted(call.farm.hosting.of.get(manager.id, ()))]
    return channel_listing(call, mine, limit=10_000)


def groups(call: Call, manager: One) -> dict[str, Any]:
    """List the groups of a manager: each reads its channels in a line of its own, so that none waits for another."""
    counts = dict.fromkeys(groups_of(manager), 0)
    for channel_id in call.farm.hosting.of.get(manager.id, ()):
        group = call.farm.channels[channel_id].group
        counts[group] = counts.get(group, 0) + 1
    return {"manager": manager.name, "groups": [{"name": name, "channels": count} for name, count in counts.items()]}


def group_add(call: Call, manager: One, group: Annotated[str, Arg(text="its name")]) -> events.Event:
    """Give a manager another group; channels that come go to the group that has the fewest."""
    found = groups_of(manager)
    if group in found:
        raise Exists(f"Manager {manager.name} has a group {group!r} already.", hint=f"manager groups {manager.name}")
    return events.SetGroups(manager.id, [*found, group], call.who.name)


def group_remove(call: Call, manager: One, group: Annotated[str, Arg(text="its name")]) -> events.Event:
    """Take a group from a manager; its channels go to the other groups and begin nothing anew."""
    found = groups_of(manager)
    if group not in found:
        raise NotFound(
            f"Manager {manager.name} has no group {group!r}.", hint=nearest(group, found) or ", ".join(found)
        )
    if len(found) == 1:
        raise WrongState(f"{group} is the only group of manager {manager.name}.", hint="manager group-add NAME GROUP")
    return events.SetGroups(manager.id, [one for one in found if one != group], call.who.name)
