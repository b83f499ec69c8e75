"""`brender up` whose terminal is closed, or which is killed outright: nothing of the farm is left behind."""

from __future__ import annotations

import os
import signal
import urllib.request

import pytest
from ports import free_port

from .programs import LIMIT_S, Farm, ended, eventually, lines, online, wait_gone

# Writes down who it is and stays.
STAY = """#!/bin/sh
echo "$$" >> "$1"
exec sleep 300
"""


@pytest.mark.parametrize("signum", [signal.SIGHUP, signal.SIGKILL], ids=["hang-up", "kill -9"])
def test_nothing_outlives_the_launcher(real: Farm, signum: int) -> None:
    """Twice on one folder: what the first left (a socket, a lock) is in nobody's way."""
    real.function("stay", STAY)
    journal = real.folder / "journal"
    words = ["up", "--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up"), "--slots", "2"]
    for life in (1, 2):
        journal.write_text("")
        launcher = real.run(*words, "--functions", str(real.functions))
        line = real.answers()
        if life == 1:
            line.ask("job.create", name="stays", function="stay", params=[str(journal)], frames="1-2", run=True)
        lines(journal, 2)
        eventually(lambda: len(real.processes()) == 5 + 2)  # launcher, master, page, daemon, guardian, two tasks
        line.close()
        there = real.processes()
        os.kill(launcher.pid, signum)
        assert ended(launcher, LIMIT_S)
        assert launcher.returncode == (0 if signum == signal.SIGHUP else -signal.SIGKILL), real.said("up")
        assert wait_gone(there, LIMIT_S) == {}


def test_a_launcher_that_is_to_outlive_its_terminal_does(real: Farm) -> None:
    """nohup: SIGHUP was ignored before it began, and is."""
    words = ["up", "--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up"), "--slots", "1"]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    launcher = real.run(*words)
    signal.signal(signal.SIGHUP, before)
    line = real.answers()
    os.kill(launcher.pid, signal.SIGHUP)
    line.ask("job.create", name="goes-on", function="noop", frames="1-3", run=True)
    line.until(lambda: line.ask("job.status", job="goes-on")["state"] == "success0")
    launcher.send_signal(signal.SIGTERM)
    assert ended(launcher, LIMIT_S) and launcher.returncode == 0


@pytest.mark.parametrize("again", ["the port", "the folder"])
def test_a_second_launcher_is_refused_before_its_workers_disturb_the_first_farm(real: Farm, again: str) -> None:
    """ON-03: nothing is started; a second worker of this machine would have taken the place of the first one."""
    words = ["--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up")]
    launcher = real.run("up", *words, "--slots", "1")
    line = real.answers()
    line.until(lambda: len(online(line)) == 1)
    eventually(lambda: len(real.processes()) == 5)  # launcher, master, page, daemon, guardian
    there = real.processes()
    if again == "the port":
        words[3] = str(real.folder / "other")
    else:
        words[1] = f"127.0.0.1:{free_port()}"
    second = real.run("up", *words, "--slots", "1")
    assert ended(second, LIMIT_S) and second.returncode == 1
    said = real.said("up")
    if again == "the port":
        assert f"brender up: 127.0.0.1:{real.port} is taken" in said and not (real.folder / "other").exists()
    else:
        assert "brender up: A master with pid" in said
    assert real.processes().keys() == there.keys()
    assert line.ask("worker.list")["workers"][0]["presence"] == "online"
    launcher.send_signal(signal.SIGTERM)
    assert ended(launcher, LIMIT_S) and launcher.returncode == 0


def test_the_launcher_starts_the_page_and_the_master_knows_where(real: Farm) -> None:
    """The page's address is printed, and told to who opens the farm's own port in a browser."""
    web = f"127.0.0.1:{free_port()}"
    words = ["up", "--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up"), "--slots", "1"]
    launcher = real.run(*words, "--web", web)
    line = real.answers()
    line.until(lambda: line.ask("farm.status")["web"] == web)
    assert f"in a browser http://{web}/" in real.said("up")
    with urllib.request.urlopen(f"http://{web}/metrics", timeout=LIMIT_S) as answer:
        assert b"brender_up 1.0" in answer.read()
    line.close()
    launcher.send_signal(signal.SIGTERM)
    assert ended(launcher, LIMIT_S) and launcher.returncode == 0


def test_a_farm_without_a_page_has_none(real: Farm) -> None:
    words = ["up", "--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up"), "--slots", "1"]
    launcher = real.run(*words, "--no-web")
    line = real.answers()
    eventually(lambda: len(real.processes()) == 4)
    assert "browser" not in real.said("up")
    line.close()
    launcher.send_signal(signal.SIGTERM)
    assert ended(launcher, LIMIT_S)


def test_a_farm_whose_database_is_damaged_is_not_started_over_and_over(real: Farm) -> None:
    """F43: the master says once what to do, and the launcher ends with its exit code."""
    words = ["up", "--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up"), "--slots", "1", "--no-web"]
    launcher = real.run(*words)
    real.answers().close()
    launcher.send_signal(signal.SIGTERM)
    assert ended(launcher, LIMIT_S)
    database = real.folder / "up" / "master" / "farm.db"
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 40_000)
    again = real.run(*words)
    assert ended(again, LIMIT_S) and again.returncode == 78
    assert real.said("up").count("is damaged") == 1
    assert "brender up: the master cannot start as things are" in real.said("up")
    assert wait_gone(real.processes(), LIMIT_S) == {}


def test_a_farm_that_has_hardly_begun_can_be_stopped(real: Farm) -> None:
    """Circus starts the programs one after the other, and hears nobody meanwhile."""
    words = ["up", "--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up"), "--workers", "4"]
    launcher = real.run(*words, "--no-web")
    eventually(lambda: len(real.processes()) > 1)
    launcher.send_signal(signal.SIGTERM)
    assert ended(launcher, LIMIT_S) and launcher.returncode == 0
    assert wait_gone(real.processes(), LIMIT_S) == {}
