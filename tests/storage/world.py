"""A place where readings are kept, with a clock that the test moves, and what a plain dictionary would say of it."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from brender.storage.keeper import Keeper, open_keeper
from brender.storage.questions import Question
from brender.storage.ranges import Answer
from brender.storage.terms import Terms
from brender.wire.readings import Columns, collected

START = 1_790_000_000.0 - 1_790_000_000.0 % 3600  # an hour begins; a month does 9 days later (2026-10-01)
OWNER = "the farm of the tests"


def columns(samples: Iterable[tuple[int, float, Any]]) -> Columns:
    return collected(samples)


def seconds(channel: int, begin: float, count: int, step: float = 1.0, value: float = 1.0) -> Columns:
    """One sample a step, of a channel; values count upwards from `value`."""
    return Columns(
        array("I", [channel] * count),
        array("d", (begin + at * step for at in range(count))),
        array("d", (value + at for at in range(count))),
        [],
    )


class Place:
    """A keeper on a directory. `crash` leaves it as kill -9 would, and opens it anew."""

    def __init__(self, folder: Path, database: str = "", **terms: Any) -> None:
        self.folder, self.database = folder, database
        self.terms = Terms(**{"reserve_bytes": 0, **terms})
        self.now = START
        self.keeper = self._open()

    def _open(self) -> Keeper:
        keeper = open_keeper(self.folder, OWNER, self.database, self.terms, lambda: self.now)
        keeper.tend()
        return keeper

    def again(self, **terms: Any) -> None:
        """The same under other terms."""
        self.terms = Terms(**{"reserve_bytes": 0, **terms})
        self.crash()

    def keep(self, *batches: Columns) -> None:
        self.keeper.keep(list(batches))

    def move(self) -> None:
        """All that was taken in goes to the database."""
        self.keeper._buffer.close_file()
        self.tend()

    def tend(self) -> None:
        while self.keeper.tend():
            pass

    def seal(self, later: float = 2 * 3600.0) -> None:
        """What was taken in is moved, and so much later sealed if its hour is over."""
        self.move()
        self.now += later
        self.tend()

    def crash(self) -> None:
        """Nothing is closed in order; the connections go, as they would with the process."""
        self.keeper._archive.close()
        file = self.keeper._buffer._segments._fd
        if file >= 0:
            os.close(file)
        self.keeper = self._open()

    def ask(self, channel: int, begin: float = START - 1e6, end: float = START + 1e7, **more: Any) -> Answer:
        return self.keeper.answer(Question(channel, begin, end, **more).query())

    def samples(self, channel: int) -> list[tuple[float, Any]]:
        """All that is known of a channel as it came."""
        found = self.ask(channel, agg="raw", most=100_000)
        return [(at / 1e6, value) for at, value in zip(found.times, found.values, strict=True)]

    def close(self) -> None:
        self.keeper.close()
