"""Fires what is due: looks at the clocks, and gives the hub the events that a due schedule is.

It decides nothing (core/rules/schedules.py) and knows no command (commands/firing.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from brender.commands.calls import Unhurried
from brender.commands.firing import As, Firing, ended, firing
from brender.core import events as ev
from brender.core.engine import Core
from brender.errors import BrenderError, InternalError
from brender.hub.clock import SteadyClock

log = logging.getLogger("brender.schedules")

MOST = 64  # that fire in one slice of the hub
SLICE = 0.01  # seconds; what they do may cost much, and then fewer fire: half of the hub's slice is for requests
NOISE = 0.01  # seconds by which two clocks may differ because they are not read at the same instant
Then = Callable[[Any], None]


class Timetable:
    """`add(event, then)` puts an event into the next turn, `turn()` takes it, `begin` starts what is answered later.

    `then` is called with the event's answer in that turn.
    """

    def __init__(
        self,
        core: Core,
        clock: SteadyClock,
        call_as: As,
        add: Callable[[ev.Event, Then | None], None],
        turn: Callable[[], None],
        begin: Callable[[Unhurried, Then], None],
        wake: Callable[[], None],
    ) -> None:
        self._core, self._clock, self._call_as = core, clock, call_as
        self._add, self._turn, self._begin, self._wake = add, turn, begin, wake

    def until(self) -> float | None:
        """Seconds until something is due; None when nothing is."""
        first = self._core.farm.due.first()
        return None if first is None else max(0.0, first - self._clock.now())

    def look(self) -> None:
        """Compare the wall clock with the steady one; called every second, and before anything fires."""
        shift = self._clock.shift()
        moved = shift - self._core.farm.shift
        if abs(moved) > NOISE:
            log.warning("the wall clock was moved by %+.3f s", moved)
            self._add(ev.ClockMoved(shift), None)

    def fire(self, now: float) -> None:
        """One turn for each schedule that is due, so that it finds what the one before it did."""
        due = self._core.farm.due
        if not due.by(now, 1):
            return
        self.look()
        self._turn()
        for schedule_id in due.by(now, MOST):
            if schedule_id in self._core.farm.schedules:
                self._fire(schedule_id, now)
            if self._clock.now() - now > SLICE:
                break

    def _fire(self, schedule_id: int, now: float) -> None:
        one = firing(self._core.farm, schedule_id, now, self._core.settings, self._call_as)
        *others, last = one.events
        for event in others:
            self._add(event, None)
        self._add(last, (lambda answer: self._end(one, answer)) if one.asks else None)
        self._turn()  # its end goes into the next one: each turn costs the hub as much as all that waits for a slot
        if one.error is not None:
            self._log(one, one.error)
        if one.act is not None:
            self._begin(one.act, lambda answer: self._end_later(one, answer))

    def _end_later(self, one: Firing, answer: Any) -> None:
        self._end(one, answer)
        self._wake()

    def _end(self, one: Firing, answer: Any) -> None:
        if isinstance(answer, BrenderError):
            self._log(one, answer)
        self._add(ended(one, answer), None)

    @staticmethod
    def _log(one: Firing, error: BrenderError) -> None:
        if isinstance(error, InternalError):
            log.error("schedule %s: %s", one.schedule, error.sentence(), exc_info=error.__cause__)
        else:
            log.warning("schedule %s: %s", one.schedule, error.sentence())
