"""Long queues: a million tasks must be taken in quickly, weigh little, slow nothing down, and not delay a restart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from msgspec.structs import astuple

from bench.farm import PULSE, Broken, Farm, Line, farm, resident
from bench.table import Report, Row, spread
from brender.core.journal import Change
from brender.core.rows import TABLE_OF, Attempt, Job, Project, Step, Worker
from brender.store import Store

MANY, FEW = 1_000_000, 10_000
STRETCH = 9000  # tasks that are timed in one go
LOOK = 0.005  # seconds between two looks at how far it is
ROWS_A_SAVE = 20_000
LIMIT = 60.0  # seconds


def queue(report: Report, quick: bool) -> None:
    """Submit, weight and speed with a million queued, beside a farm of the same kind with ten thousand."""
    rounds = 2 if quick else 9
    with farm() as long, farm() as short:
        master = long.master()
        line = Line(long.port)
        submit(line, "first", 10)
        before = resident(master.pid)
        begin = time.monotonic()
        job = submit(line, "long", MANY)
        report.ceiling("submit of one job of 1,000,000 frames", time.monotonic() - begin, "s", 1.0)
        weight = (resident(master.pid) - before) / MANY
        report.ceiling("memory of the master a queued task", weight, "bytes", 60)
        line.ask("job.pause", job=job)
        line.ask("job.stop", job="first")
        long.worker(2)
        _speeds(report, line, job, short, rounds)
        report.late("a million queued", long.late())
        begin = time.monotonic()
        line.ask("job.stop", job=job)
        took = time.monotonic() - begin
        report.ceiling("stop of that job, answered after", took, "s", 1.0)
        report.late("the same with that stop", long.late())


def submit(line: Line, name: str, frames: int) -> int:
    """Submit and start a job of no-op tasks; returns its id."""
    made = line.ask("job.create", name=name, function="noop", frames=f"1-{frames}", run=True)
    return int(made["jobs"][0]["id"])


def _speeds(report: Report, line: Line, job: int, short: Farm, rounds: int) -> None:
    """The long job goes on for a stretch, then the short farm runs a short job, by turns."""
    short.master()
    short.worker(2)
    other = Line(short.port)
    many: list[float] = []
    few: list[float] = []
    for number in range(rounds):
        done = _done(line, job)
        line.ask("job.resume", job=job)
        many.append(_rate(line, job, done + (FEW - STRETCH) // 2))
        line.ask("job.pause", job=job)
        _until_quiet(line, job)
        few.append(_rate(other, submit(other, f"short-{number}", FEW), (FEW - STRETCH) // 2))
        _until_quiet(other, other.ask("job.list", limit=1)["jobs"][0]["id"])
    ratio = median(many) / median(few)
    what = "no-op tasks with 1,000,000 queued; beside it 10,000"
    report.add(Row(what, f"{spread(many)}/s", spread(few), f"{ratio:.2f}", "≥ 0.9 ×", ratio >= 0.9))


def _progress(line: Line, job: int) -> dict[str, int]:
    found: dict[str, int] = line.ask("job.status", job=job)["progress"]
    return found


def _done(line: Line, job: int) -> int:
    return _progress(line, job)["done"]


def _looks(line: Line, job: int) -> Iterator[tuple[float, dict[str, int]]]:
    """How far it is, again and again, with the time of each look."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = _progress(line, job)
        yield time.monotonic(), found
        time.sleep(LOOK)
    raise Broken(f"Job {job} does not get on: {_progress(line, job)}")


def _rate(line: Line, job: int, after: int) -> float:
    """Tasks a second over a stretch that begins when `after` tasks are done."""
    first: tuple[float, int] | None = None
    for now, found in _looks(line, job):
        done = found["done"]
        if first is None and done >= after:
            first = now, done
        if first is not None and (done >= after + STRETCH or done == found["total"]):
            return (done - first[1]) / (now - first[0])
    raise AssertionError("_looks ends by raising")


def _until_quiet(line: Line, job: int) -> None:
    for _, found in _looks(line, job):
        if not found["live"]:
            return


def restart(report: Report, quick: bool) -> None:
    """A master that finds a million finished attempts in its database must answer within 15 seconds."""
    count = 50_000 if quick else MANY
    with farm() as made:
        seed(made.directory / "master", count)
        begin = time.monotonic()
        master = made.master()
        took = time.monotonic() - begin
        line = Line(made.port)
        if _done(line, 1) != count:
            raise Broken(f"After the restart {_progress(line, 1)} instead of {count} done.")
        report.ceiling(f"restart with {count:,} finished attempts", took, "s", 15.0)
        report.note(f"after it the master holds {resident(master.pid) / 1e6:.0f} MB")
        time.sleep(200 * PULSE)
        report.late("after that restart", made.late())


def seed(directory: Path, count: int) -> None:
    """A farm whose only job of `count` frames is done, written the way the master writes."""
    store = Store.open(directory)
    now = time.time()
    over: dict[str, Any] = {"created_at": now, "modified_at": now}
    job = Job(1, 1, "old", state="success0", run=1, started_at=now, ended_at=now, **over)
    worker = Worker(1, "brender_000000000001", "w", "000000000001", "w", slots=2, functions=["noop"], **over)
    store.save(map(_put, (worker, Project(1, "default", **over), job)))
    store.save([_put(Step(1, 1, "noop", frames=f"1-{count}", run=1, **over))])
    ended: dict[str, Any] = {
        "state": "success0",
        "exit_code": 0,
        "assigned_at": now,
        "started_at": now,
        "ended_at": now,
    }
    for at in range(0, count, ROWS_A_SAVE):
        tasks = range(at, min(at + ROWS_A_SAVE, count))
        store.save(_put(Attempt(task + 1, 1, task, 1, 1, 1, **ended)) for task in tasks)
        store.checkpoint()
    store.close()


def _put(row: Any) -> Change:
    return Change(TABLE_OF[type(row)], "put", row.id, astuple(row))
