"""How long a job will still take, from the measured seconds of its tasks and the slots that may run them.

An estimate, never a promise: whoever else wants the slots is left out. Reading only; it must not know words.
"""

from __future__ import annotations

from math import ceil

from brender.core.farm import Farm
from brender.core.lifecycle import LIVE, TaskState
from brender.core.rows import Job, Step

#: How many slots there are for a function and tags, by these: the same for many jobs, and counted over all workers.
Slots = dict[tuple[str, tuple[str, ...]], int]


def slots_for(farm: Farm, function: str, tags: list[str]) -> int:
    """Slots of the workers that are here, enabled, know the function and have the tags."""
    return sum(
        worker.slots
        for worker in farm.workers.values()
        if worker.presence == "online"
        and worker.admin_state == "enabled"
        and function in worker.functions
        and set(tags) <= set(worker.tags)
    )


def remaining(farm: Farm, job: Job, slots: Slots | None = None) -> float | None:
    """Seconds until the job has ended, places one after another; None when it does not run or nothing is known yet.

    Steps of which nothing has been measured take as long a task as the slowest one that was. `slots` is kept by who
    asks about many jobs.
    """
    if job.state != "running" or job.paused:
        return None
    left = [step for step in farm.steps_in(job) if _open(farm, step)]
    known = [farm.tasks[step.id].seconds for step in farm.steps_in(job)]
    slowest = max(known, default=0.0)
    if not left or not slowest:
        return None
    slots = {} if slots is None else slots
    tags = tuple(job.tags)
    places: dict[int, float] = {}
    for step in left:
        if (step.function, tags) not in slots:
            slots[step.function, tags] = slots_for(farm, step.function, job.tags)
        seconds = _seconds(farm, step, slots[step.function, tags], slowest)
        if seconds is None:
            return None
        places[step.place] = max(places.get(step.place, 0.0), seconds)
    return round(sum(places.values()), 3)


def _open(farm: Farm, step: Step) -> int:
    tasks = farm.tasks[step.id]
    return tasks.ready() + sum(tasks.counts[state] for state in LIVE)


def _seconds(farm: Farm, step: Step, slots: int, otherwise: float) -> float | None:
    """Of one step alone: rounds of its slots, of which the one that runs now is half done."""
    tasks = farm.tasks[step.id]
    running = sum(tasks.counts[state] for state in LIVE) - tasks.counts[TaskState.ASSIGNED]
    width = min(slots, _open(farm, step)) or running
    if not width:
        return None
    rounds = ceil(_open(farm, step) / width) - (0.5 if running else 0.0)
    return rounds * (tasks.seconds or otherwise)
