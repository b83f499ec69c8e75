"""A master's address, and one connection to it: questions, answers, and what the master sends by itself.

It must not know commands, nor when to try again: whoever keeps a Link decides that. One thread at a time uses a Link.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from brender import address
from brender.errors import BrenderError, Invalid, InvalidParams, NoMaster, from_envelope
from brender.wire.limits import DEFAULT as LIMITS
from brender.wire.screen import escape

CONNECT_SECONDS = 5.0
SEND_SECONDS = 60.0
MOST_BYTES = 256 << 20  # of one line; no answer comes near it, so what is longer is no master's
MOST_SAID = 80  # characters of what a stranger says
KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))  # seconds, seconds, times
HINT = (
    "Start one: brender up (a master and a worker here), or brender master. "
    "Another farm: --master HOST:PORT, BRENDER_MASTER, or as brender config says."
)
Message = dict[str, Any]


class Stranger(ConnectionError):
    """Something that is no message was said: a stranger's words, or the master's own for hanging up."""


class Master(Struct, frozen=True):
    """Whom to ask: its address HOST:PORT (this machine's port 6000 where it is empty), who named it (a flag, a
    variable, a file; for errors), and the name of who asks."""

    address: str = ""
    origin: str = ""
    name: str = ""

    @property
    def place(self) -> str:
        """HOST:PORT in full. Raises Invalid for what is no address, Forbidden for one that is not this machine's."""
        return address.in_words(*address.master(self.address))

    @property
    def in_errors(self) -> str:
        """The place, and who named it."""
        return f"{self.place} ({self.origin})" if self.origin else self.place

    def dial(self, seconds: float = CONNECT_SECONDS) -> Link:
        """A connection, and hello said on it. Raises NoMaster, or Invalid or Forbidden as `place` does."""
        there = address.master(self.address)
        try:
            sock = socket.create_connection(there, max(0.001, seconds))
        except OSError as error:
            raise NoMaster(_not_reached(self.in_errors, error), hint=HINT) from None
        try:
            return Link(sock, self)
        except OSError as error:
            raise NoMaster(_broken(self.in_errors, error, heard=False), hint=HINT) from None


def _not_reached(place: str, error: OSError) -> str:
    """Why nobody was reached, in the words of somebody who has to do something about it."""
    if isinstance(error, socket.gaierror):
        return f"No master answers at {place}: no machine of that name is known here."
    if isinstance(error, ConnectionRefusedError):
        return f"No master answers at {place}: nothing listens there."
    if isinstance(error, TimeoutError):
        return f"No master answers at {place}: the machine is off, or a firewall is between."
    return f"No master answers at {place}: {error.strerror or error}."


def _broken(place: str, error: OSError, heard: bool) -> str:
    """Why a connection is over; `heard`: whether a master has spoken on it before."""
    if isinstance(error, Stranger):
        if str(error).startswith(("brender:", "This is a brender")):
            return f"The master at {place} says: {error}"
        return f"Something listens at {place}, but it is no brender master: it says «{error}»."
    if isinstance(error, ConnectionAbortedError):
        if heard:
            return f"The master at {place} closed the connection."
        return f"What listens at {place} hung up without a word: no brender master, or one that is leaving."
    if isinstance(error, TimeoutError) and not heard:
        return f"Something listens at {place}, but it says nothing: a master that hangs, or no master."
    said = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
    return f"The connection to the master at {place} broke: {said}."


class Link:
    """One connection. A peer that is silent for 200 ms is taken for a telnet, so hello is said at once."""

    def __init__(self, sock: socket.socket, master: Master) -> None:
        self.master = master
        self.heard = False  # whether a master has spoken
        self._sock = sock
        self._buffer = bytearray()
        self._number = 0
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a machine that lost its power says nothing
            for option, value in KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
            self.greeting = self.send("session.hello", {"name": master.name or _user(), "remember": False})
        except BaseException:
            sock.close()
            raise

    def send(self, method: str, params: dict[str, Any]) -> int:
        """Ask; returns the id that the answer will have.

        Raises InvalidParams or Invalid for what cannot be sent, and OSError when the master has not got the whole
        line: then nothing of it is done.
        """
        self._number += 1
        line = encode({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}, method)
        self._sock.settimeout(SEND_SECONDS)
        self._sock.sendall(line)
        return self._number

    def read(self, until: float | None = None) -> Message:
        """The next message: an answer or an event. `until` is a time.monotonic(); None waits for ever.

        Raises TimeoutError then, another OSError when the connection is over, and what hello was refused with.
        """
        seen = 0
        while True:
            end = self._buffer.find(b"\n", seen)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                seen = 0
                if line.strip():
                    return self._message(line)
                continue
            seen = len(self._buffer)
            if seen > MOST_BYTES:
                raise Stranger("a line without an end")
            self._receive(until)

    def answer(self, number: int, until: float | None = None) -> Any:
        """The result that belongs to a question; events before it are passed over. Raises what it was refused with."""
        while True:
            message = self.read(until)
            if message.get("id") == number:
                return result(message)

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """For its first words: whatever goes wrong closes it. Raises NoMaster where it broke."""
        try:
            yield
        except OSError as error:
            self.close()
            raise self.left(error) from None
        except BaseException:
            self.close()
            raise

    def alive(self) -> bool:
        """Whether the master has not hung up while nobody looked."""
        try:
            self._sock.settimeout(0.0)
            return bool(self._sock.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def break_off(self) -> None:
        """End it from another thread: whoever reads is woken with a ConnectionAbortedError."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            self.close()

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def left(self, error: OSError) -> NoMaster:
        """The error for this connection, which broke."""
        return NoMaster(_broken(self.master.in_errors, error, self.heard), hint=HINT)

    def _receive(self, until: float | None) -> None:
        left = None if until is None else max(0.0, until - time.monotonic())
        try:
            self._sock.settimeout(left)
            data = self._sock.recv(1 << 16)
        except BlockingIOError:
            raise TimeoutError from None
        if not data:
            raise ConnectionAbortedError("it closed the connection")
        self._buffer += data

    def _message(self, line: bytes) -> Message:
        """A message of the master. Before it may stand a telnet offer, to a client that was slow."""
        start = line.find(b"{")
        try:
            message: Message = json.loads(line[start:] if start >= 0 else b"")
        except ValueError:
            raise Stranger(escape(line.strip().decode("utf-8", "replace")[:MOST_SAID])) from None
        self.heard = True
        if "error" in message and message.get("id") in (None, self.greeting):
            raise refusal(message)
        return message


def _user() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"


def encode(request: dict[str, Any], method: str) -> bytes:
    """A request as one line. Raises InvalidParams for what JSON cannot hold, Invalid for what no master reads."""
    try:
        line = json.dumps(request, allow_nan=False, default=_path).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParams(f"The parameters of {method} cannot be sent as JSON: {error}.") from None
    if len(line) > LIMITS.json_line:
        raise Invalid(
            f"{method} with its parameters is {len(line)} bytes; a master reads {LIMITS.json_line} at the most.",
            hint="Send it in parts, or keep data in files that the workers see.",
        )
    return line


def _path(value: Any) -> str:
    """Paths are written as texts; nothing else is guessed."""
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    raise TypeError(f"{type(value).__name__} {value!r:.60}")


def result(message: Message) -> Any:
    """The result in an answer. Raises the error in it."""
    if "error" in message:
        raise refusal(message)
    return message.get("result")


def refusal(message: Message) -> BrenderError:
    """The error in an answer, as an exception of brender's tree."""
    found = message["error"]
    return from_envelope(found if isinstance(found, dict) else {"message": str(found)})
