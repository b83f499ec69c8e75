"""The ledger is the journal: what it undoes is as it never was, what it hands out is what differs."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from brender.core.acts import Act, plus
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.core.ledger import Ledger
from brender.core.lifecycle import LIVE, TASK_MOVES, TaskState
from brender.core.rows import TABLES, Attempt, Job, Project, Row, Step, Trouble, Worker
from brender.errors import InternalError, WrongState


def small_farm() -> tuple[Farm, Ledger]:
    """Two workers, two jobs, three steps, one attempt on each worker."""
    farm = Farm()
    ledger = Ledger(farm)
    rows: list[Row] = [
        Worker(1, "brender_1", "a", "1", "a", presence="online", slots=2),
        Worker(2, "brender_2", "b", "2", "b"),
        Project(1, "film"),
        Job(1, 1, "comp", desired="run", run=1),
        Job(2, 1, "sim"),
        Step(1, 1, "s1", 1, frames="1-4", run=1),
        Step(2, 1, "s2", 2, run=1),
        Step(3, 2, "s1", 1, frames="1-2"),
    ]
    for row in rows:
        ledger.add(row)
    farm.loads[1].session, farm.sessions[7] = 7, 1
    farm.open.update({1, 2})
    for step_id, task, worker in ((1, 0, 1), (1, 1, 2)):
        ledger.renew(farm.steps[step_id], 4, TaskState.NEW) if task == 0 else None
        ledger.task(farm.steps[step_id], task, TaskState.ASSIGNED)
        ledger.add(Attempt(ledger.new_id("attempt"), step_id, task, 1, 1, worker))
    ledger.take()
    return farm, ledger


def everything(farm: Farm) -> dict[str, Any]:
    """The whole farm as values, its indexes included; ids that were used up and hints may grow."""
    return copy.deepcopy(
        {
            **{table: farm.table(table) for table in TABLES},
            "tasks": {
                step: (bytes(t.states), bytes(t.numbers), t.counts, t.trouble, t.seconds)
                for step, t in farm.tasks.items()
            },
            "loads": {
                w: (load.session, sorted(load.live), sorted(load.recalled), load.heard)
                for w, load in farm.loads.items()
            },
            "sessions": farm.sessions,
            "schedules": (farm.due.at, farm.due.first(), farm.shift, farm.halted),
            "lost": farm.lost,
            "steps_of": {job.id: [step.id for step in farm.steps_in(job)] for job in farm.jobs.values()},
            "keys": farm.worker_keys,
            "names": farm.names,
            "open": farm.open,
            "acts": farm.acts,
            "stamps": farm.stamps,
            "watch": (farm.watch.live, _sorted(farm.watch.digests), _sorted(farm.watch.letters)),
        }
    )


def _sorted(ids: dict[Any, list[int]]) -> dict[Any, list[int]]:
    return {place: sorted(found) for place, found in ids.items()}


def write(ledger: Ledger, data: st.DataObject) -> None:
    """One random write of any kind that is legal now."""
    farm = ledger.farm
    kinds = ["worker", "project", "job", "step", "rename", "place", "remove", "task", "end", "trouble", "renew"]
    kinds += ["presence", "recall", "seat", "lost", "seconds", "opened", "admin", "urgent", "acts"]
    kind = data.draw(st.sampled_from(kinds))
    number = data.draw(st.integers(0, 5))
    steps = list(farm.steps.values())
    if kind == "worker":
        new = ledger.new_id("worker")
        ledger.add(Worker(new, f"brender_{new}", f"w{new}", str(new), "h"))
    elif kind == "project":
        new = ledger.new_id("project")
        ledger.add(Project(new, f"p{new}"))
    elif kind == "job":
        new = ledger.new_id("job")
        ledger.add(Job(new, 1, f"j{new}"))
    elif kind == "step":
        new = ledger.new_id("step")
        ledger.add(Step(new, 1, f"x{new}", number, frames="1-3"))
    elif kind == "rename":
        row = data.draw(st.sampled_from([*farm.workers.values(), *farm.jobs.values(), *steps]))
        ledger.set(row, name=f"{row.name}'{number}")
    elif kind == "place" and steps:
        ledger.set(data.draw(st.sampled_from(steps)), place=number)
    elif kind == "remove":
        free = [step for step in steps if not any(a.step_id == step.id for a in farm.attempts.values())]
        idle = [worker for worker in farm.workers.values() if not farm.loads[worker.id].live]
        empty = [job for job in farm.jobs.values() if not farm.steps_of[job.id]]
        if rows := [*free, *idle, *empty]:
            ledger.remove(data.draw(st.sampled_from(rows)))
    elif kind == "task" and steps:
        step = data.draw(st.sampled_from(steps))
        at = number % len(farm.tasks[step.id])
        moves = sorted(TASK_MOVES[TaskState(farm.tasks[step.id].states[at])])
        ledger.task(step, at, data.draw(st.sampled_from(moves)))
        ledger.number(step.id, at, number)
    elif kind == "end" and farm.attempts:
        attempt = data.draw(st.sampled_from(list(farm.attempts.values())))
        ledger.set(attempt, state="lost", reason="gone")
        ledger.end(attempt)
        ledger.trouble(attempt.step_id, attempt.task, Trouble(attempt, 0, 1))
    elif kind == "trouble" and steps:
        ledger.trouble(data.draw(st.sampled_from(steps)).id, 0, None)
    elif kind == "renew" and steps:
        ledger.renew(data.draw(st.sampled_from(steps)), number + 1, TaskState.NEW)
    elif kind == "presence" and 1 in farm.workers:
        ledger.set(farm.workers[1], presence=data.draw(st.sampled_from(["online", "lost", "offline"])))
    elif kind == "admin" and farm.workers:
        row = data.draw(st.sampled_from(list(farm.workers.values())))
        ledger.set(row, admin_state=data.draw(st.sampled_from(["enabled", "disabled"])))
    elif kind == "urgent" and farm.jobs:
        ledger.set(data.draw(st.sampled_from(list(farm.jobs.values()))), priority=number, paused=number > 2)
    else:
        write_link(ledger, kind, number)


def write_link(ledger: Ledger, kind: str, number: int) -> None:
    """Writes of what is in memory only."""
    farm = ledger.farm
    load = next(iter(farm.loads.values()), None)
    if kind == "recall" and load is not None:
        ledger.recalled(load, set(load.live))
    elif kind == "seat" and load is not None:
        ledger.seat(next(iter(farm.loads)), number or None)
    elif kind == "acts":
        ledger.acts(plus(farm.acts, Act("anna", "disable", "worker", "admin_state", float(number), ())))
    elif kind == "lost":
        ledger.lost(number, (1, 1) if number % 2 else None)
    elif kind == "seconds" and farm.tasks:
        ledger.seconds(next(iter(farm.tasks.values())), float(number))


@given(st.data(), st.integers(0, 12), st.integers(0, 12))
def test_after_a_rollback_the_farm_is_as_it_was_with_all_its_indexes(
    data: st.DataObject, before: int, after: int
) -> None:
    """A dying rule leaves no trace (MODELS 23)."""
    farm, ledger = small_farm()
    for _ in range(before):
        try:
            write(ledger, data)
        except InternalError:
            continue
    was, pending = everything(farm), dict(ledger.differing())
    mark = ledger.mark()

    for _ in range(after):
        try:
            write(ledger, data)
        except InternalError:
            continue
    ledger.rollback(mark)

    assert everything(farm) == was
    assert dict(ledger.differing()) == pending


@given(st.data(), st.integers(0, 12))
def test_after_a_rollback_no_ready_task_is_hidden_from_its_hint(data: st.DataObject, count: int) -> None:
    farm, ledger = small_farm()
    farm.ready.clear()
    for tasks in farm.tasks.values():
        tasks.next_ready()
    ready_then = {step: tasks.ready() for step, tasks in farm.tasks.items()}
    for _ in range(count):
        try:
            write(ledger, data)
        except InternalError:
            continue
        for tasks in farm.tasks.values():
            tasks.next_ready()
    ledger.rollback(0)

    for step, tasks in farm.tasks.items():
        assert tasks.ready() == ready_then[step]
        assert tasks.states.find(TaskState.NEW) == (tasks.next_ready() if tasks.ready() else -1)


@given(st.data(), st.integers(0, 15))
def test_take_hands_out_exactly_the_rows_that_differ(data: st.DataObject, count: int) -> None:
    """The disk after a turn = the disk before + its changes (the mirror, BR-08)."""
    farm, ledger = small_farm()
    disk: dict[tuple[str, int], tuple[Any, ...]] = {
        (table, row.id): astuple(row) for table in TABLES for row in farm.table(table).values()
    }
    ended: dict[tuple[str, int], Attempt] = {}
    attempts = dict(farm.attempts)
    for _ in range(count):
        try:
            write(ledger, data)
        except InternalError:
            continue
    ended = {("attempt", row.id): row for row in attempts.values() if row.id not in farm.attempts}

    for change in ledger.take():
        if change.op == "delete":
            disk.pop((change.table, change.id), None)
        else:
            disk[change.table, change.id] = change.values

    now = {(table, row.id): astuple(row) for table in TABLES for row in farm.table(table).values()}
    assert disk == now | {key: astuple(row) for key, row in ended.items()}
    assert ledger.take() == []


def test_what_is_equal_already_is_no_change() -> None:
    farm, ledger = small_farm()
    ledger.set(farm.jobs[1], priority=50)
    assert ledger.take() == []
    assert farm.jobs[1].version == 1


def test_a_change_is_the_whole_row_in_field_order_and_grows_its_version() -> None:
    farm, ledger = small_farm()
    farm.now = 12.0
    ledger.set(farm.projects[1], description="short")
    assert ledger.take() == [Change("project", "put", 1, (1, "film", "short", 1.0, "active", 0.0, 12.0, 2))]


def test_an_illegal_move_is_refused_and_names_the_thing() -> None:
    farm, ledger = small_farm()
    with pytest.raises(WrongState, match=r"s1\[2\]"):
        ledger.task(farm.steps[1], 2, TaskState.RUNNING)
    with pytest.raises(InternalError, match="worker b is offline"):
        ledger.set(farm.workers[2], presence="lost")
    assert ledger.take() == []


def test_ids_are_never_used_twice_not_even_after_an_undo() -> None:
    _, ledger = small_farm()
    first = ledger.new_id("job")
    mark = ledger.mark()
    ledger.add(Job(first, 1, "again"))
    ledger.rollback(mark)
    assert ledger.new_id("job") > first


def test_the_story_tells_cause_field_old_and_new() -> None:
    farm, ledger = small_farm()
    ledger.cause = "1.0 Update"
    ledger.set(farm.jobs[1], priority=70)
    deed = ledger.story[-1]
    assert (deed.cause, deed.table, deed.id, deed.field, deed.old, deed.new) == (
        "1.0 Update",
        "job",
        1,
        "priority",
        50,
        70,
    )


def test_live_states_and_attempts_agree_in_the_builder() -> None:
    farm, _ = small_farm()
    assert farm.tasks[1].having(LIVE) == [0, 1]
