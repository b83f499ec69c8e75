"""Who hosts which channels, which channels wait for a manager, and the census that is under way.

Counts are kept by every write of a channel's row, also by an undo. What waits is a hint: whoever places looks again.
It must not know rules or orders.
"""

from __future__ import annotations

from msgspec import Struct, field

from brender.core.rows import Channel

HOSTED = frozenset({"assigned", "starting", "logging", "stale", "error"})


class Census(Struct):
    """A question to all managers: how many channels they have at this moment."""

    number: int
    until: float  # then the last known counts must do
    asked: set[int] = field(default_factory=set)  # workers that have not answered
    counts: dict[int, int] = field(default_factory=dict)


class Hosting:
    """`of` a manager are the channels that count as its own, by id."""

    def __init__(self) -> None:
        self.of: dict[int, set[int]] = {}
        self.waiting: set[int] = set()  # floating channels that want a manager
        self.census: Census | None = None
        self.censuses = 0
        self.away: dict[int, float] = {}  # manager that went -> when others get its channels
        self._where: dict[int, int] = {}

    def put(self, row: Channel) -> None:
        """A channel was written: count it where it is now."""
        where = row.manager_id if row.state in HOSTED else 0
        before = self._where.get(row.id, 0)
        if where != before:
            self._leave(row.id, before)
            if where:
                self.of.setdefault(where, set()).add(row.id)
                self._where[row.id] = where
        if row.placement == "floating" and not row.manager_id and row.state == "new":
            self.waiting.add(row.id)

    def forget(self, row: Channel) -> None:
        """A channel is gone."""
        self._leave(row.id, self._where.get(row.id, 0))
        self.waiting.discard(row.id)

    def count(self, worker_id: int) -> int:
        """How many channels a manager has, as far as is known here."""
        return len(self.of.get(worker_id, ()))

    def due(self) -> float | None:
        """When somebody has to look again, in seconds on the master's clock."""
        moments = [*self.away.values(), *([self.census.until] if self.census is not None else [])]
        return min(moments, default=None)

    def _leave(self, channel_id: int, where: int) -> None:
        if where:
            self.of[where].discard(channel_id)
            del self._where[channel_id]
            if not self.of[where]:
                del self.of[where]
