"""Who gets a slot: limits, needs, shares, workers of a job, and workers that fail (issue 3, point 3)."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core import events as ev
from brender.core.explain import why_job, why_task, why_worker
from brender.core.farm import Farm
from brender.core.lifecycle import BLOCK_LIMIT
from brender.core.rows import Job

from .builders import Stage


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def rules(stage: Stage, job: Job, name: str = "s1", task: int = 0) -> list[str]:
    return [one["rule"] for one in why_task(stage.farm, stage.step(job, name).id, task)["reasons"]]


def live_of(stage: Stage, job: Job) -> int:
    return stage.farm.usage.of_job(job)


def limit(stage: Stage, name: str, count: int) -> int:
    return int(stage.do(ev.Create("limit", {"name": name, "count": count}))["row"]["id"])


# ---- limits


def test_a_limit_is_shared_by_all_who_name_it_and_never_passed(stage: Stage) -> None:
    nuke = limit(stage, "nuke", 2)
    for i in range(3):
        stage.worker(f"w{i}", slots=2)
    first = stage.job({"frames": "1-5", "limits": ["nuke"]})
    second = stage.job({"frames": "1-5", "limits": ["nuke"]})
    plain = stage.job({"frames": "1-50"})
    assert (live_of(stage, first), live_of(stage, second)) == (2, 0)
    assert live_of(stage, plain) > 0
    assert rules(stage, second) == ["limit.used"]
    stage.do(ev.Update("limit", [nuke], {"count": 3}))
    for attempt in [a for a in stage.farm.attempts.values() if stage.farm.steps[a.step_id].job_id == plain.id]:
        stage.end(attempt.worker_id, attempt)
    assert stage.farm.usage.limits == {"nuke": 3}


def test_a_licence_that_comes_free_on_one_machine_is_used_by_another(stage: Stage) -> None:
    limit(stage, "nuke", 1)
    first, second = stage.worker("first"), stage.worker("second")
    job = stage.job({"frames": "1-2", "limits": ["nuke"]})
    (attempt,) = stage.live(first) or stage.live(second)
    busy, idle = attempt.worker_id, first + second - attempt.worker_id
    stage.turn(
        ev.SetAdmin([busy], "disabled"), ev.Results(stage.session(busy), [ev.Result(attempt.id, "success0", 1.0)])
    )
    assert len(stage.live(idle)) == 1
    assert live_of(stage, job) == 1


def test_a_licence_is_never_held_by_a_task_that_waits_in_a_queue(stage: Stage) -> None:
    limit(stage, "nuke", 9)
    worker = stage.worker()
    stage.job({"frames": "1-5", "limits": ["nuke"]})
    assert len(stage.live(worker)) == 1


def test_a_limit_that_is_named_is_not_deleted(stage: Stage) -> None:
    nuke = limit(stage, "nuke", 1)
    job = stage.job({"limits": ["nuke"]}, run=False)
    assert "s1" in stage.refused(ev.Delete("limit", [nuke])).message
    stage.do(ev.Update("step", [stage.step(job).id], {"limits": []}))
    stage.do(ev.Delete("limit", [nuke]))
    assert "nuke" in stage.refused(ev.Update("step", [stage.step(job).id], {"limits": ["nuke"]})).message


@pytest.mark.parametrize("values", [{"name": "n"}, {"name": "n", "count": -1}, {"name": "7", "count": 1}])
def test_a_limit_needs_a_name_and_a_count(stage: Stage, values: dict[str, Any]) -> None:
    assert stage.refused(ev.Create("limit", values)).message


# ---- of one job


def test_a_job_uses_no_more_workers_or_tasks_than_it_may(stage: Stage) -> None:
    for i in range(4):
        stage.worker(f"w{i}", slots=2)
    narrow = stage.job({"frames": "1-20"}, most_workers=2, priority=90)
    few = stage.job({"frames": "1-20"}, most_tasks=1, priority=80)
    assert len(stage.farm.usage.crews[narrow.id].workers) == 2
    assert live_of(stage, few) == 1
    assert rules(stage, few, task=19) == ["job.most_tasks"]
    stage.do(ev.Update("job", [few.id], {"most_tasks": 0}))
    assert live_of(stage, few) > 1


def test_a_job_that_has_its_workers_says_so(stage: Stage) -> None:
    stage.worker("a")
    stage.worker("b")
    job = stage.job({"frames": "1-20"}, most_workers=1)
    assert rules(stage, job, task=19) == ["job.most_workers"]


# ---- needs


def test_a_task_goes_where_there_is_enough_and_enough_is_left(stage: Stage) -> None:
    small = stage.worker("small", slots=4, config={"memory_mb": 4000, "cores": 4})
    large = stage.worker("large", slots=4, config={"memory_mb": 20000, "cores": 4})
    job = stage.job({"frames": "1-9", "needs": {"memory_mb": 8000}})
    assert (len(stage.live(small)), len(stage.live(large))) == (0, 2)
    assert rules(stage, job, task=8) == ["worker.full"]
    stage.end(large, stage.live(large)[0])
    assert len(stage.live(large)) == 2


def test_needs_that_nobody_meets_are_said_with_who_has_what(stage: Stage) -> None:
    worker = stage.worker("small", config={"memory_mb": 4000})
    job = stage.job({"needs": {"memory_mb": 8000, "gpus": 1}})
    assert rules(stage, job) == ["farm.nobody", "worker.needs"]
    assert "4000" in why_job(stage.farm, job.id)["reasons"][1]["text"]
    assert why_worker(stage.farm, worker)["reasons"][0]["rule"] == "worker.needs"
    stage.do(ev.Update("worker", [worker], {"config": {"memory_mb": 9000, "gpus": 2}}))
    assert len(stage.live(worker)) == 1


# ---- workers that fail


def fail(stage: Stage, worker: int, times: int) -> None:
    for _ in range(times):
        stage.end(worker, stage.live(worker)[0], "error", seconds=9.0)


def test_a_worker_that_keeps_failing_gets_no_more_of_that_job(stage: Stage) -> None:
    bad = stage.worker("bad")
    stage.worker("good")
    job = stage.job({"frames": "1-40", "retries": 5})
    fail(stage, bad, BLOCK_LIMIT)
    other = stage.job({})
    stage.wait(3)
    mine = [stage.farm.steps[a.step_id].job_id for a in stage.live(bad) if a.id > BLOCK_LIMIT * 4]
    assert job.failures == {f"{bad} noop": BLOCK_LIMIT}
    assert job.id not in mine
    for attempt in stage.live(bad):
        stage.end(bad, attempt, seconds=9.0)
    assert job.id not in [stage.farm.steps[a.step_id].job_id for a in stage.live(bad)]
    reasons = why_worker(stage.farm, bad)["reasons"]
    assert "worker.blocked" in [one["rule"] for one in reasons]
    assert f"job unblock {job.id}" in [one["next"] for one in reasons]
    stage.do(ev.UnblockJob(job.id))
    assert job.id in [stage.farm.steps[a.step_id].job_id for a in stage.live(bad)]
    assert other.run == 1


def test_the_last_worker_that_could_do_it_is_not_shut_out(stage: Stage) -> None:
    """A broken scene on a farm of one machine ends with its errors; it does not wait for ever."""
    only = stage.worker()
    job = stage.job({"frames": "1-6", "retries": 0})
    fail(stage, only, 6)
    assert job.state == "error"
    assert job.failures == {f"{only} noop": BLOCK_LIMIT - 1}


def test_a_job_whose_every_worker_is_shut_out_says_so(stage: Stage) -> None:
    bad, good = stage.worker("bad"), stage.worker("good")
    job = stage.job({"frames": "1-40", "retries": 5})
    fail(stage, bad, BLOCK_LIMIT)
    for attempt in stage.live(bad):
        stage.end(bad, attempt, seconds=9.0)
    stage.do(ev.Disconnected(stage.session(good), bye=True))
    assert rules(stage, job, task=39) == ["farm.nobody", "worker.blocked", "worker.away"]
    assert rules(stage, job, task=39) == [one["rule"] for one in why_job(stage.farm, job.id)["reasons"]]
    stage.do(ev.StopJob(job.id))
    stage.do(ev.RunJob(job.id))
    assert job.failures == {}
    assert len(stage.live(bad)) > 0
    assert "No worker has failed" in stage.refused(ev.UnblockJob(job.id)).message


# ---- shares


def project_job(stage: Stage, project: str, **values: Any) -> Job:
    tree = {"name": project, "workflows": [{"name": project, "tasks": [{"name": "s1", "function": "noop", **values}]}]}
    return stage.farm.jobs[stage.do(ev.SubmitTree(tree, run=True))["jobs"][0]["id"]]


def test_projects_share_the_farm_by_weight_and_age_breaks_ties(stage: Stage) -> None:
    for name in ("film", "advert"):
        stage.do(ev.Create("project", {"name": name, "weight": 3.0 if name == "film" else 1.0}))
    film, advert = project_job(stage, "film", frames="1-99"), project_job(stage, "advert", frames="1-99")
    for i in range(8):
        stage.worker(f"w{i}")
    assert (live_of(stage, film), live_of(stage, advert)) == (12, 4)


def test_a_higher_priority_goes_before_any_share(stage: Stage) -> None:
    film, advert = project_job(stage, "film", frames="1-99"), project_job(stage, "advert", frames="1-99")
    stage.do(ev.Update("job", [advert.id], {"priority": 90}))
    stage.worker(slots=4)
    assert (live_of(stage, film), live_of(stage, advert) > 0) == (0, True)


@pytest.mark.parametrize("weight", [0, -1.0, 1e9])
def test_a_weight_is_a_positive_number(stage: Stage, weight: float) -> None:
    assert "weight" in stage.refused(ev.Create("project", {"name": "p", "weight": weight})).message


def test_what_needs_a_free_slot_is_not_starved_by_queues_of_later_work(stage: Stage) -> None:
    limit(stage, "nuke", 1)
    worker = stage.worker(slots=2)
    plain = stage.job({"frames": "1-50"})
    stage.turn(ev.Tick())
    urgent = stage.job({"limits": ["nuke"]}, priority=90)
    for _ in range(3):
        stage.end(worker, stage.live(worker)[0], seconds=9.0)
    assert live_of(stage, urgent) == 1
    assert live_of(stage, plain) > 0


@pytest.mark.parametrize("most", [{"most_tasks": 1}, {"most_workers": 1}])
def test_a_deleted_job_that_waited_leaves_nothing_to_the_scheduler(stage: Stage, most: dict[str, int]) -> None:
    """Its queue is only a hint; a worker that comes later met a job that was not there, and the master died of it."""
    job = stage.job({}, **most)
    stage.do(ev.StopJob(job.id))
    stage.do(ev.Delete("job", [job.id]))
    worker = stage.worker()
    assert stage.live(worker) == []


def test_why_says_who_is_served_before_a_job(stage: Stage) -> None:
    """Issue 3: priority, fair share and age are explained like everything else; the advice never lowers anything."""
    stage.worker(slots=3)
    step = {"name": "s1", "function": "noop", "frames": "1-9"}
    tree = {"name": "film", "workflows": [{"name": "first", "tasks": [step]}]}
    stage.do(ev.SubmitTree(tree, run=True))
    stage.now += 1
    mine = stage.job(step, name="mine", priority=90)
    stage.now += 1

    def why() -> list[tuple[str, str, str]]:
        found = why_job(stage.farm, mine.id)["reasons"]
        return [(one["rule"], one["text"], one["next"]) for one in found]

    assert [(rule, advice) for rule, _, advice in why()] == [("farm.busy", "")]
    assert "next when a slot is free" in why()[0][1]
    stage.do(ev.Update("job", [mine.id], {"priority": 50}))
    assert "older jobs of its project with the same priority go first: 1" in why()[0][1]
    assert why()[0][2] == f"job priority {mine.id} 60"
    other = {"name": "advert", "workflows": [{"name": "late", "tasks": [step]}]}
    stage.do(ev.SubmitTree(other, run=True))
    assert why()[1] == (
        "project.share",
        "Project advert is served before it: 0 tasks on workers for a weight of 1; film has 6 for 1.",
        "project set film weight=2",
    )
    stage.do(ev.Update("job", [stage.farm.jobs[3].id], {"priority": 80}))
    assert "higher priority than its 50: 1" in why()[0][1]
