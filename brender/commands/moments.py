"""Moments as people and programs write them: seconds since the epoch, a date in a time zone, or how long ago."""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Any
from zoneinfo import available_timezones

from brender.commands.calls import Call
from brender.commands.kinds import Kind, Others
from brender.commands.offers import Offer, starting
from brender.core import zones
from brender.core.durations import seconds_of
from brender.errors import BrenderError, Invalid

LOCAL = "local"
EXAMPLES = ("now", "-10m", "-1h", "-1d", "-7d", "-30d")


class ZoneName(Kind):
    """A time zone by name; `local` is that of the machine the master runs on."""

    expects = "a time zone such as Europe/Madrid, or local"

    def parse(self, call: Call, value: Any, others: Others) -> str:
        name = call.zone if value.lower() == LOCAL else value
        zones.zone_of(name)
        return str(name)

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        here = {LOCAL: f"of the master's machine, {call.zone}"}
        return starting(prefix, [LOCAL, *available_timezones()], lambda word: here.get(word, ""))


class Moment(Kind):
    """A moment: seconds since 1970, or a date and a time of day, in the zone `tz` unless it says otherwise."""

    wire = str | int | float
    expects = "seconds since 1970, or 2026-12-24T20:00"

    def parse(self, call: Call, value: Any, others: Others) -> float:
        text = str(value).strip()
        try:
            return float(text)
        except ValueError:
            pass
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise Invalid(
                f"{text[:80]!r} is no moment.", hint="Write 2026-12-24T20:00, or seconds since 1970."
            ) from None
        if found.tzinfo is None:
            found = found.replace(tzinfo=zones.zone_of(ZONE.parse(call, str(others.get("tz", zones.UTC)), {})))
        return found.timestamp()


class PastMoment(Kind):
    """A point in time: `now`, `-2h` (that long ago), `2026-10-01T12:30` on this machine's clock, or epoch seconds."""

    wire = str | int | float
    expects = "now, -2h, 2026-10-01T12:30 or seconds since 1970"

    def parse(self, call: Call, value: Any, others: Others) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        text = value.strip().lower()
        if text == "now":
            return call.wall
        try:
            if text.startswith("-"):
                return call.wall - seconds_of(text[1:])
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


ZONE = ZoneName()
MOMENT = Moment()
PAST = PastMoment()
