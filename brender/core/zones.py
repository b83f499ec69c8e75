"""Time zones: a name becomes rules, a moment becomes a date and a time of day there.

The rules are a table of constants that zoneinfo reads (of the system, or of the package tzdata); what time it is now
is not asked here or anywhere in the core.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil, floor
from zoneinfo import ZoneInfo, available_timezones

from brender.errors import Invalid, nearest

UTC = "UTC"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def zone_of(name: str) -> ZoneInfo:
    """The zone of a name such as Europe/Madrid. Raises Invalid with the nearest names."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there, no name at all, a folder
        known = available_timezones()
        hint = nearest(name[:80], known) or "Write a name such as UTC or Europe/Madrid."
        raise Invalid(f"There is no time zone {name[:80]!r}.", hint=hint) from None


def local(moment: float, name: str) -> datetime:
    """The date and time of day in a zone at a moment (seconds since the epoch)."""
    return datetime.fromtimestamp(moment, zone_of(name))


def jump(zone: ZoneInfo, low: float, high: float) -> float | None:
    """The second between two moments from which on the zone's clock goes otherwise; None if it goes the same there."""
    if _offset(zone, low) == _offset(zone, high):
        return None
    low, high = floor(low), ceil(high)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == _offset(zone, low):
            low = middle
        else:
            high = middle
    return float(high)


def _offset(zone: ZoneInfo, moment: float) -> timedelta | None:
    return datetime.fromtimestamp(moment, zone).utcoffset()


def in_words(moment: float, name: str) -> str:
    """`Fri 20:00` there."""
    found = local(moment, name)
    return f"{DAYS[found.weekday()]} {found:%H:%M}"
