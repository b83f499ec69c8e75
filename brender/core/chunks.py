"""How many tasks one process takes of a step with chunk=auto: as many as fit a target of seconds, by what was measured,
but no more than let all slots that are at work on the step end together.

It reads a farm and writes nothing. Which worker and which step is decided by schedule.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from brender.config import Settings
from brender.core import fit
from brender.core.farm import Farm
from brender.core.frames import AUTO
from brender.core.load import Load
from brender.core.rows import Attempt, Step, Worker
from brender.core.tasks import Tasks

LITTLE = 1.25  # times what fits
MOST_PACE = 8.0  # a worker counts as this many times faster or slower than all, whatever was measured
SMOOTH_PACE = 0.2  # weight of the newest process in it


def bundles(farm: Farm, worker: Worker, step: Step, kind: fit.Kind) -> bool:
    """Whether this worker would run several tasks of the step in one process.

    Not where a task takes a licence or memory: one process would be taken for many.
    """
    if step.chunk != AUTO:
        return False
    offered = worker.facts.get("bundles")
    return isinstance(offered, list) and step.function in offered and fit.goes_ahead(farm, kind)


def alone(tasks: Tasks, task: int) -> bool:
    """Whether a task goes without others: it failed, took its worker with it, or was in a process that failed."""
    trouble = tasks.trouble.get(task)
    if trouble is None:
        return False
    last = trouble.last
    return bool(trouble.errors or trouble.crashes or last.exit_code is not None or last.signal is not None)


def fitting(seconds: float, pace: float, settings: Settings) -> int:
    """Tasks that fill the target on a worker of this pace; one while nothing is measured."""
    if seconds <= 0.0:
        return 1
    most = min(settings.most_ahead, settings.assign_at_once)
    return max(1, min(most, int(settings.bundle_seconds / (seconds * pace))))


def even_share(farm: Farm, step: Step, kind: fit.Kind, idle: Iterable[tuple[Worker, Load]]) -> float:
    """Tasks that a slot of the common pace gets if all slots at work on the job, and the idle ones, end together.

    What other slots still have before them counts, too, by how long they are at it. A step that shares its job with
    others of its time is taken for the whole job, which makes its bundles smaller, never larger than its rest.
    """
    left, width = float(farm.tasks[step.id].ready()), 0.0
    for worker, load in idle:
        if fit.kind_refusal(worker, kind) is None and fit.room_refusal(farm, worker, load, kind) is None:
            width += max(0, worker.slots - farm.slots_taken(worker.id)) / pace_of(load, step)
    crew = farm.usage.crews.get(step.job_id)
    for worker_id, live in crew.workers.items() if crew is not None else ():
        load = farm.loads[worker_id]
        busy = min(live, farm.workers[worker_id].slots, farm.slots_taken(worker_id)) / pace_of(load, step)
        width += busy
        left += max(0.0, live - busy * _elapsed(farm, load) / max(farm.tasks[step.id].seconds, 1e-6))
    return left / width if width else left


def count(share: float, step: Step, load: Load, seconds: float, settings: Settings) -> int:
    """Tasks of the next bundle of this worker; `share` is of the common pace.

    A little over the target is better than a small rest, which would cost a start of its own.
    """
    pace = pace_of(load, step)
    fits, even = fitting(seconds, pace, settings), ceil(share / pace)
    return max(1, even if fits > 1 and even <= fits * LITTLE else min(fits, even))


def measured(farm: Farm, step: Step, load: Load, attempt: Attempt, took: float, settings: Settings) -> float | None:
    """The pace of a worker after the last attempt of a process was a success, that took so long; None as it was.

    Only by processes of about the usual size: in a small one the start weighs more.
    """
    seconds = farm.tasks[step.id].seconds
    if not seconds or (attempt.worker_id, step.id, attempt.pid or 0) in farm.usage.aboard or attempt.started_at is None:
        return None
    pace = pace_of(load, step)
    if (farm.now - attempt.started_at) / took < fitting(seconds, pace, settings) / 2:
        return None
    ratio = min(MOST_PACE, max(1 / MOST_PACE, took / seconds))
    return pace + (ratio - pace) * SMOOTH_PACE


def pace_of(load: Load, step: Step) -> float:
    """How long this worker takes for the step's function by what all take; 1 = as all, 2 = twice as long."""
    return load.paces.get(step.function, 1.0)


def _elapsed(farm: Farm, load: Load) -> float:
    """Seconds since its newest attempt began; none when that has not begun."""
    newest = next(reversed(load.live.values()), None)
    return farm.now - newest.started_at if newest is not None and newest.started_at is not None else 0.0
