"""The wire between a client and a real master, which a test can cut, stop or watch: real sockets on both sides.

It passes bytes on and understands nothing but the word it is told to look for.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

LIMIT = 60.0


class Wire:
    """`address` leads to the master. Every connection through it is cut, held or passed on as the test says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.door.getsockname()[1]}"
        self.accepted = 0
        self.said = b""  # all that clients said
        self._rules: list[tuple[bytes, bool]] = []
        self._held = threading.Event()
        self._late: threading.Event | None = None
        self._links: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._came = threading.Condition()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def wait_for(self, accepted: int) -> None:
        """Wait until so many connections have come."""
        with self._came:
            assert self._came.wait_for(lambda: self.accepted >= accepted, LIMIT), self.accepted

    def cut(self) -> None:
        """Cut every connection that there is."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            for end in link:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def cut_at(self, word: bytes, answered: bool = True) -> None:
        """Cut the connection on which a client says this, once; `answered`: after the master has carried it out."""
        self._rules.append((word, answered))

    def make_late(self) -> None:
        """Pass on what clients say only after the master has spoken: to it they are silent, so it offers telnet."""
        self._late = threading.Event()

    def hold(self) -> None:
        """Pass nothing on that the master says from now on."""
        self._held.set()

    def close(self) -> None:
        with suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        self.cut()
        for thread in self._threads:
            thread.join(LIMIT)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            with self._came:
                self.accepted += 1
                self._came.notify_all()
            try:
                master = socket.create_connection(("127.0.0.1", self.port), LIMIT)
            except OSError:
                client.close()
                continue
            master.settimeout(None)
            with self._lock:
                self._links.append((client, master))
            rule: list[bool] = []
            for source, target, pass_on in ((client, master, self._ask), (master, client, self._answer)):
                words = (source, target, pass_on, rule)
                self._threads.append(threading.Thread(target=self._pump, args=words, daemon=True))
                self._threads[-1].start()

    def _pump(
        self,
        source: socket.socket,
        target: socket.socket,
        pass_on: Callable[[socket.socket, bytes, list[bool]], bool],
        rule: list[bool],
    ) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if not pass_on(target, data, rule):
                    break
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()

    def _ask(self, master: socket.socket, data: bytes, rule: list[bool]) -> bool:
        self.said += data
        for found in self._rules:
            if found[0] in data:
                self._rules.remove(found)
                if not found[1]:
                    return False
                rule.append(True)
        if self._late is not None:
            self._late.wait(LIMIT)
        master.sendall(data)
        return True

    def _answer(self, client: socket.socket, data: bytes, rule: list[bool]) -> bool:
        if self._late is not None:
            self._late.set()
        if rule:
            return False
        if not self._held.is_set():
            client.sendall(data)
        return True
