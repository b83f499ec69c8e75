"""`brender up` whose terminal is closed, or which is killed outright: nothing of the farm is left behind."""

from __future__ import annotations

import os
import signal

import pytest

from .programs import Farm, ended, eventually, lines, wait_gone

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
        eventually(lambda: len(real.processes()) == 4 + 2)  # launcher, master, daemon, guardian, two tasks
        line.close()
        there = real.processes()
        os.kill(launcher.pid, signum)
        assert ended(launcher, 15.0)
        assert launcher.returncode == (0 if signum == signal.SIGHUP else -signal.SIGKILL), real.said("up")
        assert wait_gone(there, 10.0) == {}


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
    assert ended(launcher, 15.0) and launcher.returncode == 0
