"""`brender job run JOB --wait`: what a script gets, and what a person at a terminal sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from .peers import LIMIT, ROOT, Farm, Screen


def waits(doors: Farm, *words: str) -> subprocess.CompletedProcess[str]:
    """`brender WORDS` from a script: nothing of it is a terminal."""
    argv = [sys.executable, "-m", "brender.cli", *words, "--master", f"127.0.0.1:{doors.port}"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT)


def test_a_script_is_told_by_the_exit_code_alone(doors: Farm) -> None:
    """SP-23: 0 when every task is a success, and not a word."""
    doors.json().call("job.create", name="good", function="noop", frames="1-200")
    found = waits(doors, "job", "run", "good", "--wait")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert doors.json().call("job.status", job="good")["state"] == "success0"


def test_a_failure_is_code_4_with_what_failed_on_stderr(doors: Farm) -> None:
    doors.json().call("job.create", name="bad", function="error", frames="1-2", retries=0)
    found = waits(doors, "job", "run", "bad", "--wait")
    assert (found.returncode, found.stdout) == (4, "")
    assert "Job bad is error" in found.stderr and "task list" in found.stderr


def test_json_is_the_last_status_and_nothing_else(doors: Farm) -> None:
    doors.json().call("job.create", name="told", function="noop", frames="1-3")
    found = waits(doors, "job", "run", "told", "--wait", "--json")
    status = json.loads(found.stdout)
    assert (found.returncode, status["name"], status["state"]) == (0, "told", "success0")
    assert (status["progress"]["done"], status["progress"]["total"]) == (3, 3)


def test_a_person_sees_a_bar_and_the_end(doors: Farm) -> None:
    doors.json().call("job.create", name="seen", function="noop", frames="1-50")
    argv = [sys.executable, "-m", "brender.cli", "job", "run", "seen", "--wait"]
    environment = {"BRENDER_MASTER": f"127.0.0.1:{doors.port}", "PYTHONPATH": str(ROOT)}
    screen = Screen(["env", *(f"{name}={value}" for name, value in environment.items()), *argv], 100, 30)
    doors.peers.append(screen)
    assert screen.finish() == 0, screen.text
    assert "seen ━" in screen.text and "50/50" in screen.text
    assert "Job seen is success0" in screen.text


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("clients", "--wait"), 2, "--wait goes with job run"),
        (("job", "run", "nobody", "--wait"), 1, "There is no job"),
        (("job", "run", "--wait"), 2, "job run needs"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(doors: Farm, words: tuple[str, ...], code: int, said: str) -> None:
    found = waits(doors, *words)
    assert (found.returncode, said in found.stderr) == (code, True), found.stderr


def test_a_wait_outlives_the_death_of_the_master(doors: Farm) -> None:
    """F01: killed by -9 while the job runs and started again; the wait ends with the job."""
    peer = doors.json()
    peer.call("job.create", name="long", function="sleep", params=[0.4], frames="1-6")
    argv = [sys.executable, "-m", "brender.cli", "job", "run", "long", "--wait", "--master", f"127.0.0.1:{doors.port}"]
    peer.call("farm.subscribe", topics=["task.*", "job.*"])
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=dict(os.environ))
    try:
        while peer.call("job.status", job="long")["progress"]["done"] < 1:
            peer.event()
        doors.master.process.kill()
        doors.master.wait()
        doors.start()
        out, errors = child.communicate(timeout=LIMIT)
    finally:
        child.kill()
        child.wait()
    assert (child.returncode, out, errors) == (0, b"", b"")
    assert doors.json().call("job.status", job="long")["progress"]["done"] == 6
