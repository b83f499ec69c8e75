"""Tasks a second: no-op tasks against huey, processes against HyperQueue, in turns so that both meet the same weather.

A task counts when its end is on the master's disk: the event `job.ended` leaves only after that commit.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

from bench.farm import Broken, Farm, Line, child, cpu, farm
from bench.peers import huey_rate, hyperqueue
from bench.table import Report, spread

SLOTS = 2


class Drum:
    """Runs one job after the other on a farm and remembers how fast and at what cost."""

    def __init__(self, made: Farm, functions: Path | None = None) -> None:
        self.farm = made
        self.master = made.master()
        self.worker = made.worker(SLOTS, functions)
        self.line = Line(made.port)
        self.line.ask("farm.subscribe", topics=["job.ended"])
        self.rates: list[float] = []
        self.costs: list[tuple[float, float]] = []  # microseconds a task: master, daemon
        self.tasks = self.jobs = 0

    def beat(self, function: str, count: int) -> None:
        """One job of `count` tasks; the clock runs from before the submit to the event of its end."""
        before = cpu(self.master.pid), cpu(self.worker.pid)
        self.jobs += 1
        begin = time.monotonic()
        made = self.line.ask("job.create", name=f"job-{self.jobs}", function=function, frames=f"1-{count}", run=True)
        self.line.until_ended(made["jobs"][0]["id"])
        self.rates.append(count / (time.monotonic() - begin))
        after = cpu(self.master.pid), cpu(self.worker.pid)
        self.costs.append(((after[0] - before[0]) / count * 1e6, (after[1] - before[1]) / count * 1e6))
        self.tasks += count

    def warm(self, function: str, count: int) -> None:
        """A job that is not counted: the first one also makes the project and the slots' folders."""
        self.beat(function, count)
        self.rates.clear()
        self.costs.clear()

    def check(self, report: Report, what: str) -> None:
        """Every task must be a success on the disk; then the farm's own costs become a note."""
        looker = sqlite3.connect(self.farm.directory / "master" / "farm.db")
        stored = looker.execute("SELECT count(*) FROM attempt WHERE state = 'success0'").fetchone()[0]
        looker.close()
        if stored != self.tasks:
            raise Broken(f"{stored} of {self.tasks} tasks are a success on the disk: {self.farm.said('master')}")
        master, daemon = zip(*self.costs, strict=True)
        report.note(f"{what}: µs of processor a task: master {spread(master)}, worker daemon {spread(daemon)}")
        report.late(what, self.farm.late())


def durable(report: Report, quick: bool) -> None:
    """10,000 no-op tasks, each start and end committed, against huey with fsync on."""
    count, rounds = (2000, 2) if quick else (10_000, 5)
    kept: list[float] = []
    bare: list[float] = []
    with farm() as made:
        drum = Drum(made)
        drum.warm("noop", 200)
        for _ in range(rounds):
            drum.beat("noop", count)
            kept.append(huey_rate(count, keep=True))
            bare.append(huey_rate(count, keep=False))
        report.rates("durable no-op tasks; huey stores each end", drum.rates, kept, 8000, 5)
        report.rates("the same; huey stores only each start", drum.rates, bare, 0, 0)
        drum.check(report, "no-op tasks")


def processes(report: Report, quick: bool) -> None:
    """/bin/true, output unused, against HyperQueue with two cores."""
    count, rounds = (300, 2) if quick else (3000, 5)
    theirs: list[float] = []
    with farm() as made, hyperqueue(SLOTS) as peer:
        drum = Drum(made, functions(made.directory))
        drum.warm("true", 50)
        peer.rate(["/bin/true"], 50)
        for _ in range(rounds):
            drum.beat("true", count)
            theirs.append(peer.rate(["/bin/true"], count))
        report.rates("process tasks (/bin/true)", drum.rates, theirs, 1500, 2)
        guardian = child(drum.worker.pid)
        each = [cpu(guardian, children) / drum.tasks * 1e6 for children in (False, True)]
        report.note(f"process tasks: µs of processor a task: guardian {each[0]:.0f}, /bin/true itself {each[1]:.0f}")
        drum.check(report, "process tasks")


def functions(directory: Path, copied: bool = False) -> Path:
    """A folder of functions with `true` in it: a link, or a copy that is nobody else's."""
    folder = directory / "functions"
    folder.mkdir()
    if copied:
        shutil.copy("/bin/true", folder / "true")
    else:
        (folder / "true").symlink_to("/bin/true")
    return folder
