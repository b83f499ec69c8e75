"""Rows on the disk become a farm in memory: the one way to start a master.

A task's state is not stored; it is folded from the attempts of its step's current run by the function that decided it
when they ended (lifecycle.task_after), so that disk and memory cannot differ. It must not write.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from brender.alarms import LIVE
from brender.core import links
from brender.core.farm import Farm
from brender.core.lifecycle import ATTEMPT_OVER, READY, TASK_OF_LIVE, TaskState, task_after
from brender.core.rows import TABLES, Attempt, Job, Row, Step, Trouble
from brender.core.tasks import Tasks, in_tenths
from brender.errors import BrenderError, InternalError
from brender.models import COLUMNS, JSON_AT

LETTERS = ("alarm_rule", "alarm", "logger", "delivery", "record")  # a record may be in a delivery

_ATTEMPT = ", ".join(f'a."{name}"' for name in COLUMNS["attempt"])
_CURRENT = "FROM attempt a JOIN step s ON s.id = a.step_id AND s.run = a.run AND s.run > 0"
_LIVE = ", ".join(f"'{state}'" for state in TASK_OF_LIVE)
_WINS = (
    "SELECT a.step_id, a.task, a.number, a.id, a.reason, a.started_at, a.ended_at "
    f"{_CURRENT} WHERE a.state = 'success0'"
)
_LINES = f"SELECT a.step_id, a.task, max(a.id) {_CURRENT} WHERE a.spent GROUP BY a.step_id, a.task"
_REST = f"SELECT {_ATTEMPT} {_CURRENT} WHERE a.state <> 'success0' ORDER BY a.step_id, a.task, a.id"
_LIVE_ROWS = f"SELECT {_ATTEMPT} FROM attempt a JOIN step s ON s.id = a.step_id WHERE a.state IN ({_LIVE})"
_STEP, _TASK, _NUMBER, _STATE, _SPENT = (
    COLUMNS["attempt"].index(name) for name in ("step_id", "task", "number", "state", "spent")
)


def rebuild(connection: Any) -> Farm:
    """The farm that these rows describe. Raises InternalError naming the row that makes no sense."""
    try:
        return _rebuilt(connection)
    except UnicodeDecodeError:
        raise  # whoever holds the file says it better
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InternalError(f"Its rows make no sense together: {error!r}.") from error


def _rebuilt(connection: Any) -> Farm:
    farm = Farm()
    farm.epoch = connection.execute("SELECT epoch FROM farm").fetchone()[0]
    named = (
        "worker",
        "project",
        "limit",
        "preset",
        "device",
        "key",
        "channel",
        "schedule",
        "schedule_run",
        "job",
        "step",
    )
    for table in (*named, *LETTERS):
        for row in _rows(connection, table):
            _insert(farm, row)
    for step in farm.steps.values():
        farm.tasks[step.id] = Tasks(len(farm.tasks[step.id]), _untouched(farm, step), farm.tasks[step.id].order)
    _fold_successes(farm, connection)
    attempts = {attempt.id: attempt for attempt in map(_attempt, connection.execute(_LIVE_ROWS))}
    for attempt in attempts.values():
        _insert(farm, attempt)
    _fold_the_rest(farm, connection)
    _finish(farm)
    for name, gone in connection.execute("SELECT name, last FROM sequence").fetchall():
        highest = connection.execute(f'SELECT ifnull(max(id), 0) FROM "{name}"').fetchone()[0]
        farm.next_ids[name] = max(highest, gone) + 1
    return farm


def _finish(farm: Farm) -> None:
    """What follows from the states: sums, the order they are given out in, and who waits for whom."""
    for tasks in farm.tasks.values():
        tasks.counts = [tasks.states.count(state) for state in TaskState]
        tasks.arrange(tasks.order)
    for step_id, tasks in farm.tasks.items():
        if others := links.models_of(farm, farm.steps[step_id]):
            tasks.hold(others)
        if tasks.ready():
            farm.ready.add(step_id)


def _rows(connection: Any, table: str) -> Iterator[Row]:
    names, json_at = COLUMNS[table], JSON_AT[table]
    columns = ", ".join(f'"{name}"' for name in names)
    where = f"WHERE {LIVE[table]}" if table in LIVE else ""
    for values in connection.execute(f'SELECT {columns} FROM "{table}" {where} ORDER BY id'):
        fields = dict(zip(names, values, strict=True))
        try:
            for i in json_at:
                fields[names[i]] = msgspec.json.decode(values[i])
            yield msgspec.convert(fields, TABLES[table], strict=False)
        except (msgspec.MsgspecError, TypeError) as error:
            raise InternalError(f"Row {values[0]} of table {table} is damaged: {error}.") from error


def _insert(farm: Farm, row: Row) -> None:
    if isinstance(row, Attempt) and row.task < 0:
        raise InternalError(f"Row {row.id} of table attempt is damaged: no task is {row.task}.")
    try:
        farm.insert(row, 0.0)
    except (KeyError, BrenderError) as error:
        raise InternalError(f"Row {row.id} of {type(row).__name__} fits no other row: {error!r}.") from error


def _attempt(values: tuple[Any, ...]) -> Attempt:
    fields = list(values)
    fields[_SPENT] = bool(fields[_SPENT])
    return Attempt(*fields)


def _untouched(farm: Farm, step: Step) -> TaskState:
    """What a task without attempts is."""
    if step.run == 0:
        return TaskState.NOT_RUN
    return _allowed(TaskState.NEW, step, farm.jobs[step.job_id])


def _allowed(state: TaskState, step: Step, job: Job) -> TaskState:
    """In a job that is stopped, or in a run that is past, nothing waits for a slot (rules/outcomes.py)."""
    if state in READY and (job.desired == "stop" or step.run != job.run):
        return TaskState.SKIPPED
    return state


def _fold_successes(farm: Farm, connection: Any) -> None:
    """Nearly all attempts are these: no objects, one byte each.

    A success is the last word of its run, unless an operator drew a line behind it (rules/tasks.py, `--again`).
    """
    lines = {(step_id, task): line for step_id, task, line in connection.execute(_LINES)}
    at = -1
    states = numbers = bytearray()
    for step_id, task, number, row_id, note, began, ended in connection.execute(_WINS):
        if lines and lines.get((step_id, task), 0) > row_id:
            continue
        if step_id != at:
            at = step_id
            tasks = farm.tasks[step_id]
            states, numbers = tasks.states, tasks.numbers
        if -1 < task < len(states):
            states[task] = 7  # TaskState.SUCCESS; the attribute costs more than the rest of the line
            numbers[task] = number
            tasks.write_took(task, in_tenths((ended or 0.0) - (began or 0.0)))
            if note:
                tasks.notes[task] = note


def _fold_the_rest(farm: Farm, connection: Any) -> None:
    for (step_id, task), group in groupby(connection.execute(_REST), key=lambda row: (row[_STEP], row[_TASK])):
        tasks = farm.tasks[step_id]
        if -1 < task < len(tasks) and tasks.states[task] != TaskState.SUCCESS:
            _fold(farm, farm.steps[step_id], task, list(group))


def _fold(farm: Farm, step: Step, task: int, rows: list[tuple[Any, ...]]) -> None:
    """The state, number and trouble of one task from its attempts that are no success, oldest first.

    A spent attempt draws a line: what went wrong up to it no longer counts (rules/tasks.py).
    """
    tasks = farm.tasks[step.id]
    newest = rows[-1]
    errors = crashes = 0
    last: tuple[Any, ...] | None = None
    for row in rows:
        state = row[_STATE]
        if state in TASK_OF_LIVE:
            continue
        last = row
        if row[_SPENT]:
            errors = crashes = 0
        elif state == "lost":
            crashes += 1
        elif state in ("error", "terminated"):
            errors += 1
    tasks.numbers[task] = newest[_NUMBER]
    if last is not None:
        tasks.trouble[task] = Trouble(_attempt(last), errors, crashes)
    state = _state_after(newest, errors, crashes, step.retries)
    tasks.states[task] = _allowed(state, step, farm.jobs[step.job_id])


def _state_after(newest: tuple[Any, ...], errors: int, crashes: int, retries: int) -> TaskState:
    live = TASK_OF_LIVE.get(newest[_STATE])
    if live is not None:
        return live
    if newest[_STATE] not in ATTEMPT_OVER:
        raise InternalError(f"Row {newest[0]} of table attempt is damaged: no attempt is {newest[_STATE]!r}.")
    if newest[_SPENT]:
        return TaskState.NEW
    if newest[_STATE] == "returned" and errors:
        return TaskState.RERUN
    return task_after(newest[_STATE], errors, crashes, retries)
