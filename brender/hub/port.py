"""Port 6000: it accepts, reads what peers say, hands the hub their requests, and hangs up those who say nothing.

It must not know commands or the farm: requests go to the hub, which answers through the Link.
"""

from __future__ import annotations

import ipaddress
import logging
import socket as sockets
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gevent.server import StreamServer
from gevent.socket import socket as Socket
from gevent.timeout import Timeout

from brender.config import Settings
from brender.hub.clock import breathe
from brender.hub.links import PORTION, Link
from brender.wire.messages import Request
from brender.wire.session import Conversation

log = logging.getLogger("brender.port")

SILENCE = 0.2  # seconds after which a mute peer is taken for a person with telnet or nc (FINDINGS B 1.1)
READ = 64 * 1024  # bytes at once from a worker
READ_TEXT = 4 * 1024  # from others: each of their bytes costs more, and between two reads everybody else has a turn
NO_TLS = b"\x15\x03\x03\x00\x02\x02\x28"  # TLS's own words for: no handshake with me
LATE = b"brender: nothing was said for %g s. Type help and Enter, or send a line of JSON.\r\n"


class Port:
    """The listening sockets. `take(link, requests)` and `gone(link)` are the hub's."""

    def __init__(
        self,
        make: Callable[[], Conversation],
        take: Callable[[Link, list[Request]], None],
        gone: Callable[[Link], None],
        settings: Settings,
    ) -> None:
        self._make, self._take, self._gone, self._settings = make, take, gone, settings
        self.links: dict[int, Link] = {}
        self._of_address: Counter[str] = Counter()
        self._next = 1
        self._servers: list[StreamServer] = []

    def listen(self, listener: Any) -> StreamServer:
        """Accept on an address or a bound socket; returns the started server."""
        backlog = 1024 if isinstance(listener, tuple) else None  # a bound socket has its own
        server = StreamServer(listener, self._serve, backlog=backlog)
        server.start()
        self._servers.append(server)
        return server

    def stop(self) -> None:
        """Accept nobody else and hang up everybody once what was written has left."""
        for server in self._servers:
            server.stop_accepting()
            server.close()
        for link in list(self.links.values()):
            link.hang_up()

    def _serve(self, sock: Socket, address: Any) -> None:
        number, self._next = self._next, self._next + 1
        peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) and len(address) >= 2 else "unix"
        host = str(address[0]) if isinstance(address, tuple) and address else ""
        full = self._full(host)
        if full:
            _refuse(sock, full)
            return
        if sock.family in (sockets.AF_INET, sockets.AF_INET6):
            sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
            sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE, 1)
            for option, value in ((sockets.TCP_KEEPIDLE, 5), (sockets.TCP_KEEPINTVL, 2), (sockets.TCP_KEEPCNT, 3)):
                sock.setsockopt(sockets.IPPROTO_TCP, option, value)
        link = Link(number, sock, peer, self._make(), self._settings)
        self.links[number] = link
        self._of_address[host] += 1
        try:
            self._converse(link, sock)
        except OSError as error:
            log.debug("link %s ended: %s", number, error)
        finally:
            link.close()
            del self.links[number]
            self._of_address[host] -= 1
            if not self._of_address[host]:
                del self._of_address[host]
            self._gone(link)

    def _full(self, host: str) -> bytes:
        """Why one more connection from this address is refused; empty if it is welcome."""
        settings, count = self._settings, len(self.links)
        if count >= settings.connections:
            return b"brender: this master serves %d connections at the most; try later.\r\n" % settings.connections
        most = settings.connections_of_loopback if _is_loopback(host) else settings.connections_of_address
        if host and self._of_address[host] >= most:
            return b"brender: this master serves %d connections of one address at the most; close some.\r\n" % most
        return b""

    def _converse(self, link: Link, sock: Socket) -> None:
        conversation = link.conversation
        until = time.monotonic() + self._settings.opening_seconds
        data: bytes | None = None
        with Timeout(SILENCE, False):
            data = sock.recv(READ_TEXT)
        if data is None:
            out, requests = conversation.silence()
            self._pass_on(link, out, requests)
            data = self._hear(link, sock, until)
        while data and not link.closed:
            out, requests = conversation.feed(data)
            self._pass_on(link, out, requests)
            if conversation.kind == "tls":  # no keys yet: the peer must not wait for a handshake that never comes
                link.send(NO_TLS)
                link.hang_up()
            elif conversation.closing and not link.waiting:
                link.hang_up()
            link.wait_for_room()
            breathe()  # a peer that always has more to say would never let anybody else speak
            data = self._hear(link, sock, until)
        link.finish()

    def _hear(self, link: Link, sock: Socket, until: float) -> bytes:
        """The next bytes. Who has said nothing whole by then is told so and hung up (S15); telnet may be idle."""
        size = READ if link.conversation.kind == "packed" else READ_TEXT
        if link.opened or link.conversation.kind in ("telnet", "line"):
            return sock.recv(size)
        with Timeout(max(0.0, until - time.monotonic()), False):
            return sock.recv(size)
        log.info("link %s (%s) said nothing whole; hung up", link.number, link.peer)
        if link.conversation.kind == "opening":
            link.send(LATE % self._settings.opening_seconds)
        link.hang_up()
        while not link.closed and sock.recv(READ_TEXT):
            continue  # what it still says is not read; it ends by itself, or after LINGER
        return b""

    def _pass_on(self, link: Link, out: bytes, requests: list[Request]) -> None:
        link.send(out)
        link.opened = link.opened or bool(requests)
        for at in range(0, len(requests), PORTION):
            link.wait_for_room()
            portion = requests[at : at + PORTION]
            link.waiting += len(portion)
            self._take(link, portion)


def _refuse(sock: Socket, words: bytes) -> None:
    """Say no and leave; with something of the peer unread the system would send a reset, and our words were lost."""
    with suppress(OSError), Timeout(SILENCE, False):
        sock.sendall(words)
        sock.shutdown(sockets.SHUT_WR)
        sock.recv(READ_TEXT)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
