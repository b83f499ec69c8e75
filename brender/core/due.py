"""What is due next: a heap of moments, so that asking costs nothing however many schedules a farm has.

Moments here are of the master's steady clock, which no change of the wall clock moves. It must not know rules.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from brender.core.rows import Schedule

AT_ONCE = 0.0  # a run that is owed: as soon as anybody looks


def due_at(row: Schedule, shift: float) -> float | None:
    """When the master has to look at a schedule; None: not until something else happens to it.

    `shift` is how far the wall clock, which rows are written in, is ahead of the steady one.
    """
    if row.queued and row.state not in ("running", "stopped"):
        return AT_ONCE
    if row.next_at is None or "armed" not in (row.state, row.then if row.state == "running" else ""):
        return None
    return row.next_at - shift


class Due:
    """Moments by id. An entry of the heap that is no longer true is passed over when it comes up."""

    def __init__(self) -> None:
        self.at: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def put(self, row_id: int, at: float | None) -> None:
        """It is due then, or not at all."""
        if at is None:
            self.at.pop(row_id, None)
        elif self.at.get(row_id) != at:
            self.at[row_id] = at
            heappush(self._heap, (at, row_id))
            if len(self._heap) > 64 + 4 * len(self.at):
                self._heap = [(at, row_id) for row_id, at in self.at.items()]
                heapify(self._heap)

    def first(self) -> float | None:
        """The earliest moment; None when nothing is due."""
        while self._heap and self.at.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def by(self, now: float, most: int) -> list[int]:
        """The ids of what is due by now, the earliest first, at most so many."""
        taken: dict[int, float] = {}
        while len(taken) < most and (first := self.first()) is not None and first <= now:
            at, row_id = heappop(self._heap)
            taken[row_id] = at
        for row_id, at in taken.items():
            heappush(self._heap, (at, row_id))
        return list(taken)
