"""Masters that are asked to stop, and what goes on when they are back (BR-17, SP-07, F07, F08, F35, F40)."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from random import Random

import pytest

from . import ledger
from .programs import LIMIT_S, Farm, Gone, Line, ended, eventually, lines, successes, wait_gone
from .test_kills import Load

# Waits until somebody writes it a line; `read` takes single bytes, so each line ends one task.
GATE = """#!/bin/sh
echo "$BRENDER_TASK $BRENDER_ATTEMPT $$" >> "$1"
read word < "$2"
"""


def test_a_master_that_is_told_to_stop_during_a_submit_took_all_of_it_or_nothing(real: Farm) -> None:
    """F07, CONTRACT 4.1.1: 100,000 tasks, the stop at ever later moments; exit 0, whole or absent."""
    chance, data, answered = Random(7), real.folder / "master", 0
    for number in range(8):
        line = real.start()
        name = f"big{number}"
        asked = line.send("job.create", name=name, function="noop", frames="1-100000", run=True)
        assert real.master is not None and not ended(real.master, chance.uniform(0.0, 0.02))
        real.stop()
        acknowledged = True
        try:
            line.hear(asked)
        except Gone:
            acknowledged = False
        answered += acknowledged
        farm = ledger.load_twice(data)
        jobs = {job.name: sum(farm.counts(job)) for job in farm.jobs.values()}
        assert jobs.get(name, 0) in (() if acknowledged else (0,)) + (100_000,)
    print(f"\n{answered} of 8 submits answered before the stop")


@pytest.mark.timeout(900)
def test_a_master_stopped_five_times_under_load_saves_all_and_its_workers_go_on(real: Farm) -> None:
    """BR-17, SP-07, F08: SIGTERM under load, restart; no work of the workers is lost or repeated."""
    load = Load(real)
    line = real.start("one", "two")
    load.submit(line)
    for number in range(5, 0, -1):
        load.advance(line, 10 * number)
        real.stop()
        line.close()
        saved = ledger.load_twice(real.folder / "master")
        assert sum(tasks.counts[7] for tasks in saved.tasks.values()) >= load.done
        real.start_master()
        line = real.answers()
        assert successes(line) >= load.done
    load.finish(line)
    print(f"\n5 stops: {load.check()}")
    assert not ledger.rows(real.folder / "master", "SELECT * FROM attempt WHERE state = 'lost'")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_people_decided_survives_the_master(real: Farm, how: signal.Signals) -> None:
    """BR-17, SP-07: a disabled worker stays disabled, an unfinished job goes on, a stopped and a paused one do not."""
    line = real.start("one", "two")
    line.ask("worker.disable", workers="two")
    for name, frames in (("goes on", "1-60"), ("stopped", "1-6000"), ("paused", "1-200")):
        line.ask("job.create", name=name, function="sleep", params=[0.02], frames=frames, run=True)
    line.until(lambda: line.ask("job.status", job="goes on")["counts"].get("success0", 0) >= 5)
    line.ask("job.stop", job="stopped")
    line.ask("job.pause", job="paused")
    line.until(lambda: settled(line, "stopped") and settled(line, "paused"))
    before = {name: line.ask("job.status", job=name) for name in ("stopped", "paused")}

    assert real.master is not None
    real.master.send_signal(how)
    assert ended(real.master, LIMIT_S)
    real.start_master()
    line.close()
    line = real.answers()

    line.until(lambda: line.ask("job.status", job="goes on")["state"] == "success0")
    assert {row["name"]: row["state"] for row in line.ask("worker.list")["workers"]} == {
        "one": "enabled", "two": "disabled"
    }  # fmt: skip
    assert {name: line.ask("job.status", job=name) for name in before} == before
    line.ask("job.resume", job="paused")
    line.until(lambda: line.ask("job.status", job="paused")["state"] == "success0")
    real.stop()
    ledger.load_twice(real.folder / "master")
    assert not ledger.rows(
        real.folder / "master", "SELECT a.id FROM attempt a JOIN worker w ON w.id = worker_id WHERE w.name = 'two'"
    )


def settled(line: Line, job: str) -> bool:
    """Whether nothing of the job runs."""
    return line.ask("job.status", job=job)["progress"]["live"] == 0


def test_what_runs_goes_on_while_the_master_is_killed_and_is_adopted(real: Farm) -> None:
    """F08, CONTRACT 4.1.4: no long task is started a second time; what ended meanwhile counts."""
    gate, journal = real.folder / "gate", real.folder / "journal"
    os.mkfifo(gate)
    holder = os.open(gate, os.O_RDWR)
    journal.touch()
    real.function("gate", GATE)
    line = real.start("one", "two")
    line.ask("job.create", name="long", function="gate", params=[str(journal), str(gate)], frames="1-12", run=True)
    lines(journal, 4)
    running = pids(journal)
    for number in range(4):
        assert real.master is not None
        real.master.kill()
        real.master.wait()
        line.close()
        if number == 2:  # with nobody to tell, two end and the daemons start the two that they hold ready
            os.write(holder, b"go\ngo\n")
            lines(journal, 6)
        real.start_master()
        line = real.answers()
        all_busy(line)
    line.until(lambda: successes(line) == 2)
    assert pids(journal)[:4] == running, "a task was started a second time"
    os.write(holder, b"go\n" * 10)
    line.until(lambda: line.ask("job.status", job="long")["state"] == "success0")
    real.stop()
    attempts = ledger.check_successes(real.folder / "master", 12)
    assert not [row for row in attempts if row["state"] not in ("success0", "returned")]
    assert sorted(int(row.split()[0]) for row in lines(journal, 12)) == list(range(12)), "a task was executed twice"
    os.close(holder)


def all_busy(line: Line) -> None:
    """Until both workers are back and the master knows that every slot runs something."""
    line.until(lambda: line.ask("farm.status")["slots"] == {"total": 4, "used": 4})


def pids(journal: Path) -> list[str]:
    return [row.split()[2] for row in journal.read_text().splitlines()]


def test_a_second_master_and_a_second_worker_on_one_folder_are_refused_by_name_of_the_first(real: Farm) -> None:
    """F40, F16: the refusal names the process to stop; the first ones go on."""
    line = real.start("one")
    assert real.master is not None
    first, one = real.master, real.workers["one"]
    second = real.run("master", "--listen", "127.0.0.1:1", "--data", str(real.folder / "master"))
    assert ended(second, LIMIT_S) and second.returncode == 78
    assert f"pid {first.pid} " in real.said("master")
    worker = real.run("client", "--master", f"127.0.0.1:{real.port}", "--data", str(real.folder / "one"))
    assert ended(worker, LIMIT_S) and worker.returncode == 1
    assert f"pid {one.pid}." in real.said("client")
    line.ask("job.create", name="after", function="noop", frames="1-3", run=True)
    line.until(lambda: line.ask("job.status", job="after")["state"] == "success0")


@pytest.mark.parametrize("whom", ["launcher", "group"])
def test_control_c_on_brender_up_leaves_no_process_and_blames_no_task(real: Farm, whom: str) -> None:
    """F35: master, worker, guardian and running tasks are gone; the farm goes on later without a crash count."""
    load = Load(real)
    words = ["up", "--listen", f"127.0.0.1:{real.port}", "--data", str(real.folder / "up"), "--slots", "2"]
    words += ["--functions", str(real.functions)]
    for seconds in ("300", "0.01"):
        load.journal.write_text("")
        launcher = real.run(*words)
        line = real.answers()
        if seconds == "300":
            tree = [str(load.journal), "300"]
            line.ask("job.create", name="trees", function="hydra", params=tree, frames="1-2", run=True)
        lines(load.journal, 2)
        eventually(lambda: len(real.processes()) == 5 + 2 * 4)  # launcher, master, page, daemon, guardian, two trees
        line.close()
        if whom == "group":
            os.killpg(launcher.pid, signal.SIGINT)
        else:
            launcher.send_signal(signal.SIGINT)
        assert ended(launcher, LIMIT_S) and launcher.returncode == 0, real.said("up")
        assert wait_gone(real.processes(), LIMIT_S) == {}
    attempts = ledger.rows(real.folder / "up/master", "SELECT * FROM attempt")
    assert {row["state"] for row in attempts} <= {"returned", "running", "assigned"}, attempts
