"""Who runs what next: once per turn, after all events, free slots first and only then the queues behind busy slots.

It obeys the predicates of fit.py, writes attempts through the ledger and appends Run orders. It keeps hints (heaps of
steps by kind) that may be stale but never miss: a step that may be ready is in farm.ready or in a heap. Whatever
changes a kind puts the step into farm.ready again.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from brender.config import Settings
from brender.core import fit
from brender.core.farm import Attempt, Farm, Load, Step, Worker
from brender.core.ledger import Ledger
from brender.core.lifecycle import MOST_ATTEMPTS, TaskState
from brender.core.orders import Order, Recall, Run, StepSpec

Key = tuple[int, float, int, int, int]  # -priority, started, job, place, step


class Scheduler:
    """One per core. `turn` assigns at most `settings.assign_at_once` tasks and says whether more could be."""

    def __init__(self, farm: Farm, ledger: Ledger, settings: Settings) -> None:
        self._farm = farm
        self._ledger = ledger
        self._settings = settings
        self._heaps: dict[fit.Kind, list[Key]] = {}
        self._queued: dict[int, tuple[Key, fit.Kind]] = {}  # the one valid entry of each step
        self._runs: dict[tuple[int, int], Run] = {}
        self._room = 0

    def turn(self, orders: list[tuple[int, Order]]) -> bool:
        """Assign what can be; returns True when it stopped at the limit and should be called again soon."""
        farm = self._farm
        if not farm.ready and not farm.roomy:
            return False
        fresh = bool(farm.ready)
        self._enqueue()
        candidates = self._candidates(farm.loads if fresh else farm.roomy)
        farm.roomy.clear()
        self._runs = {}
        self._room = self._settings.assign_at_once
        if candidates and self._heaps:
            self._fill_slots(candidates)
            if self._room > 0:
                self._fill_queues(candidates)
        orders.extend((session, run) for (session, _), run in self._runs.items())
        idle = [(worker, load) for worker, load in candidates if len(load.live) < worker.slots]
        if idle and self._room > 0:
            self._take_back(idle, orders)
        if self._room <= 0:
            farm.roomy.update(worker.id for worker, _ in candidates)
        return self._room <= 0

    def _enqueue(self) -> None:
        """Put every step that may have become ready into the heap of its kind."""
        farm = self._farm
        for step_id in farm.ready:
            step = farm.steps.get(step_id)
            if step is None or step_id not in farm.open or not farm.tasks[step_id].ready():
                continue
            job = farm.jobs[step.job_id]
            if fit.job_refusal(farm, job) is not None:
                continue
            key = (-job.priority, job.started_at or 0.0, job.id, step.place, step_id)
            entry = (key, fit.kind_of(step, job))
            if self._queued.get(step_id) != entry:
                self._queued[step_id] = entry
                heappush(self._heaps.setdefault(entry[1], []), key)
        farm.ready.clear()

    def _candidates(self, ids: Iterable[int]) -> list[tuple[Worker, Load]]:
        """Workers that may take work, the emptiest first."""
        farm, settings = self._farm, self._settings
        found: list[tuple[Worker, Load]] = []
        for worker_id in ids:
            worker = farm.workers.get(worker_id)
            if worker is None:
                continue
            load = farm.loads[worker_id]
            if fit.worker_refusal(worker, load, farm.now, settings) is None:
                found.append((worker, load))
        if len(found) > 1:
            found.sort(key=lambda pair: (len(pair[1].live) / pair[0].slots, pair[0].id))
        return found

    def _best(self, worker: Worker, load: Load) -> Step | None:
        """The most urgent step with a ready task that this worker may run now.

        Among equal priorities the project goes first that has the fewest live tasks for its weight, then the older job.
        """
        farm = self._farm
        best: tuple[int, float, Key] | None = None
        for kind in list(self._heaps):
            if kind.job and kind.job not in farm.jobs:
                self._top(kind)  # the job was deleted: drops what is left of its queue
                continue
            if fit.kind_refusal(worker, kind) is not None:
                continue
            if (kind.job or kind.limits or kind.needs) and (
                fit.shared_refusal(farm, kind) or fit.room_refusal(farm, worker, load, kind)
            ):
                continue
            top = self._top(kind)
            if top is None:
                continue
            rank = (top[0], farm.usage.projects.get(kind.project, 0) / farm.projects[kind.project].weight, top)
            if best is None or rank < best:
                best = rank
        return None if best is None else farm.steps[best[2][-1]]

    def _top(self, kind: fit.Kind) -> Key | None:
        """The first valid entry of a heap; stale ones are dropped on the way."""
        farm, heap = self._farm, self._heaps[kind]
        while heap:
            key = heap[0]
            step = farm.steps.get(key[-1])
            entry = self._queued.get(key[-1])
            if step is not None and entry == (key, kind) and step.id in farm.open:
                job = farm.jobs[step.job_id]
                if farm.tasks[step.id].ready() and fit.job_refusal(farm, job) is None:
                    return key
            heappop(heap)
            if entry == (key, kind):
                del self._queued[key[-1]]
        del self._heaps[kind]
        return None

    def _fill_slots(self, candidates: list[tuple[Worker, Load]]) -> None:
        """One task a free slot, round by round, so that every machine gets its first before any gets its second."""
        waiting = [pair for pair in candidates if len(pair[1].live) < pair[0].slots]
        while waiting and self._room > 0:
            again: list[tuple[Worker, Load]] = []
            for worker, load in waiting:
                step = self._best(worker, load) if self._room > 0 else None
                if step is None:
                    continue
                self._assign(worker, load, step, 1)
                if len(load.live) < worker.slots:
                    again.append((worker, load))
            waiting = again

    def _fill_queues(self, candidates: list[tuple[Worker, Load]]) -> None:
        """Orders ahead of busy slots, dealt in even shares so that a job's tail does not wait behind one machine."""
        waiting = candidates
        while waiting and self._room > 0:
            again: list[tuple[Worker, Load]] = []
            for place, (worker, load) in enumerate(waiting):
                step = self._best(worker, load) if self._room > 0 else None
                if step is None or not fit.goes_ahead(self._farm, self._queued[step.id][1]):
                    continue  # what needs a free slot would never find one behind a queue that is always full
                tasks = self._farm.tasks[step.id]
                window = worker.slots * (1 + fit.ahead(tasks.seconds, self._settings))
                share = -(-tasks.ready() // (len(waiting) - place))
                count = min(window - len(load.live), share, self._room)
                if count > 0:
                    self._assign(worker, load, step, count)
                    again.append((worker, load))
            waiting = again

    def _assign(self, worker: Worker, load: Load, step: Step, count: int) -> None:
        """Give the next `count` ready tasks of a step to a worker: an attempt row each, one Run order for all."""
        farm, ledger = self._farm, self._ledger
        session = load.session
        assert session is not None, "candidates have a session"
        tasks = farm.tasks[step.id]
        run = self._runs.get((session, step.id))
        if run is None:
            run = Run(farm.epoch, self._spec(step), [])
            self._runs[(session, step.id)] = run
        for _ in range(min(count, tasks.ready())):
            index = tasks.next_ready()
            number = min(tasks.numbers[index] + 1, MOST_ATTEMPTS)
            attempt_id = ledger.new_id("attempt")
            attempt = Attempt(attempt_id, step.id, index, step.run, number, worker.id, assigned_at=farm.now)
            trouble = tasks.trouble.get(index)
            if trouble is not None:
                ledger.lost(trouble.last.id, None)  # its place is taken now
            ledger.task(step, index, TaskState.ASSIGNED)
            ledger.number(step.id, index, number)
            ledger.add(attempt)
            run.tasks.append((attempt_id, index))
            self._room -= 1

    def _spec(self, step: Step) -> StepSpec:
        job = self._farm.jobs[step.job_id]
        return StepSpec(
            step.id,
            job.id,
            step.name,
            job.name,
            step.function,
            step.params,
            step.frames,
            step.chunk,
            step.timeout,
        )

    def _take_back(self, idle: list[tuple[Worker, Load]], orders: list[tuple[int, Order]]) -> None:
        """Idle slots and nothing ready: recall long tasks that wait in queues behind busy slots elsewhere."""
        farm = self._farm
        free = sum(worker.slots - len(load.live) for worker, load in idle)
        for worker_id, load in farm.loads.items():
            if free <= 0:
                return
            worker = farm.workers[worker_id]
            spare = len(load.live) - len(load.recalled) - worker.slots
            if spare <= 0 or load.session is None:
                continue
            wanted = self._recallable(load, idle)[-min(spare, free) :]
            if wanted:
                free -= len(wanted)
                load.recalled.update(wanted)
                orders.append((load.session, Recall(wanted)))

    def _recallable(self, load: Load, idle: list[tuple[Worker, Load]]) -> list[int]:
        """Attempts of this worker that have not started, are worth moving, and that an idle worker could run."""
        farm, settings = self._farm, self._settings
        found: list[int] = []
        for attempt in load.live.values():
            if attempt.state != "assigned" or attempt.id in load.recalled:
                continue
            expected = farm.tasks[attempt.step_id].seconds or farm.now - attempt.assigned_at
            if expected <= settings.recall_after:
                continue
            step = farm.steps[attempt.step_id]
            kind = fit.kind_of(step, farm.jobs[step.job_id])
            if any(
                fit.kind_refusal(worker, kind) is None and fit.room_refusal(farm, worker, load, kind) is None
                for worker, load in idle
            ):
                found.append(attempt.id)
        return found
