"""The line to the master: dial, speak, hear, dial again. Bytes and orders only; it must not know what they mean.

TCP is told to notice a dead peer within 15 s (the master answers no heartbeats, so our own unacknowledged bytes are the
probe). All that one turn says leaves in one write, by one greenlet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

import gevent
from gevent import socket
from gevent.event import Event

from brender.core.orders import Order
from brender.errors import BrenderError
from brender.wire.packed import FrameReader, Message
from brender.worker.words import ORDERS
from brender.worker.world import Connected, Cut, Input

CONNECT_S: Final = 10.0
FLUSH_S: Final = 0.5
CHUNK: Final = 1 << 16
RIVAL_TRIES: Final = 4  # after a hangup wait as after so many failures: two daemons with one key must not fight fast
_OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000),
)


def delay(tries: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row: full jitter, so that 1,000 workers do not return as one."""
    return chance * min(30.0, 0.5 * 2.0 ** min(tries, 10))


class Dial:
    """Keeps one connection up. `tell` gets Connected, orders and Cut, in order; `aside` what is no order.

    `chance` gives numbers in [0, 1).
    """

    def __init__(
        self,
        master: tuple[str, int],
        tell: Callable[[list[Input]], None],
        say: Callable[[str], None],
        chance: Callable[[], float],
        aside: Callable[[Message], None],
    ) -> None:
        self._master = master
        self._tell, self._say, self._chance, self._aside = tell, say, chance, aside
        self._sock: socket.socket | None = None
        self._out: list[bytes] = []
        self._news = Event()
        self._tries = 0
        self._silent = ""  # the last complaint: the same one is not said again

    def run(self) -> None:
        """For ever; kill the greenlet to end it."""
        while True:
            try:
                sock = socket.create_connection(self._master, timeout=CONNECT_S)
            except OSError as error:
                self._complain(f"no master at {self._where()}: {error.strerror or error}; trying again")
            else:
                self._converse(sock)
            pause = delay(self._tries, self._chance())
            self._tries += 1
            gevent.sleep(pause)

    def welcomed(self) -> None:
        """The master knows us: the next failure counts as the first."""
        self._tries, self._silent = 0, ""

    def post(self, data: bytes) -> None:
        """To the present connection, if there is one; returns at once."""
        if self._sock is not None:
            self._out.append(data)
            self._news.set()

    def hang_up(self, reason: str) -> None:
        """Close the connection; the next one comes later than after a failure."""
        self._complain(f"hung up: {reason}")
        self._tries = max(self._tries, RIVAL_TRIES)
        self._shut()

    def finish(self, limit_s: float = FLUSH_S) -> None:
        """Say the last words: wait until all is with the kernel, `limit_s` at the most, then end our direction."""
        with gevent.Timeout(limit_s, False):
            while self._sock is not None and self._out:
                gevent.sleep(0.005)
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)

    def _converse(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        for level, option, value in _OPTIONS:
            sock.setsockopt(level, option, value)
        self._out, self._sock = [], sock
        self._news.clear()
        writer = gevent.spawn(self._write, sock)
        self._tell([Connected()])
        try:
            self._read(sock)
        finally:
            self._sock = None
            writer.kill()
            sock.close()
            self._tell([Cut()])

    def _read(self, sock: socket.socket) -> None:
        reader = FrameReader(late=True)  # a machine that renders may not speak at once
        while True:
            try:
                data = sock.recv(CHUNK)
            except OSError:
                data = b""
            if not data:
                self._complain(f"the connection to {self._where()} is gone; trying again")
                return
            try:
                orders = self._orders(reader.feed(data))
                if orders:
                    self._tell(orders)
                if reader.broken is not None:
                    raise reader.broken
            except BrenderError as error:
                self._complain(f"{self._where()} does not speak as a brender master: {error.sentence()}")
                return

    def _orders(self, messages: list[Message]) -> list[Input]:
        """The orders that this version knows; what is no order goes aside, refusals are said to people."""
        found: list[Input] = []
        for message in messages:
            failure = message.failure()
            if failure is not None:
                self._complain(f"the master refused: {failure.sentence()}")
            kind: type[Order] | None = ORDERS.get(message.method)
            if kind is not None:
                found.append(message.params_as(kind))
            else:
                self._aside(message)
        return found

    def _write(self, sock: socket.socket) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            said = len(self._out)
            try:
                sock.sendall(b"".join(self._out))
            except OSError:
                self._shut()
                return
            del self._out[:said]
            if self._out:
                self._news.set()

    def _shut(self) -> None:
        """Wake the reader, which closes; closing under a reading greenlet would throw in it."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def _complain(self, text: str) -> None:
        if text != self._silent:
            self._silent = text
            self._say(text)

    def _where(self) -> str:
        return f"{self._master[0]}:{self._master[1]}"
