"""Jobs of a real farm: make, run, wait for, look into, over the death of a master."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from doors.peers import LIMIT, until
from doors.peers import Farm as Programs
from farm.programs import Farm as Processes

import brender
from brender.api.jobs import Jobs
from brender.commands import COMMANDS

FRAMES = {"name": "frames", "function": "noop", "frames": "1-9", "place": 2}
TREE = {
    "project": {
        "name": "film",
        "workflows": [{"name": "tree", "tasks": [{"name": "sim", "function": "noop", "place": 1}, FRAMES]}],
    }
}


def test_a_job_is_made_run_and_waited_for(farm: brender.Farm) -> None:
    """Issue 4: create, run, wait with progress, status, tasks, log."""
    job = farm.jobs.create("shot", function="echo", frames="1-40", params=["frame", "done"], project="film")
    assert (job.name, job.path, job.state, job["submitter"]) == ("shot", "film/shot", "not run", "anna")
    seen: list[dict[str, Any]] = []
    assert job.run() == 1
    assert job.wait(progress=seen.append) is job
    assert job.succeeded and job.progress["done"] == job.progress["total"] == 40
    assert seen[-1]["state"] == "success0" and all(status["name"] == "shot" for status in seen)
    status = job.status()
    assert [step["name"] for step in status["steps"]] == ["echo"]
    tasks = list(job.tasks())
    assert [(task.number, task.frames) for task in tasks] == [(number, str(number + 1)) for number in range(40)]
    assert {(task.state, tuple(task.log())) for task in tasks[:3]} == {("success0", ("frame done",))}
    assert farm.jobs["film/shot"] == farm.jobs[job.id] == job


def test_what_failed_is_found_with_its_reason_and_tried_again(farm: brender.Farm) -> None:
    job = farm.jobs.create("bad", function="error", frames="1-3", retries=0, run=True).wait()
    assert (job.state, job.succeeded, job.progress["failed"]) == ("error", False, 3)
    failed = list(job.tasks("failed"))
    assert [task.state for task in failed] == ["error13"] * 3
    assert (failed[0].worker, failed[0].attempts, failed[0].name) == ("render-01", 1, "bad/error[0]")
    assert "exit code 13" in failed[0].reason and "exit code 13" in failed[0].why()["reasons"][0]["text"]
    assert failed[0].history()[0]["exit_code"] == 13
    failed[0].retry()
    job.wait()
    assert (failed[0].refresh().attempts, job.step().retry(), job.wait().state) == (2, 3, "error")
    assert [job.step("error").task(1).attempts, job.history()["runs"][0]["failed"]] == [2, 7]
    assert job.step().retry(0, 2) == 2 and job.wait().state == "error"
    assert job.step().retry(frames="1-2") == 2 and job.wait().state == "error"


def test_waiting_ends_with_the_timeout_and_the_job_goes_on(farm: brender.Farm) -> None:
    job = farm.jobs.create("long", function="sleep", params=[600], frames="1-4", run=True)
    with pytest.raises(brender.TimedOut, match=r"long has not ended within 0\.1 s"):
        job.wait(timeout=0.1)
    until(lambda: job.refresh().state == "running" and list(job.tasks("running")), "its tasks run")
    job.pause()
    assert job["paused"] and job.why()["reasons"]
    job.resume()
    next(job.tasks("running")).kill()
    job.stop()
    assert job.wait().state in ("stopped", "terminated", "error")
    with pytest.raises(brender.WrongState):
        job.unblock()


def test_a_job_that_was_never_started_is_not_waited_for(farm: brender.Farm) -> None:
    job = farm.jobs.create("idle", function="noop")
    with pytest.raises(brender.WrongState, match="never started"):
        job.wait()


def test_waiting_outlives_the_death_of_the_master(tmp_path: Path) -> None:
    """F01: killed by -9 while the job runs; `wait` ends with the job, and the farm object works on."""
    programs = Programs(tmp_path)
    try:
        programs.worker()
        with brender.connect(f"127.0.0.1:{programs.port}") as farm, farm.events("task.*", "step.*") as events:
            job = farm.jobs.create("long", function="sleep", params=[0.4], frames="1-6", run=True)
            with ThreadPoolExecutor(1) as pool:
                waits = pool.submit(job.wait)
                while farm.jobs["long"].progress["done"] < 1:
                    assert events.wait(LIMIT)
                programs.master.process.kill()
                programs.master.wait()
                programs.start()
                assert waits.result(LIMIT).succeeded
            assert farm.jobs["long"].progress["done"] == 6
    finally:
        programs.end()


def test_a_tree_is_submitted_dumped_and_submitted_again(farm: brender.Farm) -> None:
    """SP-16, SP-39."""
    (job,) = farm.jobs.submit(TREE, run=True)
    assert job.wait().succeeded
    assert [(step.name, step.function, step.frames) for step in job.steps()] == [
        ("sim", "noop", ""), ("frames", "noop", "1-9"),
    ]  # fmt: skip
    tree = job.dump()
    job.delete()
    with pytest.raises(brender.NotFound):
        job.refresh()
    (again,) = farm.jobs.submit(tree)
    assert [task.name for task in again.tasks()][:2] == ["tree/sim[0]", "tree/frames[0]"]
    with pytest.raises(brender.Invalid, match="2 steps"):
        again.step()


def test_jobs_and_steps_are_changed_with_a_version(farm: brender.Farm) -> None:
    """BR-07; and what was made before in other projects selects none."""
    first = farm.jobs.create("first", function="noop")
    job = farm.jobs.create("changing", function="noop", frames="1-4", priority=10, tags=["gpu", "fast"], after="first")
    assert (job.priority, job["tags"], job["after"], first.project) == (10, ["gpu", "fast"], ["first"], "default")
    job.set(priority=80, version=job.version)
    assert (job.priority, job.project, farm.jobs["changing"].priority) == (80, "default", 80)
    with pytest.raises(brender.Conflict):
        job.set(priority=5, version=1)
    step = job.step("noop")
    step.set(frames="1-8", version=step.version)
    assert (step.frames, len(list(step.tasks())), step.state) == ("1-8", 8, "not run")
    assert step == job.step() != farm.jobs["shot"].step()
    assert step.why()["reasons"]
    step.delete()
    assert list(job.steps()) == []


def test_jobs_are_selected_by_state_glob_and_project(farm: brender.Farm) -> None:
    film = farm.projects["film"]
    assert {job.name for job in farm.jobs.select("failed")} >= {"bad"}
    assert [job.name for job in farm.jobs.select("sho*", project=film)] == ["shot"]
    assert list(farm.jobs.select(project="film")) == list(farm.jobs.select(project=film.id)) == list(film.jobs())
    assert farm.jobs.count() == len(list(farm.jobs))


def test_two_jobs_of_one_name_are_told_apart_by_their_project(farm: brender.Farm) -> None:
    for project in ("one", "two"):
        farm.jobs.create("twin", function="noop", project=project)
    with pytest.raises(brender.Invalid, match="twin"):
        farm.jobs["twin"]
    twin = farm.jobs["two/twin"]
    assert (twin.path, twin.step().path, twin.run(later="1h")) == ("two/twin", f"{twin.id}/noop", 1)
    twin.stop()


def test_create_takes_all_that_the_command_takes_but_its_other_forms() -> None:
    """BR-12: what `job create` learns, the API learns."""
    signature = inspect.signature(Jobs.create).parameters
    known = {parameter.name for parameter in COMMANDS.signature(COMMANDS.rows["job.create"]).parameters}
    assert known - {"context", "json", "file"} == set(signature) - {"self"}


@pytest.fixture
def speaker(tmp_path: Path) -> Iterator[tuple[Processes, brender.Farm, int]]:
    """A farm where the task of the job `talk` prints what is written into a pipe; the pipe's writing end."""
    processes = Processes(tmp_path)
    try:
        processes.function("repeat", '#!/bin/sh\nexec cat "$1"\n')
        processes.start("one")
        os.mkfifo(tmp_path / "fifo")
        with brender.connect(f"127.0.0.1:{processes.port}") as farm:
            farm.jobs.create("talk", function="repeat", params=[tmp_path / "fifo"], run=True)
            yield processes, farm, os.open(tmp_path / "fifo", os.O_WRONLY)
    finally:
        assert processes.close() == {}


def test_a_log_is_followed_line_by_line_over_the_death_of_a_master(
    speaker: tuple[Processes, brender.Farm, int],
) -> None:
    """Lines are whole whatever pieces they come in, and the last needs no newline."""
    processes, farm, pipe = speaker
    lines = farm.jobs["talk"].step().task().log(follow=True)
    os.write(pipe, "höhle\nhal".encode())
    assert next(lines) == "höhle"
    assert processes.master is not None
    processes.master.kill()
    processes.master.wait()
    os.write(pipe, "f 洞窟\n\nlast".encode())
    processes.start_master()
    assert [next(lines), next(lines)] == ["half 洞窟", ""]
    os.close(pipe)
    assert list(lines) == ["last"]


def test_a_log_is_read_whole_or_its_last_lines_or_from_a_byte(speaker: tuple[Processes, brender.Farm, int]) -> None:
    """At most 256 KiB come at once; 60,000 lines are more than that."""
    _, farm, pipe = speaker
    said = [f"line {number:06} of many" for number in range(60_000)]
    text = "".join(line + "\n" for line in said).encode()
    with ThreadPoolExecutor(1) as pool:

        def write() -> None:
            at = 0
            while at < len(text):
                at += os.write(pipe, text[at:])
            os.close(pipe)

        writes = pool.submit(write)
        job = farm.jobs["talk"].wait()
        writes.result(LIMIT)
    task = job.step().task()
    assert list(task.log()) == said
    assert list(task.log(lines=3)) == said[-3:]
    assert list(task.log(start=len(text) - 2 * len(said[0] + "\n"))) == said[-2:]
    assert list(task.log(attempt=task.history()[0]["attempt"], lines=1)) == said[-1:]
    with pytest.raises(brender.NotFound):
        list(task.log(attempt=999))
