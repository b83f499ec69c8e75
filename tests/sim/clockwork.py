"""Virtual time: a heap of what happens when, and one source of chance. A simulated farm knows no other clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

Act = Callable[[], None]


class Clockwork:
    """`after` plans an act; `run` plays acts in order of time until nothing is left or `until` says so."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.chance = random.Random(seed)
        self._heap: list[tuple[float, int, Act]] = []
        self._order = count()
        self.played = 0

    def after(self, seconds: float, act: Act) -> None:
        heappush(self._heap, (self.now + seconds, next(self._order), act))

    def run(self, end: float, until: Callable[[], bool] | None = None) -> bool:
        """Play up to time `end`; True as soon as `until` holds (looked at ten times a second)."""
        look = self.now
        while self._heap and self._heap[0][0] <= end:
            self.now, _, act = heappop(self._heap)
            self.played += 1
            act()
            if until is not None and self.now >= look:
                look = self.now + 0.1
                if until():
                    return True
        self.now = max(self.now, end)
        return until is None or until()
