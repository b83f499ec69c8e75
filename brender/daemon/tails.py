"""Sends logs, of attempts and of the daemon itself, to the master that asks for them: a piece at a time, and what is
printed later if followed.

A piece leaves only when the one before it was taken, so a slow reader costs no memory here. It must not know sockets,
duties or who reads: messages come in by `hear`, frames go out by `post`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import gevent
from gevent.event import Event

from brender.daemon.logs import LogFolder
from brender.errors import BrenderError
from brender.wire import logs
from brender.wire.packed import Message, frame

LOOK_S: Final = 0.2  # how often a followed log is looked at; what came meanwhile leaves together
MOST_TAILS: Final = 64


class Readable(Protocol):
    """A log. `stored` is where it ends; `read` gives bytes, and the position where they begin."""

    @property
    def stored(self) -> int: ...

    def read(self, start: int, size: int) -> tuple[int, bytes]: ...


class Tails:
    """All requests for logs of one connection. `alive` says whether an attempt may still print something; `own` is
    what the daemon says, which goes on as long as it lives."""

    def __init__(
        self, folder: LogFolder, own: Readable | None, alive: Callable[[int], bool], post: Callable[[bytes], None]
    ) -> None:
        self._folder, self._own, self._may_print, self._post = folder, own, alive, post
        self._tails: dict[int, tuple[gevent.Greenlet, Event]] = {}

    def hear(self, message: Message) -> None:
        """What the master says that is no order; words that are not about logs are passed over."""
        try:
            if message.method == logs.ASK:
                self._begin(message.params_as(logs.Ask))
            elif message.method in (logs.MORE, logs.ENOUGH):
                greenlet, room = self._tails.get(message.params_as(logs.About).request, (None, None))
                if greenlet is not None and message.method == logs.ENOUGH:
                    greenlet.kill(block=False)
                elif room is not None:
                    room.set()
        except BrenderError:
            return  # a newer master's words in another shape

    def forget(self) -> None:
        """The connection is gone, and whoever asked with it."""
        for greenlet, _ in list(self._tails.values()):
            greenlet.kill(block=False)
        self._tails.clear()

    def _begin(self, ask: logs.Ask) -> None:
        if len(self._tails) >= MOST_TAILS:
            self._say(logs.Piece(ask.request, ask.attempt, b"[brender: too many logs are read here]\n", eof=True))
            return
        room = Event()
        greenlet = gevent.spawn(self._send, ask, room)
        self._tails[ask.request] = (greenlet, room)
        greenlet.link(lambda _: self._tails.pop(ask.request, None))

    def _alive(self, attempt: int) -> bool:
        return self._own is not None if attempt == logs.OWN else self._may_print(attempt)

    def _find(self, attempt: int) -> Readable | None:
        return self._own if attempt == logs.OWN else self._folder.find(attempt)

    def _send(self, ask: logs.Ask, room: Event) -> None:
        at = self._first(ask)
        said = False
        while True:
            alive = ask.follow and self._alive(ask.attempt)  # before reading: what it said last is not missed
            log = self._find(ask.attempt)
            start, data = (at, b"") if log is None else log.read(at, logs.PIECE)
            size = 0 if log is None else log.stored
            ended = start + len(data) >= size or not data
            if alive or not ended:
                data = data[: logs.whole(data)]
            eof = not ask.follow or (ended and not alive)
            if not data and said and not eof:
                gevent.sleep(LOOK_S)
                continue
            self._say(logs.Piece(ask.request, ask.attempt, data, start, size, eof))
            if eof:
                return
            said, at = True, start + len(data)
            room.wait()
            room.clear()

    def _first(self, ask: logs.Ask) -> int:
        """Where to begin: at a position, or so many lines before the end, as far as one piece reaches."""
        log = self._find(ask.attempt)
        if ask.lines is None or log is None:
            return ask.start or 0
        start, data = log.read(max(0, log.stored - logs.PIECE), logs.PIECE)
        at = len(data.rstrip(b"\n"))
        for _ in range(ask.lines):
            at = data.rfind(b"\n", 0, at)
            if at < 0:
                return start
        return start + at + 1

    def _say(self, piece: logs.Piece) -> None:
        self._post(frame([{"method": "worker.log", "params": piece}]))
