"""The farm's events in order, each once, over broken connections; where some are lost, a word that they are.

It must not know what an event means.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from brender.api.connection import PATIENCE, Patience
from brender.api.link import Link, Master, Message, result
from brender.errors import NoMaster

QUIET = 5.0  # seconds without an event after which the master is asked how far its numbers are
ANSWER = 60.0  # seconds in which it says so, else the connection is given up
LAGGED = "farm.lagged"
# Events of the moment, with the number of some other event: nothing can be resumed from them (docs/protocol.md).
MOMENTS = ("task.progress", "task.log", "worker.tail", "job.watch")


class Event(NamedTuple):
    """Something that happened: its number, which grows over all events of the farm, its topic, and what is known."""

    seq: int
    topic: str
    data: Any


class Events:
    """Events on some topics (globs such as `job.*`), to iterate over; iteration ends when `close` was called.

    Made from farm.events(). From then on nothing is missed, whether it is asked for soon or late. After a broken
    connection the events that came meanwhile are asked for. When the master no longer knows them (it was restarted,
    or there were more than 10,000), there is an event `farm.lagged`: load anew what you keep of the farm.
    """

    def __init__(self, master: Master, topics: Sequence[str], since: int | None, patience: float = PATIENCE) -> None:
        """Subscribes at once. Raises NoMaster and what the master refuses."""
        self._master, self._topics = master, list(topics) or ["*"]
        self._patience = Patience(patience, pause=self._rest)
        self._reading = threading.Lock()
        self._closed = threading.Event()
        self._link: Link | None = None
        self._early: deque[Event] = deque()  # what came with the answer to the subscription
        self._asked = 0  # id of the question how far the numbers are, 0 when none is open
        self._heard = 0.0
        self._until: float | None = None
        self._last = since
        self._open()

    @property
    def last(self) -> int:
        """The number to resume from: `farm.events(…, since=events.last)` goes on exactly here."""
        owed = (event.seq - 1 for event in self._early if event.topic not in MOMENTS)
        return next(owed, self._last or 0)

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> Event:
        event = self.wait(None)
        if event is None:
            raise StopIteration
        return event

    def wait(self, seconds: float | None = None) -> Event | None:
        """The next event; None when there is none for so long, or after `close`.

        Raises NoMaster when the master has been away for longer than the farm's patience; `data["since"]` of it is
        the number to resume from.
        """
        with self._reading:
            self._until = None if seconds is None else time.monotonic() + seconds
            while not self._closed.is_set():
                try:
                    event = self._hear()
                except TimeoutError:
                    return None
                if event is not None:
                    return event
            self._drop()
        return None

    def close(self) -> None:
        """End it, also from another thread."""
        self._closed.set()
        link = self._link
        if link is not None:
            link.break_off()
        if self._reading.acquire(blocking=False):
            self._drop()
            self._reading.release()

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hear(self) -> Event | None:
        """One message; None when it was no event. Raises TimeoutError when it is time to return."""
        if self._early:
            return self._early.popleft()
        try:
            link = self._link
            if link is None:
                if self._late():
                    raise TimeoutError
                self._open()
                return None
            try:
                return self._read(link)
            except TimeoutError:
                raise
            except OSError as error:
                raise link.left(error) from None
        except NoMaster as error:
            self._drop()
            if not self._closed.is_set():
                error.data["since"] = self.last
                self._patience.wait(error)
            return None

    def _read(self, link: Link) -> Event | None:
        limit = self._heard + (ANSWER if self._asked else QUIET)
        try:
            message = link.read(limit if self._until is None else min(limit, self._until))
        except TimeoutError:
            if self._late():
                raise
            if self._asked:
                raise ConnectionAbortedError("it does not answer") from None
            self._heard = time.monotonic()
            self._asked = link.send("farm.subscribe", {"topics": self._topics})
            return None
        self._heard = time.monotonic()
        self._patience.met()
        if self._asked and message.get("id") == self._asked:
            self._asked = 0
            self._last = max(self._last or 0, int(result(message)["seq"]))
        return self._event(message)

    def _event(self, message: Message) -> Event | None:
        if message.get("method") != "event":
            return None
        found = message["params"]
        event = Event(int(found["seq"]), str(found["topic"]), found.get("data"))
        if event.topic not in MOMENTS:
            self._last = max(self._last or 0, event.seq)
        return event

    def _open(self) -> None:
        """Subscribe, from the last number on where there is one."""
        since = {} if self._last is None else {"since": self._last}
        link = self._master.dial()
        with link.beginning():
            answer, early = self._subscribed(link, {"topics": self._topics, **since})
        if not answer["resumed"]:
            self._early.append(Event(int(answer["seq"]), LAGGED, {"lost": None}))
        self._last = int(answer["seq"])
        self._early += [event for event in map(self._event, early) if event is not None]
        self._link, self._asked, self._heard = link, 0, time.monotonic()

    def _subscribed(self, link: Link, params: dict[str, Any]) -> tuple[dict[str, Any], list[Message]]:
        """The answer, and what came before it: events may be on their way already."""
        number = link.send("farm.subscribe", params)
        until = time.monotonic() + ANSWER
        early: list[Message] = []
        while True:
            message = link.read(until)
            if message.get("id") == number:
                return result(message), early
            early.append(message)

    def _late(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    def _rest(self, seconds: float) -> None:
        left = seconds if self._until is None else min(seconds, self._until - time.monotonic())
        self._closed.wait(max(0.0, left))

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()
