"""The only way to change a farm. What differs after a turn is the database write, the undo, the feed and the story.

It checks that moves are legal and keeps the indexes; it takes no decision and knows no event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.core.acts import STAMPED, Act
from brender.core.farm import (
    TABLE_OF,
    Alarm,
    Attempt,
    Channel,
    Delivery,
    Farm,
    Job,
    Load,
    Record,
    Row,
    Schedule,
    Step,
    Tasks,
    Trouble,
    Worker,
)
from brender.core.journal import Change, Deed, Journal
from brender.core.lifecycle import (
    ALARM_MOVES,
    ATTEMPT_MOVES,
    CHANNEL_MOVES,
    DELIVERY_MOVES,
    PRESENCE_MOVES,
    READY,
    SCHEDULE_MOVES,
    STATES,
    TaskState,
    check_move,
    check_task_move,
)
from brender.core.sequence import order_of
from brender.core.written import write

Ids = set[int]  # inside the class below `set` is a method
_MOVES: dict[type, tuple[str, dict[Any, Any]]] = {
    Worker: ("presence", PRESENCE_MOVES),
    Channel: ("state", CHANNEL_MOVES),
    Schedule: ("state", SCHEDULE_MOVES),
    Attempt: ("state", ATTEMPT_MOVES),
    Alarm: ("state", ALARM_MOVES),
    Delivery: ("state", DELIVERY_MOVES),
}


class Ledger(Journal):
    """Writes into one farm. `take` hands out what a turn changed; `rollback` undoes to a mark."""

    def __init__(self, farm: Farm, story: int = 5000) -> None:
        super().__init__(story)
        self.farm = farm
        self.touched_steps: set[int] = set()  # steps with task moves since the last take
        self.reshaped: set[int] = set()  # jobs in which what waits for what may have changed
        self.unsettled: set[int] = set()  # jobs whose sum may have changed
        self.moved: dict[int, set[int] | None] = {}  # tasks that moved since the last take, by step; None: many at once
        self.gone: dict[tuple[str, int], Row] = {}  # rows removed since the last take

    def take(self) -> list[Change]:
        """The rows that differ since the last take; tasks that moved since then are forgotten."""
        self.touched_steps.clear()
        self.moved = {}
        self.gone.clear()
        return super().take()

    def new_id(self, table: str) -> int:
        """The next id of a table; ids are never used twice, also not after an undo."""
        found = self.farm.next_ids[table]
        self.farm.next_ids[table] = found + 1
        return found

    def add(self, row: Row) -> None:
        """Put a new row."""
        key = (TABLE_OF[type(row)], row.id)
        self.farm.insert(row, self.farm.now)
        self._note(key, row)
        self._undo.append((self.farm.discard, (row,)))
        if not isinstance(row, Attempt):
            if isinstance(row, Step):
                self.reshaped.add(row.job_id)
            elif isinstance(row, Job):
                self.reshaped.add(row.id)
            self.story.append(Deed(self.farm.now, self.cause, key[0], row.id, "", None, "created"))

    def remove(self, row: Row) -> None:
        """Delete a row. Its children must have been removed before."""
        key = (TABLE_OF[type(row)], row.id)
        tasks = self.farm.tasks.get(row.id) if isinstance(row, Step) else None
        load = self.farm.loads.get(row.id) if isinstance(row, Worker) else None
        opened = isinstance(row, Step) and row.id in self.farm.open
        self.farm.discard(row)
        self._gone(row)
        self._note(key, None)
        self.gone[key] = row
        self._undo.append((self._back, (key,)))
        for name in STAMPED.get(key[0], ()):
            self.stamp((*key, name), None)
        self._undo.append((self._restore, (row, tasks, load, opened)))
        self.story.append(Deed(self.farm.now, self.cause, key[0], row.id, "", "existed", None))

    def set(self, row: Row, **values: Any) -> None:
        """Write attributes of a row; what is equal already is not a change."""
        old = {name: getattr(row, name) for name in values}
        if old == values:
            return
        field, moves = _MOVES.get(type(row), ("", {}))
        if field in values:
            name = getattr(row, "name", "") or getattr(row, "uuid", "") or row.id
            check_move(f"{TABLE_OF[type(row)]} {name}", old[field], values[field], moves)
        self._note((TABLE_OF[type(row)], row.id), row)
        if not isinstance(row, Attempt):
            old["modified_at"], old["version"] = row.modified_at, row.version
            values = {**values, "modified_at": self.farm.now, "version": row.version + 1}
            table = TABLE_OF[type(row)]
            for name in [name for name in old if name not in ("modified_at", "version")]:
                self.story.append(Deed(self.farm.now, self.cause, table, row.id, name, old[name], values[name]))
                if name in STAMPED.get(table, ()) and old[name] != values[name]:
                    self.farm.stamped += 1
                    self.stamp((table, row.id, name), self.farm.stamped)
        self._undo.append((self._write, (row, old)))
        self._write(row, values)

    def end(self, attempt: Attempt) -> None:
        """Take an attempt that is over out of the live ones; its row stays on the disk."""
        farm = self.farm
        load = farm.loads[attempt.worker_id]
        farm.end(attempt)
        step = farm.steps[attempt.step_id]
        job = farm.jobs[step.job_id]
        if step.limits or job.most_tasks or job.most_workers:
            farm.ready.add(step.id)  # there is room for it again, and not only on this worker
        self._undo.append((self._revive, (attempt, attempt.id in load.recalled)))
        load.recalled.discard(attempt.id)
        if attempt.id in self.farm.leases:
            self.lease(attempt.id, None)
        self.farm.roomy.add(attempt.worker_id)

    def task(self, step: Step, index: int, state: TaskState) -> None:
        """Move one task, if the table allows it."""
        tasks = self.farm.tasks[step.id]
        old = STATES[tasks.states[index]]
        check_task_move(f"{step.name}[{index}]", old, state)
        tasks.put(index, state)
        if tasks.notes:
            self.note(tasks, index, None)
        if old is TaskState.SUCCESS:
            self.took(tasks, index, 0)
        moved = self.moved.setdefault(step.id, set())
        if moved is not None:
            moved.add(index)  # no undo: that a task is looked at which has not moved harms nobody
        counts = tasks.counts
        if not counts[old] or counts[state] == 1:
            self.unsettled.add(step.job_id)
        if state in READY:
            self.farm.ready.add(step.id)
        self._touch(step.id)
        self._undo.append((self._put_back, (tasks, step, index, old)))

    def task_all(self, step: Step, states: Iterable[TaskState], state: TaskState) -> int:
        """Move every task of a step that is in one of these states; returns how many. One undo for all."""
        tasks = self.farm.tasks[step.id]
        wanted = [old for old in states if tasks.counts[old]]
        for old in wanted:
            check_task_move(f"{step.name}", old, state)
        if not wanted:
            return 0
        self._undo.append((self._put_all_back, (tasks, step, tasks.kept())))
        if state in READY:
            self.farm.ready.add(step.id)
        if TaskState.SUCCESS in wanted:
            for index in list(tasks.notes):
                self.note(tasks, index, None)
            self._undo.append((setattr, (tasks, "tenths", tasks.tenths)))
            tasks.tenths = None
        self.unsettled.add(step.job_id)
        self.moved[step.id] = None
        self._touch(step.id)
        return tasks.put_all(wanted, state)

    def hold(self, step: Step, others: list[Tasks]) -> None:
        """Block every ready task of a step whose counterpart in any of the others is no success."""
        tasks = self.farm.tasks[step.id]
        kept = tasks.kept()
        if tasks.hold(others):
            self._undo.append((self._put_all_back, (tasks, step, kept)))
            self.unsettled.add(step.job_id)
            self.moved[step.id] = None
            self._touch(step.id)

    def retire(self, row: Alarm | Record | Delivery) -> None:
        """It is over and leaves memory; its row stays on the disk."""
        self.farm.discard(row)
        self._undo.append((self.farm.insert, (row, self.farm.now)))

    def inscribe(self, row: Record) -> None:
        """Put the row of something that is over from the start: it never is in memory."""
        self._note((TABLE_OF[type(row)], row.id), row)

    def expire(self, table: str, row_id: int) -> None:
        """Delete a row that is only on the disk, if it is still there: history that nobody keeps for ever."""
        if row_id > 0 and row_id not in self.farm.table(table):
            self._note((table, row_id), None)

    def record(self, attempt: Attempt) -> None:
        """Put the row of an attempt that is over already: it marks a point in the history of its task."""
        self._note(("attempt", attempt.id), attempt)

    def number(self, step_id: int, index: int, number: int) -> None:
        """Write how many attempts a task has had in this run."""
        tasks = self.farm.tasks[step_id]
        self._undo.append((tasks.numbers.__setitem__, (index, tasks.numbers[index])))
        tasks.numbers[index] = number

    def trouble(self, step_id: int, index: int, trouble: Trouble | None) -> None:
        """Write or forget what went wrong with a task."""
        self._put_entry(self.farm.tasks[step_id].trouble, index, trouble)

    def renew(self, step: Step, count: int, state: TaskState) -> None:
        """All tasks of a step begin again: a new run, or new frames."""
        old = self.farm.tasks[step.id]
        fresh = Tasks(count, state, order_of(step.order, count))
        fresh.seconds = old.seconds
        self.farm.tasks[step.id] = fresh
        if state in READY:
            self.farm.ready.add(step.id)
        self.unsettled.add(step.job_id)
        self.moved[step.id] = None
        self._touch(step.id)
        self._undo.append((self.farm.tasks.__setitem__, (step.id, old)))

    def seat(self, worker_id: int, session: int | None) -> None:
        """The session over which a worker speaks from now on; None: nobody is there."""
        old = self.farm.loads[worker_id].session
        self._undo.append((self._sit, (worker_id, old)))
        self._sit(worker_id, session)

    def recalled(self, load: Load, attempts: Ids) -> None:
        """Which of a worker's attempts were asked back."""
        self._undo.append((setattr, (load, "recalled", load.recalled)))
        load.recalled = attempts

    def note(self, tasks: Tasks, index: int, note: str | None) -> None:
        """What is worth a look in a success, or nothing (any more)."""
        self._put_entry(tasks.notes, index, note)

    def took(self, tasks: Tasks, index: int, tenths: int) -> None:
        """How long the success of a task took, in tenths of a second; 0: it is none (any more)."""
        old = tasks.took(index)
        if old != tenths:
            self._undo.append((tasks.write_took, (index, old)))
            tasks.write_took(index, tenths)

    def seconds(self, tasks: Tasks, seconds: float) -> None:
        """How long a task of a step takes on the average."""
        self._undo.append((setattr, (tasks, "seconds", tasks.seconds)))
        tasks.seconds = seconds

    def pace(self, load: Load, function: str, pace: float) -> None:
        """How long a worker takes for a function, by what all take."""
        self._put_entry(load.paces, function, pace)

    def lost(self, attempt_id: int, place: tuple[int, int] | None) -> None:
        """Remember an attempt that may report after all by its (step, task), or forget it."""
        self._put_entry(self.farm.lost, attempt_id, place)

    def lease(self, attempt_id: int, until: float | None) -> None:
        """Until when an attempt may not be stopped, or that it may again."""
        self._put_entry(self.farm.leases, attempt_id, until)

    def acts(self, acts: tuple[Act, ...]) -> None:
        """What people may take back from now on."""
        self._undo.append((setattr, (self.farm, "acts", self.farm.acts)))
        self.farm.acts = acts

    def stamp(self, key: tuple[str, int, str], stamp: int | None) -> None:
        """Which change of a stamped attribute was the newest."""
        self._put_entry(self.farm.stamps, key, stamp)

    def wall(self, shift: float) -> None:
        """How far the wall clock is ahead of the farm's own."""
        self._undo.append((self.farm.move_wall, (self.farm.shift,)))
        self.farm.move_wall(shift)

    def halt(self, halted: bool) -> None:
        """Whether all schedules stand still."""
        self._undo.append((setattr, (self.farm, "halted", self.farm.halted)))
        self.farm.halted = halted

    def _touch(self, step_id: int) -> None:
        if step_id not in self.touched_steps:
            self.touched_steps.add(step_id)
            self._undo.append((self.touched_steps.discard, (step_id,)))

    def _back(self, key: tuple[str, int]) -> None:
        del self.gone[key]

    def _write(self, row: Row, values: dict[str, Any]) -> None:
        self.reshaped |= write(self.farm, row, values)

    def _gone(self, row: Row) -> None:
        """A row went that others may name."""
        if isinstance(row, Step):
            self.reshaped.add(row.job_id)
        elif isinstance(row, Job):
            self.reshaped |= self.farm.waiting

    def _restore(self, row: Row, tasks: Tasks | None, load: Load | None, opened: bool) -> None:
        self.farm.insert(row, self.farm.now)
        if tasks is not None:
            self.farm.tasks[row.id] = tasks
            self.farm.ready.add(row.id)
        if opened:
            self.farm.open.add(row.id)
        if load is not None:
            self.farm.loads[row.id] = load
            if load.session is not None:
                self.farm.sessions[load.session] = row.id

    def _sit(self, worker_id: int, session: int | None) -> None:
        load = self.farm.loads[worker_id]
        if load.session is not None:
            self.farm.sessions.pop(load.session, None)
        load.session = session
        if session is not None:
            self.farm.sessions[session] = worker_id

    def _revive(self, attempt: Attempt, recalled: bool) -> None:
        self.farm.revive(attempt)
        if recalled:
            self.farm.loads[attempt.worker_id].recalled.add(attempt.id)

    def _put_back(self, tasks: Tasks, step: Step, index: int, old: TaskState) -> None:
        tasks.put(index, old)
        if old in READY:
            self.farm.ready.add(step.id)
        self.unsettled.add(step.job_id)

    def _put_all_back(self, tasks: Tasks, step: Step, kept: tuple[Any, ...]) -> None:
        tasks.restore(kept)
        self.farm.ready.add(step.id)
        self.unsettled.add(step.job_id)
