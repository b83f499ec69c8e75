"""A lane of channels: which round is due next. Each group of a manager has one, so that one does not wait for another.

It must not know what a round reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

import gevent
from gevent.event import Event

from brender.daemon.instrument import Instrument

LATE = 64  # rounds that are read before others have a turn


class Round:
    """Channels that are read together: one device (or none, for values made here) and one period, in seconds."""

    __slots__ = ("channels", "due", "instrument", "period")

    def __init__(self, instrument: Instrument | None, period: float, due: float) -> None:
        self.instrument, self.period, self.due = instrument, period, due
        self.channels: set[int] = set()


class Lane:
    """`read` gets a round that is due, and must not wait. Times are monotonic."""

    def __init__(self, read: Callable[[Round], None]) -> None:
        self._read = read
        self._rounds: dict[tuple[int, float], Round] = {}
        self._heap: list[tuple[float, int, Round]] = []
        self._order = count()
        self._news = Event()
        self._greenlet = gevent.spawn(self._run)

    def enter(self, channel: int, instrument: Instrument | None, period: float) -> Round:
        """A channel joins its round; those that are in it already go on in their step."""
        key = (id(instrument), period)
        found = self._rounds.get(key)
        if found is None or not found.channels:
            found = self._rounds[key] = Round(instrument, period, time.monotonic())
            self._push(found)
        found.channels.add(channel)
        return found

    def close(self) -> None:
        """Nothing is read any more."""
        self._greenlet.kill()

    def _push(self, one: Round) -> None:
        heappush(self._heap, (one.due, next(self._order), one))
        self._news.set()

    def _run(self) -> None:
        while True:
            wait = self._heap[0][0] - time.monotonic() if self._heap else None
            if wait is None or wait > 0:
                self._news.clear()
                self._news.wait(wait)
                continue
            for _ in range(LATE):
                if not self._heap or self._heap[0][0] > time.monotonic():
                    break
                self._take(heappop(self._heap)[2])
            gevent.sleep(1e-9)  # so that sockets have a turn, too; 0 lets only greenlets have it

    def _take(self, one: Round) -> None:
        if not one.channels:
            key = (id(one.instrument), one.period)
            if self._rounds.get(key) is one:
                del self._rounds[key]
            return
        self._read(one)
        # In step with its period; a round that came late does not try to catch up.
        one.due = max(one.due + one.period, time.monotonic() + one.period / 10)
        self._push(one)
