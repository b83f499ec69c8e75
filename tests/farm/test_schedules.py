"""Schedules of a real master that is killed with -9: none is lost, none is doubled, and what was missed is made up."""

from __future__ import annotations

import signal
import time
from datetime import datetime

from . import ledger
from .programs import LIMIT_S, Farm, Line, ended, eventually


def schedules(line: Line) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in line.ask("schedule.list")["schedules"]}


def test_a_killed_masters_schedules_go_on_with_the_next_one(real: Farm) -> None:
    """RM-42, acceptance 11: what was due meanwhile follows its policy, each run is one effect."""
    line = real.start("render-01")
    for name in ("every", "moment", "far"):
        line.ask("job.create", name=name, function="noop")

    def make(verb: str, name: str, **when: object) -> str:
        command = {"method": "job.run", "params": {"job": name}}
        return str(line.ask(f"schedule.{verb}", name=name, **command, **when)["row"]["uuid"])

    due = time.time() + 2.0
    distant = (datetime.now().month + 5) % 12 + 1  # half a year from here
    uuids = {
        "every": make("repeat_every", "every", seconds=1),
        "moment": make("once_when", "moment", timestamp=due, misfire="run_once"),
        "far": make("cron", "far", expr=f"0 8 1 {distant} *", tz="Europe/Madrid"),
    }
    line.until(lambda: schedules(line)["every"]["runs"])
    assert real.master is not None
    real.master.send_signal(signal.SIGKILL)
    assert ended(real.master, LIMIT_S)
    eventually(lambda: time.time() > due)

    real.start_master()
    line = real.answers()
    line.until(lambda: schedules(line)["moment"]["state"] == "done" and schedules(line)["every"]["runs"] >= 2)
    found = schedules(line)
    assert {name: row["uuid"] for name, row in found.items() if name in uuids} == uuids
    assert found["moment"]["runs"] == 1
    assert found["far"]["state"] == "armed" and found["far"]["runs"] == 0
    line.ask("schedule.stop")
    runs = {name: row["runs"] for name, row in schedules(line).items()}
    line.until(lambda: not {"new", "running"} & {row["state"] for row in line.ask("job.list")["jobs"]})
    real.stop()

    rows = {row["name"]: row["run"] for row in ledger.rows(real.folder / "master", "SELECT name, run FROM job")}
    assert rows["moment"] == runs["moment"] == 1
    assert rows["far"] == runs["far"] == 0
    assert 1 <= rows["every"] <= runs["every"]  # a run of the schedule while the job still ran was refused
