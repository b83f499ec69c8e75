"""The farm in memory: its rows, and the indexes that make asking cheap. This is what `runtime_clients` grew into.

The rows themselves and how one is found are in tables.py; only the ledger changes them. Beside the rows stands what is
never stored but rebuilt: the tasks of a step (a byte each) and the load of a worker. It must not know any rule.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterator
from typing import Any

from brender.core import frames as frames_
from brender.core.acts import Act
from brender.core.due import Due, due_at
from brender.core.hosting import Hosting
from brender.core.lifecycle import SCHEDULE_OVER, TaskState
from brender.core.links import Links, links_of
from brender.core.load import Load
from brender.core.rows import (
    TABLE_OF,
    TABLES,
    Attempt,
    Channel,
    Job,
    Nameless,
    Row,
    Schedule,
    ScheduleRun,
    Step,
    Worker,
)
from brender.core.sequence import order_of
from brender.core.tables import Tables
from brender.core.tasks import Tasks
from brender.core.usage import Usage
from brender.core.watch import Watch


class Farm(Tables):
    """All rows by table and id, with the indexes. Equality compares rows and tasks, not indexes."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = Watch()  # what alarm rules look at: never stored
        self.tasks: dict[int, Tasks] = {}  # by step
        self.loads: dict[int, Load] = {}  # by worker
        self.sessions: dict[int, int] = {}  # session -> worker
        self.lost: dict[int, tuple[int, int]] = {}  # lost attempt -> (step, task), should its result arrive after all
        self.leases: dict[int, float] = {}  # waiting attempt -> when it goes back to running; counts anew after a start
        self.steps_of: dict[int, list[int]] = {}  # job -> its steps; ask steps_in for their order
        self.unsorted: set[int] = set()  # jobs whose steps_of is to be sorted before it is read in order
        self.worker_keys: dict[str, int] = {}
        self.epoch = 0  # grows with every start of a master (fences old leaders)
        self.now = 0.0
        self.ticked_at = 0.0
        self.shift = 0.0  # seconds by which the wall clock has been moved ahead of `now` since the master started
        self.due = Due()  # which schedule is due when
        self.over: set[int] = set()  # schedules that are not due again
        self.runs_of: dict[int, dict[int, None]] = {}  # schedule (it may be gone) -> its runs, in order
        self.halted = False  # whether somebody stopped all schedules
        self.ready: set[int] = set()  # steps that may have become ready; the scheduler's hint
        self.roomy: set[int] = set()  # workers that may have room again; the scheduler's hint
        self.usage = Usage()  # what live attempts take
        self.waiting: set[int] = set()  # jobs that name others in `after`
        self.timed: set[int] = set()  # jobs with a start_at that the clock has not passed
        self._links: dict[int, Links] = {}  # by job, made when asked for
        self.hosting = Hosting()  # which manager has which channels, and which channels wait for one
        self.trends: dict[int, deque[float]] = {}  # channel -> its last numbers, for spark lines
        self.latest: dict[int, tuple[float, Any]] = {}  # channel -> time and value of its newest sample; never stored
        self.acts: tuple[Act, ...] = ()  # what people did last and may take back, the newest last; never stored
        self.stamps: dict[tuple[str, int, str], int] = {}  # (table, id, attribute) -> newest change, as acts.STAMPED
        self.stamped = 0
        self.open: set[int] = set()  # steps whose turn has come in their job (kept by settle)

    def insert(self, row: Row, now: float) -> None:
        """Put a row and its indexes. Only the ledger and the store's load call this."""
        table = TABLE_OF[type(row)]
        self.table(table)[row.id] = row
        self.next_ids[table] = max(self.next_ids[table], row.id + 1)
        if isinstance(row, Attempt):
            self.loads[row.worker_id].live[row.id] = row
            step = self.steps[row.step_id]
            self.usage.take(row, step, self.jobs[step.job_id])
            return
        self.watch.put(table, row)
        if isinstance(row, ScheduleRun):
            self.runs_of.setdefault(row.schedule_id, {})[row.id] = None
        if isinstance(row, Nameless):
            return
        self.names[self.name_key(row)] = row.id
        if isinstance(row, Worker):
            self.loads.setdefault(row.id, Load(now))
            self.worker_keys[row.key] = row.id
        elif isinstance(row, Channel):
            self.hosting.put(row)
        elif isinstance(row, Schedule):
            self.note_due(row)
            self.halted = self.halted or "stopped" in (row.state, row.then if row.state == "running" else "")
        elif isinstance(row, Job):
            self.steps_of.setdefault(row.id, [])
            self.note_waits(row)
        elif isinstance(row, Step):
            count = frames_.task_count(row.frames, row.chunk)
            self.tasks[row.id] = Tasks(count, order=order_of(row.order, count))
            self._links.pop(row.job_id, None)
            if row.job_id in self.unsorted:
                self.steps_of[row.job_id].append(row.id)
            else:
                insort(self.steps_of[row.job_id], row.id, key=self._rank)

    def discard(self, row: Row) -> None:
        """Take a row and its indexes away; the reverse of insert."""
        table = TABLE_OF[type(row)]
        del self.table(table)[row.id]
        self.watch.drop(table, row)
        if not isinstance(row, Nameless):
            self.names.pop(self.name_key(row), None)
        if isinstance(row, Attempt):
            if self.loads[row.worker_id].live.pop(row.id, None) is not None:
                step = self.steps[row.step_id]
                self.usage.leave(row, step, self.jobs[step.job_id])
        elif isinstance(row, Worker):
            load = self.loads.pop(row.id)
            self.worker_keys.pop(row.key, None)
            if load.session is not None:
                self.sessions.pop(load.session, None)
        elif isinstance(row, Channel):
            self.hosting.forget(row)
            self.latest.pop(row.id, None)
            self.trends.pop(row.id, None)
        elif isinstance(row, Schedule):
            self.due.put(row.id, None)
            self.over.discard(row.id)
        elif isinstance(row, ScheduleRun):
            runs = self.runs_of[row.schedule_id]
            del runs[row.id]
            if not runs:
                del self.runs_of[row.schedule_id]
        elif isinstance(row, Job):
            self.steps_of.pop(row.id, None)
            self.unsorted.discard(row.id)
            self.waiting.discard(row.id)
            self.timed.discard(row.id)
            self._links.pop(row.id, None)
        elif isinstance(row, Step):
            self.tasks.pop(row.id, None)
            self.ready.discard(row.id)
            self.open.discard(row.id)
            self.steps_of[row.job_id].remove(row.id)
            self._links.pop(row.job_id, None)

    def end(self, attempt: Attempt) -> None:
        """An attempt is over: nobody carries it any more. Only the ledger calls this."""
        if self.attempts.pop(attempt.id, None) is not None:
            self.loads[attempt.worker_id].live.pop(attempt.id, None)
            step = self.steps[attempt.step_id]
            self.usage.leave(attempt, step, self.jobs[step.job_id])

    def revive(self, attempt: Attempt) -> None:
        """The reverse of end."""
        self.attempts[attempt.id] = attempt
        self.loads[attempt.worker_id].live[attempt.id] = attempt
        step = self.steps[attempt.step_id]
        self.usage.take(attempt, step, self.jobs[step.job_id])

    def slots_taken(self, worker_id: int) -> int:
        """How many slots the live attempts of a worker take or wait for: those of one process take one."""
        return len(self.loads[worker_id].live) - self.usage.riders.get(worker_id, 0)

    def write_pid(self, attempt: Attempt, pid: int | None) -> None:
        """An attempt runs in this process. Only the ledger calls this."""
        live = attempt.id in self.attempts
        job = self.jobs[self.steps[attempt.step_id].job_id] if live else None
        if job is not None and attempt.pid:
            self.usage.alight(attempt, job)
        attempt.pid = pid
        if job is not None and pid and self.usage.board(attempt, job):
            self.roomy.add(attempt.worker_id)

    @property
    def wall(self) -> float:
        """What the clock on the wall shows, in seconds since the epoch: people may set it, `now` only runs."""
        return self.now + self.shift

    def move_wall(self, shift: float) -> None:
        """The wall clock was set. Only the ledger calls this."""
        self.shift = shift
        for row in self.schedules.values():
            self.due.put(row.id, due_at(row, shift))

    def note_due(self, row: Schedule) -> None:
        """Keep when a schedule is due, and whether it still is."""
        self.due.put(row.id, due_at(row, self.shift))
        (self.over.add if row.state in SCHEDULE_OVER else self.over.discard)(row.id)

    def note_waits(self, job: Job) -> None:
        """Keep what a job waits for where a success of others and the clock find it."""
        (self.waiting.add if job.after else self.waiting.discard)(job.id)
        (self.timed.add if job.start_at is not None else self.timed.discard)(job.id)

    def links_in(self, job_id: int) -> Links:
        """Which steps of a job wait for which."""
        found = self._links.get(job_id)
        if found is None:
            steps = (self.steps[step_id] for step_id in self.steps_of[job_id])
            found = self._links[job_id] = links_of(steps, lambda name: self.step_named(job_id, name))
        return found

    def relink(self, job_id: int) -> None:
        """A name or an `after` of a step changed: find out anew when somebody asks."""
        self._links.pop(job_id, None)

    def order_steps(self, job_id: int) -> None:
        """A place changed: sort when somebody asks, once for all the steps that a new one shifts."""
        self.unsorted.add(job_id)

    def _rank(self, step_id: int) -> tuple[int, int]:
        return self.steps[step_id].place, step_id

    def steps_in(self, job: Job) -> Iterator[Step]:
        """The steps of a job in running order: by place, then as listed."""
        if job.id in self.unsorted:
            self.steps_of[job.id].sort(key=self._rank)
            self.unsorted.discard(job.id)
        for step_id in self.steps_of[job.id]:
            yield self.steps[step_id]

    def last_place(self, job: Job) -> int:
        """The highest place among the steps of a job, 0 without steps."""
        next(self.steps_in(job), None)  # sorts
        ids = self.steps_of[job.id]
        return self.steps[ids[-1]].place if ids else 0

    def watched(self) -> dict[int, tuple[int, ...]]:
        """Channels that fall under some alarm rule, and under which: nobody else's samples are worth an event."""
        return self.watch.matches(self.alarm_rules, self.channels)

    def counts(self, job: Job) -> list[int]:
        """Tasks of the job in each TaskState, summed over its steps."""
        total = [0] * len(TaskState)
        for step_id in self.steps_of[job.id]:
            for state, count in enumerate(self.tasks[step_id].counts):
                total[state] += count
        return total

    def same_as(self, other: Farm) -> bool:
        """Whether two farms hold the same rows and the same task states (the mirror test, BR-08)."""
        if any(self.table(name) != other.table(name) for name in TABLES) or self.tasks.keys() != other.tasks.keys():
            return False
        return all(
            tasks.states == other.tasks[step].states
            and tasks.numbers == other.tasks[step].numbers
            and tasks.notes == other.tasks[step].notes
            and tasks.known_tenths == other.tasks[step].known_tenths
            and {i: (t.errors, t.crashes, t.last) for i, t in tasks.trouble.items()}
            == {i: (t.errors, t.crashes, t.last) for i, t in other.tasks[step].trouble.items()}
            for step, tasks in self.tasks.items()
        )
