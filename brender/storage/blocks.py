"""The samples of one channel: put together in order and without doubles, as bytes, summed up over stretches of time.

Times are whole microseconds since the epoch here, so that the same sample sent twice is the same. Pure: it must not
know SQL, files or clocks.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from operator import lt

from msgspec import Struct

from brender.wire.packing import Column, pack, unpack

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND
TYPES = "qd"
MINUTE_TYPES = "qqdddd"

Samples = tuple[Column, Column]  # times in microseconds, values


class Sums(Struct):
    """What is remembered of samples in one stretch of time; `last` is the value of the latest."""

    count: int
    lowest: float
    highest: float
    total: float
    last: float

    def add(self, later: Sums) -> None:
        """The same stretch goes on."""
        self.count += later.count
        self.lowest = min(self.lowest, later.lowest)
        self.highest = max(self.highest, later.highest)
        self.total += later.total
        self.last = later.last


def micros(seconds: float) -> int:
    """Seconds since the epoch as microseconds: two floats of one moment become one number."""
    return round(seconds * 1e6)


def micros_of(times: Column) -> Column:
    """A column of the same."""
    return array("q", map(round, map((1e6).__mul__, times)))


def merge(parts: Sequence[Samples]) -> Samples:
    """All samples in order of their times; of two at one time the one in the earlier part is kept."""
    parts = [part for part in parts if part[0]]
    if not parts:
        return array("q"), array("d")
    in_order = sorted(parts, key=lambda part: part[0][0]) if len(parts) > 1 else parts
    times, values = array("q"), array("d")
    for one_times, one_values in in_order:
        times += one_times
        values += one_values
    if all(map(lt, times, islice(times, 1, None))):
        return times, values
    found: dict[int, float] = {}
    for one_times, one_values in reversed(parts):
        found.update(zip(reversed(one_times), reversed(one_values), strict=True))
    ordered = sorted(found)
    return array("q", ordered), array("d", map(found.__getitem__, ordered))


def by_hours(samples: Samples) -> list[tuple[int, Samples]]:
    """Samples in order of time, cut where an hour ends: (hours since the epoch, samples)."""
    times, values = samples
    found = []
    at = 0
    while at < len(times):
        hour = times[at] // HOUR
        end = bisect_left(times, (hour + 1) * HOUR, at)
        found.append((hour, (times[at:end], values[at:end])))
        at = end
    return found


def packed(samples: Samples, squeeze: bool) -> bytes:
    """Samples as bytes."""
    return pack(samples, squeeze)


def unpacked(data: bytes) -> Samples:
    """Samples from bytes. Raises packing.Damaged."""
    times, values = unpack(data, TYPES)
    return times, values


def fold(samples: Samples, step: int, into: dict[int, Sums]) -> None:
    """Sum samples in order of time up by stretches of `step` microseconds, named by their beginnings."""
    times, values = samples
    at = 0
    while at < len(times):
        start = times[at] - times[at] % step
        end = bisect_left(times, start + step, at)
        part = values[at:end]
        found = Sums(end - at, min(part), max(part), sum(part), part[-1])
        known = into.get(start)
        if known is None:
            into[start] = found
        else:
            known.add(found)
        at = end


def fold_again(sums: dict[int, Sums], step: int, into: dict[int, Sums]) -> None:
    """Sum sums up by longer stretches; they come in order of time."""
    for start, one in sums.items():
        longer = start - start % step
        known = into.get(longer)
        if known is None:
            into[longer] = Sums(one.count, one.lowest, one.highest, one.total, one.last)
        else:
            known.add(one)


def packed_sums(sums: dict[int, Sums]) -> bytes:
    """Sums by time as bytes."""
    columns = [
        array("q", sums),
        array("q", (one.count for one in sums.values())),
        *(array("d", (getattr(one, name) for one in sums.values())) for name in ("lowest", "highest", "total", "last")),
    ]
    return pack(columns, squeeze=True)


def unpacked_sums(data: bytes) -> dict[int, Sums]:
    """Sums by time from bytes. Raises packing.Damaged."""
    starts, *columns = unpack(data, MINUTE_TYPES)
    return {start: Sums(*values) for start, *values in zip(starts, *columns, strict=True)}
