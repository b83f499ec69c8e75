"""Stretches of time as people and programs write them (RM-40). It must not know what they are for."""

from __future__ import annotations

import re
from typing import Any

from brender.errors import Invalid

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
EXPECTS = "seconds, or 500ms, 90s, 10m, 2h, 1d, 1w"
LONGEST = 1e9  # seconds; over thirty years
_PART = re.compile(r"(\d+\.?\d*|\.\d+)\s*(ms|[smhdw])\s*")
_PARTS = re.compile(f"(?:{_PART.pattern})+")


def seconds_of(value: Any) -> float:
    """Seconds: a number means seconds, a text may carry units, also several (1h30m). Raises Invalid."""
    text = str(value).strip().lower()
    if _PARTS.fullmatch(text):
        found = sum(float(part[1]) * UNITS[part[2]] for part in _PART.finditer(text))
    else:
        try:
            found = float(text)
        except ValueError:
            found = -1.0
    if not 0 <= found < LONGEST:
        raise Invalid(f"{value!r} is no stretch of time.", hint="Write 90s, 10m, 2h, 1d or 1w; a number is seconds.")
    return found
