"""Steps with chunk=auto: how many tasks one process gets, and that slots, failures and workers count right."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core import chunks
from brender.core import events as ev
from brender.core.explain import why_task, why_worker
from brender.core.farm import Farm
from brender.core.orders import Run
from brender.core.rows import Attempt, Job

from .builders import Stage

BUNDLES = {"bundles": ["comp"]}


@pytest.fixture
def stage(farm: Farm) -> Stage:
    return Stage(farm)


def comp(stage: Stage, frames: str = "1-1000", **more: Any) -> Job:
    return stage.job({"function": "comp", "frames": frames, "chunk": "auto", **more})


def able(stage: Stage, name: str = "w0", slots: int = 1) -> int:
    return stage.worker(name, slots=slots, functions="comp noop", config=BUNDLES)


def bundle(stage: Stage, worker: int) -> list[Attempt]:
    """What was sent to a worker last, begun in one process."""
    runs = stage.orders(worker, Run)
    assert all(run.together for run in runs)
    sent = [stage.farm.attempts[attempt] for attempt, _ in runs[-1].tasks]
    stage.do(ev.Started(stage.session(worker), [(one.id, 5000 + sent[0].id) for one in sent]))
    return sent


def over(
    stage: Stage, worker: int, sent: list[Attempt], state: str = "success0", each: float = 1.0, **more: Any
) -> None:
    stage.now += each * len(sent)
    results = [ev.Result(one.id, state, each, number=one.id, **more) for one in sent]
    stage.do(ev.Results(stage.session(worker), results))


def test_one_task_while_nothing_is_measured_then_as_many_as_fill_the_target(stage: Stage) -> None:
    worker = able(stage)
    comp(stage)
    first = bundle(stage, worker)
    assert len(first) == 1
    over(stage, worker, first, each=2.0)
    assert len(stage.live(worker)) == 30  # 60 s


def test_a_process_with_many_tasks_takes_one_slot(stage: Stage) -> None:
    worker = able(stage, slots=2)
    job = comp(stage)
    stage.farm.tasks[stage.step(job).id].seconds = 2.0
    over(stage, worker, [stage.farm.attempts[a] for run in stage.orders(worker, Run) for a, _ in run.tasks], each=2.0)
    runs = stage.orders(worker, Run)
    assert [len(run.tasks) for run in runs] == [30, 30]
    for run in runs:
        stage.do(ev.Started(stage.session(worker), [(attempt, run.tasks[0][0]) for attempt, _ in run.tasks]))
    assert (len(stage.live(worker)), stage.farm.slots_taken(worker)) == (60, 2)
    assert stage.farm.usage.projects == {1: 2}
    assert not stage.orders(worker, Run)


def test_a_slot_beside_a_long_bundle_is_free_for_others(stage: Stage) -> None:
    worker = able(stage, slots=2)
    comp(stage, "1-30")
    over(stage, worker, [stage.live(worker)[0]], each=0.1)
    long = bundle(stage, worker)
    over(stage, worker, [stage.live(worker)[0]], each=0.1)
    other = stage.job({"frames": "1-3"}, priority=90)
    over(stage, worker, bundle(stage, worker), each=0.1)
    assert len(stage.live(worker)) > len(long) > 9
    assert [a.step_id for a in stage.live(worker)].count(stage.step(other).id) >= 1


def test_the_tail_is_split_so_that_all_slots_end_together(stage: Stage) -> None:
    workers = [able(stage, f"w{n}") for n in range(4)]
    job = comp(stage, "1-44")
    tasks = stage.farm.tasks[stage.step(job).id]
    for worker in workers:
        over(stage, worker, bundle(stage, worker), each=0.1)
        stage.now += 0.001
    sizes = [len(bundle(stage, worker)) for worker in workers]
    assert tasks.seconds == pytest.approx(0.1) and sum(sizes) >= 38 and max(sizes) - min(sizes) <= 4, sizes


def test_what_others_have_before_them_counts_by_how_long_they_are_at_it(stage: Stage) -> None:
    one, two = able(stage, "one"), able(stage, "two")
    job = comp(stage, "1-102")
    over(stage, one, bundle(stage, one), each=1.0)
    sent = bundle(stage, one)
    assert len(sent) == 51
    stage.now += 48.0
    over(stage, two, bundle(stage, two), each=1.0)
    assert len(stage.live(two)) == 26  # the other one is nearly done with its own: half of what is left
    assert stage.farm.tasks[stage.step(job).id].ready() == 23


def test_a_slow_worker_gets_less(stage: Stage) -> None:
    fast, slow = able(stage, "fast"), able(stage, "slow")
    comp(stage, "1-100000")
    for _ in range(20):
        for worker, each in ((fast, 0.5), (slow, 2.0)):
            over(stage, worker, bundle(stage, worker), each=each)
            stage.do(ev.Heartbeat(stage.session(fast)))
            stage.do(ev.Heartbeat(stage.session(slow)))
    sizes = {worker: len(bundle(stage, worker)) for worker in (fast, slow)}
    assert sizes[fast] > 2 * sizes[slow] > 0, sizes


def test_a_worker_that_starts_each_task_by_itself_is_sent_them_as_ever(stage: Stage) -> None:
    worker = stage.worker(functions="comp")
    comp(stage)
    stage.end(worker, stage.live(worker)[0], seconds=1.0)
    assert len(stage.live(worker)) == 2
    assert not any(run.together for run in stage.orders(worker, Run))


def test_what_takes_a_licence_goes_one_by_one(stage: Stage) -> None:
    worker = able(stage)
    stage.do(ev.Create("limit", {"name": "nuke", "count": 5}))
    comp(stage, limits=["nuke"])
    stage.end(worker, stage.live(worker)[0], seconds=0.1)
    assert len(stage.live(worker)) == 1


def test_tasks_of_a_process_that_failed_go_alone_and_are_not_blamed(stage: Stage) -> None:
    worker = able(stage)
    job = comp(stage, "1-9", retries=0)
    over(stage, worker, bundle(stage, worker), each=0.1)
    sent = bundle(stage, worker)
    assert len(sent) == 8
    over(stage, worker, sent, "returned", exit_code=3, reason="8 tasks in one process failed")
    seen = []
    while stage.live(worker):
        (one,) = bundle(stage, worker)
        seen.append(one.task)
        over(stage, worker, [one], *(("error",) if one.task == 4 else ()), exit_code=3 if one.task == 4 else 0)
    assert seen == list(range(1, 9))
    assert stage.words(job).count("success0") == 8 and stage.words(job)[4] == "error"


def test_what_came_back_without_having_failed_is_bundled_again(stage: Stage) -> None:
    worker = able(stage)
    comp(stage, "1-9")
    over(stage, worker, bundle(stage, worker), each=0.1)
    over(stage, worker, bundle(stage, worker), "returned", reason="another of 8 tasks in one process was stopped")
    assert len(bundle(stage, worker)) == 8


def test_after_a_restart_a_slot_is_still_one_slot(stage: Stage) -> None:
    """The process id of the rows is enough to count again."""
    worker = able(stage)
    comp(stage, "1-9")
    over(stage, worker, bundle(stage, worker), each=0.1)
    sent = bundle(stage, worker)
    for one in sent:
        stage.farm.end(one)
    assert not stage.farm.usage.aboard and not stage.farm.usage.riders
    for one in sent:
        stage.farm.revive(one)
    assert stage.farm.slots_taken(worker) == 1


def test_among_equal_projects_a_worker_goes_on_with_the_file_it_has_open(stage: Stage) -> None:
    workers = [stage.worker(f"w{n}", functions="blender") for n in range(2)]
    for name in "ab":
        step = {"name": "r", "function": "blender", "frames": "1-50", "params": {"blend": f"/{name}", "output": "/o"}}
        stage.do(ev.SubmitTree({"name": name, "workflows": [{"name": name, "tasks": [step]}]}, run=True))
    for worker in (*workers, *workers, *workers):
        stage.end(worker, stage.live(worker)[0], seconds=9.0)
    before = {worker: stage.farm.loads[worker].files[-1] for worker in workers}
    assert set(before.values()) == {"/a", "/b"}
    for together in (workers, workers[::-1], workers[:1], workers[1:], workers):
        ends = [ev.Results(stage.session(w), [ev.Result(stage.live(w)[0].id, "success0", 9.0)]) for w in together]
        stage.turn(*ends)
    assert {worker: stage.farm.loads[worker].files[-1] for worker in workers} == before
    said = why_worker(stage.farm, workers[0])["reasons"]
    assert any(reason["rule"] == "worker.warm" and before[workers[0]] in reason["text"] for reason in said)
    waits = why_task(stage.farm, 1, 49)["reasons"]
    assert [reason["rule"] for reason in waits] == ["farm.busy", "worker.warm"]


def test_within_a_project_the_older_job_goes_first_whatever_is_open(stage: Stage) -> None:
    worker = stage.worker(functions="blender")
    jobs = []
    for name in "ab":
        step = {"function": "blender", "frames": "1-3", "params": {"blend": f"/{name}", "output": "/o"}}
        jobs.append(stage.job(step, name=name))
        stage.now += 1.0
    ran = []
    while live := stage.live(worker):
        ran.append(stage.farm.steps[live[0].step_id].job_id)
        stage.end(worker, live[0])
    assert ran == [jobs[0].id] * 3 + [jobs[1].id] * 3


@pytest.mark.parametrize(
    ("seconds", "pace", "most"), [(0.0, 1.0, 1), (60.0, 1.0, 1), (90.0, 1.0, 1), (2.0, 2.0, 15), (1e-9, 1.0, 256)]
)
def test_how_many_fit(stage: Stage, seconds: float, pace: float, most: int) -> None:
    assert chunks.fitting(seconds, pace, stage.core.settings) == most


def test_auto_is_a_word_that_stays_one(stage: Stage) -> None:
    job = comp(stage, "1-5")
    assert (stage.step(job).chunk, len(stage.words(job))) == (0, 5)
    stage.do(ev.StopJob(job.id))
    step = stage.step(job)
    stage.do(ev.Update("step", [step.id], {"chunk": 5}))
    assert len(stage.words(job)) == 1
    stage.do(ev.Update("step", [step.id], {"chunk": "auto"}))
    assert len(stage.words(job)) == 5
    assert "auto" in stage.refused(ev.Update("step", [step.id], {"chunk": -3})).message


@pytest.mark.parametrize("chunk", [0, 0.0, -1, "", "0"])
def test_a_chunk_of_no_frames_is_refused_before_anything_is_written(stage: Stage, chunk: Any) -> None:
    """Issue 3: `auto` is a 0 inside, and nobody may write it as one."""
    task = {"name": "r", "function": "noop", "frames": "1-5", "chunk": chunk}
    tree = {"name": "film", "workflows": [{"name": "shot", "tasks": [task]}]}
    assert "chunk is" in stage.refused(ev.SubmitTree(tree, run=True)).message
    assert not stage.farm.projects and not stage.farm.jobs
    job = stage.job({"function": "comp", "frames": "1-5", "chunk": "auto"}, run=False)
    assert "chunk is" in stage.refused(ev.Update("step", [stage.step(job).id], {"chunk": chunk})).message
    dumped = {"name": "film", "workflows": [{"name": job.name, "tasks": [{**task, "name": "s1", "chunk": "auto"}]}]}
    stage.do(ev.UpdateTree(dumped))
    assert stage.step(job).chunk == 0
