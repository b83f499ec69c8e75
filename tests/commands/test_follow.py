"""Logs, watched jobs, history and estimates as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from brender.commands import calls, history, text
from brender.commands.estimate import remaining
from brender.core import events as ev
from brender.core.lifecycle import TaskState
from brender.core.rows import Attempt
from brender.errors import NotFound, WrongState

from . import world


def test_a_log_is_asked_for_by_step_and_task_with_its_last_lines() -> None:
    stage = world.stage()
    step = next(step.id for step in stage.farm.steps.values() if step.name == "render")
    assert world.ask(stage, "task log film/shot/render 3") == calls.ReadLog(step, 3, None, None, 100, False)
    assert world.ask(stage, "logs film/shot 1 -f lines=5") == calls.ReadLog(step, 1, None, None, 5, True)
    assert world.ask(stage, "logs film/shot 1 start=0 attempt=9") == calls.ReadLog(step, 1, 9, 0, None, False)
    with pytest.raises(NotFound, match="has no task 4; they are 0 to 3"):
        world.ask(stage, "task log film/shot 4")


def test_what_a_worker_says_is_asked_for_by_its_name() -> None:
    stage = world.stage()
    worker = next(one.id for one in stage.farm.workers.values() if one.name == "render-01")
    assert world.ask(stage, "worker tail render-01") == calls.ReadOwnLog(worker, None, 100, False)
    assert world.ask(stage, "worker tail render-01 -f lines=5") == calls.ReadOwnLog(worker, None, 5, True)
    assert world.ask(stage, "worker tail render-01 start=0") == calls.ReadOwnLog(worker, 0, None, False)
    data = {
        "worker": "render-01", "id": worker, "following": False,
        "text": "\x1b[2Jone\ntwo\n", "start": 0, "next": 30, "size": 99, "eof": False,
    }  # fmt: skip
    lines = text.render("worker.tail", data).splitlines()
    assert lines[1:] == ["two", "More of worker render-01: the same with start=30"]
    assert all(char.isprintable() for line in lines for char in line)
    assert "has said nothing" in text.render("worker.tail", {**data, "text": ""})
    assert text.render("worker.tail", {"worker": "render-01", "id": 1, "left": True}).startswith("You left it")


def test_what_a_task_printed_cannot_harm_a_terminal_and_fits_whatever_it_is() -> None:
    """S23: escapes, bells, backspaces and redrawn lines."""
    data = {
        "job": "shot", "step": "render", "task": 3, "attempt": 7, "worker": "w", "state": "error", "following": False,
        "text": "\x1b[2J\x07one\r\nFra:1\rFra:2\rFra:3\nlast", "start": 0, "next": 30, "size": 99, "eof": False,
    }  # fmt: skip
    lines = text.render("task.log", data).splitlines()
    assert lines[1:3] == ["Fra:3", "last"]
    assert lines[3] == "More of task shot/render 3, attempt 7: the same with start=30"
    assert all(char.isprintable() for line in lines for char in line)
    assert "printed nothing" in text.render("task.log", {**data, "text": ""})


def test_a_job_that_was_never_started_is_not_watched() -> None:
    stage = world.stage()
    with pytest.raises(WrongState, match="never started"):
        world.ask(stage, "job watch film/shot")
    job = stage.job({"name": "a", "frames": "1-4"}, name="other")
    assert world.ask(stage, "job watch other") == calls.WatchJob(job.id)


def attempt(number: int, **values: Any) -> Attempt:
    fields: dict[str, Any] = {"step_id": 1, "started_at": 100.0, "ended_at": 112.5, **values}
    return Attempt(number + 40, task=0, run=1, number=number, worker_id=1, **fields)


@pytest.mark.parametrize("columns", [80, 60, 120])
def test_the_history_of_a_task_tells_who_how_long_and_how_it_ended(columns: int) -> None:
    """FIELD 20."""
    stage = world.stage()
    act = world.ask(stage, "task history film/shot 0")
    rows = [
        attempt(2, state="error", exit_code=13, reason="no camera", memory_mb=4321),
        attempt(1, state="lost", ended_at=None),
    ]
    data = act.answer(rows)
    assert [(row["worker"], row["seconds"], row["state"]) for row in data["attempts"]] == [
        ("render-01", 12.5, "error"),
        ("render-01", None, "lost"),
    ]
    lines = text.render("task.history", data, (columns, 24)).splitlines()
    assert all(len(line) <= columns for line in lines)
    assert "error13" in lines[1] and "12 s" in lines[1]
    assert columns < 80 or "4321" in lines[1]
    assert [row["memory_mb"] for row in data["attempts"]] == [4321, None]
    assert lines[-1].endswith("attempt=42")
    assert "has not run yet" in text.render("task.history", act.answer([]))


@pytest.mark.parametrize("columns", [80, 60, 120])
def test_the_history_of_a_worker_tells_which_task_and_how_it_ended(columns: int) -> None:
    """Issue 6 item 1: a machine's history, also of jobs that are gone."""
    act = world.ask(world.stage(), "worker history render-01 limit=7")
    assert act.arguments == (1, 7)
    data = act.answer([attempt(2, state="error", exit_code=13, reason="no camera"), attempt(1, step_id=99)])
    assert [(row["job"], row["job_id"], row["step"], row["task"]) for row in data["attempts"]] == [
        ("shot", 1, "render", 0),
        ("", None, "", 0),
    ]
    lines = text.render("worker.history", data, (columns, 24)).splitlines()
    assert all(len(line) <= columns for line in lines)
    assert "shot" in lines[1] and "error13" in lines[1] and "(delete" in lines[2]
    assert lines[-1] == "2 attempts of worker render-01, the newest first."
    assert "has run nothing yet" in text.render("worker.history", act.answer([]))


def test_the_history_of_a_job_sums_runs_and_workers() -> None:
    stage = world.stage()
    act = world.ask(stage, "job history film/shot")

    class Sum:
        def __init__(self, run: int, worker: int, state: str, attempts: int, seconds: float) -> None:
            self.run, self.worker_id, self.state, self.attempts, self.seconds = run, worker, state, attempts, seconds
            self.first_at, self.last_at = 100.0 * run, 100.0 * run + seconds

    found: list[history.Sum] = [Sum(2, 1, "success0", 3, 60.0), Sum(2, 99, "error", 1, 1.0), Sum(1, 1, "lost", 2, 0.0)]
    data = act.answer(found)
    assert [(row["run"], row["attempts"], row["done"], row["failed"]) for row in data["runs"]] == [
        (2, 4, 3, 1),
        (1, 2, 0, 2),
    ]
    assert [(row["worker"], row["seconds"]) for row in data["workers"]] == [("render-01", 60.0), ("deleted (99)", 1.0)]
    assert data["machine_hours"] == round(61 / 3600, 4)
    lines = text.render("job.history", data, (80, 24)).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[-1] == "2 runs of job shot, 0.02 machine hours."


def test_an_estimate_comes_from_measured_tasks_and_the_slots_that_may_run_them() -> None:
    stage = world.stage()
    job = stage.job({"name": "a", "frames": "1-9", "function": "noop"}, name="long")
    farm = stage.farm
    step = next(farm.steps_in(job))
    assert remaining(farm, job) is None  # nothing was measured yet
    farm.tasks[step.id].seconds = 10.0
    live = sum(farm.tasks[step.id].counts[state] for state in (TaskState.RUNNING, TaskState.ASSIGNED))
    assert live > 0  # render-01 has two slots; render-02 is disabled and weaver is lost
    assert remaining(farm, job) == 50.0
    assert world.ask(stage, "job status long")["remaining"] == 50.0
    assert "About 50 s left." in world.shown(stage, "job status long")
    assert any("50 s" in line for line in world.shown(stage, "job list"))
    stage.do(ev.PauseJob(job.id, True))
    assert remaining(farm, job) is None
    farm.tasks[step.id].seconds = 0.0
