"""What a page that opens needs to know, in one answer: the rows of the farm, bounded, and what may be done with each.

The page keeps itself current with the farm's events; every row has the names that its `changed` event has. It must not
know pages.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands import channels, limits, possible, presets, told, workers
from brender.commands import farm as farm_
from brender.commands.calls import Call
from brender.commands.estimate import Slots
from brender.commands.kinds import Arg
from brender.commands.states import job_line, progress
from brender.commands.tasks import OneStep
from brender.commands.workers import Offset
from brender.core.farm import Farm
from brender.core.lifecycle import LABELS, TaskState
from brender.core.rows import Job
from brender.core.tasks import Tasks

#: Of a worker, what a list does not show and worker.show does: half of the answer otherwise.
UNSHOWN = ("key", "functions", "config", "facts", "boot")
COUNTED = (
    "worker", "project", "job", "limit", "preset", "step", "channel", "schedule", "alarm_rule", "alarm", "delivery",
)  # fmt: skip
Can = Callable[[str, Any], dict[str, Any]]
Most = Annotated[int, Meta(ge=1, le=10_000), Arg(text="rows of each noun at the most, the newest jobs")]


def mirror(call: Call, *, limit: Most = 1000) -> dict[str, Any]:
    """Everything a page shows first. Events after `seq` keep it current; `can` of a row is what may be done with it.

    `may` are the commands of your role: an event's row says in `can` what its state allows to anybody.
    """
    farm = call.farm
    allowed = possible.for_role(call.table, call.who.role)

    def can(noun: str, row: Any) -> dict[str, Any]:
        return {"can": possible.by(call.who, allowed, farm, noun, row)}

    slots: Slots = {}
    uses = limits.uses_in(farm)
    newest = list(farm.jobs.values())[: -limit - 1 : -1]
    return {
        "seq": call.seq(),
        "now": call.now,
        "role": call.who.role,
        "may": [row.name for row in call.table.allowed(call.who.role)],
        "states": [LABELS[state] for state in TaskState],
        "status": farm_.status(call),
        "workers": [{**worker_row(call, row), **can("worker", row)} for row in list(farm.workers.values())[:limit]],
        "projects": [{**asdict(row), **can("project", row)} for row in list(farm.projects.values())[:limit]],
        "jobs": [{**asdict(row), **job_line(farm, row, slots), **can("job", row)} for row in newest],
        "limits": [{**limits.line(farm, row, uses), **can("limit", row)} for row in list(farm.limits.values())[:limit]],
        "presets": [_preset(farm, line, can) for line in presets.listing(call, limit=limit)["presets"]],
        **_watching(call, can, limit),
        "totals": {noun: len(farm.table(noun)) for noun in COUNTED},
    }


def _watching(call: Call, can: Can, limit: int) -> dict[str, Any]:
    """What is measured, what the clock runs, what is wrong and who is told of it."""
    farm = call.farm

    def newest(noun: str) -> list[dict[str, Any]]:
        found = []
        for row in list(farm.table(noun).values())[-limit:]:
            values = asdict(row)
            found.append({**values, **told.beside(call.table, farm, noun, values), **can(noun, row)})
        return found

    return {
        "channels": [channel_row(call, row, can) for row in list(farm.channels.values())[:limit]],
        "schedules": newest("schedule"),
        "halted": farm.halted,
        "alarm_rules": newest("alarm_rule"),
        "alarms": newest("alarm"),
        "deliveries": newest("delivery"),
    }


def channel_row(call: Call, channel: Any, can: Can) -> dict[str, Any]:
    """A channel as its events tell it, with the names that its numbers have and its last value."""
    return {**asdict(channel), **channels.line(call, channel, False), **can("channel", channel)}


def more_channels(call: Call, *, offset: Offset = 0, limit: Most = 1000) -> dict[str, Any]:
    """Channels as farm.mirror has them, from the one at `offset` on: farms have more of them than of anything else."""
    allowed = possible.for_role(call.table, call.who.role)

    def can(noun: str, row: Any) -> dict[str, Any]:
        return {"can": possible.by(call.who, allowed, call.farm, noun, row)}

    rows = [channel_row(call, row, can) for row in list(call.farm.channels.values())[offset : offset + limit]]
    return {"channels": rows, "total": len(call.farm.channels), "offset": offset, "seq": call.seq()}


def more_jobs(
    call: Call,
    *,
    words: Annotated[str, Arg(text="each of them in its name, project, submitter, state or tags")] = "",
    which: Annotated[Literal["all", "active", "failed", "done"], Arg(text="in which state")] = "all",
    before: Annotated[int | None, Meta(ge=1), Arg(text="older than this id only; `total` counts all")] = None,
    limit: Most = 1000,
) -> dict[str, Any]:
    """Jobs as farm.mirror has them, also the older ones that it had no room for: those that fit, the newest first."""
    farm, allowed = call.farm, possible.for_role(call.table, call.who.role)
    wanted = words.lower().split()
    fitting = [job for job in farm.jobs.values() if _is(farm, job, which) and _has(farm, job, wanted)]
    older = [job for job in fitting if before is None or job.id < before]
    slots: Slots = {}
    rows = [
        {**asdict(job), **job_line(farm, job, slots), "can": possible.by(call.who, allowed, farm, "job", job)}
        for job in older[: -limit - 1 : -1]
    ]
    return {"jobs": rows, "more": len(older) > limit, "total": len(fitting), "of": len(farm.jobs), "seq": call.seq()}


def _is(farm: Farm, job: Job, which: str) -> bool:
    if which == "active":
        return job.desired == "run" and job.state not in ("success0", "error", "stopped")
    if which == "failed":
        return job.state.startswith("error") or progress(farm.counts(job))["failed"] > 0
    return which == "all" or job.state == "success0"


def _has(farm: Farm, job: Job, words: list[str]) -> bool:
    text = f"{job.name} {farm.projects[job.project_id].name} {job.submitter} {job.state} {' '.join(job.tags)}".lower()
    return all(word in text for word in words)


def _preset(farm: Farm, line: dict[str, Any], can: Can) -> dict[str, Any]:
    """A preset of the farm, or one that every farm has, which has no id and stays as it is."""
    row = farm.preset_named(line["name"])
    return {"id": None, **line, "can": []} if row is None else {**asdict(row), **line, **can("preset", row)}


def worker_row(call: Call, worker: Any) -> dict[str, Any]:
    """A worker as its events tell it, and what it carries."""
    row = asdict(worker)
    for name in UNSHOWN:
        del row[name]
    return {**row, **workers.line(call.farm, worker)}


def grid(call: Call, step: OneStep) -> dict[str, Any]:
    """All tasks of a step in few bytes: base64 of a state each, and of the tenths of a second that each success took.

    States are numbers into `labels`; seconds are two bytes, little end first, 0 where none is known. What changes
    after `seq` comes as task.states to whoever subscribes to that topic by its name.
    """
    tasks = call.farm.tasks[step.id]
    return {
        "step": step.id,
        "job": step.job_id,
        "name": step.name,
        "frames": step.frames,
        "chunk": step.chunk,
        "tasks": len(tasks),
        "states": base64.b64encode(tasks.states).decode(),
        "seconds": base64.b64encode(_tenths(tasks)).decode(),
        "labels": [LABELS[state] for state in TaskState],
        "seq": call.seq(),
    }


def _tenths(tasks: Tasks) -> bytes:
    if tasks.tenths is None:
        return bytes(2 * len(tasks))
    if sys.byteorder == "little":
        return tasks.tenths.tobytes()
    swapped = tasks.tenths[:]
    swapped.byteswap()
    return swapped.tobytes()
