"""The tables of the archive: what stands in them, and which of them hold which hours. No statement is run here.

Readings stand in parts by month, so that what is old goes with its table. A row belongs to one hour and one channel.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from brender.storage.engine import BYTES, REAL, TEXT, WHOLE, Shape

_CELL = {"hour": WHOLE, "channel": WHOLE}
# Samples of one channel in one hour: pieces while the hour goes on, one block when it is sealed.
BLOCK = Shape(
    "block", {**_CELL, "sealed": WHOLE, "count": WHOLE, "data": BYTES}, ("hour", "channel", "sealed"), unique=False
)
OTHER = Shape("other", {**_CELL, "at": WHOLE, "value": TEXT}, ("hour", "channel", "at"))  # JSON: texts and vectors
MINUTE = Shape("minute", {**_CELL, "count": WHOLE, "data": BYTES}, ("hour", "channel"))  # the sums of its minutes
HOUR = Shape(
    "hour",
    {**_CELL, "count": WHOLE, "lowest": REAL, "highest": REAL, "total": REAL, "last": REAL},
    ("hour", "channel"),
)
IN_PARTS = (BLOCK, OTHER, MINUTE, HOUR)

META = Shape("meta", {"name": TEXT, "value": TEXT}, ("name",))
PART = Shape("part", {"name": TEXT, "month": WHOLE, "samples": WHOLE, "bytes": WHOLE}, ("name", "month"))
UNSEALED = Shape("unsealed", {"hour": WHOLE, "touched": REAL}, ("hour",))  # hours with pieces, and since when
WHOLE_TABLES = (META, PART, UNSEALED)

KINDS: dict[str, tuple[Shape, ...]] = {"raw": (BLOCK, OTHER), "minutes": (MINUTE,), "hours": (HOUR,)}
ROW_BYTES = 40  # what a row costs besides its data, about


@lru_cache(maxsize=4096)
def month_of(hour: int) -> int:
    """The month an hour since the epoch is in, as 202610 (UTC)."""
    at = datetime.fromtimestamp(hour * 3600, UTC)
    return at.year * 100 + at.month


@lru_cache(maxsize=256)
def hours_of(month: int) -> tuple[int, int]:
    """The first hour of a month, and the first one past it."""
    year, number = divmod(month, 100)
    first = datetime(year, number, 1, tzinfo=UTC)
    past = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()) // 3600, int(past.timestamp()) // 3600


def table_of(shape: Shape, month: int) -> str:
    """The part of a table that holds a month."""
    return f"{shape.name}_{month}"
