"""The master's clock: wall time that only ever moves at the speed of the monotonic clock, and the pulse that measures
how late the hub is. Nothing else in the master asks what time it is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from math import inf
from operator import itemgetter

import gevent
from tzlocal import get_localzone_name

from brender.core.zones import UTC, zone_of
from brender.errors import BrenderError

ONE_INSTANT = 0.001  # seconds within which two clocks are read together; else the process was interrupted between them
LOOKS = 5  # at both clocks at the most, until one is not interrupted


def local_zone() -> str:
    """The name of this machine's time zone; UTC where it has none."""
    try:
        name = get_localzone_name() or UTC
        zone_of(name)
    except (BrenderError, LookupError, ValueError, OSError):
        return UTC
    return str(name)


def breathe() -> None:
    """Let timers and sockets have their turn, in 4 us. gevent.sleep(0) lets only greenlets have it that are ready, and
    gevent looks at the sockets after 50 of those: of slices of 20 ms that is a second in which nobody is heard."""
    gevent.sleep(1e-9)


class SteadyClock:
    """Wall time read once, then carried by the monotonic clock: an NTP step or a changed date ends no lease (F24)."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._offset, _ = self._apart()
        self._shift = 0.0
        self.started_at = self.now()
        self.zone = local_zone()

    def shift(self) -> float:
        """Seconds by which the wall clock is ahead of this one: what people and NTP have moved it since the start."""
        apart, took = self._apart()
        if took < ONE_INSTANT:
            self._shift = apart - self._offset
        return self._shift

    def _apart(self) -> tuple[float, float]:
        """Seconds by which the wall clock is ahead of the monotonic one, and the seconds that reading both took."""
        found = (0.0, inf)
        for _ in range(LOOKS):
            before = time.monotonic()
            wall = self._wall()
            took = time.monotonic() - before
            found = min(found, (wall - before, took), key=itemgetter(1))
            if took < ONE_INSTANT:
                break
        return found

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.monotonic() + self._offset

    def wall(self) -> float:
        """What the clock on the wall shows: other machines date what they send by theirs, not by our steady one."""
        return self.now() + self.shift()


class Pulse:
    """A greenlet that wants to wake every `interval` seconds and notes how late it did: the hub's stall meter."""

    def __init__(self, interval: float, window: int = 1200) -> None:
        self._interval = interval
        self._late: deque[float] = deque(maxlen=window)
        self.worst = 0.0  # seconds, since the start or the last reset

    def run(self) -> None:
        """Beat for ever; spawn it as a greenlet."""
        due = time.monotonic() + self._interval
        while True:
            gevent.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            late = now - due
            self._late.append(late)
            self.worst = max(self.worst, late)
            due = now + self._interval

    def figures(self) -> dict[str, float]:
        """{"p50_ms", "p99_ms", "worst_ms"} over the last beats; the worst is since the start."""
        ordered = sorted(self._late) or [0.0]
        return {
            "p50_ms": round(ordered[len(ordered) // 2] * 1000, 2),
            "p99_ms": round(ordered[len(ordered) * 99 // 100] * 1000, 2),
            "worst_ms": round(self.worst * 1000, 2),
        }
