"""What the clock has run between two moments: the past side of a calendar on a wall (agenda.py has what is to come).

Bounded in number: each schedule has a few runs a day, what went wrong before what went well, and what is left out is
counted. Moments are the wall clock's, in seconds since the epoch. It must not write.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from brender.core.rows import ScheduleRun
from brender.core.zones import zone_of

FINE = ("ok", "running")


class Bygone(Struct, frozen=True):
    """A run, and how many `more` of its schedule that day are not told."""

    run: ScheduleRun
    more: int = 0


def when(run: ScheduleRun) -> float:
    """When it began; of what did not begin, when it was due."""
    return run.due_at if run.fired_at is None else run.fired_at


def past(
    runs: Iterable[ScheduleRun], tz: str, start: float, end: float, each: int, most: int
) -> Generator[None, None, tuple[list[Bygone], float | None]]:
    """Runs from `start` on and before `end` in the order of time: `each` of a schedule in a day of `tz`, `most` in all.

    With the moment before which there are more than `most`, or None. In steps, one for each run.
    """
    days: dict[tuple[float, int], list[ScheduleRun]] = {}
    zone = zone_of(tz)
    begins = ends = 0.0
    for run in list(runs):
        yield
        at = when(run)
        if not start <= at < end:
            continue
        if not begins <= at < ends:
            midnight = datetime.fromtimestamp(at, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            begins, ends = midnight.timestamp(), (midnight + timedelta(days=1)).timestamp()
        days.setdefault((begins, run.schedule_id), []).append(run)
    found: list[Bygone] = []
    for of_day in days.values():
        chosen = sorted(of_day, key=lambda run: (run.outcome in FINE, -when(run)))[:each]
        chosen.sort(key=when)
        found += [Bygone(run) for run in chosen[:-1]]
        found.append(Bygone(chosen[-1], len(of_day) - len(chosen)))
    found.sort(key=lambda one: (when(one.run), one.run.id))
    kept = found[-most:]
    return kept, when(kept[0].run) if len(kept) < len(found) else None
