"""SIGKILL at random moments under load: nothing lost, nothing counted twice, no stray process.

`pytest -s` prints the figures. The seed of a run is printed too: BRENDER_SEED=… repeats its choices.
"""

from __future__ import annotations

import os
import subprocess
import time
from random import Random

import pytest

from brender.core.lifecycle import CRASH_LIMIT
from brender.daemon import kin

from . import ledger
from .programs import LIMIT_S, Farm, Gone, Line, ended, eventually, lines, online, wait_gone

PLACES = 50
WORK_S = 600.0  # for all of it, on a machine that is slow and busy with other things
MIX = {"noop": 15, "sleep": 8, "brief": 12, "hydra": 5}  # tasks of each function in a place
TASKS = PLACES * sum(MIX.values())
SEED = int(os.environ.get("BRENDER_SEED", "6000"))
# What a function may leave to its worker: a child in its own session, one forked twice that ignores SIGTERM, and one
# that hides its environment. They live as long as nobody ends them.
HYDRA = """#!/bin/sh
trap '' TERM
setsid sleep 300 &
( sleep 300 & )
touch "$HOME/held"
( cd / && exec env -i setsid tail -f "$HOME/held" >/dev/null 2>&1 & )
echo "$BRENDER_TASK $BRENDER_ATTEMPT" >> "$1"
exec sleep "$2"
"""
BRIEF = """#!/bin/sh
echo "$BRENDER_TASK $BRENDER_ATTEMPT" >> "$1"
exec true
"""


class Load:
    """2,000 short tasks in one job, place after place, with a journal of what was executed."""

    def __init__(self, real: Farm) -> None:
        self.real = real
        self.journal = real.folder / "journal"
        self.journal.touch()
        real.function("brief", BRIEF)
        real.function("hydra", HYDRA)
        self.chance = Random(SEED)
        self.small: list[str] = []  # names of jobs whose submit was answered
        self.done = 0

    def submit(self, line: Line) -> None:
        params = {"sleep": [0.01], "brief": [str(self.journal)], "hydra": [str(self.journal), "0.03"], "noop": []}
        tasks = [
            {"name": f"{name}{place}", "function": name, "frames": f"1-{count}", "place": place, "params": params[name]}
            for place in range(1, PLACES + 1)
            for name, count in MIX.items()
        ]
        line.ask("job.create", json={"name": "film", "workflows": [{"name": "shot", "tasks": tasks}]}, run=True)

    def advance(self, line: Line, kills_left: int) -> None:
        """Wait for a random part of the next kill's share of what is left, so that every kill meets work.

        Half of it is for the farm that goes on while this looks and is late.
        """
        share = (TASKS - self.done) / (2 * kills_left)
        target = min(self.done + 1 + int(self.chance.uniform(0.0, share)), TASKS)
        before = self.done
        self.done = line.until(lambda: (found := self.counted(line)) >= target and found, WORK_S)
        assert self.done >= before, "what was counted is not counted any more"

    @staticmethod
    def counted(line: Line) -> int:
        """Tasks of the big job that are a success."""
        return int(line.ask("job.status", job="shot")["progress"]["done"])

    def finish(self, line: Line) -> None:
        """Wait for the end of the job and of every small one, then stop the master."""
        line.until(lambda: self.counted(line) == TASKS, WORK_S)
        line.until(lambda: not {"new", "running", "rerun"} & set(line.ask("farm.status")["tasks"]), WORK_S)
        self.real.stop()

    def check(self) -> str:
        """The verdict; returns its figures."""
        data = self.real.folder / "master"
        jobs = {row["name"] for row in ledger.rows(data, "SELECT name FROM job")}
        assert set(self.small) <= jobs, "a submit that was answered is lost"
        tasks = TASKS + len(jobs) - 1
        attempts = ledger.check_successes(data, tasks)
        ledger.check_farm(data, tasks)
        steps = ledger.rows(data, "SELECT id FROM step WHERE function IN ('brief', 'hydra')")
        uncounted = ledger.check_journal(self.journal, attempts, {row["id"] for row in steps})
        states = {state: sum(row["state"] == state for row in attempts) for state in ("success0", "lost", "returned")}
        return f"seed {SEED}; attempts {states}; executed without counting {uncounted}"


def kill_master(load: Load, line: Line, number: int) -> tuple[Line, float]:
    """SIGKILL around the commit of a submit, restart at once; returns the new line and seconds to its first answer."""
    real, name = load.real, f"small{number}"
    master = real.master
    assert master is not None
    asked = line.send("job.create", name=name, function="noop", run=True)
    assert not ended(master, load.chance.uniform(0.0, 0.03)), "the master ended by itself"
    master.kill()
    killed = time.monotonic()
    try:
        line.hear(asked)
        load.small.append(name)
    except Gone:
        pass  # not answered: it may be there or not
    master.wait()
    line.close()
    real.start_master()
    fresh = real.answers()
    return fresh, time.monotonic() - killed


def kill_worker(load: Load, line: Line) -> float:
    """SIGKILL of a random worker that is online, restarted at once; returns seconds until its processes were gone."""
    real = load.real
    name = load.chance.choice(sorted(line.until(lambda: online(line))))
    victim = real.workers[name]
    assert not ended(victim, load.chance.uniform(0.0, 0.02)), real.said("client")
    victim.kill()
    killed = time.monotonic()
    victim.wait()
    fresh = real.start_worker(name)
    left = wait_gone(older(real, name, fresh), LIMIT_S)
    assert left == {}, "processes of a killed worker live on"
    return time.monotonic() - killed


def grown(real: Farm) -> bool:
    """Whether both trees stand in full: three sleepers each, and the hidden one."""
    words = list(real.processes(real.folder / "one").values())
    return [sum(word in one for one in words) for word in ("sleep 300", "tail -f")] == [6, 2]


def older(real: Farm, name: str, fresh: subprocess.Popen[bytes]) -> dict[tuple[int, int], str]:
    """Processes of a worker that do not belong to its present life, which may begin more of them meanwhile."""
    found = real.processes(real.folder / name)
    new = kin.family(kin.processes(), [fresh.pid])
    return {key: words for key, words in found.items() if key[0] not in new}


def percentiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    marks = (ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1])
    return "p50 {:.0f} ms, p99 {:.0f} ms, max {:.0f} ms".format(*(1000 * one for one in marks))


@pytest.mark.timeout(900)
def test_a_master_killed_fifty_times_loses_nothing_and_counts_nothing_twice(real: Farm) -> None:
    """BR-02, F01, CONTRACT 4.1.1-4.1.4: 2,000 tasks, 50 × kill -9 of the master, submits answered around every kill."""
    load, began = Load(real), time.monotonic()
    line = real.start("one", "two")
    load.submit(line)
    recoveries: list[float] = []
    for number in range(50, 0, -1):
        load.advance(line, number)
        assert load.done < TASKS, "the work ended before the kills"
        line, seconds = kill_master(load, line, number)
        recoveries.append(seconds)
    load.finish(line)
    print(f"\n50 kills of the master in {time.monotonic() - began:.1f} s: recovery {percentiles(recoveries)}")
    print(f"{len(load.small)} of 50 submits answered; {load.check()}")


@pytest.mark.timeout(900)
def test_workers_killed_fifty_times_leave_no_process_and_lose_no_task(real: Farm) -> None:
    """F11, F12, F20, CONTRACT 4.1.2, 4.1.5: 2,000 tasks, 50 × kill -9 of a worker daemon."""
    load, began = Load(real), time.monotonic()
    line = real.start("one", "two")
    load.submit(line)
    clean: list[float] = []
    for number in range(50, 0, -1):
        load.advance(line, number)
        assert load.done < TASKS, "the work ended before the kills"
        clean.append(kill_worker(load, line))
    load.finish(line)
    print(f"\n50 kills of a worker in {time.monotonic() - began:.1f} s: its processes gone {percentiles(clean)}")
    print(load.check())


@pytest.mark.timeout(900)
def test_a_farm_whose_parts_die_at_random_loses_nothing(real: Farm) -> None:
    """F01, F11, F20 together: ten kills of the master, ten of workers, in any order, some before all had recovered."""
    load = Load(real)
    line = real.start("one", "two")
    load.submit(line)
    victims = ["master"] * 10 + ["worker"] * 10
    load.chance.shuffle(victims)
    for number, victim in enumerate(victims):
        load.advance(line, 3 * (len(victims) - number))
        if victim == "worker":
            kill_worker(load, line)
            continue
        if load.chance.random() < 0.5:
            line, _ = kill_master(load, line, 1000 + number)
        line, _ = kill_master(load, line, number)
    load.finish(line)
    print(f"\n10 + 10 kills: {load.check()}")


def test_a_dead_worker_takes_its_whole_tree_along_and_a_task_that_killed_five_is_given_up(real: Farm) -> None:
    """F11, F46, CONTRACT 4.1.5: trees that live for ever, each with a session of its own, a deaf, a hidden child."""
    load = Load(real)
    line = real.start("one")
    line.ask("job.create", name="trees", function="hydra", params=[str(load.journal), "300"], frames="1-2", run=True)
    for _ in range(CRASH_LIMIT):
        lines(load.journal, 2)
        load.journal.write_text("")
        eventually(lambda: grown(real))
        kill_worker(load, line)
    line.until(lambda: line.ask("job.status", job="trees")["state"] == "error")
    task = line.ask("task.show", step="trees/hydra", task=0)
    assert task["trouble"]["crashes"] == CRASH_LIMIT
    assert "given up" in task["trouble"]["last"]["reason"]
    assert {"started": load.journal.read_text(), "used": line.ask("farm.status")["slots"]["used"]} == {
        "started": "", "used": 0
    }  # fmt: skip
