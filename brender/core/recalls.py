"""Which orders come back: tasks that wait long in a queue while a slot elsewhere is idle, or more urgent work came up.

It marks what it takes back in the load of the worker and appends Recall orders. Who gets the tasks then is decided by
schedule.py when they have come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from brender.config import Settings
from brender.core import chunks, fit
from brender.core.farm import Farm
from brender.core.frames import AUTO
from brender.core.load import Load
from brender.core.orders import Order, Recall
from brender.core.rows import Attempt, Worker

Key = tuple[int, float, int, int, int]  # of a step that waits: -priority, started, job, place, step
Pair = tuple[Worker, Load]
Orders = list[tuple[int, Order]]


def take_back(farm: Farm, settings: Settings, idle: Sequence[Pair], riders: Mapping[int, int], orders: Orders) -> None:
    """Idle slots and nothing ready: recall tasks that wait long in queues behind busy slots elsewhere.

    `riders` are attempts by worker that take no slot of their own.
    """
    free = sum(worker.slots - len(load.live) + riders.get(worker.id, 0) for worker, load in idle)
    fits: dict[fit.Kind, bool] = {}  # whether any idle worker could run it: a thousand of them are asked once a kind
    for worker_id, load in farm.loads.items():
        if free <= 0:
            return
        worker = farm.workers[worker_id]
        spare = len(load.live) - riders.get(worker_id, 0) - len(load.recalled) - worker.slots
        if spare <= 0 or load.session is None:
            continue
        wanted = _for_others(farm, settings, load, idle, fits)[-min(spare, free) :]
        free -= len(wanted)
        _recall(load, wanted, orders)


def make_way(farm: Farm, settings: Settings, fresh: Iterable[tuple[Key, fit.Kind]], orders: Orders) -> None:
    """Steps that came up in this turn and found no slot: long tasks of lower priority come back from queues for them.

    Otherwise an urgent frame would wait for the one that runs and for the one that was sent ahead.
    """
    waiting = [(key, kind) for key, kind in fresh if key[-1] in farm.steps and farm.tasks[key[-1]].ready()]
    if not waiting or not farm.usage.crews:
        return
    least = min(farm.jobs[job_id].priority for job_id in farm.usage.crews)
    for key, kind in sorted(waiting):
        priority, wanted = -key[0], farm.tasks[key[-1]].ready()
        if priority <= least:
            return
        if fit.shared_refusal(farm, kind) is not None:
            continue
        for worker_id, load in farm.loads.items():
            if wanted <= 0:
                break
            if load.session is None or fit.kind_refusal(farm.workers[worker_id], kind) is not None:
                continue
            given = [one.id for one in _queued(farm, settings, load) if _priority(farm, one) < priority][-wanted:]
            wanted -= len(given)
            _recall(load, given, orders)


def _recall(load: Load, attempts: list[int], orders: Orders) -> None:
    if attempts and load.session is not None:
        load.recalled.update(attempts)
        orders.append((load.session, Recall(attempts)))


def _priority(farm: Farm, attempt: Attempt) -> int:
    return farm.jobs[farm.steps[attempt.step_id].job_id].priority


def _queued(farm: Farm, settings: Settings, load: Load) -> list[Attempt]:
    """What this worker has not started and is worth moving: of the rest its turn comes sooner than it is back."""
    return [
        attempt
        for attempt in load.live.values()
        if attempt.state == "assigned"
        and attempt.id not in load.recalled
        # A short one that waits for long stands behind something long.
        and max(farm.tasks[attempt.step_id].seconds, farm.now - attempt.assigned_at) > settings.recall_after
    ]


def _for_others(
    farm: Farm, settings: Settings, load: Load, idle: Sequence[Pair], fits: dict[fit.Kind, bool]
) -> list[int]:
    """Those of them that an idle worker could run."""
    found: list[int] = []
    for attempt in _queued(farm, settings, load):
        step = farm.steps[attempt.step_id]
        kind = fit.kind_of(step, farm.jobs[step.job_id])
        bundled = step.chunk == AUTO and chunks.bundles(farm, farm.workers[attempt.worker_id], step, kind)
        if bundled and farm.now - attempt.assigned_at <= settings.recall_after:
            continue  # it was sent for a free slot: it is about to start
        if kind not in fits:
            fits[kind] = any(
                fit.kind_refusal(worker, kind) is None and fit.room_refusal(farm, worker, other, kind) is None
                for worker, other in idle
            )
        if fits[kind]:
            found.append(attempt.id)
    return found
