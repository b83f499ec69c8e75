"""Open Job Description on a real farm: the three examples from submit to their files, a stop, and who may run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .programs import LIMIT_S, ROOT, Farm, Line, eventually, online

EXAMPLES = ROOT / "examples" / "openjd"


@pytest.fixture
def allowed(real: Farm) -> tuple[Farm, Line]:
    """A farm of two workers: `one` allows OpenJD, `two` does not."""
    real.start_master()
    words = ["--master", f"127.0.0.1:{real.port}", "--data", str(real.folder / "one"), "--slots", "2"]
    real.workers["one"] = real.run("client", *words, "--name", "one", "--allow-openjd")
    real.start_worker("two")
    line = real.answers()
    line.until(lambda: online(line) >= {"one", "two"})
    return real, line


def shell(farm: Farm, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "BRENDER_MASTER": f"127.0.0.1:{farm.port}", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "brender.cli", *words]
    return subprocess.run(
        command, capture_output=True, text=True, env=env, cwd=farm.folder, timeout=LIMIT_S, check=False
    )


def submit(farm: Farm, template: Path, *words: str) -> dict[str, Any]:
    done = shell(farm, "job", "submit", str(template), "--json", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["job"]
    return found


def over(line: Line, job: dict[str, Any]) -> str:
    """How its run ended."""
    line.until(lambda: line.ask("job.status", job=job["id"])["desired"] == "stop")
    return str(line.ask("job.status", job=job["id"])["state"])


def test_the_three_examples_run_from_submit_to_their_files(allowed: tuple[Farm, Line]) -> None:
    farm, line = allowed
    plain = submit(farm, EXAMPLES / "command.yaml", "-p", "Times=5", "--chunk", "2", "--priority", "80")
    steps = submit(farm, EXAMPLES / "two-steps.yaml", "-p", f"Folder={farm.folder}/numbers")
    words = [f"Folder={farm.folder}/frames", "Frames=3-7:4", "Percentage=5", "Samples=1"]
    render = submit(farm, EXAMPLES / "blender.yaml", *[word for one in words for word in ("-p", one)])
    assert [job["tasks"] for job in (plain, steps, render)] == [3, 5, 3]
    assert [over(line, job) for job in (plain, steps, render)] == ["success0"] * 3
    log = shell(farm, "logs", f"{plain['id']}/Greet", "1").stdout.splitlines()
    assert [text for text in log if text.startswith("Hello")] == [f"Hello world, number {n}" for n in (3, 4)]
    numbers = farm.folder / "numbers"
    assert (numbers / "sum").read_text() == "10\n"
    assert (numbers / "left.log").read_text() == "left\n" * 5
    frames = sorted((farm.folder / "frames").glob("*.png"))
    assert [path.name for path in frames] == ["frame_0003.png", "frame_0007.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in frames)
    tasks = line.ask("task.list", job=render["id"])["tasks"]
    assert [one["frames"] for one in tasks if one["step"] == "Render"] == ["3", "7"]
    assert line.ask("job.show", job=plain["id"])["priority"] == 80


def test_a_stop_on_the_way_leaves_the_environment_and_no_process(allowed: tuple[Farm, Line]) -> None:
    farm, line = allowed
    job = submit(farm, EXAMPLES / "two-steps.yaml", "-p", f"Folder={farm.folder}/numbers", "-p", "Pause=600")
    numbers, log = farm.folder / "numbers", f"{job['id']}/Count"
    for task in ("0", "1"):
        eventually(lambda task=task: "openjd_progress: 50" in shell(farm, "logs", log, task).stdout)  # type: ignore[misc]
    line.until(lambda: [one.get("fraction") for one in line.ask("task.list", job=log)["tasks"]][:2] == [0.5, 0.5])
    line.ask("job.stop", job=job["id"])
    line.until(lambda: line.ask("job.status", job=job["id"])["progress"]["live"] == 0)
    states = [one["state"] for one in line.ask("task.list", job=job["id"])["tasks"]]
    assert states == ["stopped"] * 5
    assert (numbers / "left.log").read_text() == "left\n" * 2
    assert [text for text in farm.processes().values() if "openjd_session" in text or "sleep" in text] == []


def test_a_worker_that_does_not_allow_it_never_gets_a_task_and_why_says_so(allowed: tuple[Farm, Line]) -> None:
    farm, line = allowed
    line.ask("worker.disable", workers="one")
    job = submit(farm, EXAMPLES / "command.yaml")
    said = json.dumps(line.ask("farm.why", what=str(job["id"])))
    assert "two does not offer the function" in said
    assert "openjd" in said
    line.ask("worker.enable", workers="one")
    assert over(line, job) == "success0"
    workers = {one["worker"] for one in line.ask("task.history", step=f"{job['id']}/Greet")["attempts"]}
    assert workers == {"one"}


def test_what_is_wrong_is_told_before_anything_is_sent(allowed: tuple[Farm, Line]) -> None:
    farm, line = allowed
    done = shell(farm, "job", "submit", str(EXAMPLES / "two-steps.yaml"), "-p", "Upto=0", "-p", "Nope=1")
    assert done.returncode == 1
    for words in ("Nope", "Value (0) for parameter Upto must be at least 1.", "required job parameters: Folder"):
        assert words in done.stderr
    assert line.ask("job.list")["jobs"] == []
    done = shell(farm, "job", "check", str(EXAMPLES / "command.yaml"))
    assert (done.returncode, done.stdout) == (0, f"Template at '{EXAMPLES}/command.yaml' passes validation checks.\n")
    (farm.folder / "bad.yaml").write_text("specificationVersion: jobtemplate-2023-09\nname: x\n")
    done = shell(farm, "job", "check", "bad.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("ERROR: 'bad.yaml' failed checks: ")
