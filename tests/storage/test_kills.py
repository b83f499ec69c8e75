"""Readings of real programs that are killed: nothing that was acknowledged is lost, nothing is doubled, all is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from disks import ballast, on_disk
from farm import programs
from farm.programs import Farm, Line

from bench.postgres import Server

MEASURED = programs.ROOT / "bench" / "measured.py"
LIFE = 10_000_000
CHANNELS = 40
RETURN_S = (
    90.0  # a worker that failed often, beside a master that starts slowly, waits up to 30 s before it tries again
)


class MeasuredFarm(Farm):
    """A farm whose programs measure. `database` is where the master keeps readings, `before` what starts the master."""

    def __init__(self, folder: Path, database: str, before: Sequence[str] = ()) -> None:
        super().__init__(folder)
        self.database, self.before = database, before
        self.life = 0

    def run(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        more = ["--database", self.database] if program == "master" and self.database else []
        before = self.before if program == "master" else ()
        self.life += program == "client"
        measured = {"CHANNELS": str(CHANNELS), "RATE": "50", "LIFE": str(self.life), "PYTHONPATH": str(programs.ROOT)}
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [*before, sys.executable, str(MEASURED), program, *words, *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=self.folder, env={**os.environ, **measured, "CRASH_TEST_FOLDER": words[words.index("--data") + 1]},
            )  # fmt: skip


@pytest.fixture
def real(tmp_path: Path, database: str) -> Iterator[MeasuredFarm]:
    made = MeasuredFarm(tmp_path, database)
    try:
        yield made
    finally:
        left = made.close()
    assert left == {}
    for program in ("master", "client"):
        said = made.said(program)
        assert "Traceback" not in said and "defect" not in said, said[-8000:]


def values(line: Line, channel: int) -> list[int]:
    """All that is stored of a channel."""
    found = line.ask("reading.range", channel=channel, agg="raw", most=100_000)
    assert len(set(found["times"])) == len(found["times"])
    return [int(value) for value in found["values"]]


def whole(found: list[int]) -> bool:
    """Whether of each life everything is there, from its first sample on."""
    lives = sorted({value // LIFE for value in found})
    mine = [[value for value in found if value // LIFE == life] for life in lives]
    return all(one == list(range(life * LIFE, life * LIFE + len(one))) for life, one in zip(lives, mine, strict=True))


def grows(line: Line, channel: int, most: int, limit_s: float = programs.LIMIT_S) -> list[int]:
    """What is stored once it is at least so many samples without a hole: new ones come first, old ones fill in."""
    end = time.monotonic() + limit_s
    while True:
        found = values(line, channel)
        if len(found) >= most and whole(found):
            return found
        assert time.monotonic() < end, (len(found), found[:5], found[-5:], line.ask("farm.status")["readings"])


def held(spool: Path) -> int:
    """Bytes that wait in a spool. What the dead master had still acknowledged may be taken away while this looks."""
    size = 0
    for path in spool.glob("*.log"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def test_a_master_that_is_killed_under_load_loses_and_doubles_nothing(real: MeasuredFarm) -> None:
    """CL-42: 2,000 samples a second; killed in the middle of writing, three times."""
    line = real.start("render-01")
    reached = 0
    for _ in range(3):
        reached = len(grows(line, CHANNELS, reached + 30, RETURN_S))
        assert real.master is not None
        real.master.kill()
        real.master.wait()
        real.start_master()
        line = real.answers()
    grows(line, 1, reached + 50, RETURN_S)
    for channel in (17, CHANNELS):
        grows(line, channel, reached + 50, RETURN_S)
    real.stop()


def test_a_worker_that_is_killed_loses_what_was_of_the_last_second_at_the_most(real: MeasuredFarm) -> None:
    """CL-42: its spool goes on where it was, also when the master was away."""
    line = real.start("render-01")
    grows(line, 1, 20)
    for _ in range(2):
        real.workers["render-01"].kill()
        real.workers["render-01"].wait()
        real.start_worker("render-01")
        grows(line, 1, len(values(line, 1)) + 20)
    found = values(line, 1)
    assert all(sum(value // LIFE == life for value in found) >= 20 for life in (1, 2, 3))
    real.stop()


def test_readings_wait_on_the_worker_while_there_is_no_master(real: MeasuredFarm) -> None:
    """RM-50: sent when it is back, in order of nothing but their times."""
    line = real.start("render-01")
    grows(line, 1, 10)
    assert real.master is not None
    real.master.kill()
    real.master.wait()
    spool = real.folder / "render-01" / "spool"
    before = held(spool)
    end = time.monotonic() + programs.LIMIT_S
    while held(spool) < before + 4_000:
        assert time.monotonic() < end
        real.processes()
    real.start_master()
    line = real.answers()
    grows(line, 3, 100, RETURN_S)
    real.stop()


def test_postgresql_may_go_and_come_back_under_load(tmp_path: Path, server: Server) -> None:
    """CL-42: no loss when SQL is down: samples are acknowledged all the time, questions are refused, all is moved."""
    real = MeasuredFarm(tmp_path, server.fresh())
    try:
        line = real.start("render-01")
        grows(line, 1, 20)
        server.stop()
        taken = line.ask("farm.status")["readings"]["waiting"]
        end = time.monotonic() + programs.LIMIT_S
        while line.ask("farm.status")["readings"]["waiting"] < taken + 4000:
            assert time.monotonic() < end
        assert line.ask("farm.status")["readings"]["refusing"] == ""
        number = line.send("reading.range", channel=1, agg="raw")
        with pytest.raises(AssertionError, match="PostgreSQL"):
            line.hear(number)
        server.start()
        found = grows(line, 1, 150)
        server.admin(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'brender storage'"
        )
        grows(line, 2, len(found) + 50)
        real.stop()
    finally:
        assert real.close() == {}
    assert "Traceback" not in real.said("master")


def test_readings_are_refused_before_the_farm_is_short_of_disk(tmp_path: Path) -> None:
    """Degrade order (CONTRACT 4.9): telemetry first; work is taken on, and no reading is lost when there is room."""
    real = MeasuredFarm(tmp_path, "", on_disk(tmp_path / "master", 290))
    try:
        line = real.start("render-01")
        grows(line, 1, 20)
        assert real.master is not None
        filling = ballast(tmp_path / "master", real.master.pid)
        filling.write_bytes(b"\0" * (45 << 20))
        end = time.monotonic() + programs.LIMIT_S
        while not line.ask("farm.status")["readings"]["refusing"]:
            assert time.monotonic() < end
        assert "are the farm's" in line.ask("farm.status")["readings"]["refusing"]
        assert line.ask("project.add", name="film")["row"]["name"] == "film"
        before = len(values(line, 1))
        filling.unlink()
        grows(line, 1, before + 100)
        assert line.ask("farm.status")["readings"]["refusing"] == ""
        real.stop()
    finally:
        assert real.close() == {}
    assert "no readings are taken in" in real.said("master")
