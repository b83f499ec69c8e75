"""Tasks that are run again: of a step or of a whole job, forgiven, and never while they run."""

from __future__ import annotations

import pytest

from brender.core import events as ev
from brender.core.farm import Farm
from brender.errors import Invalid, WrongState

from .builders import Stage, drain


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def test_retry_takes_up_a_run_that_was_over_with_what_it_skipped(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({"retries": 0}, {})
    drain(stage, worker, "error")
    assert (job.state, stage.words(job, "s2")) == ("error", ["stopped"])
    assert stage.do(ev.RetryTasks(stage.step(job).id, []))["tasks"] == 1
    drain(stage, worker)
    assert (job.state, job.run) == ("success0", 1)
    assert stage.words(job, "s2") == ["success0"]


@pytest.mark.parametrize("again", [False, True])
def test_a_job_is_requeued_with_all_of_its_steps(stage: Stage, again: bool) -> None:
    """REQUIREMENTS 8.4: two steps failed, one was skipped, one is a success."""
    worker = stage.worker(slots=9)
    job = stage.job({}, {"exec": "parallel", "retries": 0}, {"retries": 0}, {})
    stage.end(worker, stage.live(worker)[0])
    drain(stage, worker, "error")
    assert [stage.words(job, f"s{n}") for n in (1, 2, 3, 4)] == [["success0"], ["error"], ["error"], ["stopped"]]

    assert stage.do(ev.RetryJob(job.id, again=again))["tasks"] == 3 + again
    drain(stage, worker)

    assert (job.state, job.run) == ("success0", 1)
    assert [stage.farm.tasks[stage.step(job, f"s{n}").id].numbers[0] for n in (1, 2, 3, 4)] == [1 + again, 2, 2, 1]
    assert isinstance(stage.refused(ev.RetryJob(job.id)), WrongState)


def test_a_stopped_job_is_requeued_with_what_never_began(stage: Stage) -> None:
    job = stage.job({}, {"frames": "1-3"})
    stage.do(ev.StopJob(job.id))
    assert stage.do(ev.RetryJob(job.id))["tasks"] == 4
    drain(stage, stage.worker(slots=2))
    assert job.state == "success0"
    other = stage.job({}, run=False)
    assert "job run" in str(stage.refused(ev.RetryJob(other.id)).hint)


def test_a_retried_task_is_forgiven_as_often_as_a_new_one(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({})
    drain(stage, worker, "error")
    stage.do(ev.RetryTasks(stage.step(job).id, [0]))
    stage.end(worker, stage.live(worker)[0], "error")
    stage.end(worker, stage.live(worker)[0])
    assert stage.words(job) == ["success0"]


def test_only_what_has_ended_and_failed_is_retried(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({"frames": "1-2"}, run=False)
    step = stage.step(job).id
    assert isinstance(stage.refused(ev.RetryTasks(step, [0])), WrongState)
    stage.do(ev.RunJob(job.id))
    assert isinstance(stage.refused(ev.RetryTasks(step, [])), WrongState)
    assert isinstance(stage.refused(ev.RetryTasks(step, [0])), WrongState)
    drain(stage, worker)
    assert isinstance(stage.refused(ev.RetryTasks(step, [0])), WrongState)
    assert isinstance(stage.refused(ev.RetryTasks(step, [2])), Invalid)


def test_changed_retries_judge_the_tasks_of_an_ended_run_again(stage: Stage) -> None:
    """The mirror: a restarted master folds the same attempts with the new number."""
    worker = stage.worker()
    job = stage.job({"retries": 0})
    drain(stage, worker, "error")
    assert stage.words(job) == ["error"]
    stage.do(ev.Update("step", [stage.step(job).id], {"retries": 2}))
    assert stage.words(job) == ["stopped"]
    stage.do(ev.Update("step", [stage.step(job).id], {"retries": 0}))
    assert (stage.words(job), job.state) == (["error"], "error")
    stage.do(ev.RetryTasks(stage.step(job).id, []))
    drain(stage, worker)
    assert stage.words(job) == ["success0"]
