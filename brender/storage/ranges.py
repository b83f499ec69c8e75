"""Questions about one channel and a stretch of time: its samples, or sums of them by steps, bounded in points and time.

Far from the samples the sums of hours and minutes answer, and only hours that are not sealed yet are summed up on the
spot. It must not know which database it asks (engine.py) or write anything.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from brender.errors import InternalError, Invalid
from brender.storage.blocks import (
    HOUR as AN_HOUR,
)
from brender.storage.blocks import (
    MINUTE as A_MINUTE,
)
from brender.storage.blocks import (
    SECOND,
    Samples,
    Sums,
    fold,
    fold_again,
    merge,
    unpacked,
    unpacked_sums,
)
from brender.storage.engine import Engine, Row, Shape, TooSlow
from brender.storage.tables import (
    BLOCK,
    HOUR,
    IN_PARTS,
    MINUTE,
    OTHER,
    PART,
    UNSEALED,
    hours_of,
    month_of,
    table_of,
)
from brender.wire.packing import Damaged
from brender.wire.readings import Value

T = TypeVar("T")

RAW: Final = "raw"
AGGREGATES: Final = ("mean", "min", "max", "last", "count", "sum")
NICE: Final = tuple(
    seconds * SECOND
    for seconds in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
)
_DAY: Final = 86_400 * SECOND
_MOST_HOURS: Final = 24 * 62  # that are looked into for a few samples; over it sums will do


class Query(Struct, frozen=True):
    """Times and `step` in microseconds. `step` 0: as many points as are good to look at, `most` at the most."""

    channel: int
    begin: int
    end: int
    step: int = 0
    aggregate: str = ""  # one of AGGREGATES, RAW, or empty: whatever suits the step
    most: int = 1000


class Recent(Struct, frozen=True):
    """What is known of a channel and is not in the database yet."""

    samples: list[Samples] = field(default_factory=list)
    others: list[tuple[int, Value]] = field(default_factory=list)


class Answer(Struct):
    """Points in order of time. `step` is 0 for samples as they are; else `lowest`, `highest` and `counts` go along."""

    source: str  # raw, minutes or hours: the finest that was needed
    aggregate: str
    step: int
    times: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    lowest: list[float] = field(default_factory=list)
    highest: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)


class View:
    """What one channel has in the database, seen inside one `reading` of an engine."""

    def __init__(self, engine: Engine, channel: int, due: float) -> None:
        self._engine, self._channel, self._due = engine, channel, due
        self._parts = {(name, month) for name, month in engine.rows(f"SELECT name, month FROM {PART.name}")}

    def span(self) -> range | None:
        """From the first hour that anything is known of to the last, of any channel."""
        months = sorted({month for _, month in self._parts})
        first, last = self._ends("min", months), self._ends("max", months[::-1])
        return range(min(first), max(last) + 1) if first and last else None

    def _ends(self, which: str, months: list[int]) -> list[int]:
        """The first or last hour of each table, in the first of these months that has any."""
        for month in months:
            tables = [table_of(shape, month) for shape in IN_PARTS if (shape.name, month) in self._parts]
            found = [self._engine.rows(f"SELECT {which}(hour) FROM {table}")[0][0] for table in tables]
            if hours := [hour for hour in found if hour is not None]:
                return hours
        return []

    def unsealed(self, hours: range) -> set[int]:
        """Which of these hours have no sums yet, or others than they should."""
        rows = self._engine.rows(
            f"SELECT hour FROM {UNSEALED.name} WHERE hour >= ? AND hour < ?", (hours.start, hours.stop)
        )
        return {row[0] for row in rows}

    def count(self, hours: Sequence[int]) -> int:
        """Samples in these hours, doubles of unsealed hours included."""
        return sum(int(row[0] or 0) for row in self._rows(BLOCK, "sum(count)", hours))

    def samples(self, hours: Sequence[int]) -> list[Samples]:
        """The samples of these hours, each of the parts in order of time."""
        found = []
        for row in self._rows(BLOCK, "data", hours):
            self._look_at_the_clock()
            found.append(_readable(unpacked, row[0], self._channel))
        return found

    def others(self, query: Query) -> list[tuple[int, Value]]:
        """Texts and vectors of the stretch, at most so many, the latest."""
        found: list[tuple[int, Value]] = []
        for month in sorted({month for name, month in self._parts if name == OTHER.name}, reverse=True):
            hours = range(query.begin // AN_HOUR, query.end // AN_HOUR + 1)
            first, past = hours_of(month)
            hours = range(max(first, hours.start), min(past, hours.stop))
            if not hours or len(found) >= query.most:
                continue
            chosen, value = self._engine.among("hour", hours)
            rows = self._engine.rows(
                f"SELECT at, value FROM {table_of(OTHER, month)} WHERE channel = ? AND {chosen}"
                f" AND at >= ? AND at < ? ORDER BY at DESC LIMIT {query.most}",
                (self._channel, value, query.begin, query.end),
            )
            found += [(at, msgspec.json.decode(text, type=Value)) for at, text in rows]
        return found

    def minutes(self, hours: Sequence[int]) -> dict[int, Sums]:
        """The sums of the minutes of these hours."""
        found: dict[int, Sums] = {}
        for row in self._rows(MINUTE, "hour, data", hours, "ORDER BY hour"):
            self._look_at_the_clock()
            found |= _readable(unpacked_sums, row[1], self._channel)
        return found

    def hours(self, hours: Sequence[int]) -> dict[int, Sums]:
        """The sums of these hours."""
        rows = self._rows(HOUR, "hour, count, lowest, highest, total, last", hours, "ORDER BY hour")
        return {row[0] * AN_HOUR: Sums(*row[1:]) for row in rows}

    def _rows(self, shape: Shape, what: str, hours: Sequence[int], order: str = "") -> list[Row]:
        found: list[Row] = []
        for month, group in groupby(hours, key=month_of):
            if (shape.name, month) in self._parts:
                self._look_at_the_clock()
                chosen, value = self._engine.among("hour", list(group))
                found += self._engine.rows(
                    f"SELECT {what} FROM {table_of(shape, month)} WHERE channel = ? AND {chosen} {order}",
                    (self._channel, value),
                )
        return found

    def _look_at_the_clock(self) -> None:
        if time.monotonic() > self._due:
            raise TooSlow("The question took too long and was given up.", hint="Ask for less time, or a longer step=.")


def _readable(read: Callable[[bytes], T], data: Any, channel: int) -> T:
    try:
        return read(bytes(data))
    except Damaged as error:
        raise InternalError(
            f"Samples of channel {channel} are damaged: {error}.", hint="Ask for another time."
        ) from error


def answer(engine: Engine, query: Query, recent: Recent, horizons: dict[str, int], seconds: float) -> Answer:
    """What is known of a stretch of time. Raises Invalid, TooSlow, and what an engine raises.

    `horizons` are the hours before which a kind was forgotten.
    """
    with engine.reading(seconds):
        view = View(engine, query.channel, time.monotonic() + seconds)
        hours = _hours(view, recent, query.begin, query.end)
        least = _least(hours, horizons)
        if query.aggregate == RAW or not (query.aggregate or query.step or least):
            found = _raw(view, query, recent, hours)
            if found is not None:
                return found
        return _summed(view, query, recent, _step(query, hours, least))


def oldest(engine: Engine) -> float | None:
    """The beginning of the oldest hour there is a sample of, in seconds since the epoch; inside `reading`."""
    months = engine.rows(f"SELECT min(month) FROM {PART.name} WHERE name = ?", (BLOCK.name,))[0][0]
    found = engine.rows(f"SELECT min(hour) FROM {table_of(BLOCK, months)}")[0][0] if months else None
    return None if found is None else found * 3600.0


def _hours(view: View, recent: Recent, begin: int, end: int) -> range:
    """The hours of a stretch that anything may be known of."""
    waiting = [at // AN_HOUR for times, _ in recent.samples for at in (min(times), max(times))]
    waiting += [at // AN_HOUR for at, _ in recent.others]
    known = view.span()
    first = min([known.start, *waiting]) if known else min(waiting, default=0)
    past = max([known.stop, *(hour + 1 for hour in waiting)]) if known else max(waiting, default=-1) + 1
    return range(max(first, begin // AN_HOUR), min(past, -(-end // AN_HOUR)))


def _least(hours: range, horizons: dict[str, int]) -> int:
    """The shortest step there can be: where samples are forgotten, only sums of minutes or hours are left."""
    if hours.start >= horizons[RAW]:
        return 0
    return A_MINUTE if hours.start >= horizons["minutes"] else AN_HOUR


def _step(query: Query, hours: range, least: int) -> int:
    """How long the steps are, in microseconds."""
    begin, end = max(query.begin, hours.start * AN_HOUR), min(query.end, hours.stop * AN_HOUR)
    span = max(0, end - begin)
    if not query.step:
        return max(_nice(span, query.most), least)
    step = -(-query.step // least) * least if least else query.step
    if span // step > query.most:
        raise Invalid(
            f"Steps of {step / SECOND:g} s make {span // step} points; at most {query.most} are answered.",
            hint=f"Ask for step={_nice(span, query.most) // SECOND}, or for less time.",
        )
    return step


def _nice(span: int, most: int) -> int:
    """The shortest step that people count in which makes no more than `most` points of a span."""
    least = max(1, -(-span // most))
    for step in NICE:
        if step >= least:
            return step
    return -(-least // _DAY) * _DAY


def _within(samples: Samples, begin: int, end: int) -> Samples:
    times, values = samples
    first, past = bisect_left(times, begin), bisect_left(times, end)
    return (times, values) if (first, past) == (0, len(times)) else (times[first:past], values[first:past])


def _raw(view: View, query: Query, recent: Recent, hours: range) -> Answer | None:
    """The samples as they are; None when there are too many and sums will do."""
    inner = hours[1:-1]
    count = view.count(inner) if len(inner) <= _MOST_HOURS else query.most + 1
    if count <= query.most:
        samples = merge([*view.samples(hours), *recent.samples])
        times, values = _within(samples, query.begin, query.end)
        count = len(times)
    if count > query.most:
        if query.aggregate != RAW:
            return None
        raise Invalid(
            f"There are more than {query.most} samples.", hint="Ask for step=, for less time, or for more with most=."
        )
    found = Answer(RAW, RAW, 0, times.tolist(), values.tolist())
    others = {at: value for at, value in [*recent.others, *view.others(query)] if query.begin <= at < query.end}
    if others:
        together: dict[int, Any] = others | dict(zip(found.times, found.values, strict=True))
        found.times = sorted(together)[-query.most :]
        found.values = [together[at] for at in found.times]
    return found


def _summed(view: View, query: Query, recent: Recent, step: int) -> Answer:
    """Sums of whole steps: of hours or minutes where they are sealed and fine enough, else of the samples."""
    begin, end = query.begin - query.begin % step, -(-query.end // step) * step
    hours = _hours(view, recent, begin, end)
    fresh = merge(recent.samples)
    loose = view.unsealed(hours) | {at // AN_HOUR for at in fresh[0]}
    sealed = [hour for hour in hours if hour not in loose]
    fine: dict[int, Sums] = {}
    source, grain = RAW, step
    if step % AN_HOUR == 0:
        source, grain = "hours", AN_HOUR
        fine = view.hours(sealed)
    elif step % A_MINUTE == 0:
        source, grain = "minutes", A_MINUTE
        fine = view.minutes(sealed)
    raw_hours = hours if source == RAW else sorted(loose & set(hours))
    samples = merge([*view.samples(raw_hours), fresh])
    fold(_within(samples, begin, end), grain, fine)
    sums: dict[int, Sums] = {}
    fold_again(dict(sorted(fine.items())), step, sums)
    return _answer(query.aggregate or "mean", source, step, sums, range(begin, end))


def _answer(aggregate: str, source: str, step: int, sums: dict[int, Sums], within: range) -> Answer:
    found = Answer(source, aggregate, step)
    for start, one in sums.items():
        if start in within:
            found.times.append(start)
            found.values.append(_of(one, aggregate))
            found.lowest.append(one.lowest)
            found.highest.append(one.highest)
            found.counts.append(one.count)
    return found


def _of(one: Sums, aggregate: str) -> float:
    if aggregate == "mean":
        return one.total / one.count
    return {"min": one.lowest, "max": one.highest, "last": one.last, "count": one.count, "sum": one.total}[aggregate]
