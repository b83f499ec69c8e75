"""Calendars of workers: windows of the week in which the farm may use a machine, by a schedule of the kind `calendar`.

At each edge of a window the schedule enables or disables its workers; until the next edge people's word counts. A
worker has one calendar at the most.
"""

from __future__ import annotations

from typing import Any

from brender.core import calendars
from brender.core.context import Context
from brender.core.events import SetCalendar
from brender.core.farm import Farm
from brender.core.rows import Schedule, Worker
from brender.core.rules import schedules
from brender.core.zones import in_words, zone_of
from brender.errors import Invalid


def put(ctx: Context, event: SetCalendar) -> dict[str, Any]:
    """Give workers a calendar in place of the one they have, or none. What its windows say now counts at once."""
    workers = [ctx.worker(worker_id) for worker_id in event.workers]
    named = [{"id": worker.id, "name": worker.name} for worker in workers]
    if not event.windows:
        freed = set(forget(ctx, event.workers))
        return {"workers": [one for one in named if one["id"] in freed], "row": None, "now": ctx.wall}
    windows = calendars.parse(event.windows)
    zone_of(event.tz)
    if calendars.next_edge(windows, event.tz, ctx.wall) is None:
        raise Invalid("A calendar that is always inside or always outside changes nothing.", hint="enable or disable")
    schedules.check_running(ctx.farm)
    if not workers:
        return {"workers": [], "row": None, "now": ctx.wall}
    forget(ctx, event.workers)
    row = Schedule(
        0,
        event.uuid,
        kind="calendar",
        expr=" ".join(event.windows.split()),
        tz=event.tz,
        method="worker.calendar",
        params={"workers": [worker.id for worker in workers]},
        owner=event.by,
        role=event.role,
        misfire="run_once",
        next_at=ctx.wall,
    )
    schedules.add(ctx, row)
    return {**schedules.answer(ctx, row), "workers": named, "inside": calendars.inside(windows, row.tz, ctx.wall)}


def forget(ctx: Context, workers: list[int]) -> list[int]:
    """Take workers out of the calendars that have them; returns which had one. A calendar of nobody goes."""
    freed: list[int] = []
    for row in [row for row in ctx.farm.schedules.values() if row.kind == "calendar"]:
        mine = row.params["workers"]
        left = [worker_id for worker_id in mine if worker_id not in workers]
        freed += [worker_id for worker_id in mine if worker_id in workers]
        if not left:
            ctx.ledger.remove(row)
        elif len(left) < len(mine):
            ctx.ledger.set(row, params={"workers": left})
    return freed


def of(farm: Farm) -> dict[int, Schedule]:
    """The calendar of each worker that has one."""
    return {
        worker_id: row
        for row in farm.schedules.values()
        if row.kind == "calendar"
        for worker_id in row.params["workers"]
    }


def holds(row: Schedule) -> bool:
    """Whether a calendar acts at its edges now."""
    return (row.then if row.state == "running" else row.state) == "armed"


def disables(farm: Farm, worker: Worker, row: Schedule) -> bool:
    """Whether a worker is disabled and its calendar would have it so."""
    return worker.admin_state == "disabled" and holds(row) and not _on(farm, row)


def _on(farm: Farm, row: Schedule) -> bool:
    return calendars.inside(calendars.parse(row.expr), row.tz, farm.wall)


def in_words_of(farm: Farm, worker: Worker, row: Schedule) -> str:
    """What the calendar of a worker says now, whose word counts, and until when."""
    said = f"{worker.name} has the calendar {row.expr} ({row.tz})"
    if not holds(row):
        return f"{said}, which is {row.state}."
    on = _on(farm, row)
    until = "" if row.next_at is None else f" until {in_words(row.next_at, row.tz)}"
    if (worker.admin_state == "enabled") == on:
        return f"{said}: by it the worker is {worker.admin_state}{until}."
    return f"{said}: it would be {'enabled' if on else 'disabled'} by it, but was {worker.admin_state} by hand{until}."
