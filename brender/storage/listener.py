"""Takes readings in from a socket and answers questions about them: the storage's own door, in frames as workers speak.

One thread reads what there is of all peers, writes it to the buffer itself, in one go, and then answers; a question to
the database is carried out on another. There is no HTTP here (CL-07). It must not know files or SQL.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections import deque
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from msgspec.structs import asdict

from brender.errors import BrenderError, Busy, InternalError, Invalid, UnknownCommand
from brender.storage.questions import RANGE, STATS, Question, told
from brender.storage.ranges import Answer, Query
from brender.storage.sift import nobody_asks, sift
from brender.wire.messages import Reply, envelope
from brender.wire.packed import FrameReader, Message, frame
from brender.wire.readings import METHOD, SAVED, UNSAVED, Batch, Columns, Refused, Saved, Unsaved, columns_of

log = logging.getLogger("brender.storage")

READ = 1 << 18
TICK = 1.0  # seconds
AGAIN = 5.0  # seconds after which what was not taken may be sent again
MOST_UNSENT = 16 << 20  # bytes that a peer has not read: then it is hung up
MOST_PEERS = 1000


class Kept(Protocol):
    """What the listener needs of a keeper."""

    @property
    def oldest(self) -> float: ...

    def keep(self, batches: list[Columns]) -> None: ...

    def answer(self, query: Query) -> Answer: ...

    def stats(self) -> dict[str, Any]: ...


class Peer:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reader = FrameReader()
        self.unsent = bytearray()
        self.closing = False

    def say(self, message: dict[str, Any]) -> None:
        """To be sent when the socket takes it."""
        self.unsent += frame([message])


class Listener:
    """Binds at once, serves in `serve`. `address` is where."""

    def __init__(self, host: str, port: int, keeper: Kept) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family, backlog=128)
        self.address: tuple[str, int] = self._listening.getsockname()[:2]
        self._keeper = keeper
        self._selector = selectors.DefaultSelector()
        self._asked: SimpleQueue[tuple[Peer, Message] | None] = SimpleQueue()
        self._answers: deque[tuple[Peer, dict[str, Any]]] = deque()
        self._woken, self._waking = socket.socketpair()
        self._stopped = False
        for sock in (self._listening, self._woken):
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until `stop`."""
        asking = Thread(target=self._answer_for_ever, name="asking")
        asking.start()
        ticked = 0.0
        try:
            while not self._stopped:
                taken: list[tuple[Peer, Batch]] = []
                for key, events in self._selector.select(TICK):
                    self._look(key.fileobj, key.data, events, taken)
                now = time.monotonic()
                if taken or now - ticked >= TICK:
                    ticked = now
                    self._keep(taken)
                while self._answers:
                    peer, message = self._answers.popleft()
                    peer.say(message)
                    self._flush(peer)
        finally:
            self._asked.put(None)
            asking.join()
            self._close()

    def stop(self) -> None:
        """From any thread, or a signal's handler."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is full: somebody woke it already
            self._waking.send(b"\0", socket.MSG_DONTWAIT)

    def _look(self, sock: Any, peer: Peer | None, events: int, taken: list[tuple[Peer, Batch]]) -> None:
        if sock is self._listening:
            self._accept()
        elif sock is self._woken:
            self._woken.recv(READ)
        elif peer is not None:
            if events & selectors.EVENT_WRITE:
                self._flush(peer)
            if events & selectors.EVENT_READ and not peer.closing:
                self._read(peer, taken)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it left again
            sock, _ = self._listening.accept()
            if len(self._selector.get_map()) > MOST_PEERS:
                sock.close()
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(sock, selectors.EVENT_READ, Peer(sock))

    def _read(self, peer: Peer, taken: list[tuple[Peer, Batch]]) -> None:
        try:
            data = peer.sock.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up(peer)
            return
        for message in peer.reader.feed(data):
            self._handle(peer, message, taken)
        if peer.reader.broken is not None:
            peer.say(envelope(None, Reply(error=peer.reader.broken)))
            peer.closing = True
            self._flush(peer)

    def _handle(self, peer: Peer, message: Message, taken: list[tuple[Peer, Batch]]) -> None:
        try:
            if message.method == METHOD:
                taken.append((peer, message.params_as(Batch)))
            elif message.method in (RANGE, STATS):
                self._asked.put((peer, message))
            elif message.method:
                raise UnknownCommand(
                    f"The storage knows no {message.method[:80]!r}.", hint=f"It knows {METHOD}, {RANGE} and {STATS}."
                )
        except BrenderError as error:
            peer.say(envelope(_id(message), Reply(error=error)))
            self._flush(peer)

    def _keep(self, taken: list[tuple[Peer, Batch]]) -> None:
        """All batches in one write; whoever is answered `saved` need not send it again."""
        kept: list[Columns] = []
        refused: list[list[Refused]] = []
        now, oldest = time.time(), self._keeper.oldest
        for _, batch in taken:
            try:
                columns, wrong = sift(columns_of(batch), nobody_asks, now, oldest)
                kept += [columns] if columns.count else []
            except Invalid as error:
                wrong = [(0, error.message, 0)]
            refused.append(wrong)
        reason = ""
        try:
            self._keeper.keep(kept)
        except Busy as error:
            reason = error.sentence()
        for (peer, batch), wrong in zip(taken, refused, strict=True):
            said: Saved | Unsaved = Unsaved(batch.batch, reason, AGAIN) if reason else Saved(batch.batch, wrong)
            peer.say({"method": UNSAVED if reason else SAVED, "params": asdict(said)})
            self._flush(peer)

    def _answer_for_ever(self) -> None:
        """The other thread: one question after the other."""
        while (asked := self._asked.get()) is not None:
            peer, message = asked
            try:
                reply = Reply(result=self._answer(message))
            except BrenderError as error:
                reply = Reply(error=error)
            except Exception as defect:
                log.exception("a question met a defect")
                reply = Reply(error=InternalError(f"{type(defect).__name__}: {defect}"))
            self._answers.append((peer, envelope(_id(message), reply)))
            self._wake()

    def _answer(self, message: Message) -> Any:
        if message.method == STATS:
            return self._keeper.stats()
        question = message.params_as(Question)
        return told(question.channel, self._keeper.answer(question.query()))

    def _flush(self, peer: Peer) -> None:
        if peer.sock.fileno() < 0:
            return
        try:
            while peer.unsent:
                del peer.unsent[: peer.sock.send(peer.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up(peer)
            return
        if len(peer.unsent) > MOST_UNSENT or (peer.closing and not peer.unsent):
            self._hang_up(peer)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.unsent else 0)
        self._selector.modify(peer.sock, wanted, peer)

    def _hang_up(self, peer: Peer) -> None:
        self._selector.unregister(peer.sock)
        peer.sock.close()

    def _close(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Peer):
                self._flush(key.data)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._waking.close()
        self._selector.close()


def _id(message: Message) -> int | str | None:
    return message.id if isinstance(message.id, (int, str)) else None
