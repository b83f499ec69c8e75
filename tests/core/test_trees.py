"""spad's tree changing what is there, `kill_all`, and waiting as a lease: the seed's rules as sentences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.commands.states import step_line
from brender.config import DEFAULT
from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.orders import Stop, Waiting
from brender.errors import BrenderError, Exists, Invalid, InvalidParams, NotFound, WrongState

from .builders import Stage


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def workflow(*tasks: dict[str, Any] | str, **values: Any) -> dict[str, Any]:
    full = [{"name": one, "function": "noop"} if isinstance(one, str) else one for one in tasks]
    return {"name": "comp", "tasks": full, **values}


def film(*workflows: dict[str, Any]) -> dict[str, Any]:
    return {"context": {"project": {"name": "film", "workflows": list(workflows)}}}


def steps(stage: Stage, job: str = "comp") -> list[tuple[str, int]]:
    project = stage.farm.project_named("film")
    assert project is not None
    found = stage.farm.job_named(project.id, job)
    assert found is not None
    return [(step.name, step.place) for step in stage.farm.steps_in(found)]


# ---- update


def test_an_update_replaces_whole_entities(stage: Stage) -> None:
    """SP-22: what the JSON leaves out is as in a new task."""
    worker = stage.worker()
    job = stage.job({"frames": "1-3", "retries": 5, "timeout": 9.0}, {}, name="comp")
    while live := stage.live(worker):
        stage.end(worker, live[0])
    step = stage.step(job)
    answer = stage.do(ev.UpdateTree(film(workflow({"name": "s1", "function": "noop", "place": 1, "chunk": 2}))))
    assert answer["updated"] == [{"id": job.id, "name": "comp", "changed": True, "steps": ["s1"]}]
    assert (step.frames, step.chunk, step.retries, step.timeout) == ("", 2, 1, None)
    assert (stage.words(job), stage.words(job, "s2")) == (["not run"], ["success0"])


def test_an_update_that_fails_leaves_everything_as_it_was(stage: Stage) -> None:
    """SP-22: delete and create are one event."""
    stage.job({"params": ["old"]}, {}, name="comp", run=False)
    for broken, error in (
        ({"name": "s2"}, InvalidParams),
        ({"name": "s2", "function": "noop", "frames": "x"}, BrenderError),
        ({"name": "s9", "function": "noop"}, NotFound),
        ({"name": "s1", "function": "noop"}, Exists),
        ({"name": "s2", "function": "noop", "plaze": 1}, InvalidParams),
    ):
        before = [list(map(str, stage.farm.table(table).values())) for table in ("project", "job", "step")]
        new = {"name": "s1", "function": "noop", "params": ["new"]}
        assert isinstance(stage.refused(ev.UpdateTree(film(workflow(new, broken)))), error)
        assert before == [list(map(str, stage.farm.table(table).values())) for table in ("project", "job", "step")]


def test_an_update_of_a_workflow_without_tasks_replaces_the_workflow(stage: Stage) -> None:
    """SP-20, SP-22: the leaf is the workflow."""
    job = stage.job({}, {}, name="comp", run=False, priority=80, tags=["big"])
    stage.do(ev.UpdateTree(film({"name": "comp", "tags": ["small"]})))
    assert (steps(stage), job.priority, job.tags, job.state) == ([], 50, ["small"], "not run")


def test_an_updated_task_that_moves_makes_room_and_one_that_stays_does_not(stage: Stage) -> None:
    """SP-19, SP-22: equal places stay one stage."""
    tasks = [{"name": name, "function": "noop", "place": place} for name, place in (("a", 1), ("b", 1), ("c", 2))]
    stage.do(ev.SubmitTree(film(workflow(*tasks))))
    assert not stage.do(ev.UpdateTree(film(workflow(tasks[0]))))["updated"][0]["changed"]
    assert steps(stage) == [("a", 1), ("b", 1), ("c", 2)]
    stage.do(ev.UpdateTree(film(workflow({**tasks[0], "place": 2}))))
    assert steps(stage) == [("b", 1), ("a", 2), ("c", 3)]


@pytest.mark.parametrize("kind", [ev.UpdateTree, ev.DeleteTree])
def test_what_a_tree_names_must_be_there_and_stopped(stage: Stage, kind: type[Any]) -> None:
    """SP-20, SP-22."""
    job = stage.job({}, name="comp")
    assert isinstance(stage.refused(kind(film(workflow("s1")))), WrongState)
    stage.do(ev.StopJob(job.id))
    assert isinstance(stage.refused(kind(film(workflow("s2")))), NotFound)
    assert isinstance(stage.refused(kind(film({"name": "cmp"}))), NotFound)
    assert isinstance(stage.refused(kind({"name": "movie", "workflows": [{"name": "comp"}]})), NotFound)
    assert isinstance(stage.refused(kind({"name": "film"})), WrongState)
    assert isinstance(
        stage.refused(kind({"name": "film", "workflows": [{"name": "comp", "colour": 1}]})), InvalidParams
    )
    assert isinstance(stage.refused(kind({"context": {"project": {"name": "film"}}, "more": 1})), InvalidParams)
    assert stage.do(kind(film(workflow("s1"))))["project"] == "film"


# ---- delete


def test_leaves_are_deleted_in_their_order(stage: Stage) -> None:
    """SP-20: tasks of a workflow, then more of them, then the workflow itself, in one JSON."""
    stage.job({}, {}, {}, name="comp", run=False)
    stage.job({}, name="other", run=False)
    answer = stage.do(ev.DeleteTree(film(workflow("s3"), {"name": "other"}, workflow("s1"), {"name": "comp"})))
    assert [(row["noun"], row["name"]) for row in answer["deleted"]] == [
        ("step", "s3"), ("job", "other"), ("step", "s1"), ("job", "comp"),
    ]  # fmt: skip
    assert (stage.farm.jobs, stage.farm.steps) == ({}, {})


def test_a_delete_takes_all_or_nothing(stage: Stage) -> None:
    """SP-20, SP-59: deletes are exact; the second of two equal ones finds nothing any more."""
    stage.job({}, {}, name="comp", run=False)
    running = stage.job({}, name="busy")
    assert isinstance(stage.refused(ev.DeleteTree(film(workflow("s1"), {"name": "busy"}))), WrongState)
    assert isinstance(stage.refused(ev.DeleteTree(film(workflow("s1", "s1")))), NotFound)
    assert steps(stage) == [("s1", 1), ("s2", 2)] and running.id in stage.farm.jobs
    stage.do(ev.DeleteTree(film(workflow("s1"))))
    assert steps(stage) == [("s2", 2)]


# ---- recreate


def test_recreate_wipes_what_it_names_and_makes_it_anew(stage: Stage) -> None:
    """SP-50."""
    old = stage.job({}, {}, name="comp", run=False)
    kept = stage.job({}, name="kept", run=False)
    answer = stage.do(ev.SubmitTree(film(workflow("new"), {"name": "fresh"}), wipe=True))
    assert [(job["name"], job["created"]) for job in answer["jobs"]] == [("comp", True), ("fresh", True)]
    assert old.id not in stage.farm.jobs and kept.id in stage.farm.jobs
    assert steps(stage) == [("new", 1)]


def test_a_recreate_that_fails_wipes_nothing(stage: Stage) -> None:
    """SP-22, SP-50."""
    stage.job({}, name="comp", run=False)
    assert isinstance(stage.refused(ev.SubmitTree(film(workflow("a", "a")), wipe=True)), Exists)
    stage.job({}, name="busy")
    assert isinstance(stage.refused(ev.SubmitTree(film(workflow("a"), {"name": "busy"}), wipe=True)), WrongState)
    assert steps(stage) == [("s1", 1)]


# ---- places


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.lists(st.integers(1, 6) | st.none(), max_size=4))
def test_new_places_shift_what_stood_there_and_keep_its_order(old: list[int], new: list[int | None]) -> None:
    """SP-17, SP-19: whatever stands before stays in its order, a new task stands at the place it named."""
    stage = Stage()
    before = [{"name": f"o{i}", "function": "noop", "place": place} for i, place in enumerate(old)]
    more = [{"name": f"n{i}", "function": "noop", **({"place": p} if p else {})} for i, p in enumerate(new)]
    stage.do(ev.SubmitTree(film(workflow(*before))))
    was = [name for name, _ in steps(stage)]
    stage.do(ev.SubmitTree(film(workflow(*more))))
    now = steps(stage)
    assert [name for name, _ in now if name in was] == was
    for i, place in enumerate(new):
        if place:
            assert (f"n{i}", place) in now
            assert not any(name in was and at == place for name, at in now)


# ---- kill_all


def test_everything_is_stopped_at_once_and_only_what_runs(stage: Stage) -> None:
    """SP-11, SP-50."""
    worker = stage.worker(slots=2)
    first, second, idle = stage.job({}), stage.job({"frames": "1-9"}), stage.job({}, run=False)
    stage.start(worker)
    answer = stage.do(ev.StopAll())
    assert [job["id"] for job in answer["jobs"]] == [first.id, second.id]
    assert answer["stopping"] == len(stage.live(worker))
    assert (first.desired, second.desired, idle.state) == ("stop", "stop", "not run")
    while live := stage.live(worker):
        stage.end(worker, live[0], "stopped")
    assert stage.do(ev.StopAll())["jobs"] == []


def test_fifty_tasks_that_are_stopped_are_told_so_in_one_turn_and_the_status_says_it_at_once(stage: Stage) -> None:
    """SP-11, SP-59: a stop waits for nobody; bench/stops.py takes the time."""
    worker = stage.worker(slots=50)
    job = stage.job(*({"exec": "parallel"} for _ in range(50)))
    stage.start(worker)
    assert stage.do(ev.StopJob(job.id))["stopping"] == 50
    assert {step_line(stage.farm, step)["state"] for step in stage.farm.steps_in(job)} == {"stopping"}
    assert len(stage.orders(worker, Stop)[0].attempts) == 50


# ---- waiting


def waiting(stage: Stage, limit: float | None = None) -> tuple[Any, Any, int]:
    worker = stage.worker()
    job = stage.job({})
    (attempt,) = stage.live(worker)
    stage.start(worker)
    stage.orders(worker)
    answer = stage.do(ev.SetWaiting(attempt.id, True, limit=limit))
    assert answer["limit"] == (DEFAULT.waiting_limit if limit is None else limit)
    assert stage.orders(worker) == [Waiting([attempt.id])]
    return job, attempt, worker


def test_waiting_ends_by_itself_when_its_limit_is_over(stage: Stage) -> None:
    """SP-30, REQUIREMENTS 10.8: a lease, not a promise."""
    job, attempt, worker = waiting(stage, limit=30.0)
    stage.farm.loads[worker].heard += 1000
    stage.wait(29)
    assert stage.words(job) == ["waiting"]
    stage.wait(2)
    assert (stage.words(job), stage.orders(worker), stage.farm.leases) == (["running"], [Waiting([])], {})
    assert attempt.state == "running"


def test_a_held_back_stop_comes_when_the_limit_is_over(stage: Stage) -> None:
    """SP-30, REQUIREMENTS 10.8."""
    job, attempt, worker = waiting(stage, limit=3.0)
    assert stage.do(ev.StopJob(job.id))["waiting"] == 1
    stage.wait(4)
    assert stage.orders(worker) == [Waiting([]), Stop([attempt.id])]
    assert stage.words(job) == ["stopping"]


def test_force_ends_a_waiting_task(stage: Stage) -> None:
    """REQUIREMENTS 7.3, 10.8."""
    job, attempt, worker = waiting(stage)
    assert isinstance(stage.refused(ev.KillTasks(stage.step(job).id, [0])), WrongState)
    assert stage.do(ev.StopJob(job.id, force=True))["stopping"] == 1
    assert stage.orders(worker) == [Waiting([]), Stop([attempt.id])]
    stage.end(worker, attempt, "stopped")
    assert (job.state, stage.farm.leases) == ("stopped", {})


def test_a_task_that_ends_while_it_waits_leaves_no_lease(stage: Stage) -> None:
    _, attempt, worker = waiting(stage)
    stage.end(worker, attempt)
    assert stage.farm.leases == {}


def test_a_longer_wait_is_asked_for_again_and_none_is_endless(stage: Stage) -> None:
    """SP-30."""
    job, attempt, _ = waiting(stage, limit=5.0)
    stage.wait(4)
    stage.do(ev.SetWaiting(attempt.id, True, limit=5.0))
    stage.wait(4)
    assert stage.words(job) == ["waiting"]
    for limit in (0.0, -1.0, DEFAULT.longest_wait + 1, float("nan")):
        assert isinstance(stage.refused(ev.SetWaiting(attempt.id, True, limit=limit)), Invalid)


def test_a_new_master_counts_anew_and_a_worker_that_comes_back_is_told(stage: Stage) -> None:
    """SP-30, CONTRACT D4: leases run only while a master is up."""
    _, attempt, worker = waiting(stage, limit=5.0)
    stage.turn(ev.Boot())
    assert stage.farm.leases == {attempt.id: stage.now + DEFAULT.waiting_limit}
    stage.worker(running=[attempt.id])
    assert Waiting([attempt.id]) in stage.orders(worker)


def test_a_master_that_slept_lengthens_every_wait(stage: Stage) -> None:
    """F10."""
    job, _, _ = waiting(stage, limit=5.0)
    stage.now += 100.0
    stage.turn(ev.Tick())
    assert stage.words(job) == ["waiting"]
