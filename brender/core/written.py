"""What follows when an attribute of a row is written: names, order, links, and who has to be looked at again.

The ledger alone calls it, for a write and for its undo. It must not know what is legal or who wanted it.
"""

from __future__ import annotations

from typing import Any

from brender.core.farm import Farm
from brender.core.rows import Channel, Job, Limit, Nameless, Project, Record, Row, Schedule, Step
from brender.core.sequence import order_of

_SHAPE = frozenset({"name", "place", "exec", "after", "limits", "frames", "chunk"})  # of a step, that others build on
_URGENT = frozenset(
    {"priority", "paused", "desired", "tags", "after", "start_at", "most_workers", "most_tasks", "failures"}
)


def write(farm: Farm, row: Row, values: dict[str, Any]) -> set[int]:
    """Write attributes into a row; the jobs in which what waits for what may have changed by that."""
    renamed = "name" in values and not isinstance(row, Nameless)
    if renamed:
        farm.names.pop(farm.name_key(row), None)  # type: ignore[arg-type]
    if "pid" in values:
        farm.write_pid(row, values["pid"])  # type: ignore[arg-type]
    moved = isinstance(row, Record) and "delivery_id" in values
    if moved:
        farm.watch.drop("record", row)
    for name, value in values.items():
        setattr(row, name, value)
    if moved:
        farm.watch.put("record", row)
    farm.watch.written(row, values)
    if renamed:
        farm.names[farm.name_key(row)] = row.id  # type: ignore[arg-type]
    if isinstance(row, Step):
        return _after_step(farm, row, values)
    if isinstance(row, Channel):
        farm.hosting.put(row)
    if isinstance(row, Schedule):
        farm.note_due(row)
    if isinstance(row, Job):
        return _after_job(farm, row, values)
    if isinstance(row, Limit | Project):
        farm.ready.update(farm.open)
        if renamed:
            return set(farm.waiting)
    return set()


def _after_step(farm: Farm, step: Step, values: dict[str, Any]) -> set[int]:
    if "place" in values:
        farm.order_steps(step.job_id)
    if "order" in values:
        tasks = farm.tasks[step.id]
        tasks.arrange(order_of(step.order, len(tasks)))
    if _SHAPE & values.keys():
        farm.relink(step.job_id)
        return {step.job_id}
    return set()


def _after_job(farm: Farm, job: Job, values: dict[str, Any]) -> set[int]:
    reshaped: set[int] = set()
    if _URGENT & values.keys():
        farm.ready.update(farm.steps_of[job.id])
        farm.note_waits(job)
    if "after" in values:
        reshaped.add(job.id)
    if "name" in values:
        reshaped |= farm.waiting
    if values.get("state") == "success0":
        for other in farm.waiting:
            farm.ready.update(farm.steps_of[other])
    return reshaped
