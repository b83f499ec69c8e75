"""Readings: how many a second from four machines over the real wire, what size does to them, how long a question takes.

The flood is the workers' own: their daemons measure, spool and send; beside it the master's tick is watched. Questions
and sizes are measured at the storage itself, in SQLite and, where it is installed, in a PostgreSQL of the bench's own.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from bench.farm import PLACE, ROOT, Broken, Farm, Line, cpu, farm
from bench.postgres import Server
from bench.table import Report, Row
from brender.storage.keeper import Keeper, open_keeper
from brender.storage.questions import Question
from brender.storage.terms import Kept, Terms
from brender.wire.readings import Columns

MACHINES = 4
FLOOR = 50_000  # samples a second
MEASURED = str(ROOT / "bench" / "measured.py")
HOUR = 3600.0
EVER = Kept(1e9, 1 << 40)
TERMS = Terms(raw=EVER, minutes=EVER, hours=EVER, reserve_bytes=0)
Fresh = Callable[[], str]  # the URL of an empty database, another at each call
SECONDS = 300  # of samples that come in one batch
ROUNDS = 7
CLOSE = 1.2  # times the figure of the small storage that the large one may take


def readings(report: Report, quick: bool) -> None:
    """All parts."""
    _flood(report, 5 if quick else 60)
    _pushed(report, 100 if quick else 600)
    sizes = (28_800, 288_000) if quick else (100_800, 10_080_000)
    for name, url in _databases(report):
        with url as fresh:
            _sizes(report, name, fresh, sizes)
            _day(report, name, fresh)


# ---- over the wire


def _started(made: Farm, channels: int) -> subprocess.Popen[bytes]:
    data, port = str(made.directory / "master"), made.port
    words = ("master", "--listen", f"127.0.0.1:{port}", "--data", data, "--pulse", "0.005")
    process = made.python("master", MEASURED, *words, env={**os.environ, "CHANNELS": str(channels), **_PATH})
    made.ready(process)
    return process


_PATH = {"PYTHONPATH": str(ROOT)}


def _stored(line: Line, expected: int, limit: float) -> int:
    """Samples in the storage, once all that were sent are there."""
    end = time.monotonic() + limit
    while True:
        found = int(line.ask("farm.status")["readings"]["samples"])
        if found >= expected or time.monotonic() > end:
            return found
        time.sleep(0.05)


def _flood(report: Report, seconds: int) -> None:
    """Four daemons measure 2,500 channels each, more than five times a second; all of it has to be there."""
    channels, rate = 2500, 5.6
    rounds = int(seconds * rate)
    expected = MACHINES * channels * rounds
    with farm() as made:
        process = _started(made, MACHINES * channels)
        line = Line(made.port)
        begin, used = time.monotonic(), cpu(process.pid)
        for number in range(MACHINES):
            numbers = {"CHANNELS": channels, "FIRST": 1 + number * channels, "RATE": rate, "ROUNDS": rounds}
            words = ("client", "--master", f"127.0.0.1:{made.port}", "--slots", "0", "--name", f"m{number}")
            made.python(
                f"m{number}", MEASURED, *words, "--data", str(made.directory / f"m{number}"),
                env={**os.environ, **_PATH, **{name: str(value) for name, value in numbers.items()}},
            )  # fmt: skip
        found = _stored(line, expected, 2 * seconds + 60)
        took = time.monotonic() - begin
        report.rates("readings: samples/s, 4 daemons over the wire", [found / took], [], FLOOR, 0)
        lost = expected - found
        report.add(Row("readings: lost of these", f"{lost:,} of {expected:,}", target="0", met=lost == 0))
        _asked_back(report, line, MACHINES * channels, rounds)
        report.add(Row("readings: master's processor meanwhile", f"{(cpu(process.pid) - used) / took * 100:.0f} %"))
        report.late("56,000 samples/s", made.late())
        line.close()


def _asked_back(report: Report, line: Line, channels: int, rounds: int) -> None:
    """Some channels, sample by sample: each number once."""
    wrong = 0
    for channel in range(1, channels + 1, channels // 20):
        found = line.ask("reading.range", channel=channel, agg="raw", most=100_000)
        wrong += found["values"] != [10_000_000 + number for number in range(rounds)]
    report.add(
        Row("readings: channels with a hole or a double", f"{wrong} of 20 looked at", target="0", met=wrong == 0)
    )


def _pushed(report: Report, rounds: int) -> None:
    """Ready batches of 10,000 as fast as they are acknowledged: what the master can take."""
    channels = 10_000
    with farm() as made:
        process = _started(made, MACHINES * channels)
        line = Line(made.port)
        begin, used = time.monotonic(), cpu(process.pid)
        pushing = [
            made.python(
                f"push{number}", MEASURED, "push", str(made.port),
                env={**os.environ, **_PATH, "CHANNELS": str(channels), "FIRST": str(1 + number * channels),
                     "ROUNDS": str(rounds)},
            )
            for number in range(MACHINES)
        ]  # fmt: skip
        for one in pushing:
            if one.wait(600):
                raise Broken("A sender was not answered `saved`.")
        took = time.monotonic() - begin
        expected = MACHINES * channels * rounds
        if _stored(line, expected, 60) != expected:
            raise Broken("Not all that was acknowledged is there.")
        report.rates("readings: samples/s, 4 senders, as fast as they are saved", [expected / took], [], FLOOR, 0)
        report.add(Row("readings: master's processor meanwhile", f"{(cpu(process.pid) - used) / took * 100:.0f} %"))
        late = made.late()
        report.add(
            Row("hub: worst tick meanwhile, on these cores", f"{late['worst_ms']:.1f} ms (p99 {late['p99_ms']:.1f})")
        )
        line.close()


# ---- at the storage


class Filled:
    """A keeper with a clock that goes with its samples, one a second of each channel."""

    def __init__(self, folder: Path, url: str, channels: int) -> None:
        self.channels = channels
        folder.mkdir(exist_ok=True)
        self.first = self.now = 1_790_000_000.0 - 1_790_000_000.0 % 3600
        self.keeper: Keeper = open_keeper(folder, "bench", url, TERMS, lambda: self.now)
        self.keeper.tend()
        chance = random.Random(channels)
        self._values = array("d", (round(chance.uniform(20, 50), 1) for _ in range(channels * SECONDS * 13)))

    def fill(self, samples: int) -> float:
        """Take in, move and seal so many more; returns how many a second."""
        begin = time.perf_counter()
        for number in range(samples // (self.channels * SECONDS)):
            times = array("d", (self.now + second for second in range(SECONDS) for _ in range(self.channels)))
            channels = array("I", list(range(1, self.channels + 1)) * SECONDS)
            first = number % 13 * len(channels)  # nothing comes twice in an hour
            self.now += SECONDS
            self.keeper.keep([Columns(channels, times, self._values[first : first + len(channels)], [])])
            while self.keeper.tend():
                pass
        return samples / (time.perf_counter() - begin)

    def settle(self) -> None:
        """All that is over is in the database and sealed."""
        self.keeper._buffer.close_file()
        later, self.now = self.now, self.now + 2 * HOUR
        while self.keeper.tend():
            pass
        self.now = later

    def asked(self, begin: float, end: float, times: int = 101, **more: object) -> float:
        """Milliseconds for a question, in the middle of several."""
        took = []
        for number in range(times):
            question = Question(1 + number % self.channels, begin, end, **more)  # type: ignore[arg-type]
            at = time.perf_counter()
            self.keeper.answer(question.query())
            took.append((time.perf_counter() - at) * 1000)
        return statistics.median(took)


def _sizes(report: Report, name: str, fresh: Fresh, sizes: tuple[int, int]) -> None:
    """The same work at two sizes: an hour of one channel is asked, an hour of 28 is taken in. By turns, so that what
    else the machine does falls on both."""
    small, large = sizes
    with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE) as folder:
        both = [Filled(Path(folder) / str(size), fresh(), 28) for size in sizes]
        for filled, size in zip(both, sizes, strict=True):
            filled.fill(size)
            filled.settle()
        asked = [[one.asked(one.first, one.first + HOUR, 21, most=100_000) for one in both] for _ in range(ROUNDS)]
        for filled in both:
            filled.now += HOUR - filled.now % HOUR
        taken = [[one.fill(100_800) for one in both] for _ in range(ROUNDS)]
        spans, rates = _middle(asked), _middle(taken)
        on_disk = both[1].keeper.stats()["disk_bytes"]
        for filled in both:
            filled.keeper.close()
    ratio = rates[1] / rates[0]
    what = f"readings, {name}: taken in, moved, sealed, at {large:,}"
    report.add(
        Row(what, f"{rates[1]:,.0f}/s", f"at {small:,}: {rates[0]:,.0f}/s", f"{ratio:.2f}", "≥ 0.8", ratio >= 0.8)
    )
    ratio = spans[1] / spans[0]
    what = f"readings, {name}: an hour of a channel, at {large:,}"
    report.add(
        Row(what, f"{spans[1]:.2f} ms", f"at {small:,}: {spans[0]:.2f} ms", f"{ratio:.2f}", "≤ 1.2", ratio <= CLOSE)
    )
    report.add(Row(f"readings, {name}: on the disk", f"{on_disk / (large + ROUNDS * 100_800):.1f} bytes a sample"))


def _middle(rounds: list[list[float]]) -> list[float]:
    """Of each size the figure in the middle."""
    return [statistics.median(found) for found in zip(*rounds, strict=True)]


def _day(report: Report, name: str, fresh: Fresh) -> None:
    """A day of one channel at 1 Hz, among 50: every sample, and as much as a screen shows."""
    with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE) as folder:
        filled = Filled(Path(folder), fresh(), 50)
        filled.fill(50 * 86_400)
        filled.settle()
        end = filled.first + 86_400
        whole = filled.asked(filled.first, end, most=100_000)
        report.ceiling(f"readings, {name}: 24 h at 1 Hz, all 86,400 samples", whole, "ms", 50.0)
        shown = filled.asked(filled.first, end)
        report.ceiling(f"readings, {name}: 24 h at 1 Hz, 720 points", shown, "ms", 50.0)
        filled.keeper.close()


# ---- databases


def _databases(report: Report) -> Iterator[tuple[str, AbstractContextManager[Fresh]]]:
    yield "SQLite", nullcontext(str)  # no URL
    if sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        yield "PostgreSQL", _postgres()
    else:
        report.note("PostgreSQL is not installed: readings were measured in SQLite only")


@contextmanager
def _postgres() -> Iterator[Fresh]:
    server = Server(durable=True)
    try:
        yield server.another
    finally:
        server.close()
