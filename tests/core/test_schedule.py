"""Who runs what next: fair, complete, bounded; and explain never says anything else."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType

import pytest
from msgspec.structs import replace

from brender.config import DEFAULT
from brender.core import events as ev
from brender.core.explain import why_job, why_task, why_worker
from brender.core.farm import Farm
from brender.core.orders import Recall, Run

from .builders import Stage


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def shares(stage: Stage) -> list[int]:
    return [len(load.live) for load in stage.farm.loads.values()]


def test_every_machine_gets_its_first_task_before_any_gets_its_second(stage: Stage) -> None:
    for i in range(4):
        stage.worker(f"w{i}", slots=2)
    stage.job({"frames": "1-5"})
    assert sorted(shares(stage)) == [1, 1, 1, 2]


def test_free_slots_are_filled_before_queues(stage: Stage) -> None:
    stage.worker("a", slots=1)
    stage.worker("b", slots=3)
    stage.job({"frames": "1-4"})
    assert shares(stage) == [1, 3]


def test_queues_are_dealt_in_even_shares(stage: Stage) -> None:
    """The tail of a job must not wait behind one machine."""
    for i in range(4):
        stage.worker(f"w{i}", slots=1)
    job = stage.job({"frames": "1-1"})
    stage.farm.tasks[stage.step(job).id].seconds = 0.0001
    step = stage.step(job)
    stage.end(1, stage.live(1)[0], seconds=0.0001)
    stage.do(ev.Update("step", [step.id], {"frames": "1-40"}))
    stage.do(ev.RunJob(job.id))
    assert shares(stage) == [10, 10, 10, 10]


def test_no_task_is_given_twice(stage: Stage) -> None:
    for i in range(5):
        stage.worker(f"w{i}", slots=3)
    stage.job({"frames": "1-100"})
    tasks = [(a.step_id, a.task) for a in stage.farm.attempts.values()]
    assert max(Counter(tasks).values()) == 1


def test_one_order_ahead_of_a_slot_where_tasks_are_long(stage: Stage) -> None:
    stage.worker(slots=2)
    stage.job({"frames": "1-100"})
    assert shares(stage) == [4]


@pytest.mark.parametrize(("seconds", "queued"), [(60.0, 1), (0.005, 5), (0.0000001, 256)])
def test_more_orders_ahead_where_tasks_are_short(stage: Stage, seconds: float, queued: int) -> None:
    worker = stage.worker()
    job = stage.job({"frames": "1-1000"})
    stage.end(worker, stage.live(worker)[0], seconds=seconds)
    stage.farm.tasks[stage.step(job).id].seconds = seconds
    while stage.turn(ev.Tick()).more:
        pass
    assert len(stage.live(worker)) == 1 + queued


def test_a_turn_assigns_a_bounded_number_and_asks_for_another(farm: Farm) -> None:
    stage = Stage(farm, replace(DEFAULT, assign_at_once=7))
    stage.worker(slots=20)
    stage.job({"frames": "1-12"})
    assert shares(stage) == [7]
    assert not stage.turn(ev.Tick()).more
    assert shares(stage) == [12]


def test_the_higher_priority_goes_first_and_then_the_older(stage: Stage) -> None:
    low = stage.job({}, priority=10)
    first = stage.job({}, priority=60)
    stage.now += 1
    second = stage.job({}, priority=60)
    raised = stage.job({}, priority=1)
    stage.do(ev.Update("job", [raised.id], {"priority": 99}))
    worker = stage.worker()
    ran = []
    while live := stage.live(worker):
        ran.append(stage.farm.steps[live[0].step_id].job_id)
        stage.end(worker, live[0])
    assert ran == [raised.id, first.id, second.id, low.id]


def test_a_job_with_tags_runs_only_where_they_are(stage: Stage) -> None:
    plain, gpu = stage.worker("plain"), stage.worker("gpu", tags=["gpu", "big"])
    stage.job({}, tags=["gpu"])
    assert (len(stage.live(plain)), len(stage.live(gpu))) == (0, 1)


def test_a_function_runs_only_where_it_is_offered(stage: Stage) -> None:
    plain = stage.worker("plain")
    job = stage.job({"function": "blender"})
    assert stage.live(plain) == []
    able = stage.worker("able", functions="noop blender")
    assert len(stage.live(able)) == 1
    assert stage.words(job) == ["new"]


def test_new_tags_of_a_waiting_job_count_at_once(stage: Stage) -> None:
    """The hint of the scheduler never misses."""
    worker = stage.worker("plain")
    job = stage.job({}, tags=["gpu"])
    assert stage.live(worker) == []
    stage.do(ev.Update("job", [job.id], {"tags": []}))
    assert len(stage.live(worker)) == 1


def test_new_tags_from_a_tree_count_at_once(stage: Stage) -> None:
    worker = stage.worker("plain")
    job = stage.job({}, tags=["gpu"])
    stage.do(ev.SubmitTree({"name": "film", "workflows": [{"name": job.name, "tags": []}]}))
    assert len(stage.live(worker)) == 1


def test_new_tags_of_a_worker_count_at_once(stage: Stage) -> None:
    worker = stage.worker("plain")
    stage.job({}, tags=["gpu"])
    stage.do(ev.Update("worker", [worker], {"tags": ["gpu"]}))
    assert len(stage.live(worker)) == 1


def test_a_blocked_job_does_not_bar_the_one_behind_it(stage: Stage) -> None:
    worker = stage.worker()
    stage.job({}, tags=["nowhere"], priority=100)
    paused = stage.job({}, priority=90, run=False)
    stage.turn(ev.RunJob(paused.id), ev.PauseJob(paused.id, True))
    stage.job({}, priority=1)
    assert [stage.farm.jobs[stage.farm.steps[a.step_id].job_id].priority for a in stage.live(worker)] == [1]


def test_a_run_order_carries_all_of_a_steps_tasks_for_a_worker(stage: Stage) -> None:
    worker = stage.worker(slots=3)
    job = stage.job({"frames": "1-3", "params": {"x": 1}, "timeout": 9})
    (order,) = stage.orders(worker, Run)
    assert [index for _, index in order.tasks] == [0, 1, 2]
    assert (order.step.name, order.step.job_name, order.step.params, order.step.timeout) == (
        "s1",
        job.name,
        {"x": 1},
        9,
    )


def test_long_tasks_in_a_queue_are_recalled_for_an_idle_slot(stage: Stage) -> None:
    first = stage.worker("first", slots=1)
    stage.job({"frames": "1-2"})
    running, queued = stage.live(first)
    stage.start(first, running)
    stage.wait(1)
    second = stage.worker("second")
    assert stage.orders(first, Recall) == [Recall([queued.id])]
    stage.turn(ev.Tick())
    assert stage.orders(first, Recall) == []
    stage.do(ev.Returned(stage.session(first), [queued.id]))
    assert [a.task for a in stage.live(second)] == [queued.task]


@pytest.mark.parametrize("how", ["priority", "submit", "licence"])
def test_long_tasks_in_a_queue_give_way_to_more_urgent_ones(stage: Stage, how: str) -> None:
    """Issue 3: a priority takes effect at once: the next free slot is for it, not behind what was sent ahead."""
    worker = stage.worker(slots=2)
    low = stage.job({"frames": "1-9"})
    stage.start(worker, *stage.live(worker)[:2])
    stage.now += 5
    if how == "licence":
        stage.do(ev.Create("limit", {"name": "nuke", "count": 1}))
    urgent = stage.job(
        {"frames": "1-3", "limits": ["nuke"] if how == "licence" else []}, priority=50 + 9 * (how != "priority")
    )
    if how == "priority":
        assert stage.orders(worker, Recall) == []
        stage.do(ev.Update("job", [urgent.id], {"priority": 90}))
    recalled = [one for order in stage.orders(worker, Recall) for one in order.attempts]
    waiting = [one.id for one in stage.live(worker)[2:]]
    assert recalled == waiting

    stage.do(ev.Returned(stage.session(worker), recalled))
    stage.do(ev.Update("job", [urgent.id], {"priority": 91}))
    assert stage.orders(worker, Recall) == []
    for attempt in stage.live(worker)[:2]:
        stage.end(worker, attempt)
    mine = [attempt for attempt in stage.live(worker)[:2] if stage.farm.steps[attempt.step_id].job_id == urgent.id]
    assert len(mine) == (1 if how == "licence" else 2)
    assert stage.words(low)[:2] == ["success0"] * 2


def test_what_is_no_more_urgent_or_cannot_run_there_takes_nothing_back(stage: Stage) -> None:
    worker = stage.worker(slots=1)
    stage.job({"frames": "1-9"}, priority=60)
    stage.start(worker, stage.live(worker)[0])
    stage.now += 5
    stage.job({"frames": "1-9"}, priority=60)
    stage.job({"frames": "1-9"}, priority=99, tags=["gpu"])
    stage.job({"frames": "1-9", "function": "other"}, priority=99)
    assert stage.orders(worker, Recall) == []


def test_short_tasks_are_not_worth_a_recall(stage: Stage) -> None:
    first = stage.worker("first")
    job = stage.job({"frames": "1-3"})
    stage.end(first, stage.live(first)[0], seconds=0.01)
    stage.farm.tasks[stage.step(job).id].seconds = 0.01
    stage.start(first, stage.live(first)[0])
    stage.worker("second")
    assert stage.orders(first, Recall) == []


def test_short_tasks_that_wait_behind_a_long_one_are_recalled_all_the_same(stage: Stage) -> None:
    """A render of an hour holds the slot that they were sent ahead to; that they are short helps nobody."""
    first = stage.worker("first")
    short = stage.job({"frames": "1-3"})
    stage.end(first, stage.live(first)[0], seconds=0.003)
    for attempt in stage.live(first):
        stage.end(first, attempt, seconds=0.003)
    stage.job({"frames": "1"}, name="render")
    stage.start(first)
    stage.do(ev.RunJob(short.id))
    queued = [attempt.id for attempt in stage.live(first) if attempt.state == "assigned"]
    assert len(queued) == 3
    stage.worker("second")
    assert stage.orders(first, Recall) == []
    stage.wait(1)
    assert stage.orders(first, Recall) == [Recall(queued[-1:])]


def test_nothing_is_recalled_for_somebody_who_could_not_run_it(stage: Stage) -> None:
    first = stage.worker("first", functions="noop special")
    stage.job({"frames": "1-2", "function": "special"})
    stage.wait(1)
    stage.worker("second")
    assert stage.orders(first, Recall) == []


def test_who_could_take_what_waits_is_asked_once_and_not_for_each_task_that_waits(stage: Stage) -> None:
    """A thousand idle machines that may not run a job of a thousand queued tasks held the farm up for 600 ms a turn."""
    busy = stage.worker("busy", slots=20, functions="noop special")
    job = stage.job({"frames": "1-40", "function": "special"})
    stage.start(busy, *stage.live(busy)[:20])
    stage.now += 60
    for number in range(50):
        stage.worker(f"idle-{number}")
    asked = Counter[str]()

    def count(frame: FrameType, what: str, _: object) -> None:
        asked[frame.f_code.co_name] += what == "call"

    sys.setprofile(count)
    try:
        stage.do(ev.Update("job", [job.id], {"priority": 90}))
    finally:
        sys.setprofile(None)
    assert 50 <= asked["kind_refusal"] <= 4 * 51


# ---- explain


def rules(answer: dict[str, object]) -> list[str]:
    reasons = answer["reasons"]
    assert isinstance(reasons, list)
    return [reason["rule"] for reason in reasons]


def test_why_names_what_keeps_a_task_from_starting(stage: Stage) -> None:
    job = stage.job({}, {}, run=False)
    step, later = stage.step(job).id, stage.step(job, "s2").id

    def why(step_id: int = step) -> list[str]:
        answer = why_task(stage.farm, step_id, 0)
        assert all(reason["text"] for reason in answer["reasons"])
        return rules(answer)

    assert why() == ["task.never"]
    stage.do(ev.RunJob(job.id))
    assert why() == ["farm.empty"]
    worker = stage.worker(functions="other")
    assert why() == ["farm.nobody", "worker.function"]
    stage.do(ev.SetAdmin([worker], "disabled"))
    assert why() == ["farm.nobody", "worker.disabled"]
    stage.do(ev.PauseJob(job.id, True))
    assert why() == ["job.paused"]
    stage.do(ev.PauseJob(job.id, False))
    able = stage.worker("able")
    assert why() == ["task.sent"]
    assert why(later) == ["step.awaits"]
    stage.start(able)
    assert why() == ["task.live"]
    stage.end(able, stage.live(able)[0], "error", exit_code=7)
    stage.end(able, stage.live(able)[0], "error", exit_code=7)
    assert why() == ["task.failed"]
    assert why(later) == ["task.never"]
    assert rules(why_job(stage.farm, job.id)) == ["job.over", "task.failed"]


def test_why_names_what_a_worker_does_or_waits_for(stage: Stage) -> None:
    worker = stage.worker()
    assert rules(why_worker(stage.farm, worker)) == ["farm.idle"]
    stage.job({}, tags=["gpu"])
    assert rules(why_worker(stage.farm, worker)) == ["worker.tags"]
    stage.job({})
    assert rules(why_worker(stage.farm, worker)) == ["worker.busy"]
    stage.do(ev.Disconnected(stage.session(worker)))
    assert rules(why_worker(stage.farm, worker)) == ["worker.away", "worker.busy"]


def test_all_busy_is_said_only_when_all_are_busy(stage: Stage) -> None:
    stage.worker()
    job = stage.job({"frames": "1-3"})
    assert rules(why_task(stage.farm, stage.step(job).id, 2)) == ["farm.busy"]
