"""Commands about limits: licences and whatever else the farm has only so many of. Steps name them in `limits`."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands.calls import Call
from brender.commands.kinds import LIMIT_VALUES, Arg, Kind, Others, starting
from brender.commands.selection import as_id
from brender.commands.workers import Limit as Most
from brender.commands.workers import Offset
from brender.core import events
from brender.core.farm import Farm, Limit
from brender.errors import NotFound, nearest


class LimitRef(Kind):
    """One limit, by name or id."""

    wire = str | int
    expects = "a limit's name or id"

    def parse(self, call: Call, value: Any, others: Others) -> Limit:
        found = call.farm.limit_named(value) if isinstance(value, str) else None
        if found is None:
            number = as_id(value)
            found = call.farm.limits.get(number) if number is not None else None
        if found is None:
            names = [limit.name for limit in call.farm.limits.values()]
            raise NotFound(f"There is no limit {value!r}.", hint=nearest(str(value), names) or "See limit list.")
        return found

    def complete(self, call: Call, prefix: str, others: Others) -> list[str]:
        return starting(prefix, [limit.name for limit in call.farm.limits.values()])


One = Annotated[Limit, LimitRef(), Arg(text="which limit")]


def listing(call: Call, *, limit: Most = 200, offset: Offset = 0) -> dict[str, Any]:
    """List limits with how many are in use and how many steps name them."""
    chosen = list(call.farm.limits.values())
    rows = [_line(call.farm, one) for one in chosen[offset : offset + limit]]
    return {"limits": rows, "total": len(chosen), "offset": offset}


def show(call: Call, limit: One) -> dict[str, Any]:
    """Show a limit and the running jobs that use it."""
    farm = call.farm
    users: dict[str, int] = {}
    for attempt in farm.attempts.values():
        step = farm.steps[attempt.step_id]
        if limit.name in step.limits:
            name = farm.jobs[step.job_id].name
            users[name] = users.get(name, 0) + 1
    return {**asdict(limit), **_line(farm, limit), "users": users}


def _line(farm: Farm, limit: Limit) -> dict[str, Any]:
    return {
        "id": limit.id,
        "name": limit.name,
        "count": limit.count,
        "used": farm.usage.limits.get(limit.name, 0),
        "steps": sum(limit.name in step.limits for step in farm.steps.values()),
        "description": limit.description,
        "version": limit.version,
    }


def add(
    call: Call,
    name: Annotated[str, Arg(text="its name, which steps write in limits")],
    count: Annotated[int, Meta(ge=0), Arg(text="how many tasks may use it at once")],
    values: Annotated[dict[str, Any] | None, LIMIT_VALUES, Arg(text="description")] = None,
) -> events.Event:
    """Make a limit."""
    return events.Create("limit", {"name": name, "count": count, **(values or {})}, call.who.name)


def change(
    call: Call,
    limit: One,
    values: Annotated[dict[str, Any], LIMIT_VALUES, Arg(text="count, description")],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change a limit; a lower count ends nothing that runs, a higher one counts at once."""
    return events.Update("limit", [limit.id], values, version, call.who.name)


def delete(call: Call, limit: One) -> events.Event:
    """Delete a limit that no step names."""
    return events.Delete("limit", [limit.id], call.who.name)
