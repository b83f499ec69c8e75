"""What waits for the next turn of the core, and the one place where a turn is taken and handed to the disk.

Callers add events at any moment; a turn takes all of them. It must not know requests, links or what leaves afterwards:
the hub says what is told of a turn at once, and what leaves when its changes are on the disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

from brender.commands import COMMANDS, told
from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.hub.clock import SteadyClock
from brender.hub.outgoing import Asked
from brender.hub.schedules import Then
from brender.hub.writer import Writer

log = logging.getLogger("brender.hub")

Asking = Asked | Then | None  # who is answered when the turn is on the disk, what is called as soon as it is taken


class Turns:
    """`taken(turn)` is called at once, `release(asked, turn)` when the turn's changes are on the disk."""

    def __init__(
        self,
        core: Core,
        clock: SteadyClock,
        writer: Writer,
        wake: Callable[[], None],
        taken: Callable[[Turn], None],
        release: Callable[[list[Asking], Turn], None],
    ) -> None:
        self._core, self._clock, self._writer, self._wake = core, clock, writer, wake
        self._taken, self._release = taken, release
        self._events: list[ev.Event] = []
        self._asked: list[Asking] = []
        self._due: float | None = None  # when a greenlet will wake the hub for managers
        self.more = False  # the last turn left something that needs another one
        self.count = 0

    @property
    def waiting(self) -> bool:
        """Whether an event waits for its turn."""
        return bool(self._events)

    def add(self, event: ev.Event, asked: Asking) -> None:
        """Into the next turn, which the hub takes in its slice."""
        self._events.append(event)
        self._asked.append(asked)

    def tell(self, event: ev.Event, then: Then | None) -> None:
        """An event of the master's own, from any greenlet; `then` gets its answer as soon as its turn is taken."""
        self.add(event, then)
        self._wake()

    def take(self) -> None:
        """One turn, if there is anything to do in one."""
        if not self._events and not self.more:
            return
        events, asked = self._events, self._asked
        self._events, self._asked = [], []
        turn = self._core.turn(events, self._clock.now())
        self.more = turn.more
        if turn.defect is not None:
            log.error("%s", turn.defect.sentence(), exc_info=turn.defect.__cause__)
        self.count += 1
        for one, answer in zip(asked, turn.answers, strict=True):
            if one is None:
                continue
            if not isinstance(one, Asked):
                one(answer)
            elif one.row.selects and one.link.remembers and isinstance(answer, dict):
                one.link.project = answer.get("project", one.link.project)
        told.tell(COMMANDS, self._core.farm, turn.notices)
        self._taken(turn)
        self._wake_for_managers()
        self._writer.submit(turn.changes, lambda: self._release(asked, turn))

    def _wake_for_managers(self) -> None:
        """A census and the patience with a manager end between two ticks."""
        due = self._core.farm.hosting.due()
        if due is not None and due != self._due:
            self._due = due
            gevent.spawn_later(max(0.0, due - self._clock.now()), self._wake)
