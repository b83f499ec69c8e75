"""Sends readings to the master: a batch a second, a few at a time, again after each reconnect until acknowledged.

New batches go first, so that the farm sees what is now; old ones fill the room that is left, and begin a random while
after a reconnect, so that a thousand workers do not come at once. It must not know how batches are kept (spool.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import Final

from gevent.event import Event

from brender.daemon.spool import Spool
from brender.wire.packed import Message, frame
from brender.wire.readings import METHOD, SAVED, UNSAVED, Saved, Unsaved

EVERY: Final = 1.0  # seconds
PATIENCE: Final = 60.0  # seconds after which a batch that was not answered is sent again
WINDOW: Final = 4  # batches that may be on their way; one place is kept for the newest
OFFSET: Final = 5.0  # seconds, at the most, between a reconnect and the first old batch
PACK_EVERY: Final = 10.0  # seconds, while the master is away


class Readings:
    """`post` sends bytes over the present connection, `say` tells people, `chance` gives numbers in [0, 1).

    `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        spool: Spool,
        post: Callable[[bytes], None],
        say: Callable[[str], None],
        chance: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spool = spool
        self._post, self._say, self._chance, self._clock = post, say, chance, clock
        self._online = False
        self._flying: dict[int, float] = {}  # batches that were sent, and when
        self._old_from = 0.0  # when old batches may be sent
        self._due = clock() + EVERY * chance()  # the next second; not the same moment on every machine
        self._fresh_from = 0  # batches from this number on are of the last second
        self._packed = clock()
        self._pause_until = 0.0
        self._told: set[tuple[int, str]] = set()
        self._news = Event()

    def run(self) -> None:
        """For ever; kill the greenlet to end it."""
        while True:
            self._news.wait(max(0.0, self._due - self._clock()))
            self._news.clear()
            self.step()

    def step(self) -> None:
        """What is to be done now: a second is over, something may be sent, or nobody takes anything."""
        now = self._clock()
        if now >= self._due:
            self._due = max(self._due + EVERY, now)
            self._fresh_from = self.spool.next_number
            self.spool.close_batch()
        if self._online:
            self._send(now)
        elif now - self._packed >= PACK_EVERY:
            self._packed = now
            self.spool.pack_up()

    def welcomed(self) -> None:
        """There is a master: everything that it did not acknowledge is sent again."""
        self._online = True
        self._flying.clear()
        self._pause_until = 0.0
        self._old_from = self._clock() + OFFSET * self._chance()
        self._news.set()

    def cut(self) -> None:
        """There is none."""
        self._online = False

    def hear(self, message: Message) -> bool:
        """What the master says of a batch. False: it says something else."""
        if message.method == SAVED:
            self._saved(message.params_as(Saved))
        elif message.method == UNSAVED:
            said = message.params_as(Unsaved)
            self._flying.pop(said.batch, None)
            self._pause_until = self._clock() + min(60.0, max(0.1, said.after))
        else:
            return False
        self._news.set()
        return True

    def _saved(self, said: Saved) -> None:
        self._flying.pop(said.batch, None)
        self.spool.acked(said.batch)
        for channel, why, count in said.refused:
            if (channel, why) not in self._told and len(self._told) < 1000:
                self._told.add((channel, why))
                self._say(f"the master refuses readings of channel {channel} ({count} so far): {why}")

    def _send(self, now: float) -> None:
        if now < self._pause_until:
            return
        for number in [number for number, sent in self._flying.items() if now - sent > PATIENCE]:
            del self._flying[number]
        for number in list(islice(reversed(self.spool.pending), WINDOW)):
            if number >= self._fresh_from:
                self._send_one(number, now, WINDOW)
        if now >= self._old_from:
            waiting = (number for number in self.spool.pending if number not in self._flying)
            for number in list(islice(waiting, WINDOW)):
                self._send_one(number, now, WINDOW - 1)

    def _send_one(self, number: int, now: float, most: int) -> None:
        if number in self._flying or len(self._flying) >= most:
            return
        columns = self.spool.columns(number)
        if columns is not None:
            self._flying[number] = now
            self._post(frame([{"method": METHOD, "params": columns.batch(number)}]))
