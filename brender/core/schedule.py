"""Who runs what next: once per turn, after all events, free slots first and only then the queues behind busy slots.

It obeys the predicates of fit.py, writes attempts through the ledger and appends Run orders. It keeps hints (heaps of
steps by kind) that may be stale but never miss: a step that may be ready is in farm.ready or in a heap. Whatever
changes a kind puts the step into farm.ready again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

from brender.config import Settings
from brender.core import chunks, fit, recalls
from brender.core.farm import Farm
from brender.core.frames import AUTO
from brender.core.ledger import Ledger
from brender.core.lifecycle import MOST_ATTEMPTS, TaskState
from brender.core.load import Load
from brender.core.orders import Order, Run, StepSpec
from brender.core.recalls import Key, Pair
from brender.core.rows import Attempt, Step, Worker


class Scheduler:
    """One per core. `turn` assigns at most `settings.assign_at_once` tasks and says whether more could be."""

    def __init__(self, farm: Farm, ledger: Ledger, settings: Settings) -> None:
        self._farm = farm
        self._ledger = ledger
        self._settings = settings
        self._heaps: dict[fit.Kind, list[Key]] = {}
        self._queued: dict[int, tuple[Key, fit.Kind]] = {}  # the one valid entry of each step
        self._runs: dict[tuple[int, int], Run] = {}  # by session and step, or the first attempt of a bundle below 0
        self._shares: dict[int, float] = {}  # of this turn, by step
        self._riders: dict[int, int] = {}  # usage.riders, and by worker those that this turn's bundles will have
        self._fresh: list[tuple[Key, fit.Kind]] = []  # what joined a heap in this turn, or moved in it
        self._room = 0

    def turn(self, orders: list[tuple[int, Order]]) -> bool:
        """Assign what can be; returns True when it stopped at the limit and should be called again soon."""
        farm = self._farm
        if not farm.ready and not farm.roomy:
            return False
        fresh = bool(farm.ready)
        self._enqueue()
        self._runs, self._shares, self._riders = {}, {}, dict(farm.usage.riders)
        candidates = self._candidates(farm.loads if fresh else farm.roomy)
        farm.roomy.clear()
        self._room = self._settings.assign_at_once
        if candidates and self._heaps:
            self._fill_slots(candidates)
            if self._room > 0:
                self._fill_queues(candidates)
        orders.extend((session, run) for (session, _), run in self._runs.items())
        idle = [(worker, load) for worker, load in candidates if self._taken(worker, load) < worker.slots]
        if idle and self._room > 0:
            recalls.take_back(farm, self._settings, idle, self._riders, orders)
        if self._room > 0:
            recalls.make_way(farm, self._settings, self._fresh, orders)
        if self._room <= 0:
            farm.roomy.update(worker.id for worker, _ in candidates)
        return self._room <= 0

    def _enqueue(self) -> None:
        """Put every step that may have become ready into the heap of its kind."""
        farm = self._farm
        self._fresh = []
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
                self._fresh.append(entry)
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
            if self._riders:
                found.sort(key=lambda pair: (self._taken(*pair) / pair[0].slots, pair[0].id))
            else:
                found.sort(key=lambda pair: (len(pair[1].live) / pair[0].slots, pair[0].id))
        return found

    def _taken(self, worker: Worker, load: Load) -> int:
        """Slots of a worker that are taken or waited for, those of this turn's bundles with them."""
        return len(load.live) - self._riders.get(worker.id, 0)

    def _best(self, worker: Worker, load: Load) -> Step | None:
        """The most urgent step with a ready task that this worker may run now.

        Among equal priorities the project goes first that takes the fewest slots for its weight, then the older job. A
        project whose next file the worker has open is given the worker's own slots: so near to equal, it goes first.
        """
        farm = self._farm
        found: list[tuple[int, Key]] = []  # (project, what of it goes first)
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
            if top is not None:
                found.append((kind.project, top))
        if len(found) < 2:
            return farm.steps[found[0][1][-1]] if found else None
        tops: dict[int, Key] = {}
        for project, top in found:
            if project not in tops or top < tops[project]:
                tops[project] = top
        best = min((top[0], self._claim(project, top, worker, load), top) for project, top in tops.items())
        return farm.steps[best[2][-1]]

    def _claim(self, project_id: int, top: Key, worker: Worker, load: Load) -> float:
        """What a project has of the farm by its weight; the least goes first."""
        slots = self._farm.usage.projects.get(project_id, 0)
        if load.files and fit.file_of(self._farm.steps[top[-1]]) in load.files:
            slots -= worker.slots
        return slots / self._farm.projects[project_id].weight

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
        """A task or bundle for each free slot, in rounds: every machine gets its first before any gets its second."""
        waiting = [pair for pair in candidates if self._taken(*pair) < pair[0].slots]
        while waiting and self._room > 0:
            again: list[tuple[Worker, Load]] = []
            opened = _by_file(waiting)
            served: set[int] = set()
            for pair in waiting:
                while pair[0].id not in served and self._room > 0:
                    step = self._best(*pair)
                    if step is None:
                        break
                    worker, load = self._nearest(step, pair, opened, served) if opened else pair
                    served.add(worker.id)
                    if step.chunk == AUTO:
                        self._cut(worker, load, step, waiting)
                    else:
                        self._assign(worker, load, step, 1)
                    if self._taken(worker, load) < worker.slots:
                        again.append((worker, load))
            waiting = again

    def _nearest(self, step: Step, pair: Pair, opened: dict[str, deque[Pair]], served: set[int]) -> Pair:
        """Who takes a task that is due to this worker: a free one has its file open and would be given it, too."""
        file = fit.file_of(step)
        if not file or file in pair[1].files:
            return pair
        others = opened.get(file, deque())
        while others and others[0][0].id in served:
            others.popleft()
        return others[0] if others and self._best(*others[0]) is step else pair

    def _cut(self, worker: Worker, load: Load, step: Step, idle: list[Pair]) -> None:
        """What a free slot gets of a step with chunk=auto: several tasks where one process may take them, else one."""
        farm, kind = self._farm, self._queued[step.id][1]
        if not chunks.bundles(farm, worker, step, kind):
            self._assign(worker, load, step, 1)
            return
        share = self._shares.get(step.id)
        if share is None:
            share = self._shares[step.id] = chunks.even_share(farm, step, kind, idle)
        count = chunks.count(share, step, load, farm.tasks[step.id].seconds, self._settings)
        if count > self._room < self._settings.assign_at_once:
            self._room = 0  # a turn of its own rather than a cut
            return
        self._bundle(worker, load, step, count)

    def _bundle(self, worker: Worker, load: Load, step: Step, count: int) -> None:
        """Up to `count` tasks for one process; one that goes alone ends the bundle or is it."""
        tasks = self._farm.tasks[step.id]
        run = Run(self._farm.epoch, self._spec(step), [], together=True)
        if tasks.trouble:
            count = 1 if chunks.alone(tasks, tasks.next_ready()) else count
            while len(run.tasks) < count and tasks.ready() and not chunks.alone(tasks, tasks.next_ready()):
                self._take(worker, load, step, run, 1)
        if not run.tasks:
            self._take(worker, load, step, run, count)
        assert load.session is not None
        self._runs[load.session, -run.tasks[0][0]] = run
        self._riders[worker.id] = self._riders.get(worker.id, 0) + len(run.tasks) - 1

    def _fill_queues(self, candidates: list[tuple[Worker, Load]]) -> None:
        """Orders ahead of busy slots, dealt in even shares so that a job's tail does not wait behind one machine."""
        waiting = candidates
        while waiting and self._room > 0:
            again: list[tuple[Worker, Load]] = []
            for place, (worker, load) in enumerate(waiting):
                step = self._best(worker, load) if self._room > 0 else None
                if step is None or not fit.goes_ahead(self._farm, self._queued[step.id][1]):
                    continue  # what needs a free slot would never find one behind a queue that is always full
                if step.chunk == AUTO and chunks.bundles(self._farm, worker, step, self._queued[step.id][1]):
                    continue  # it is cut when a slot is free: beside a bundle the way there and back is nothing
                tasks = self._farm.tasks[step.id]
                window = worker.slots * (1 + fit.ahead(tasks.seconds, self._settings))
                share = -(-tasks.ready() // (len(waiting) - place))
                count = min(window - len(load.live) + self._riders.get(worker.id, 0), share, self._room)
                if count > 0:
                    self._assign(worker, load, step, count)
                    again.append((worker, load))
            waiting = again

    def _assign(self, worker: Worker, load: Load, step: Step, count: int) -> None:
        """Give the next `count` ready tasks of a step to a worker: an attempt row each, one Run order for all."""
        farm = self._farm
        session = load.session
        assert session is not None, "candidates have a session"
        run = self._runs.get((session, step.id))
        if run is None:
            run = Run(farm.epoch, self._spec(step), [])
            self._runs[(session, step.id)] = run
        self._take(worker, load, step, run, count)

    def _take(self, worker: Worker, load: Load, step: Step, run: Run, count: int) -> None:
        """The next ready tasks of a step become attempts of this worker, and its file one that the worker has open."""
        farm, ledger = self._farm, self._ledger
        tasks = farm.tasks[step.id]
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
        file = fit.file_of(step)
        if file:
            load.opens(file, worker.slots)

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
            step.chunk or 1,
            step.timeout,
            step.needs,
            step.stalled_after,
            step.stop_stalled,
        )


def _by_file(waiting: list[Pair]) -> dict[str, deque[Pair]]:
    """Who has which file open."""
    found: dict[str, deque[Pair]] = {}
    for pair in waiting:
        for file in pair[1].files:
            found.setdefault(file, deque()).append(pair)
    return found
