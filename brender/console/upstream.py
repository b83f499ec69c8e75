"""A line to the master: questions go out, answers and events come in, as any client of JSON lines has it.

It must not know commands or terminals. Its first word leaves with the connection: the silent are taken for telnet.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec

from brender.errors import BrenderError, InternalError, from_envelope

PATIENCE = 5.0  # seconds to reach a master
LONGEST = 64 << 20  # bytes of one answer; more is no answer of ours

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()


class Gone(Exception):
    """The master does not answer (any more)."""


class Upstream(asyncio.Protocol):
    """One connection under one name. `hears(topic, data)` is given events; `gone` is done when the line is broken."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seq = 0  # number of the newest event that was heard
        self.hears: Callable[[str, Any], None] = lambda topic, data: None
        self.answered: Callable[[], None] = lambda: None  # told of an answer before anything that comes after it
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._buffer = bytearray()
        self.welcome: asyncio.Future[Any] | None = None

    def ask(self, method: str, params: dict[str, Any] | None = None) -> asyncio.Future[Any]:
        """Send a question; the future has the result, a BrenderError, or Gone."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            answer.set_exception(Gone("The line to the master is broken."))
            return answer
        self._number += 1
        self._waiting[self._number] = answer
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params or {}})
        return answer

    async def call(self, method: str, /, **params: Any) -> Any:
        """Ask and wait. Raises the error the master answers with, or Gone."""
        return await self.ask(method, params)

    def tell(self, method: str, **params: Any) -> None:
        """Say something that needs no answer."""
        if self._transport is not None and not self._transport.is_closing():
            self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def close(self) -> None:
        """End the line, at once."""
        if self._transport is not None:
            self._transport.abort()

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.welcome = self.ask("session.hello", {"name": self.name}) if self.name else self.ask("session.test")

    def data_received(self, data: bytes) -> None:
        seen = len(self._buffer)
        self._buffer += data
        at = 0
        while (end := self._buffer.find(b"\n", max(at, seen))) >= 0:
            self._line(bytes(self._buffer[at:end]))
            at = end + 1
        del self._buffer[:at]
        if len(self._buffer) > LONGEST and self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(Gone("The master has ended the connection."))
        if not self.gone.done():
            self.gone.set_result(None)

    # ---- inside

    def _send(self, message: dict[str, Any]) -> None:
        assert self._transport is not None
        self._transport.write(_ENCODER.encode(message) + b"\n")

    def _line(self, line: bytes) -> None:
        start = line.find(b"{")  # before it may stand a telnet offer, to a client that was slow
        if start < 0:
            return
        try:
            message = _DECODER.decode(line[start:])
        except msgspec.DecodeError:
            self.connection_lost(None)
            self.close()
            return
        answer = self._waiting.pop(message.get("id"), None)
        if answer is None:
            if message.get("method") == "event":
                self.seq = message["params"]["seq"]
                self.hears(message["params"]["topic"], message["params"]["data"])
        elif not answer.done():  # else whoever asked has been interrupted
            if "error" in message:
                answer.set_exception(_error(message["error"]))
            else:
                answer.set_result(message.get("result"))
            self.answered()


def _error(envelope: Any) -> BrenderError:
    if not isinstance(envelope, dict):
        return InternalError("The master answered something that is no error of ours.")
    return from_envelope(envelope)


async def over_socket(sock: socket.socket, name: str) -> Upstream:
    """A line over a connected socket, which is the line's from then on. Raises Gone when nobody is at its other end."""
    return await _greeted(lambda make: asyncio.get_running_loop().create_connection(make, sock=sock), name)


async def over_tcp(host: str, port: int, name: str) -> Upstream:
    """A line to a master's port. Raises Gone when nobody answers there."""
    return await _greeted(lambda make: asyncio.get_running_loop().create_connection(make, host, port), name)


async def over_unix(path: str, name: str) -> Upstream:
    """A line to the socket beside a master's database. Raises Gone when nobody answers there."""
    return await _greeted(lambda make: asyncio.get_running_loop().create_unix_connection(make, path), name)


Connect = Callable[[Callable[[], Upstream]], Awaitable[tuple[asyncio.BaseTransport, Upstream]]]


async def _greeted(connect: Connect, name: str) -> Upstream:
    try:
        async with asyncio.timeout(PATIENCE):
            _, made = await connect(lambda: Upstream(name))
    except TimeoutError:
        raise Gone(f"nobody takes the connection within {PATIENCE:g} s") from None
    except OSError as error:
        raise Gone(os.strerror(error.errno) if error.errno else str(error)) from None
    try:
        async with asyncio.timeout(PATIENCE):
            assert made.welcome is not None
            await made.welcome
    except (TimeoutError, Gone):
        made.close()
        raise Gone(f"nothing was answered within {PATIENCE:g} s") from None
    return made
