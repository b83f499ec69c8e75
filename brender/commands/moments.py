"""Moments as people and programs write them: seconds since the epoch, a date, or how long ago."""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Any

from brender.commands.calls import Call
from brender.commands.kinds import Kind, Others, seconds_of
from brender.commands.offers import Offer, starting
from brender.errors import BrenderError, Invalid

EXAMPLES = ("now", "-10m", "-1h", "-1d", "-7d", "-30d")


class Moment(Kind):
    """A point in time: `now`, `-2h` (that long ago), `2026-10-01T12:30` on this machine's clock, or epoch seconds."""

    wire = str | int | float
    expects = "now, -2h, 2026-10-01T12:30 or seconds since 1970"

    def parse(self, call: Call, value: Any, others: Others) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        text = value.strip().lower()
        if text == "now":
            return call.now
        try:
            if text.startswith("-"):
                return call.now - seconds_of(text[1:])
            if isfinite(number := float(text)):
                return number
        except (BrenderError, ValueError):
            pass
        try:
            return datetime.fromisoformat(value.strip()).timestamp()
        except (ValueError, OverflowError, OSError):
            raise Invalid(f"{value!r} is no moment.", hint=f"Write {self.expects}.") from None

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, EXAMPLES)


MOMENT = Moment()
