"""Commands about workers: see them, let them work or not (BR-18..20), and change what people may change (BR-07)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands.calls import Call
from brender.commands.kinds import NEW_WORKER_VALUES, WORKER_VALUES, Arg
from brender.commands.selection import WORKERS, WORKERS_OR_ALL
from brender.core import events
from brender.core.farm import Farm
from brender.core.rows import Schedule, Worker
from brender.core.rules import calendars

Selected = Annotated[list[Worker], WORKERS, Arg(text="which workers; several are a union")]
Limit = Annotated[int, Meta(ge=1, le=10_000), Arg(text="rows at the most")]
Offset = Annotated[int, Meta(ge=0, le=10_000_000), Arg(text="rows to pass over")]


def listing(
    call: Call,
    workers: Annotated[list[Worker] | None, WORKERS_OR_ALL, Arg(text="which workers; all when left out")] = None,
    *,
    limit: Limit = 200,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List workers with their state, presence, load and tags."""
    chosen = list(call.farm.workers.values()) if workers is None else workers
    shown = chosen[offset : offset + limit]
    held = calendars.of(call.farm)
    return {
        "workers": [line(call.farm, worker, held.get(worker.id)) for worker in shown],
        "total": len(chosen),
        "offset": offset,
    }


def line(farm: Farm, worker: Worker, calendar: Schedule | None = None) -> dict[str, Any]:
    """One worker as a row of a list."""
    queued = len([1 for attempt in farm.loads[worker.id].live.values() if attempt.state == "assigned"])
    used = min(worker.slots, farm.slots_taken(worker.id) - queued)  # a frame is checked while the next one renders
    return {
        "id": worker.id,
        "name": worker.name,
        "mac": worker.mac,
        "state": worker.admin_state,
        "by_calendar": calendar is not None and calendars.disables(farm, worker, calendar),
        "presence": worker.presence,
        "activity": activity(worker, used + queued),
        "used": used,
        "queued": queued,
        "slots": worker.slots,
        "warm": list(farm.loads[worker.id].files),
        "tags": worker.tags,
        "warning": worker.warning,
        "version": worker.version,
    }


def activity(worker: Worker, live: int) -> str:
    """What a worker is doing: idle, busy, or draining (disabled but still at work); nothing while it is away."""
    if worker.presence == "offline":
        return ""
    if live:
        return "draining" if worker.admin_state == "disabled" else "busy"
    return "idle"


def show(call: Call, workers: Selected, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """Show everything known of some workers, with the attempts they carry."""
    farm = call.farm
    held = calendars.of(farm)
    rows = []
    for worker in workers[offset : offset + limit]:
        load = farm.loads[worker.id]
        attempts = [
            {
                "id": attempt.id,
                "job": farm.jobs[farm.steps[attempt.step_id].job_id].name,
                "job_id": farm.steps[attempt.step_id].job_id,
                "step": farm.steps[attempt.step_id].name,
                "step_id": attempt.step_id,
                "task": attempt.task,
                "state": attempt.state,
                "pid": attempt.pid,
            }
            for attempt in list(load.live.values())[:limit]
        ]
        heard = None if load.session is None else max(0.0, round(call.farm.now - load.heard, 3))
        rows.append(
            {
                **asdict(worker),
                **line(farm, worker, held.get(worker.id)),
                "heard": heard,
                "attempts": attempts,
                "calendar": calendars.in_words_of(farm, worker, held[worker.id]) if worker.id in held else "",
            }
        )
    return {"workers": rows, "total": len(workers), "offset": offset}


def enable(call: Call, workers: Selected) -> events.Event:
    """Let workers take tasks."""
    return events.SetAdmin([worker.id for worker in workers], "enabled", call.who.name, call.who.session)


def disable(call: Call, workers: Selected) -> events.Event:
    """Give workers no more tasks; what they run goes on to its end."""
    return events.SetAdmin([worker.id for worker in workers], "disabled", call.who.name, call.who.session)


def change(
    call: Call,
    workers: Selected,
    values: Annotated[dict[str, Any], WORKER_VALUES, Arg(text="name, tags, config, warning")],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change attributes of workers."""
    return events.Update("worker", [worker.id for worker in workers], values, version, call.who.name)


def add(
    call: Call,
    name: Annotated[str, Arg(text="its name here")],
    values: Annotated[dict[str, Any], NEW_WORKER_VALUES, Arg(text="mac (needed), tags, config, admin_state")],
) -> events.Event:
    """Make a worker known before it connects for the first time."""
    return events.Create("worker", {"name": name, **values}, call.who.name)


def delete(call: Call, workers: Selected) -> events.Event:
    """Forget workers that are away; one that connects again is new."""
    return events.Delete("worker", [worker.id for worker in workers], call.who.name)
