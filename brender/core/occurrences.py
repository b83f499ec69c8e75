"""When a schedule is due: the first moment strictly after another, for each kind (RM-20…RM-24, RM-41).

All moments are seconds since the epoch. It must not know who asks: the farm's schedules and the Python module
`brender.scheduler` are due by the same functions.
"""

from __future__ import annotations

from math import floor, isfinite
from typing import Protocol

from brender.core import calendars, cron
from brender.core.durations import LONGEST
from brender.errors import Invalid

ONCE = ("once_after", "once_o_clock", "once_when")
REPEATED = ("repeat_every", "repeat_o_clock", "cron", "calendar")
KINDS = (*ONCE, *REPEATED)
MEASURED = ("once_after", "repeat_every")  # by a clock that only runs; the others follow the clock on the wall
LAST = 253_000_000_000.0  # a moment in the year 9987: dates end soon after


class Plan(Protocol):
    """What says when: a row of the farm, or a job of the Python module."""

    kind: str
    seconds: float  # the delay or the period
    offset: float  # of repeat_o_clock, after each multiple
    timestamp: float  # of once_after, once_when and repeat_every: the first time it is due
    expr: str  # of cron and calendar
    tz: str


def after(plan: Plan, moment: float) -> float | None:
    """The first occurrence strictly after a moment; None when there is none any more."""
    if plan.kind in ("once_after", "once_when"):
        return plan.timestamp if plan.timestamp > moment else None
    if plan.kind == "repeat_every":
        return max(plan.timestamp, on_grid(plan.timestamp, plan.seconds, moment))
    if plan.kind in ("once_o_clock", "repeat_o_clock"):
        return on_grid(plan.offset, plan.seconds, moment)
    if plan.kind == "cron":
        return cron.after(plan.expr, plan.tz, moment)
    return calendars.next_edge(calendars.parse(plan.expr), plan.tz, moment)


def on_grid(anchor: float, period: float, moment: float) -> float:
    """The first of anchor, anchor ± period, anchor ± 2 periods … strictly after a moment: nothing adds up (RM-23)."""
    count = floor((moment - anchor) / period) + 1
    while anchor + count * period <= moment:
        count += 1
    while anchor + (count - 1) * period > moment:
        count -= 1
    return anchor + count * period


def first(plan: Plan, moment: float, shortest: float) -> float:
    """When a new plan is due for the first time, strictly in the future. Raises Invalid for a plan that is none.

    `shortest` is the shortest period in seconds.
    """
    if plan.kind == "once_when":
        return _moment(plan.timestamp, moment)
    if plan.kind == "cron":
        return cron.check(plan.expr, plan.tz, moment)
    if plan.kind == "once_after":
        _check(0 <= plan.seconds < LONGEST, f"a delay is 0 to {LONGEST:.0f} seconds, not {plan.seconds}.")
        return moment + plan.seconds
    _check(
        shortest <= plan.seconds < LONGEST, f"a period is {shortest:g} to {LONGEST:.0f} seconds, not {plan.seconds}."
    )
    _check(
        0 <= plan.offset < plan.seconds,
        f"an offset is less than its period: 0 to {plan.seconds:g} seconds, not {plan.offset}.",
    )
    if plan.kind == "repeat_every":
        return moment + plan.seconds
    return on_grid(plan.offset, plan.seconds, moment)


def _moment(timestamp: float, now: float) -> float:
    """RM-22: a moment that is over is an error."""
    _check(isfinite(timestamp) and timestamp < LAST, "a moment is seconds since 1970, or a date and a time.")
    if timestamp <= now:
        raise Invalid(f"That moment is over for {now - timestamp:.0f} s.", hint="Name one in the future.")
    return timestamp


def _check(right: bool, rule: str) -> None:
    if not right:
        raise Invalid(rule[:1].upper() + rule[1:])
