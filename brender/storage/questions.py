"""How a question about readings is asked and answered at any door: seconds and names out there, microseconds in here.

It must not know how answers are found.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from msgspec import Struct, field

from brender.errors import Invalid, nearest
from brender.storage.blocks import SECOND, micros
from brender.storage.ranges import AGGREGATES, RAW, Answer, Query

FEWEST, USUAL, MOST = 1, 1000, 100_000  # points of one answer


class Question(Struct, rename={"begin": "from", "end": "to"}):
    """The params of `reading.range`. Times are seconds since the epoch, `step` seconds; without it what suits."""

    channel: int
    begin: float
    end: float
    step: float | None = None
    agg: str = ""
    most: int = USUAL

    def query(self) -> Query:
        """The same for the storage. Raises Invalid naming what cannot be."""
        if not (isfinite(self.begin) and isfinite(self.end) and 0 <= self.begin < self.end < 1e11):
            raise Invalid(
                f"From {self.begin:.16g} to {self.end:.16g} is no stretch of time.", hint="from= is before to=."
            )
        if self.agg and self.agg not in (*AGGREGATES, RAW):
            known = (*AGGREGATES, RAW)
            hint = nearest(self.agg, known) or f"It is one of {', '.join(known)}."
            raise Invalid(f"There is no agg={self.agg}.", hint=hint)
        if self.step is not None and not 0.000001 <= self.step <= 1e9:
            raise Invalid(f"step={self.step:g} is no length of a step.", hint="Seconds, or 10s, 1m, 1h, 1d.")
        if self.step is not None and self.agg == RAW:
            raise Invalid("agg=raw has no steps.", hint="Leave out one of them.")
        if not FEWEST <= self.most <= MOST:
            raise Invalid(f"most={self.most} is not between {FEWEST} and {MOST}.")
        step = 0 if self.step is None else micros(self.step)
        return Query(self.channel, micros(self.begin), micros(self.end), step, self.agg, self.most)


class Told(Struct):
    """The answer at a door: columns of equal length. `step` 0: samples as they are, without the three last columns."""

    channel: int
    source: str
    agg: str
    step: float
    times: list[float]
    values: list[Any]
    lowest: list[float] = field(default_factory=list)
    highest: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


def told(channel: int, found: Answer) -> Told:
    """An answer of the storage as it is told."""
    times = [at / SECOND for at in found.times]
    return Told(
        channel, found.source, found.aggregate, found.step / SECOND, times, found.values,
        found.lowest, found.highest, found.counts,
    )  # fmt: skip


RANGE: Final = "reading.range"
STATS: Final = "reading.stats"
