"""One page at the WebSocket: its requests go over a connection of its own, its events come from the fan.

Each frame is one JSON-RPC message or batch, as on port 6000. It must not know commands beyond the two that the fan
answers and the few whose answer is the same for everybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict
from starlette.websockets import WebSocket, WebSocketDisconnect

from brender.commands import COMMANDS
from brender.errors import BrenderError, InvalidRequest, NoMaster, ParseError
from brender.gateway import say
from brender.gateway.choice import Choice
from brender.gateway.fan import Fan
from brender.gateway.upstream import BROKEN, LOOK, Head, Upstream, refusal

log = logging.getLogger("brender.web")

MOST_TEXTS, MOST_BYTES = 1000, 16 << 20  # that a page has not read; then it is dropped (CONTRACT 4.9)
MOST_AHEAD = 2 << 20  # bytes of its own answers, a long log for one; then the master is not read for it
MOST_PENDING = 64  # requests of one page that wait for the master; then it is not read
DEFECT = 1011  # close code
TOO_SLOW = 4408  # close code: the page does not read; it may come back and resume
#: Asked by every page, at its start or all the time.
SAME_FOR_ALL = ("farm.mirror", "channel.mirror", "farm.status", "rpc.discover", "schedule.agenda")
_INTRODUCTIONS = ("session.hello", "session.online")  # said again on a connection that is made anew
KEPT = 0.5  # seconds
CLOSE_SECONDS = 2.0


class Flights:
    """Questions whose answer is the same for many pages are asked once, and the answer is given for KEPT seconds.

    An older mirror is none the worse: its `seq` says which events come after it.
    """

    def __init__(self) -> None:
        self._going: dict[tuple[int, str, bytes], asyncio.Task[bytes]] = {}

    async def ask(self, fan: Fan, method: str, params: Any) -> bytes:
        """The result as bytes. Raises what the master answers with."""
        key = fan.life, method, msgspec.json.encode(params)
        task = self._going.get(key)
        if task is None:
            task = self._going[key] = asyncio.create_task(fan.ask_raw(method, params))
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def _landed(self, key: tuple[int, str, bytes], done: asyncio.Task[bytes]) -> None:
        if done.cancelled() or done.exception() is not None:
            del self._going[key]
        else:
            asyncio.get_running_loop().call_later(KEPT, self._going.pop, key, None)


class Browser:
    """`run` is the whole life of a page's connection."""

    def __init__(self, socket: WebSocket, fan: Fan, flights: Flights, place: str) -> None:
        self.topics: tuple[str, ...] = ()
        self.channels: Choice = None
        self._socket, self._fan, self._flights, self._place = socket, fan, flights, place
        self._up: Upstream | None = None
        self._role = ""
        self._hello: Any = None
        self._pending: set[int | str | None] = set()
        self._room = asyncio.Event()
        self._unsent: deque[str] = deque()
        self._unsent_bytes = 0
        self._more = asyncio.Event()
        self._read_on = asyncio.Event()
        self._slow = self._gone = False
        self._asides: set[asyncio.Task[None]] = set()
        self._writing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the page until it goes, or is dropped."""
        await self._socket.accept()
        self._fan.add(self)
        writing = self._writing = asyncio.create_task(self._write())
        reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait([writing, reading], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._fan.remove(self)
            self._gone = True
            self._read_on.set()
            if self._up is not None:
                self._up.close()
            tasks = (writing, reading, *self._asides)
            for task in tasks:
                task.cancel()
            for end in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(end, Exception):
                    log.error("a page met a defect of the gateway", exc_info=end)
                    await self._close(DEFECT, "a defect of the gateway")
            if self._slow:
                await self._close(TOO_SLOW, "this page reads too slowly")

    def push(self, text: str) -> None:
        """Queue a text for the page. One that does not read is dropped: the farm waits for nobody."""
        if self._slow:
            return
        self._unsent.append(text)
        self._unsent_bytes += len(text)
        if len(self._unsent) > MOST_TEXTS or self._unsent_bytes > MOST_BYTES:
            self._slow = True
            if self._writing is not None:
                self._writing.cancel()
            log.info("a page that does not read is dropped, with %d texts unsent", len(self._unsent))
        self._more.set()

    async def _close(self, code: int, reason: str) -> None:
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code, reason)

    async def _write(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                while self._unsent:
                    text = self._unsent.popleft()
                    await self._socket.send_text(text)  # waits while the page takes nothing
                    self._unsent_bytes -= len(text)
                    if self._unsent_bytes <= MOST_AHEAD:
                        self._read_on.set()
                self._more.clear()
                await self._more.wait()

    # ---- what the page asks

    async def _read(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await self._take(await self._socket.receive_text())
                while len(self._pending) >= MOST_PENDING:
                    self._room.clear()
                    await self._room.wait()

    async def _take(self, text: str) -> None:
        request: Any = None
        try:
            document = _decoded(text)
            if isinstance(document, list):
                await self._take_batch(document, text)
                return
            request, method = document.get("id"), str(document.get("method"))
            row = COMMANDS.find(method)
            name = row.name if row is not None else method
            params = document.get("params") or {}
            if name in ("farm.subscribe", "farm.unsubscribe"):
                await self._events(name, request, params)
            elif name in SAME_FOR_ALL and "id" in document and await self._same_role():
                result = await self._flights.ask(self._fan, name, params)
                head = b'{"jsonrpc":"2.0","id":' + msgspec.json.encode(request) + b',"result":'
                self.push((head + result + b"}").decode())
            elif name == say.METHOD:
                self._aside(self._say(request, params))
            else:
                if name in _INTRODUCTIONS:
                    self._hello = params
                await self._pass_on(text, [request] if "id" in document else [])
        except BrenderError as error:
            self.push(refusal(request, error))

    async def _take_batch(self, members: list[Any], text: str) -> None:
        ids = [one.get("id") for one in members if isinstance(one, dict) and "id" in one]
        for one in members:
            row = COMMANDS.find(str(one.get("method"))) if isinstance(one, dict) else None
            if row is not None and row.name in ("farm.subscribe", "farm.unsubscribe", *_INTRODUCTIONS):
                raise InvalidRequest(f"{row.words} stands in no batch here.", hint="Send it as a message of its own.")
        await self._pass_on(text, ids)

    async def _events(self, name: str, request: Any, params: Any) -> None:
        _, read = COMMANDS.read(name, params)
        given = {key: value for key, value in asdict(read).items() if value is not UNSET}
        topics: list[str] = given.get("topics") or []
        missed = ""
        if name == "farm.subscribe":
            some = given.get("channels")
            channels = None if some is None else frozenset(some)
            answer, missed = await self._fan.subscribe(self, topics or ["*"], given.get("since"), channels)
        else:
            answer = self._fan.unsubscribe(self, topics)
            if self._up is not None and (not topics or {"task.log", "worker.tail"} & {*topics}):
                await self._up.ask("farm.unsubscribe", topics=topics)  # ends what its own connection follows
        self.push(msgspec.json.encode({"jsonrpc": "2.0", "id": request, "result": answer}).decode())
        if missed:
            self.push(missed)

    async def _say(self, request: Any, params: Any) -> None:
        """Answer a line of the console; what it asks the master may take its time, so the page is read meanwhile."""
        try:
            answer = await say.say(params, self._ask)
        except BrenderError as error:
            self.push(refusal(request, error))
        else:
            self.push(msgspec.json.encode({"jsonrpc": "2.0", "id": request, "result": answer}).decode())

    async def _ask(self, method: str, params: dict[str, Any]) -> bytes:
        return await (await self._open()).ask_raw(method, params)

    def _aside(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    async def _same_role(self) -> bool:
        """Whether the master would answer this page as it answers the gateway."""
        await self._open()
        return self._role == self._fan.role != "artist" and not (self._hello or {}).get("token")

    async def _pass_on(self, text: str, ids: list[Any]) -> None:
        up = await self._open()
        self._pending.update(ids)
        await up.send(text.replace("\r", " ").replace("\n", " ").encode())

    async def _open(self) -> Upstream:
        """The page's own connection, made with its first request and anew after it broke; says who the page is."""
        if self._up is None or self._up.ended.done():
            if not self._fan.master:
                raise NoMaster("The master does not answer at the moment.", hint="The page tries again by itself.")
            self._up, hello = await Upstream.dial(self._place, self._hear, "a page")
            self._role = str(hello["role"])
            self._up.ended.add_done_callback(lambda _: self._broken())
            if self._hello:
                with suppress(BrenderError):
                    await self._up.ask_raw("session.hello", self._hello)
        return self._up

    def _hear(self, line: bytes) -> Awaitable[None] | None:
        """An answer to the page, or an event of its own session (task.log, worker.tail, job.watch).

        A page that has much of it unread is not given more: the master notices, and so does the worker whose log it is.
        """
        heads = msgspec.json.decode(line, type=Head | list[Head])
        for head in heads if isinstance(heads, list) else [heads]:
            if head.id is not UNSET:
                self._pending.discard(head.id)
        self._room.set()
        self.push(line.decode())
        if self._unsent_bytes <= MOST_AHEAD or self._slow or self._gone:
            return None
        self._read_on.clear()
        return self._has_read()

    async def _has_read(self) -> None:
        await self._read_on.wait()

    def _broken(self) -> None:
        """What the master did not answer any more is answered here; whether it was done nobody knows."""
        for request in self._pending:
            self.push(refusal(request, NoMaster(BROKEN, hint=LOOK, outcome="unknown")))
        self._pending.clear()
        self._room.set()


def _decoded(text: str) -> Any:
    """One JSON document, an object or a list. The master checks the rest. Raises ParseError or InvalidRequest."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ParseError(f"This is no JSON document: {error}.") from None
    if not isinstance(document, dict | list):
        raise InvalidRequest("A request is a JSON object.")
    return document
