"""What machines say of their memory and of tasks that stand still, and how many GPUs of which size they have."""

from __future__ import annotations

import pytest

from brender.core import events as ev
from brender.core.explain import why_task, why_worker
from brender.core.farm import Farm
from brender.core.orders import Run

from .builders import Stage


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def test_a_worker_that_has_no_memory_gets_nothing_until_it_has_and_why_says_so(stage: Stage) -> None:
    """Issue 3, point 4."""
    worker = stage.worker(slots=2)
    stage.do(ev.Heartbeat(stage.session(worker), "only 99 MiB of memory available", full=True))
    job = stage.job({"frames": "1-4"})
    assert stage.live(worker) == []
    (reason,) = why_worker(stage.farm, worker)["reasons"]
    assert reason["text"] == "render-01 starts nothing now: only 99 MiB of memory available."
    said = " ".join(one["text"] for one in why_task(stage.farm, stage.step(job).id, 0)["reasons"])
    assert "only 99 MiB of memory available" in said

    stage.do(ev.Heartbeat(stage.session(worker)))
    assert len(stage.live(worker)) == 4


def test_work_goes_past_a_worker_without_memory(stage: Stage) -> None:
    """What it gave back is taken by the other in the same turn."""
    first, second = stage.worker("a", functions="x"), stage.worker("b", functions="x", slots=2)
    stage.do(ev.SetAdmin([second], "disabled"))
    stage.job({"frames": "1-2", "function": "x"})
    ahead = [attempt.id for attempt in stage.live(first)]
    stage.do(ev.SetAdmin([second], "enabled"))
    session = stage.session(first)
    stage.turn(ev.Returned(session, ahead), ev.Heartbeat(session, "no memory", full=True))
    assert stage.live(first) == [] and len(stage.live(second)) == 2


def test_a_new_connection_of_a_worker_begins_without_a_word_of_memory(stage: Stage) -> None:
    worker = stage.worker()
    stage.do(ev.Heartbeat(stage.session(worker), "low", full=True))
    stage.worker()
    stage.job({})
    assert len(stage.live(worker)) == 1


def test_a_task_that_stands_still_is_noted_and_told_once(stage: Stage) -> None:
    """CONTRACT R32."""
    worker = stage.worker()
    job = stage.job({})
    stage.start(worker)
    (attempt,) = stage.live(worker)
    still = ev.Stalled(stage.session(worker), [(attempt.id, 1800.0)])
    about = {"worker": "render-01", "attempt": attempt.id, "step": stage.step(job).id, "task": 0}

    assert ("task.stalled", {**about, "seconds": 1800.0}) in stage.turn(still).notices
    assert "task.stalled" not in [topic for topic, _ in stage.turn(still).notices]
    assert "no sign of life for 1800 s" in why_task(stage.farm, stage.step(job).id, 0)["reasons"][0]["text"]

    moves = ev.Stalled(stage.session(worker), [(attempt.id, 0.0)])
    assert ("task.moves", {**about, "seconds": 0.0}) in stage.turn(moves).notices
    assert stage.live(worker)[0].reason == ""
    stage.end(worker, attempt)
    assert stage.words(job) == ["success0"]


def test_a_word_of_a_task_that_is_not_its_own_changes_nothing(stage: Stage) -> None:
    one, two = stage.worker("a"), stage.worker("b")
    stage.job({"frames": "1-2"})
    stage.start(one)
    stage.do(ev.Stalled(stage.session(two), [(stage.live(one)[0].id, 9.0), (12345, 9.0)]))
    assert stage.live(one)[0].reason == ""


def test_a_worker_is_told_what_its_step_needs_and_when_it_is_stuck(stage: Stage) -> None:
    worker = stage.worker(config={"gpus": 1})
    stage.job({"needs": {"gpus": 1.0}, "stalled_after": 60, "stop_stalled": True})
    (run,) = stage.orders(worker, Run)
    assert (run.step.needs, run.step.stalled_after, run.step.stop_stalled) == ({"gpus": 1.0}, 60.0, True)


def test_gpu_memory_is_of_each_gpu(stage: Stage) -> None:
    """Two cards of 24 GB carry two tasks of 20 GB, and none of 30."""
    worker = stage.worker(slots=4, config={"gpus": 2, "gpu_memory_mb": 24000})
    stage.job({"frames": "1-3", "needs": {"gpus": 1, "gpu_memory_mb": 20000}})
    stage.job({"needs": {"gpus": 1, "gpu_memory_mb": 30000}})
    assert [attempt.step_id for attempt in stage.live(worker)] == [1, 1]
