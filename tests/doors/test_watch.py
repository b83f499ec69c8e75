"""`watch` at the doors where people are: nc, which has no Ctrl-C of its own, JSON at a prompt, and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .peers import LIMIT, ROOT, Farm, Plain


@pytest.fixture
def plain(doors: Farm) -> Iterator[Plain]:
    made = Plain(doors.port)
    yield made
    made.close()


def test_a_list_comes_again_in_plain_lines_until_it_is_unsubscribed(doors: Farm, plain: Plain) -> None:
    plain.say("watch clients")
    assert "-- " not in plain.until("enabled", "1 worker.\r\n")
    with doors.json() as peer:
        peer.call("worker.disable", workers=["all"])
        shown = plain.until("-- ", " --\r\n", "disabled", "1 worker.\r\n")
        peer.call("worker.enable", workers=["all"])
    plain.until("-- ", "enabled", "1 worker.\r\n")
    plain.say("unsubscribe")
    plain.until("OK worker list is no longer watched; it changed 2 times.", "OK no more events.")
    assert "\x1b" not in shown


def test_with_json_every_answer_is_one_document(doors: Farm, plain: Plain) -> None:
    plain.say("watch worker list disabled --json")
    plain.until('"total":0')
    with doors.json() as peer:
        peer.call("worker.disable", workers=["all"])
        line = plain.until("}\r\n").strip()
        peer.call("worker.enable", workers=["all"])
    assert [row["name"] for row in json.loads(line.partition("] ")[2])["workers"]] == ["render-01"]


def test_the_command_line_shows_a_list_again_and_ends_with_what_it_shows(doors: Farm) -> None:
    with doors.json() as peer:
        peer.call("job.create", name="brief", function="noop", tags="nowhere")
        argv = [sys.executable, "-m", "brender.cli", "watch", "job", "status", "brief"]
        argv += ["--json", "--master", f"127.0.0.1:{doors.port}"]
        watching = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True)
        assert watching.stdout is not None
        first = _document(watching.stdout)
        peer.call("job.priority", job="brief", priority=77)
        second = _document(watching.stdout)
        peer.call("job.delete", jobs=["brief"])
        out, error = watching.communicate(timeout=LIMIT)
    assert (first["priority"], second["priority"], watching.returncode) == (50, 77, 1)
    assert "no job 'brief'" in out + error


def test_ctrl_c_ends_the_command_line(doors: Farm) -> None:
    argv = [sys.executable, "-m", "brender.cli", "watch", "worker", "list", "--master", f"127.0.0.1:{doors.port}"]
    watching = subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT, text=True, start_new_session=True)
    assert watching.stdout is not None and "name" in watching.stdout.readline()
    os.killpg(watching.pid, signal.SIGINT)
    assert watching.wait(LIMIT) == 0
    watching.stdout.close()


def _document(lines: Iterator[str]) -> dict[str, int]:
    """The next JSON document of an output that holds one after the other."""
    text = ""
    for line in lines:
        text += line
        if line == "}\n":
            break
    found: dict[str, int] = json.loads(text)
    return found


def test_channels_are_watched_from_the_command_line_until_ctrl_c(doors: Farm) -> None:
    """Issue 5, 8: with lines of marks, again as they change."""
    with doors.json() as peer:
        peer.call("channel.add", channels=[{"name": "wave", "type": "easy"}])
        argv = [sys.executable, "-m", "brender.cli", "channel", "watch", "wave", "--master", f"127.0.0.1:{doors.port}"]
        watching = subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT, text=True, start_new_session=True)
        assert watching.stdout is not None
        lines = [watching.stdout.readline() for _ in range(40)]
        os.killpg(watching.pid, signal.SIGINT)
        assert watching.wait(LIMIT) == 0
        watching.stdout.close()
        peer.call("channel.delete", channels=["wave"])
    assert sum("trend" in line for line in lines) >= 8
    assert any("▁" in line and "█" in line for line in lines)
