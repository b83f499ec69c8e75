"""The only way to change a farm. What differs after a turn is the database write, the undo, the feed and the story.

Here are the rows, and what is remembered beside them; the tasks are in task_ledger.py. It checks that moves are legal
and keeps the indexes; it takes no decision and knows no event.
"""

from __future__ import annotations

from typing import Any

from brender.core.acts import STAMPED, Act
from brender.core.farm import Farm
from brender.core.journal import Change, Deed
from brender.core.lifecycle import (
    ALARM_MOVES,
    ATTEMPT_MOVES,
    CHANNEL_MOVES,
    DELIVERY_MOVES,
    PRESENCE_MOVES,
    SCHEDULE_MOVES,
    check_move,
)
from brender.core.load import Load
from brender.core.rows import TABLE_OF, Alarm, Attempt, Channel, Delivery, Job, Record, Row, Schedule, Step, Worker
from brender.core.task_ledger import TaskLedger
from brender.core.tasks import Tasks
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


class Ledger(TaskLedger):
    """Writes into one farm. `take` hands out what a turn changed; `rollback` undoes to a mark."""

    def __init__(self, farm: Farm, story: int = 5000) -> None:
        super().__init__(farm, story)
        self.reshaped: set[int] = set()  # jobs in which what waits for what may have changed
        self.gone: dict[tuple[str, int], Row] = {}  # rows removed since the last take

    def take(self) -> list[Change]:
        """The rows that differ since the last take; what moved or went since then is forgotten."""
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

    def seat(self, worker_id: int, session: int | None) -> None:
        """The session over which a worker speaks from now on; None: nobody is there."""
        old = self.farm.loads[worker_id].session
        self._undo.append((self._sit, (worker_id, old)))
        self._sit(worker_id, session)

    def recalled(self, load: Load, attempts: Ids) -> None:
        """Which of a worker's attempts were asked back."""
        self._undo.append((setattr, (load, "recalled", load.recalled)))
        load.recalled = attempts

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
