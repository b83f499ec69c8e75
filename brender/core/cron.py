"""Cron expressions: five fields as in Debian's cron, six with seconds first (RM-20…; library cronsim).

A time of day that a change to summer time leaves out comes at the end of the gap, one that comes twice counts the
first time; expressions whose minute or hour begins with `*` go by what the clock on the wall shows. It must not know
schedules.
"""

from __future__ import annotations

from datetime import datetime
from math import floor
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from brender.core.zones import jump, zone_of
from brender.errors import Invalid

LONGEST = 200  # characters
_ASTRAY = 2 * 86_400.0  # seconds; longer than the day in which it finds its way again
_BAD = (CronSimError, AssertionError, ValueError, OverflowError)


def after(expr: str, tz: str, moment: float) -> float | None:
    """The first occurrence strictly after a moment, both seconds since the epoch; None when there is none any more.

    Raises Invalid for an expression that is none.
    """
    zone = zone_of(tz)
    found = _after(expr, zone, moment)
    jumped = jump(zone, max(moment - 3600, found - _ASTRAY), found) if found is not None else None
    if found is None or jumped is None:
        return found
    # Where a zone's clock jumps by half an hour cronsim may pass over what comes after it: ask again from there.
    again = (_after(expr, zone, jumped + seconds) for seconds in (-1, 3600))
    return min(found, *(at for at in again if at is not None and at > moment))


def _after(expr: str, zone: ZoneInfo, moment: float) -> float | None:
    try:
        for found in CronSim(expr, datetime.fromtimestamp(floor(moment), zone)):
            at = found.timestamp()  # in an hour that comes twice cronsim says first what is over
            if at > moment and datetime.fromtimestamp(at, zone).time() == found.time():  # one that the clock shows
                return at
    except OverflowError:
        pass  # beyond the last year that dates have
    except _BAD as error:
        raise Invalid(f"{expr!r} is no cron expression: {error}.", hint=HINT) from None
    return None


HINT = "Five fields: minute hour day month weekday, such as '0 8 * * Mon-Fri'."


def check(expr: str, tz: str, moment: float) -> float:
    """The first occurrence after a moment. Raises Invalid for what is no expression or never comes."""
    if len(expr) > LONGEST:
        raise Invalid(f"A cron expression has {LONGEST} characters at the most; this has {len(expr)}.", hint=HINT)
    found = after(expr, tz, moment)
    if found is None:
        raise Invalid(f"{expr!r} never comes.", hint=HINT)
    return found


def words(expr: str) -> str:
    """The expression in words, such as `at 08:00 on Monday through Friday`; itself where it has none."""
    try:
        said = CronSim(expr, datetime(2000, 1, 1)).explain()
    except _BAD:
        return expr
    return said[:1].lower() + said[1:]
