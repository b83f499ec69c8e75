"""The link to the master: JSON lines over a plain socket, questions and answers, and events that wake a sleeper.

Used by one thread. It must not know letters; who loses the link connects anew.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from typing import Any

from brender.errors import TimedOut, from_envelope

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
MOST = 64 << 20  # bytes of one answer
NAME = "notify"


class Gone(Exception):
    """The master is not there (any more)."""


class Upstream:
    """One connection. `wake` is a file descriptor that interrupts `wait` when it can be read."""

    def __init__(self, place: tuple[str, int], name: str = NAME) -> None:
        self._number = 0
        self._buffer = b""
        self.events: list[dict[str, Any]] = []
        try:
            self._socket = socket.create_connection(place, CONNECT_SECONDS)
        except OSError as error:
            raise Gone(f"no master answers at {place[0]}:{place[1]}: {error.strerror or error}") from None
        try:
            self.ask("session.hello", name=name)
            self.ask("session.type", type="program")
        except BaseException:
            self.close()
            raise

    def ask(self, method: str, **params: Any) -> Any:
        """The answer to one question. Raises Gone, or the error that the master answers with."""
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        ends = time.monotonic() + ANSWER_SECONDS
        try:
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise Gone(f"the master hung up: {error}") from None
        while True:
            message = self._message(ends)
            if message.get("id") == self._number:
                if "error" in message:
                    raise from_envelope(message["error"])
                return message.get("result")
            self._keep(message)

    def wait(self, seconds: float, wake: int) -> None:
        """Until an event has come, the wake-up can be read, or the time is over. Raises Gone."""
        ends = time.monotonic() + seconds
        while not self.events:
            left = ends - time.monotonic()
            if left <= 0:
                return
            if b"\n" not in self._buffer:
                ready, _, _ = select.select([self._socket, wake], [], [], left)
                if wake in ready or not ready:
                    return
            self._keep(self._message(ends + ANSWER_SECONDS))

    def close(self) -> None:
        self._socket.close()

    def _keep(self, message: dict[str, Any]) -> None:
        if message.get("method") == "event":
            self.events.append(message["params"])
            del self.events[:-100]

    def _message(self, ends: float) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(0.01, ends - time.monotonic()))
            try:
                more = self._socket.recv(1 << 16)
            except TimeoutError:
                raise Gone(TimedOut("The master did not answer in time.").message) from None
            except OSError as error:
                raise Gone(f"the master hung up: {error}") from None
            if not more or len(self._buffer) > MOST:
                raise Gone("the master hung up")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        start = line.find(b"{")  # before it may stand a telnet offer, to a client that was slow
        try:
            found: dict[str, Any] = json.loads(line[max(start, 0) :])
        except ValueError:
            raise Gone("what answers is no master") from None
        return found


def wake_pipe() -> tuple[int, int]:
    """A pipe whose writing end may be used in a signal handler."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    return read, write
