"""The order in which frames are given out, and frames made anew (issue 3, point 2)."""

from __future__ import annotations

import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.frames import parse
from brender.core.lifecycle import TaskState
from brender.core.sequence import MOST_SORTED, order_of
from brender.core.tasks import Tasks
from brender.errors import Invalid, WrongState

from .builders import Stage

ORDERS = st.sampled_from(["linear", "reverse", "binary", "nth:2", "nth:5"])


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def given_out(order: str, count: int) -> list[int]:
    tasks = Tasks(count, TaskState.NEW, order_of(order, count))
    found = []
    while (task := tasks.next_ready()) >= 0:
        tasks.put(task, TaskState.SUCCESS)
        found.append(task)
    return found


@pytest.mark.parametrize(
    ("order", "tasks"),
    [
        ("linear", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("reverse", [7, 6, 5, 4, 3, 2, 1, 0]),
        ("binary", [0, 7, 3, 1, 5, 2, 4, 6]),
        ("nth:3", [0, 3, 6, 1, 2, 4, 5, 7]),
    ],
)
def test_tasks_are_given_out_in_the_order_of_the_step(order: str, tasks: list[int]) -> None:
    assert given_out(order, 8) == tasks


@given(ORDERS, st.integers(0, 70))
def test_every_order_gives_out_each_task_once(order: str, count: int) -> None:
    assert sorted(given_out(order, count)) == list(range(count))


@given(ORDERS, st.lists(st.tuples(st.integers(0, 29), st.sampled_from(list(TaskState)))))
def test_in_every_order_the_next_task_is_the_first_that_is_ready(
    order: str, moves: list[tuple[int, TaskState]]
) -> None:
    tasks = Tasks(30, TaskState.NEW, order_of(order, 30))
    ranks = given_out(order, 30)
    for task, state in moves:
        tasks.put(task, state)
        first = [t for s in (TaskState.RERUN, TaskState.NEW) for t in ranks if tasks.states[t] == s]
        assert tasks.next_ready() == (first[0] if first else -1)


def test_the_first_and_last_frames_are_seen_before_the_ones_between(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({"frames": "1-5", "order": "binary"})
    ran = []
    while live := stage.live(worker):
        ran.append(live[0].task)
        stage.end(worker, live[0])
    assert ran == [0, 4, 2, 1, 3]
    assert job.state == "success0"


def test_a_new_order_counts_from_the_next_run(stage: Stage) -> None:
    job = stage.job({"frames": "1-4"}, run=False)
    stage.do(ev.Update("step", [stage.step(job).id], {"order": "reverse"}))
    worker = stage.worker(slots=4)
    stage.do(ev.RunJob(job.id))
    assert [attempt.task for attempt in stage.live(worker)] == [3, 2, 1, 0]


@pytest.mark.parametrize("order", ["", "middle", "nth", "nth:1", "nth:x", "nth:-2", "nth:9999999999"])
def test_what_is_no_order_is_refused_by_name(stage: Stage, order: str) -> None:
    job = stage.job({"frames": "1-4"}, run=False)
    assert "order" in stage.refused(ev.Update("step", [stage.step(job).id], {"order": order})).message


def test_an_order_that_must_be_sorted_is_refused_for_too_many_tasks(stage: Stage) -> None:
    job = stage.job({"frames": f"1-{MOST_SORTED + 1}"}, run=False)
    step = stage.step(job).id
    assert "sorts up to" in stage.refused(ev.Update("step", [step], {"order": "binary"})).message
    stage.do(ev.Update("step", [step], {"order": "binary", "chunk": 2}))
    assert "sorts up to" in stage.refused(ev.Update("step", [step], {"chunk": 1})).message


def test_a_million_frames_in_linear_order_cost_two_bytes_a_task() -> None:
    tasks = Tasks(1_000_000, TaskState.NEW)
    held = {id(one): sys.getsizeof(one) for one in (tasks.states, tasks.ranked, tasks.numbers)}
    assert sum(held.values()) < 2_001_000
    assert tasks.order is None


def test_an_interleaved_range_gives_each_frame_once_coarse_before_fine() -> None:
    assert list(parse("1-10:5")) == [1, 6, 3, 5, 7, 9, 2, 4, 8, 10]
    assert list(parse("10-1:-5")) == [10, 5, 8, 6, 4, 2, 9, 7, 3, 1]
    assert list(parse("1-3:1,9")) == [1, 2, 3, 9]
    for wrong in ("1-10:0", "1-10:-5", "1-200000:8", "5:2"):
        with pytest.raises(Invalid, match="Frames"):
            parse(wrong)


@given(st.integers(-50, 50), st.integers(0, 90), st.integers(1, 40))
def test_an_interleaved_range_holds_the_frames_of_the_plain_one(first: int, more: int, step: int) -> None:
    assert sorted(parse(f"{first}-{first + more}:{step}")) == list(range(first, first + more + 1))


# ---- made anew


def test_a_success_is_made_again_only_when_asked(stage: Stage) -> None:
    worker = stage.worker(slots=4)
    job = stage.job({"frames": "1-3"})
    step = stage.step(job)
    for attempt in stage.live(worker):
        stage.end(worker, attempt)
    assert job.state == "success0"
    assert "--again" in str(stage.refused(ev.RetryTasks(step.id, [1])).hint)
    turn = stage.turn(ev.RetryTasks(step.id, [1], "anna", again=True))
    assert any(change.table == "attempt" and "anna" in str(change.values) for change in turn.changes)
    assert job.state == "running"
    assert [a.task for a in stage.live(worker)] == [1]
    stage.end(worker, stage.live(worker)[0])
    assert stage.words(job) == ["success0"] * 3
    assert job.state == "success0"


def test_a_whole_step_is_made_again_without_naming_its_tasks(stage: Stage) -> None:
    worker = stage.worker(slots=9)
    job = stage.job({"frames": "1-9"})
    for attempt in stage.live(worker):
        stage.end(worker, attempt)
    assert stage.do(ev.RetryTasks(stage.step(job).id, [], again=True))["tasks"] == 9
    assert isinstance(stage.refused(ev.RetryTasks(stage.step(job).id, [0], again=True)), WrongState)  # it is live


def test_a_sorted_order_keeps_nine_bytes_a_task() -> None:
    order = order_of("binary", 50_000)
    assert order is not None
    assert isinstance(order.task, array)
    assert order.task.itemsize + order.place.itemsize == 8  # type: ignore[attr-defined]
