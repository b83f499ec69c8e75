"""One connection to the master in JSON lines: our own questions, lines of a page passed on, and what comes back.

It must not know pages, HTTP, or when to try again: whoever keeps an Upstream decides that.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from brender import address
from brender.errors import BrenderError, NoMaster, from_envelope

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
MOST_LINE = 256 << 20  # bytes; no answer comes near it
MOST_UNSENT = 4 << 20  # bytes that the master has not taken; then we wait
OFFER = b"\xff"  # with which no JSON begins
BROKEN = "The connection to the master broke before it answered."
LOOK = "Look what has become of it before you repeat it."


class Head(Struct):
    """What a line is: an answer (`id`), an event (`method`). The rest is not read."""

    id: int | str | UnsetType | None = UNSET
    method: str = ""


class Answer(Struct):
    """An answer to a question of our own, its result still as it came."""

    result: Raw = Raw(b"null")
    error: dict[str, Any] | None = None


Hear = Callable[[bytes], Awaitable[None] | None]


class Upstream:
    """Made by `dial`. `hear` is given every line that answers no question of ours, and may have us wait before we read
    the next one; `ended` is done when it is over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hear: Hear) -> None:
        self._reader, self._writer, self._hear = reader, writer, hear
        self._ours = secrets.token_hex(8)  # ids that no page can guess, so none gets an answer of ours
        self._mark = f'{{"jsonrpc":"2.0","id":"{self._ours}'.encode()
        self._asked: dict[str, asyncio.Future[Answer]] = {}
        self._number = 0
        self.ended = asyncio.create_task(self._read())

    @classmethod
    async def dial(cls, place: str, hear: Hear, name: str, **more: Any) -> tuple[Upstream, dict[str, Any]]:
        """A connection, and what the master says to our hello: name and role. Raises NoMaster."""
        host, port = address.master(place)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(host, port, limit=MOST_LINE)
                _keep_alive(writer)
                found = cls(reader, writer, hear)
                try:
                    return found, await found.ask("session.hello", name=name, **more)
                except BaseException:
                    found.close()
                    raise
        except (OSError, TimeoutError) as error:
            raise NoMaster(
                f"No master answers at {address.in_words(host, port)}.",
                hint=f"The page shows the farm again when it is back ({type(error).__name__}).",
            ) from None

    async def ask(self, method: str, **params: Any) -> Any:
        """The decoded result of a question of our own. Raises what the master answers with, or NoMaster."""
        return msgspec.json.decode(await self.ask_raw(method, params))

    async def ask_raw(self, method: str, params: Any) -> bytes:
        """The same as the bytes of the result."""
        self._number += 1
        request = f"{self._ours}-{self._number}"
        waiting = self._asked[request] = asyncio.get_running_loop().create_future()
        try:
            await self.send(msgspec.json.encode({"jsonrpc": "2.0", "id": request, "method": method, "params": params}))
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await waiting
        except TimeoutError:
            raise NoMaster(f"The master has not answered {method} for {ANSWER_SECONDS:g} s.") from None
        finally:
            self._asked.pop(request, None)
        if answer.error is not None:
            raise from_envelope(answer.error)
        return bytes(answer.result)

    async def send(self, line: bytes) -> None:
        """Pass on one JSON document without line ends; waits while the master takes nothing. Raises NoMaster."""
        if self.ended.done():
            raise NoMaster("The connection to the master is over.")
        try:
            self._writer.write(line + b"\n")
            await self._writer.drain()
        except OSError:
            raise NoMaster(BROKEN, hint=LOOK, outcome="unknown") from None

    def close(self) -> None:
        """Hang up; `ended` is done soon."""
        self._writer.close()

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                if line.startswith(OFFER):  # we were slow: a telnet offer stands before the first answer
                    line = line[line.find(b"{") :]
                if line.startswith(self._mark):
                    self._answered(line)
                elif line.startswith((b"{", b"[")) and (pause := self._hear(line[:-1])) is not None:
                    await pause
        except (OSError, ValueError):  # broken, or a line longer than any of a master's
            pass
        finally:
            self._writer.close()
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(NoMaster(BROKEN, hint=LOOK, outcome="unknown"))

    def _answered(self, line: bytes) -> None:
        request = line[len(self._mark) - len(self._ours) :].partition(b'"')[0].decode()
        waiting = self._asked.get(request)
        if waiting is not None and not waiting.done():
            waiting.set_result(msgspec.json.decode(line, type=Answer))


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    writer.transport.set_write_buffer_limits(high=MOST_UNSENT)


def refusal(request: Any, error: BrenderError) -> str:
    """The answer that says no to a request of a page."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request, "error": error.envelope()}).decode()
