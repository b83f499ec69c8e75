"""The tasks' half of the ledger: it writes bytes instead of rows, and can take each back. The rows are in ledger.py.

It checks that a move is legal and notes whose sum may have changed; which move is due is for the rules to say. A task
is no row: nothing of this is written to the disk, and a start of the master folds it anew from the attempts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.core.farm import Farm
from brender.core.journal import Change, Journal
from brender.core.lifecycle import READY, STATES, TaskState, check_task_move
from brender.core.rows import Step, Trouble
from brender.core.sequence import order_of
from brender.core.tasks import Tasks


class TaskLedger(Journal):
    """Writes the tasks of one farm. Rules have the whole ledger, which is made of this."""

    def __init__(self, farm: Farm, story: int) -> None:
        super().__init__(story)
        self.farm = farm
        self.touched_steps: set[int] = set()  # steps with task moves since the last take
        self.unsettled: set[int] = set()  # jobs whose sum may have changed
        self.moved: dict[int, set[int] | None] = {}  # tasks that moved since the last take, by step; None: many at once

    def take(self) -> list[Change]:
        """The rows that differ since the last take; tasks that moved since then are forgotten."""
        self.touched_steps.clear()
        self.moved = {}
        return super().take()

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

    def _touch(self, step_id: int) -> None:
        if step_id not in self.touched_steps:
            self.touched_steps.add(step_id)
            self._undo.append((self.touched_steps.discard, (step_id,)))

    def _put_back(self, tasks: Tasks, step: Step, index: int, old: TaskState) -> None:
        tasks.put(index, old)
        if old in READY:
            self.farm.ready.add(step.id)
        self.unsettled.add(step.job_id)

    def _put_all_back(self, tasks: Tasks, step: Step, kept: tuple[Any, ...]) -> None:
        tasks.restore(kept)
        self.farm.ready.add(step.id)
        self.unsettled.add(step.job_id)
