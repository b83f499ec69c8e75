"""What is too old or too much goes, the oldest first: whole months with their tables, else hour by hour.

Each kind (samples, sums of minutes, sums of hours) has its own age and size. It must not know what is in a block.
"""

from __future__ import annotations

import math

from brender.storage.parts import Parts
from brender.storage.tables import KINDS, hours_of, table_of
from brender.storage.terms import Terms


def forget_some(parts: Parts, now: float, terms: Terms) -> bool:
    """Forget one month or one hour of one kind. False: there is nothing to forget."""
    parts.prepare()
    for kind, kept in (("raw", terms.raw), ("minutes", terms.minutes), ("hours", terms.hours)):
        months = parts.months(kind)
        if not months:
            continue
        cut = math.floor((now - kept.seconds) / 3600)
        first, past = hours_of(months[0])
        if past <= cut:
            _drop_month(parts, kind, months[0], past)
            return True
        if parts.sums()[kind]["bytes"] > kept.bytes:
            cut = math.floor(now / 3600)  # any hour that is over
        if first < cut and _drop_hour(parts, kind, months[0], cut):
            return True
    return False


def _drop_month(parts: Parts, kind: str, month: int, horizon: int) -> None:
    with parts.change():
        for shape in KINDS[kind]:
            if parts.has(shape, month):
                parts.drop(shape, month)
        parts.raise_horizon(kind, horizon)


def _drop_hour(parts: Parts, kind: str, month: int, cut: int) -> bool:
    """The oldest hour of a month, if it is before `cut`. False: it is not."""
    shapes = [shape for shape in KINDS[kind] if parts.has(shape, month)]
    found = [parts.engine.rows(f"SELECT min(hour) FROM {table_of(shape, month)}")[0][0] for shape in shapes]
    hours = [hour for hour in found if hour is not None]
    first, past = hours_of(month)
    if not hours and past <= cut:  # nothing is left in a month that is over
        _drop_month(parts, kind, month, first)
        return True
    if not hours or min(hours) >= cut:
        return False
    with parts.change():
        for shape in shapes:
            parts.remove(shape, month, "hour = ?", (min(hours),))
        parts.raise_horizon(kind, min(hours) + 1)
    return True
