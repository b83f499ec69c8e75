"""Calendars: windows of a week in which a machine belongs to the farm, such as `Mon-Fri 20:00-08:00; Sat 00:00-24:00`.

A window that ends before it begins ends on the next day. Inside is what the clock on the wall of the zone says, so on
the days of summer time a window is as long as that clock makes it. It must not know workers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from msgspec import Struct

from brender.core.zones import DAYS, jump, zone_of
from brender.errors import Invalid, nearest

DAY = 24 * 60  # minutes
HINT = "Such as 'Mon-Fri 20:00-08:00; Sat-Sun 00:00-24:00', or 'Mon-Fri 12:00-13:00,20:00-08:00'."
LONGEST = 500  # characters
_AHEAD = 16  # days in which an edge must come; one that a change to summer time swallows comes a week later
_TIMES = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")


class Window(Struct, frozen=True):
    """Minutes of a day from midnight, on each of the days (0 is Monday); `end` may lie in the next day."""

    days: frozenset[int]
    start: int
    end: int


def parse(text: str) -> tuple[Window, ...]:
    """The windows that a text names. Raises Invalid naming the part that is none."""
    if len(text) > LONGEST:
        raise Invalid(f"A calendar has {LONGEST} characters at the most; this has {len(text)}.", hint=HINT)
    windows = [window for part in text.split(";") if part.strip() for window in _part(part.split())]
    if not windows:
        raise Invalid("A calendar names one window or more.", hint=HINT)
    return tuple(windows)


def _part(words: list[str]) -> Iterator[Window]:
    """Days and times; times alone are those of every day."""
    days = frozenset(range(7))
    if words and not words[0][:1].isdigit():
        days = frozenset(day for piece in words.pop(0).split(",") for day in _days(piece))
    times = [piece for word in words for piece in word.split(",") if piece]
    if not times:
        raise Invalid("A window has times, such as 20:00-08:00.", hint=HINT)
    for piece in times:
        yield Window(days, *_minutes(piece))


def _days(piece: str) -> Iterator[int]:
    """Mon, or Fri-Sun, or Sat-Mon."""
    first, dash, last = piece.partition("-")
    found = [_day(first), _day(last if dash else first)]
    day = found[0]
    yield day
    while day != found[1]:
        day = (day + 1) % 7
        yield day


def _day(word: str) -> int:
    """A day by its first three letters or more."""
    low = word.lower()
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for number, name in enumerate(full):
        if len(low) >= 3 and name.startswith(low):
            return number
    raise Invalid(
        f"{word[:40]!r} is no day of the week.", hint=nearest(word[:40], DAYS) or f"One of {', '.join(DAYS)}."
    )


def _minutes(piece: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(piece)
    if found is None:
        raise Invalid(f"{piece[:40]!r} is no window of a day.", hint=HINT)
    hours, minutes = (int(found[1]), int(found[3])), (int(found[2]), int(found[4]))
    start, end = hours[0] * 60 + minutes[0], hours[1] * 60 + minutes[1]
    if max(minutes) > 59 or start >= DAY or end > DAY:
        raise Invalid(f"{piece!r} is no window of a day: times are 00:00 to 24:00.", hint=HINT)
    return start, end if end > start else end + DAY


def inside(windows: Iterable[Window], tz: str, moment: float) -> bool:
    """Whether a moment lies in one of the windows."""
    return _inside(windows, datetime.fromtimestamp(moment, zone_of(tz)))


def _inside(windows: Iterable[Window], local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7
    return any(
        (today in window.days and window.start <= minute < window.end)
        or (yesterday in window.days and minute < window.end - DAY)
        for window in windows
    )


def next_edge(windows: tuple[Window, ...], tz: str, moment: float) -> float | None:
    """The first moment after this one at which inside becomes outside or the other way round; None if there is none."""
    zone = zone_of(tz)
    now = inside(windows, tz, moment)
    for at in sorted(_candidates(windows, zone, moment, _AHEAD)):
        if at > moment and _inside(windows, datetime.fromtimestamp(at, zone)) != now:
            return at
    return None


def spans(windows: tuple[Window, ...], tz: str, start: float, end: float) -> list[tuple[float, float]]:
    """When one is inside, from `start` until `end`: each stretch from its first moment to the first one after it."""
    zone = zone_of(tz)
    found: list[tuple[float, float]] = []
    begun = start if inside(windows, tz, start) else None
    for at in sorted(_candidates(windows, zone, start, ceil((end - start) / 86_400) + 2)):
        if not start < at < end:
            continue
        on = _inside(windows, datetime.fromtimestamp(at, zone))
        if on and begun is None:
            begun = at
        elif not on and begun is not None:
            found.append((begun, at))
            begun = None
    return found if begun is None else [*found, (begun, end)]


def _candidates(windows: tuple[Window, ...], zone: ZoneInfo, moment: float, ahead: int) -> set[float]:
    """All moments at which something may begin or end: the windows' own, and where the zone's clock jumps.

    From the day before the moment for so many days.
    """
    midnight = datetime.fromtimestamp(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    found: set[float] = set()
    times = {minutes for window in windows for minutes in (window.start, window.end)}
    for days in range(-1, ahead):
        for minutes in times:
            local = midnight + timedelta(days=days, minutes=minutes)
            found.update(local.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
        begin = (midnight + timedelta(days=days)).replace(tzinfo=UTC).timestamp()
        at = jump(zone, begin, begin + 86_400.0)
        found.update([at] if at is not None else [])
    return found
