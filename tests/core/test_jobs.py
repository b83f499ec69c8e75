"""Jobs, steps, tasks, trees and projects: the seed's workflow rules as sentences."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.orders import Recall, Stop
from brender.errors import BrenderError, Conflict, Exists, Invalid, InvalidParams, NotFound, WrongState

from .builders import Stage, drain


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


# ---- order


def test_a_sequence_runs_one_place_after_another(stage: Stage) -> None:
    """SP-03, SP-17: gaps allowed."""
    worker = stage.worker(slots=4)
    job = stage.job({"place": 10}, {"place": 20}, {"place": 35})
    for name in ("s1", "s2", "s3"):
        (attempt,) = stage.live(worker)
        assert attempt.step_id == stage.step(job, name).id
        stage.end(worker, attempt)
    assert job.state == "success0"


def test_parallel_steps_start_and_the_sequence_goes_on(stage: Stage) -> None:
    """SP-03, SP-06: the run ends only when every parallel step has ended."""
    worker = stage.worker(slots=4)
    job = stage.job({"exec": "parallel"}, {"exec": "parallel"}, {}, {})
    names = {stage.farm.steps[a.step_id].name for a in stage.live(worker)}
    assert names == {"s1", "s2", "s3"}
    for _ in range(2):
        stage.end(worker, stage.live(worker)[-1])
    assert job.state == "running"
    drain(stage, worker)
    assert job.state == "success0"


def test_equal_places_are_one_stage(stage: Stage) -> None:
    """REQUIREMENTS 10.13."""
    worker = stage.worker(slots=4)
    stage.job({"place": 1}, {"place": 1}, {"place": 2})
    assert sorted(stage.farm.steps[a.step_id].name for a in stage.live(worker)) == ["s1", "s2"]


def test_a_failed_step_bars_the_rest_and_parallel_ones_are_awaited(stage: Stage) -> None:
    """SP-06."""
    worker = stage.worker(slots=4)
    job = stage.job({"exec": "parallel"}, {"retries": 0}, {})
    background, failing = stage.live(worker)
    stage.end(worker, failing, "error", exit_code=1)
    assert job.state == "running"
    stage.end(worker, background)
    assert (job.state, stage.words(job, "s3")) == ("error", ["stopped"])


# ---- run


def test_before_its_first_run_a_step_is_not_run_and_a_run_makes_it_new(stage: Stage) -> None:
    """SP-27, SP-28."""
    job = stage.job({"frames": "1-2"}, run=False)
    assert (job.state, stage.words(job)) == ("not run", ["not run", "not run"])
    assert stage.do(ev.RunJob(job.id)) == {
        "id": job.id, "job": job.id, "name": job.name, "project": "film", "run": 1, "tasks": 2,
    }  # fmt: skip
    assert (job.state, stage.words(job)) == ("new", ["new", "new"])


def test_a_new_run_wipes_the_last_statuses(stage: Stage) -> None:
    """SP-27."""
    worker = stage.worker()
    job = stage.job({"frames": "1-2", "retries": 0})
    stage.end(worker, stage.live(worker)[0], "error", exit_code=3)
    drain(stage, worker)
    assert stage.words(job) == ["error", "success0"]
    stage.do(ev.SetAdmin([worker], "disabled"))
    assert stage.do(ev.RunJob(job.id))["run"] == 2
    assert stage.words(job) == ["new", "new"]
    assert stage.farm.tasks[stage.step(job).id].trouble == {}


def test_a_running_job_is_not_run_again(stage: Stage) -> None:
    """SP-23."""
    job = stage.job({})
    assert isinstance(stage.refused(ev.RunJob(job.id)), WrongState)
    assert job.run == 1


def test_one_step_can_be_run_alone(stage: Stage) -> None:
    """SP-23: `run -t`."""
    worker = stage.worker()
    job = stage.job({}, {}, {}, run=False)
    stage.do(ev.RunJob(job.id, step=stage.step(job, "s2").id))
    drain(stage, worker)
    assert [stage.words(job, name) for name in ("s1", "s2", "s3")] == [["not run"], ["success0"], ["not run"]]
    assert job.state == "success0"


def test_what_cannot_be_run_says_why(stage: Stage) -> None:
    empty = stage.job(run=False)
    other = stage.job({}, run=False)
    assert isinstance(stage.refused(ev.RunJob(empty.id)), WrongState)
    assert isinstance(stage.refused(ev.RunJob(empty.id, step=stage.step(other).id)), NotFound)
    assert isinstance(stage.refused(ev.RunJob(404)), NotFound)


# ---- stop


def test_stop_answers_at_once_and_the_run_ends_when_its_tasks_have(stage: Stage) -> None:
    """SP-11, SP-35, SP-36."""
    worker = stage.worker()
    job = stage.job({"frames": "1-5"}, {})
    running, queued = stage.live(worker)
    stage.start(worker, running)
    answer = stage.do(ev.StopJob(job.id))
    assert (answer["state"], answer["stopping"], answer["skipped"]) == ("stopping", 2, 4)
    assert stage.orders(worker, Stop) == [Stop([running.id, queued.id])]
    assert (job.state, job.ended_at) == ("stopping", None)
    for attempt in (running, queued):
        stage.end(worker, attempt, "stopped")
    assert (job.state, job.ended_at) == ("stopped", stage.now)
    assert stage.words(job) == ["stopped"] * 5
    assert isinstance(stage.refused(ev.StopJob(job.id)), WrongState)


def test_a_task_that_ends_well_while_it_is_stopped_is_a_success(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({})
    stage.do(ev.StopJob(job.id))
    stage.end(worker, stage.live(worker)[0])
    assert job.state == "success0"


def test_a_task_that_is_given_back_while_its_job_stops_does_not_start_again(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.do(ev.StopJob(job.id))
    stage.do(ev.Returned(stage.session(worker), [attempt.id]))
    assert (job.state, stage.words(job)) == ("stopped", ["stopped"])


def test_a_job_whose_worker_is_away_stops_without_it(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({})
    stage.do(ev.Disconnected(stage.session(worker)))
    stage.do(ev.StopJob(job.id))
    assert job.state == "stopping"
    stage.wait(20)
    assert job.state == "stopped"


def test_one_step_of_a_sequence_is_not_stopped_but_a_frame_is(stage: Stage) -> None:
    """SP-25 as read by REQUIREMENTS 10.6: the run goes on without the frame."""
    worker = stage.worker()
    sequence = stage.job({}, {})
    assert isinstance(stage.refused(ev.KillTasks(stage.step(sequence).id, [0])), WrongState)
    drain(stage, worker)

    frames = stage.job({"frames": "1-3"})
    assert stage.do(ev.KillTasks(stage.step(frames).id, [0]))["tasks"] == 1
    (order,) = stage.orders(worker, Stop)
    stage.end(worker, order.attempts[0], "stopped")
    drain(stage, worker)
    assert stage.words(frames) == ["stopped", "success0", "success0"]
    assert isinstance(stage.refused(ev.KillTasks(stage.step(frames).id, [9])), Invalid)
    assert isinstance(stage.refused(ev.KillTasks(stage.step(frames).id, [0])), WrongState)


# ---- pause


def test_a_paused_job_starts_nothing_and_takes_back_what_waits(stage: Stage) -> None:
    """BR-33."""
    worker = stage.worker()
    job = stage.job({"frames": "1-4"})
    running, queued = stage.live(worker)
    stage.start(worker, running)
    stage.do(ev.PauseJob(job.id, True))
    assert stage.orders(worker, Recall) == [Recall([queued.id])]
    stage.do(ev.Returned(stage.session(worker), [queued.id]))
    stage.end(worker, running, seconds=60.0)
    assert stage.live(worker) == []
    stage.do(ev.PauseJob(job.id, False))
    assert len(stage.live(worker)) == 2
    drain(stage, worker)
    assert job.state == "success0"
    assert isinstance(stage.refused(ev.PauseJob(job.id, True)), WrongState)


# ---- trees


def tree(*names: str, **places: int) -> dict[str, Any]:
    tasks = [{"name": n, "function": "noop", **({"place": places[n]} if n in places else {})} for n in names]
    return {"name": "film", "workflows": [{"name": "comp", "tasks": tasks}]}


def places(stage: Stage) -> list[tuple[str, int]]:
    (job,) = stage.farm.jobs.values()
    return [(step.name, step.place) for step in stage.farm.steps_in(job)]


def test_a_tree_creates_and_extends(stage: Stage) -> None:
    """SP-16, SP-19: a new place 2 moves what stood there down."""
    assert stage.do(ev.SubmitTree({"context": {"project": tree("a", "b")}}))["jobs"][0]["created"]
    answer = stage.do(ev.SubmitTree(tree("new", new=2)))
    assert (answer["jobs"][0]["created"], answer["jobs"][0]["steps"]) == (False, 1)
    assert places(stage) == [("a", 1), ("new", 2), ("b", 3)]


def test_a_tree_extends_a_running_job(stage: Stage) -> None:
    worker = stage.worker()
    stage.do(ev.SubmitTree(tree("a"), run=True))
    stage.do(ev.SubmitTree(tree("b")))
    (job,) = stage.farm.jobs.values()
    drain(stage, worker)
    assert (job.state, stage.words(job, "b")) == ("success0", ["success0"])


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (tree("a", "a"), Exists),
        ({"name": "film", "workflowz": []}, InvalidParams),
        ({"name": "film", "workflows": {}}, InvalidParams),
        ({"workflows": []}, InvalidParams),
        ({"name": "film", "workflows": [{"name": "w", "tasks": [{"name": "t"}]}]}, InvalidParams),
        ({"name": "film", "workflows": [{"name": "w", "tasks": [{"name": "t", "function": "f", "plaze": 1}]}]}, None),
        ({"name": "film", "workflows": [{"name": "w", "tasks": [{"name": "t", "function": "f", "place": 0}]}]}, None),
        ({"name": "film", "workflows": [{"name": "w", "priority": 101}]}, Invalid),
        ({"name": "film", "workflows": [{"name": "w", "tags": [{}]}]}, Invalid),
        ({"name": "4"}, Invalid),
        ({"name": "a/b"}, Invalid),
    ],
)
def test_a_broken_tree_is_refused_whole(stage: Stage, broken: dict[str, Any], error: type[BrenderError] | None) -> None:
    """SP-54: nothing is written before everything is checked."""
    found = stage.refused(ev.SubmitTree(broken))
    assert isinstance(found, error or (Invalid, InvalidParams))
    assert (stage.farm.projects, stage.farm.jobs, stage.farm.steps) == ({}, {}, {})


def test_names_are_unique_in_a_workflow_also_against_old_ones(stage: Stage) -> None:
    """SP-54."""
    stage.do(ev.SubmitTree(tree("a")))
    assert isinstance(stage.refused(ev.SubmitTree(tree("b", "a"))), Exists)
    assert places(stage) == [("a", 1)]


def test_an_existing_workflow_is_checked_like_a_new_one(stage: Stage) -> None:
    stage.do(ev.SubmitTree(tree("a")))
    assert isinstance(
        stage.refused(ev.SubmitTree({"name": "film", "workflows": [{"name": "comp", "priority": 1000}]})), Invalid
    )


def test_a_step_without_a_limit_says_so(stage: Stage) -> None:
    """SP-04, SP-39: what `dump` writes, `create` reads."""
    job = stage.job({"timeout": 5}, run=False)
    stage.do(ev.Update("step", [stage.step(job).id], {"timeout": None}))
    assert stage.step(job).timeout is None
    assert isinstance(stage.refused(ev.Update("step", [stage.step(job).id], {"timeout": 0})), Invalid)
    assert isinstance(stage.refused(ev.Update("step", [stage.step(job).id], {"timeout": float("nan")})), Invalid)


# ---- change and delete


def test_a_running_job_is_stopped_before_it_is_deleted_or_changed(stage: Stage) -> None:
    """SP-20, SP-22."""
    job = stage.job({})
    step = stage.step(job)
    for event in (
        ev.Delete("job", [job.id]),
        ev.Delete("step", [step.id]),
        ev.Update("step", [step.id], {"chunk": 2}),
        ev.Create("step", {"job": job.id, "name": "x", "function": "noop"}),
    ):
        assert isinstance(stage.refused(event), WrongState)
    stage.do(ev.StopJob(job.id))
    stage.do(ev.Delete("step", [step.id]))
    stage.do(ev.Delete("job", [job.id]))
    assert (stage.farm.jobs, stage.farm.steps, stage.farm.tasks) == ({}, {}, {})


def test_several_are_deleted_or_none(stage: Stage) -> None:
    """SP-20, SP-59: deletes are exact."""
    idle, running = stage.job({}, run=False), stage.job({})
    stage.refused(ev.Delete("job", [idle.id, running.id]))
    assert set(stage.farm.jobs) == {idle.id, running.id}


def test_a_project_is_never_deleted_but_archived(stage: Stage) -> None:
    """SP-20, REQUIREMENTS 10.7."""
    job = stage.job({}, run=False)
    assert isinstance(stage.refused(ev.Delete("project", [job.project_id])), WrongState)
    stage.do(ev.Update("project", [job.project_id], {"state": "archived"}))
    assert isinstance(stage.refused(ev.RunJob(job.id)), WrongState)
    assert isinstance(stage.refused(ev.Create("job", {"name": "x", "project": job.project_id})), WrongState)
    assert isinstance(stage.refused(ev.Update("project", [job.project_id], {"state": "gone"})), Invalid)


def test_new_frames_make_a_step_not_run(stage: Stage) -> None:
    worker = stage.worker()
    job = stage.job({"frames": "1-2"})
    drain(stage, worker)
    stage.do(ev.Update("step", [stage.step(job).id], {"frames": "1-6", "chunk": 2}))
    assert (stage.words(job), job.state) == (["not run"] * 3, "not run")


def test_compare_and_set_refuses_what_was_changed_meanwhile(stage: Stage) -> None:
    """BR-07."""
    job = stage.job({}, run=False)
    step, project = stage.step(job), stage.farm.projects[job.project_id]
    for noun, row in (("job", job), ("step", step), ("project", project)):
        assert isinstance(stage.refused(ev.Update(noun, [row.id], {"name": "x"}, version=row.version + 1)), Conflict)
        assert stage.do(ev.Update(noun, [row.id], {"name": "y"}, version=row.version))["rows"][0]["name"] == "y"


@pytest.mark.parametrize(
    ("noun", "values"),
    [
        ("job", {"priority": 101}),
        ("job", {"priority": True}),
        ("job", {"tags": [["gpu"]]}),
        ("job", {"name": ""}),
        ("job", {"name": " x"}),
        ("job", {"colour": "red"}),
        ("step", {"exec": "later"}),
        ("step", {"chunk": -1}),
        ("step", {"retries": -1}),
        ("step", {"frames": "5-1"}),
        ("step", {"params": "text"}),
        ("step", {"name": "s2"}),
        ("step", {"function": ""}),
        ("planet", {"name": "x"}),
    ],
)
def test_a_bad_value_is_refused_and_nothing_changes(stage: Stage, noun: str, values: dict[str, Any]) -> None:
    job = stage.job({}, {}, run=False)
    row = job if noun == "job" else stage.step(job)
    before = str(stage.farm.jobs) + str(stage.farm.steps)
    error = stage.refused(ev.Update(noun, [row.id], values))
    assert isinstance(error, Invalid | InvalidParams | Exists)
    assert error.message and str(stage.farm.jobs) + str(stage.farm.steps) == before


def test_crud_makes_the_default_project(stage: Stage) -> None:
    """BR-07."""
    made = stage.do(ev.Create("job", {"name": "quick"}, by="ann"))["row"]
    assert (stage.farm.projects[made["project_id"]].name, made["submitter"]) == ("default", "ann")
    stage.do(ev.Create("step", {"job": made["id"], "name": "a", "function": "noop"}))
    row = stage.do(ev.Create("step", {"job": made["id"], "name": "b", "function": "noop", "place": 1}))["row"]
    assert (row["place"], places(stage)) == (1, [("b", 1), ("a", 2)])
    assert isinstance(stage.refused(ev.Create("job", {"name": "quick"})), Exists)
    assert isinstance(stage.refused(ev.Create("project", {"name": "default"})), Exists)
    assert stage.do(ev.Create("project", {"name": "film"}))["row"]["state"] == "active"
