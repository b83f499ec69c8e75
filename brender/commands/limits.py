"""Commands about limits: licences and whatever else the farm has only so many of. Steps name them in `limits`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands.calls import Call
from brender.commands.kinds import LIMIT_VALUES, Arg, Kind, Others
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id
from brender.commands.workers import Limit as Most
from brender.commands.workers import Offset
from brender.core import events
from brender.core.farm import Farm
from brender.core.rows import Limit
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

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        known = {limit.name: limit for limit in call.farm.limits.values()}
        return starting(prefix, known, lambda word: f"{known[word].count} at once {known[word].description}".rstrip())


One = Annotated[Limit, LimitRef(), Arg(text="which limit")]


def listing(call: Call, *, limit: Most = 200, offset: Offset = 0) -> dict[str, Any]:
    """List limits with how many are in use and how many steps name them."""
    chosen = list(call.farm.limits.values())
    uses = uses_in(call.farm)
    rows = [line(call.farm, one, uses) for one in chosen[offset : offset + limit]]
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
    return {**asdict(limit), **line(farm, limit), "users": users}


def uses_in(farm: Farm) -> Mapping[str, int]:
    """How many steps name each limit."""
    return Counter(name for step in farm.steps.values() for name in set(step.limits))


def line(farm: Farm, limit: Limit, uses: Mapping[str, int] | None = None) -> dict[str, Any]:
    """One limit as a row of a list; `uses`, the steps by limit, is kept by who asks about many."""
    uses = uses_in(farm) if uses is None else uses
    return {
        "id": limit.id,
        "name": limit.name,
        "count": limit.count,
        "used": farm.usage.limits.get(limit.name, 0),
        "steps": uses.get(limit.name, 0),
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
