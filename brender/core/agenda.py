"""What the clock will run between two moments, for all schedules at once: how a calendar on a wall is filled.

Bounded in number: of a schedule that is due all day long a few occurrences each day, and of all together so many; it
says where it stopped. Moments are the wall clock's, in seconds since the epoch. It must not write.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import datetime, timedelta
from heapq import heapify, heappop, heapreplace
from math import inf, nextafter

from msgspec import Struct

from brender.core import calendars, occurrences, possible
from brender.core.rows import Schedule
from brender.core.zones import zone_of

LOOKED_AT = 500  # schedules; each costs a look at its plan
MOST_SPANS = 500  # of calendars


class Due(Struct, frozen=True):
    """A schedule is due at a moment. `again`: and again that day, more often than is told."""

    id: int
    at: float
    again: bool = False


class Agenda(Struct, frozen=True):
    """Occurrences in the order of time. From `cut` on (a moment, None: nowhere) there are more than was asked for.

    `left` schedules were not looked at: those that are due last.
    """

    due: list[Due]
    cut: float | None
    left: int


class Bands(Struct, frozen=True):
    """When calendars of the same windows have their workers enabled; `ids` are those schedules."""

    ids: list[int]
    expr: str
    tz: str
    spans: list[tuple[float, float]]


def coming(
    rows: Iterable[Schedule], tz: str, start: float, end: float, each: int, most: int
) -> Generator[None, None, Agenda]:
    """What is due from `start` on and before `end`: `each` of one schedule in a day of `tz`, `most` in all.

    In steps, one for each occurrence: a thousand of them are 30 ms.
    """
    armed = sorted((row for row in rows if _acts(row) and row.kind != "calendar"), key=lambda row: row.next_at or 0.0)
    plans = {row.id: row for row in armed[:LOOKED_AT]}
    heap: list[tuple[float, int]] = []
    for row in plans.values():
        if (first := _first(row, start)) is not None and first < end:
            heap.append((first, row.id))
        yield
    heapify(heap)
    zone = zone_of(tz)
    days: dict[int, tuple[float, int]] = {}  # when the day ends that a schedule is in, and how often it was due then
    found: list[Due] = []
    while heap and len(found) < most:
        at, row_id = heap[0]
        ends, count = days.get(row_id, (-inf, 0))
        if at >= ends:
            ends, count = _midnight(datetime.fromtimestamp(at, zone)), 0
        days[row_id] = ends, count + 1
        following = _after(plans[row_id], at)
        again = count + 1 == each and following is not None and following < min(ends, end)
        if again:
            following = _after(plans[row_id], nextafter(ends, -inf))
        found.append(Due(row_id, at, again))
        if following is not None and following < end:
            heapreplace(heap, (following, row_id))
        else:
            heappop(heap)
        yield
    return Agenda(found, heap[0][0] if heap else None, max(0, len(armed) - LOOKED_AT))


def bands(rows: Iterable[Schedule], start: float, end: float) -> Generator[None, None, tuple[list[Bands], int]]:
    """The calendars that act, those of the same windows together; and how many there was no room for.

    None had a say before it was made.
    """
    same: dict[tuple[str, str], list[Schedule]] = {}
    for row in rows:
        if row.kind == "calendar" and _acts(row):
            same.setdefault((row.expr, row.tz), []).append(row)
    found: list[Bands] = []
    room, left = MOST_SPANS, 0
    for (expr, tz), alike in same.items():
        since = max(start, min(row.created_at for row in alike))
        if room <= 0:
            left += len(alike)
        elif since < end:
            spans = calendars.spans(calendars.parse(expr), tz, since, end)
            room -= max(1, len(spans))
            found.append(Bands([row.id for row in alike], expr, tz, spans))
            yield
    return found, left


def _acts(row: Schedule) -> bool:
    """It is due by the clock: neither held nor over."""
    return possible.when_over(row) == "armed" and row.next_at is not None


def _first(row: Schedule, start: float) -> float | None:
    at = row.next_at
    return at if at is None or at >= start else _after(row, nextafter(start, -inf))


def _after(row: Schedule, at: float) -> float | None:
    return None if row.kind in occurrences.ONCE else occurrences.after(row, at)


def _midnight(local: datetime) -> float:
    """When the day of a local time ends."""
    return (local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=1)).timestamp()
