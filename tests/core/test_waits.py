"""What waits for what: steps, frames, jobs, the clock (issue 3, point 3); cycles and unknown names are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core import events as ev
from brender.core.explain import why_job, why_task
from brender.core.farm import Farm
from brender.core.rows import Job
from brender.core.settle import open_steps

from .builders import Stage


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def submit(stage: Stage, *tasks: dict[str, Any], **job: Any) -> ev.SubmitTree:
    steps = [{"name": f"s{i}", "function": "noop", **task} for i, task in enumerate(tasks, 1)]
    return ev.SubmitTree({"name": "film", "workflows": [{"name": "j", **job, "tasks": steps}]}, run=True)


def why(stage: Stage, job: Job, name: str, task: int = 0) -> str:
    return str(why_task(stage.farm, stage.step(job, name).id, task)["reasons"][0]["rule"])


def opened(stage: Stage, job: Job) -> list[str]:
    return [step.name for step in open_steps(stage.farm, job)]


def finish(stage: Stage, worker: int, job: Job, name: str = "", state: str = "success0") -> None:
    for attempt in stage.live(worker):
        step = stage.farm.steps[attempt.step_id]
        if step.job_id == job.id and name in ("", step.name):
            stage.end(worker, attempt, state)


def test_a_step_opens_after_the_steps_it_names_beside_its_place(stage: Stage) -> None:
    worker = stage.worker(slots=9)
    tasks = [{"exec": "parallel"}, {"exec": "parallel"}, {"exec": "parallel", "after": ["s1"]}]
    job = stage.job(*tasks)
    assert opened(stage, job) == ["s1", "s2"]
    assert why(stage, job, "s3") == "step.after"
    finish(stage, worker, job, "s1")
    assert opened(stage, job) == ["s2", "s3"]
    finish(stage, worker, job)
    finish(stage, worker, job)
    assert job.state == "success0"


def test_a_failed_step_ends_the_run_of_those_after_it(stage: Stage) -> None:
    worker = stage.worker(slots=9)
    job = stage.job({"exec": "parallel", "retries": 0}, {"exec": "parallel", "after": ["s1"]})
    finish(stage, worker, job, "s1", "error")
    assert (job.state, stage.words(job, "s2")) == ("error", ["stopped"])
    stage.do(ev.RetryTasks(stage.step(job).id, []))
    finish(stage, worker, job, "s1")
    finish(stage, worker, job, "s2")
    assert job.state == "success0"


def test_frames_follow_frames(stage: Stage) -> None:
    """`sim:frame`: task i of comp starts when task i of sim is a success, though sim is an `await` step."""
    worker = stage.worker(slots=2)
    job = stage.job({"name": "sim", "frames": "1-3"}, {"name": "comp", "frames": "1-3", "after": ["sim:frame"]})
    assert why(stage, job, "comp") == "task.follows"
    (second,) = [a for a in stage.live(worker) if a.task == 1]
    stage.end(worker, second)
    assert ("comp", 0) not in {(stage.farm.steps[a.step_id].name, a.task) for a in stage.live(worker)}
    finish(stage, worker, job, "sim")
    names = {(stage.farm.steps[a.step_id].name, a.task) for a in stage.live(worker)}
    assert ("comp", 1) in names
    for _ in range(6):
        finish(stage, worker, job)
    assert job.state == "success0"
    assert stage.words(job, "comp") == ["success0"] * 3


def test_a_frame_made_anew_holds_the_frame_that_follows_it(stage: Stage) -> None:
    worker = stage.worker(slots=2)
    steps = [{"name": "sim", "frames": "1-2"}, {"name": "comp", "frames": "1-2", "after": ["sim:frame"], "retries": 3}]
    job = stage.job(*steps)
    finish(stage, worker, job, "sim")
    comp = next(a for a in stage.live(worker) if a.task == 0)
    stage.turn(
        ev.SetAdmin([worker], "disabled"),
        ev.Results(stage.session(worker), [ev.Result(comp.id, "error", 1.0)]),
        ev.RetryTasks(stage.step(job, "sim").id, [0], again=True),
    )
    assert why(stage, job, "comp") == "task.follows"
    stage.do(ev.SetAdmin([worker], "enabled"))
    for _ in range(4):
        finish(stage, worker, job)
    assert job.state == "success0"


def test_a_step_run_alone_waits_for_nobody(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({"frames": "1-2"}, {"frames": "1-2", "after": ["s1:frame"]}, {"after": ["s1"]}, run=False)
    stage.do(ev.RunJob(job.id, stage.step(job, "s2").id))
    finish(stage, worker, job)
    finish(stage, worker, job)
    assert job.state == "success0"


def test_a_job_starts_when_the_jobs_it_names_are_a_success(stage: Stage) -> None:
    worker = stage.worker(slots=4)
    first = stage.job({"retries": 0}, name="sim")
    second = stage.job({}, name="comp", after=["sim"])
    assert why_job(stage.farm, second.id)["reasons"][0]["rule"] == "job.after"
    finish(stage, worker, first, state="error")
    assert stage.live(worker) == []
    stage.do(ev.RetryTasks(stage.step(first).id, []))
    finish(stage, worker, first)
    assert len(stage.live(worker)) == 1
    finish(stage, worker, second)
    assert second.state == "success0"


def test_a_job_that_others_wait_for_is_neither_renamed_nor_deleted(stage: Stage) -> None:
    first = stage.job({}, name="sim", run=False)
    second = stage.job({}, name="comp", after=["film/sim"], run=False)
    for event in (ev.Delete("job", [first.id]), ev.Update("job", [first.id], {"name": "x"})):
        assert "comp waits for job 'film/sim'" in stage.refused(event).message
    stage.do(ev.Update("job", [second.id], {"after": []}))
    stage.do(ev.Delete("job", [first.id]))


def test_a_job_starts_at_its_time(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({}, start_at=stage.now + 20)
    assert why_job(stage.farm, job.id)["reasons"][0]["rule"] == "job.later"

    def beat() -> None:
        for _ in range(11):
            stage.now += 1
            stage.turn(ev.Heartbeat(stage.session(worker)), ev.Tick())

    beat()
    assert stage.live(worker) == []
    beat()
    assert len(stage.live(worker)) == 1
    other = stage.job({}, run=False)
    stage.do(ev.RunJob(other.id, start_at=stage.now + 1000))
    stage.do(ev.Update("job", [other.id], {"start_at": None}))
    assert len(stage.live(worker)) == 2


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([{"after": ["nobody"]}], "waits for step 'nobody'"),
        ([{"after": ["s1"]}], "s1 after s1"),
        ([{"exec": "parallel", "after": ["s2"]}, {"exec": "parallel", "after": ["s1"]}], "wait for each other"),
        ([{"after": ["s2"]}, {}], "wait for each other"),  # s2 waits for s1 by its place
        ([{"frames": "1-3"}, {"frames": "1-4", "after": ["s1:frame"]}], "3 tasks|4 tasks"),
        ([{"limits": ["nuke"]}], "no limit of the farm: 'nuke'"),
        ([{"needs": {"horses": 1}}], "horses"),
        ([{"needs": {"cores": 0}}], "more than 0"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    stage: Stage, tasks: list[dict[str, Any]], said: str
) -> None:
    turn = stage.turn(submit(stage, *tasks))
    assert any(word in turn.answers[0].message for word in said.split("|")), turn.answers
    assert turn.changes == []
    assert stage.farm.jobs == {}
    assert {table for table, _, _ in stage.farm.names} <= {"alarm_rule"}


def test_jobs_that_wait_for_each_other_are_refused_by_name(stage: Stage) -> None:
    first = stage.job({}, name="a", run=False)
    stage.job({}, name="b", after=["a"], run=False)
    refused = stage.refused(ev.Update("job", [first.id], {"after": ["b"]}))
    assert refused.message == "Jobs wait for each other: a after b after a."
    assert "which there is not" in stage.refused(ev.Update("job", [first.id], {"after": ["film/x"]})).message


def test_a_step_that_others_name_is_neither_renamed_nor_deleted_nor_cut_differently(stage: Stage) -> None:
    job = stage.job({"frames": "1-2"}, {"frames": "1-2", "after": ["s1:frame"]}, run=False)
    step = stage.step(job).id
    for event in (
        ev.Update("step", [step], {"name": "x"}),
        ev.Delete("step", [step]),
        ev.Update("step", [step], {"chunk": 2}),
    ):
        assert "s2" in stage.refused(event).message
    assert stage.step(job).chunk == 1
    assert len(stage.farm.tasks[step]) == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12), st.data())
def test_a_graph_that_is_accepted_always_ends(edges: list[tuple[int, int]], data: st.DataObject) -> None:
    """Whatever names whatever: either refused as a cycle, or the job runs to its success."""
    kinds = data.draw(st.lists(st.sampled_from(["await", "parallel"]), min_size=6, max_size=6))
    frame = data.draw(st.booleans())
    tasks: list[dict[str, Any]] = [{"frames": "1-2", "exec": kind, "place": 1 + i // 2} for i, kind in enumerate(kinds)]
    for later, earlier in edges:
        word = f"s{earlier + 1}" + (":frame" if frame else "")
        tasks[later].setdefault("after", [])
        if word not in tasks[later]["after"]:
            tasks[later]["after"].append(word)
    stage = Stage()
    worker = stage.worker(slots=3)
    answer = stage.turn(submit(stage, *tasks)).answers[0]
    if not isinstance(answer, dict):
        assert "wait for each other" in answer.message
        return
    job = stage.farm.jobs[1]
    for _ in range(30):
        finish(stage, worker, job)
    assert job.state == "success0"
