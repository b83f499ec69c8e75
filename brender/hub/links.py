"""One Link a connection: what is known of a peer, and what still has to be sent to it, bounded.

It must not know commands, the farm or who listens: port.py reads, the hub answers.
"""

from __future__ import annotations

import logging
import socket as sockets
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from gevent.socket import socket as Socket
from gevent.timeout import Timeout

from brender.commands.calls import ANYBODY, MACHINE, Who
from brender.commands.table import Row
from brender.config import Settings
from brender.hub.clock import breathe
from brender.wire.feed import Feed
from brender.wire.messages import Notice, Reply, Request
from brender.wire.session import Conversation

log = logging.getLogger("brender.links")

MOST_WAITING = 64  # requests of one peer that wait for the hub; then it is not read until some are answered
MOST_OF_WORKER = 256  # the same of a worker, whose reports cost little
PORTION = 32  # requests of one read that are handed to the hub together
STUCK = 10.0  # seconds without progress after which a peer that does not read is hung up (CONTRACT S16)
LINGER = 2.0  # seconds in which a peer that was hung up may still read what it was told
_MACHINES = ("packed", "legacy-worker")
_HELLOS = ("worker.hello", "legacy.hello", "legacy.word")


class Link:
    """One connection: who is there, what it subscribed to, and what still has to be sent to it."""

    def __init__(
        self,
        number: int,
        sock: Socket,
        peer: str,
        conversation: Conversation,
        settings: Settings,
        door: str = "",
    ) -> None:
        """`door` is where the person came in whom a program of ours speaks for."""
        self.number = number
        self.peer = peer
        self.door = door
        self.conversation = conversation
        self.name = ""
        self.web = ""  # where its page is, of a gateway
        self.type = ""  # what it says that it is
        self.project = ""
        self.remembers = True  # whether what it makes or runs selects the project of that
        self.topics: list[str] = []
        self.channels: frozenset[int] | None = None  # whose values it hears; None: all
        self.since = 0.0
        self.worker = False  # whether it said hello as a worker
        self.bye = False  # whether it said goodbye
        self.opened = False  # whether it has said something whole
        self.waiting = 0
        self.closed = False
        self.behind = False  # whether older events are still being sent; newer ones wait their turn in the feed
        self._current = 0  # number of the last event that was sent while behind
        self._ending = False
        self._sock = sock
        self._most_unsent = settings.unsent_bytes
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._sender: gevent.Greenlet | None = None
        self._room = Event()

    @property
    def who(self) -> Who:
        """The asker for the command table. Only loopback and the unix socket get this far, so people are admins."""
        door = self.conversation.kind
        role = ANYBODY if self.kind == "unknown" else MACHINE if door in _MACHINES else "admin"
        return Who(name=self.name, role=role, door=door, session=self.number)

    @property
    def kind(self) -> str:
        """What it is (CL-50): as it says, else by its door. A machine is unknown until it says hello."""
        if self.worker or self.type:
            return "worker" if self.worker else self.type
        return "unknown" if self.conversation.kind in _MACHINES else "program" if self.web else "user"

    def check(self, row: Row) -> None:
        """Raise Unauthorised or Forbidden unless it may call this; a machine that is unknown may say hello."""
        if row.name not in _HELLOS or self.conversation.kind not in _MACHINES:
            row.check(self.who.role)

    @property
    def has_room(self) -> bool:
        """Whether it has read nearly all that was sent to it."""
        return self._unsent_bytes <= self._most_unsent

    def row(self) -> dict[str, Any]:
        """What `who` shows of it."""
        who = self.who
        return {
            "id": self.number,
            "name": self.name,
            "type": self.kind,
            "role": who.role,
            "door": self.door or who.door,
            "peer": self.peer,
            "since": self.since,
            "project": self.project,
        }

    def send(self, data: bytes) -> None:
        """Send without waiting: at once if the socket takes it, else by a greenlet of its own. Order is kept."""
        if self.closed or self._ending or not data:
            return
        if self._sender is None:
            try:
                sent = self._sock.send(data, 0, timeout=0.0)
            except (BlockingIOError, TimeoutError):
                sent = 0
            except OSError:
                self.close()
                return
            if sent == len(data):
                return
            data = data[sent:]
            self._sender = gevent.spawn(self._drain)
        self._unsent.append(data)
        self._unsent_bytes += len(data)

    def answer(self, request: Request, reply: Reply) -> None:
        """Send the reply to a request and take the next ones in."""
        self.send(self.conversation.answer(request, reply))
        self.done()

    def done(self) -> None:
        """One request less waits for the hub; after the last one a peer that is leaving is hung up."""
        self.waiting -= 1
        self._room.set()
        if self.conversation.closing and self.waiting <= 0:
            self.hang_up()

    def tell(self, notice: Notice, encoded: dict[str, bytes], feed: Feed) -> None:
        """Send an event to this subscriber: now or, if it reads slower than things happen, in its turn (S16)."""
        if self.behind:
            return
        if self._unsent_bytes > self._most_unsent:
            self.resume(feed, notice.seq - 1)
            return
        self.say(notice, encoded)

    def say(self, notice: Notice, encoded: dict[str, bytes]) -> None:
        """Send an event of the feed or of the moment, encoded once for all who speak alike."""
        kind = self.conversation.kind
        if kind in ("telnet", "line"):  # their line is redrawn, so each is its own
            self.send(self.conversation.notice(notice))
            return
        if kind not in encoded:
            encoded[kind] = self.conversation.notice(notice)
        self.send(encoded[kind])

    def told(self, feed: Feed) -> int:
        """The number up to which it has been sent all that it asked for: the one to resume from if it breaks now."""
        return self._current if self.behind else feed.last

    def resume(self, feed: Feed, seq: int) -> None:
        """Send what the feed has after `seq`, no faster than it is read; events that happen meanwhile come after it."""
        self._current = seq
        if not self.behind:
            self.behind = True
            gevent.spawn(self._catch_up, feed)

    def _catch_up(self, feed: Feed) -> None:
        while not self.closed:
            missed = feed.since(self._current, self.topics)
            if missed is None:  # it reads so slowly that the feed has forgotten some
                lost = feed.last - self._current
                self.send(self.conversation.notice(Notice(feed.last, "farm.lagged", {"lost": lost})))
            if not missed:
                self.behind = False
                return
            for notice in missed[:PORTION]:
                self._current = notice.seq
                self.send(self.conversation.notice(notice))
            self._wait_until(lambda: self._unsent_bytes <= self._most_unsent)
            breathe()

    def hang_up(self) -> None:
        """Send what is unsent and then the end; close when the peer has seen it, or has had the time to.

        Closing at once would make the system send a reset, which takes our last words from a peer that still talks.
        """
        if self._ending:
            return
        self._ending = True
        if self._sender is None:
            self._end()
        else:
            self._sender.link(lambda _: self._end())

    def _end(self) -> None:
        try:
            self._sock.shutdown(sockets.SHUT_WR)
        except OSError:
            self.close()
        else:
            gevent.spawn_later(LINGER, self.close)

    def close(self) -> None:
        """Close now; the reading greenlet wakes and ends."""
        if self.closed:
            return
        self.closed = True
        self._unsent.clear()
        self._room.set()
        try:
            self._sock.shutdown(sockets.SHUT_RDWR)
        except OSError:
            log.debug("link %s was gone already", self.number)

    def wait_for_room(self) -> None:
        """Back-pressure: take nothing more from a peer that has too many requests waiting or answers unread."""
        most = MOST_OF_WORKER if self.conversation.kind == "packed" else MOST_WAITING
        self._wait_until(lambda: self.waiting < most and self._unsent_bytes <= self._most_unsent)

    def finish(self) -> None:
        """The peer says no more but may still listen (nc -N): answer what it asked before it is gone."""
        with Timeout(STUCK, False):
            self._wait_until(lambda: self.waiting <= 0)
            while self._sender is not None and not self.closed:
                self._sender.join()

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        while not self.closed and not ready():
            self._room.clear()
            self._room.wait()

    def _drain(self) -> None:
        try:
            while self._unsent:
                data = b"".join(self._unsent)
                self._unsent.clear()
                view = memoryview(data)
                while view:
                    with Timeout(STUCK):
                        sent = self._sock.send(view)
                    view = view[sent:]
                    self._unsent_bytes -= sent
                    self._room.set()
            self._unsent_bytes = 0
        except (OSError, Timeout):
            log.info("link %s (%s) does not read; hung up", self.number, self.peer)
            self.close()
        finally:
            self._sender = None
            self._room.set()
