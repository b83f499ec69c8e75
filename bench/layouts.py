"""Ways to lay readings down in SQLite, side by side: what a sample costs on its way in, on the disk and when asked for.

Run it as `python -m bench.layouts [SAMPLES]`; docs/decisions/0016 was decided by it: a row a sample by channel, a row a
sample by time, a row a batch, and what brender does (files first, then blocks by channel and hour).
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.farm import PLACE
from bench.readings import TERMS
from brender.storage.keeper import open_keeper
from brender.storage.questions import Question
from brender.storage.sqlite import _DRIVER
from brender.wire.readings import Columns

CHANNELS = 1000
A_BATCH = 10  # samples of each channel
BEGIN = 1_790_000_000.0 - 1_790_000_000.0 % 3600
DAY = 86_400.0

Ask = Callable[[int], int]


def batches(samples: int) -> Iterator[Columns]:
    """A sample a second of each channel, ten seconds a batch."""
    chance = random.Random(1)
    channels = array("I", list(range(1, CHANNELS + 1)) * A_BATCH)
    ready = [array("d", (round(chance.uniform(20, 50), 1) for _ in channels)) for _ in range(37)]
    for number in range(samples // len(channels)):
        first = BEGIN + number * A_BATCH
        times = array(
            "d", (first + second + channel * 1e-6 for second in range(A_BATCH) for channel in range(CHANNELS))
        )
        yield Columns(channels, times, ready[number % 37], [])


def _database(path: Path) -> Any:
    database = _DRIVER.connect(str(path), isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -32768"):
        database.execute(f"PRAGMA {pragma}")
    return database


def _rows(path: Path, samples: int, key: str) -> tuple[float, Ask]:
    database = _database(path)
    columns = "channel INTEGER, at REAL, value REAL"
    database.execute(f"CREATE TABLE reading ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID")
    used = _measured(
        batches(samples),
        lambda one: _transact(
            database,
            lambda: database.executemany(
                "INSERT OR IGNORE INTO reading VALUES (?, ?, ?)", zip(one.channels, one.times, one.values, strict=True)
            ),
        ),
    )
    sql = "SELECT at, value FROM reading WHERE channel = ? AND at >= ? AND at < ? ORDER BY at"
    return used, lambda channel: len(database.execute(sql, (channel, BEGIN, BEGIN + DAY)).fetchall())


def by_channel(path: Path, samples: int) -> tuple[float, Ask]:
    """A row a sample, in order of channel and time."""
    return _rows(path, samples, "channel, at")


def by_time(path: Path, samples: int) -> tuple[float, Ask]:
    """A row a sample, in order of time and channel."""
    return _rows(path, samples, "at, channel")


def a_row_a_batch(path: Path, samples: int) -> tuple[float, Ask]:
    """The columns of a batch as bytes in one row; whoever asks reads all of them."""
    database = _database(path)
    database.execute("CREATE TABLE batch (id INTEGER PRIMARY KEY, first REAL, channels BLOB, at BLOB, value BLOB)")
    used = _measured(
        batches(samples),
        lambda one: _transact(
            database,
            lambda: database.execute(
                "INSERT INTO batch (first, channels, at, value) VALUES (?, ?, ?, ?)",
                (one.times[0], one.channels.tobytes(), one.times.tobytes(), one.values.tobytes()),
            ),
        ),
    )

    def ask(channel: int) -> int:
        found = 0
        for (data,) in database.execute(
            "SELECT channels FROM batch WHERE first >= ? AND first < ?", (BEGIN, BEGIN + DAY)
        ):
            found += array("I", data).count(channel)
        return found

    return used, ask


def blocks(path: Path, samples: int) -> tuple[float, Ask]:
    """brender: a file that is synced, then blocks by channel and hour, with the sums of minutes and hours."""
    clock = [BEGIN]
    keeper = open_keeper(path.parent, "bench", "", TERMS, lambda: clock[0])
    keeper.tend()

    def keep(one: Columns) -> None:
        clock[0] = one.times[-1]
        keeper.keep([one])
        while keeper.tend():
            pass

    used = _measured(batches(samples), keep)
    begin = time.process_time()
    keeper._buffer.close_file()
    clock[0] += 7200
    while keeper.tend():
        pass
    used += time.process_time() - begin
    return used, lambda channel: len(keeper.answer(Question(channel, BEGIN, BEGIN + DAY, most=100_000).query()).times)


def _transact(database: Any, work: Callable[[], Any]) -> None:
    database.execute("BEGIN IMMEDIATE")
    work()
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _measured(columns: Iterator[Columns], keep: Callable[[Columns], None]) -> float:
    """Seconds of processor time of `keep`."""
    used = 0.0
    for one in columns:
        begin = time.process_time()
        keep(one)
        used += time.process_time() - begin
    return used


def main() -> None:
    """A line for each layout."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    for layout in (by_channel, by_time, a_row_a_batch, blocks):
        with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE) as folder:
            begin = time.perf_counter()
            used, ask = layout(Path(folder) / "readings.db", samples)
            wall = time.perf_counter() - begin
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            took = []
            for channel in (3, 500, 997):
                at = time.perf_counter()
                count = ask(channel)
                took.append((time.perf_counter() - at) * 1000)
            print(
                f"{layout.__name__:14} {used / samples * 1e6:5.2f} µs of processor a sample, {samples / wall:9,.0f}/s,"
                f" {size / samples:5.1f} bytes a sample, {count:,} samples of a channel in {sorted(took)[1]:.1f} ms",
                flush=True,
            )
            os.sync()


if __name__ == "__main__":
    main()
