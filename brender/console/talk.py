"""One operator's talk with the farm: their seat, the line to the master, and what is heard on it meanwhile.

It must not know prompts or what a line means.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from brender.console.glance import WATCHED
from brender.console.seat import Left, Seat
from brender.console.upstream import Gone, Upstream
from brender.wire.screen import escape_json, safe

T = TypeVar("T")
Files = Callable[[Any, dict[str, Any]], dict[str, Any]]
Dial = Callable[[], Awaitable[Upstream]]
Heard = Callable[[Any], None]
MOST_KEPT = 1000  # events that wait while a table or a question holds the screen


def no_files(parameters: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Behind telnet no file of the operator can be read: the master refuses it in its own words."""
    return given


class Talk:
    """`dial` makes a new line to the master where the old one broke; without it the talk ends with the line."""

    def __init__(self, seat: Seat, upstream: Upstream, dial: Dial | None = None, files: Files = no_files) -> None:
        self.seat = seat
        self.files = files
        self.above: Callable[[str], None] = seat.write
        self.introduced: Callable[[str], None] = lambda name: None
        self.quieted: Callable[[], None] = lambda: None  # all that this session follows may have ended
        self.topics: list[str] = []  # what it has subscribed to
        self._chosen: dict[str, list[int]] = {}  # and whose values it hears, where it chose
        self._dial = dial
        self._dialling = asyncio.Lock()
        self._name = ""  # what the operator said they are called, and the project they selected: said again
        self._project = ""  # on a new line
        self._kept: list[str] | None = None
        self._heard: dict[str, Heard] = {}
        self._answering = False
        self.upstream = upstream
        self._listen_to(upstream)

    @property
    def outlives(self) -> bool:
        """Whether the talk goes on when the master is gone, until it is back."""
        return self._dial is not None

    async def call(self, method: str, params: dict[str, Any]) -> Any:
        """Ask the master, on a new line where the old one broke. Raises what it refuses with, or Gone."""
        await self.reach()
        return await self.upstream.ask(method, params)

    async def reach(self) -> None:
        """See to it that there is a line to the master, with all that was said of oneself. Raises Gone."""
        if self._dial is None:
            return
        async with self._dialling:
            if not self.upstream.gone.done():
                return
            made = await self._dial()
            self._listen_to(made)
            if self._name:
                await made.call("session.hello", name=self._name)
            if self._project:
                await made.call("project.select", project=self._project)
            if self.topics:
                missed = await made.call("farm.subscribe", topics=self.topics, since=self.upstream.seq, **self._chosen)
                word = "" if missed["resumed"] else " Some events of the time between are lost."
                self.above(f"The farm is back.{word}\n")
            self.upstream = made

    async def wait(self, what: Awaitable[T]) -> T:
        """The result of what is waited for. Raises Left or Gone when the operator or the master leaves before."""
        task = asyncio.ensure_future(what)
        ends: list[asyncio.Future[Any]] = [task, self.seat.gone]
        if not self.upstream.gone.done():  # else it is being dialled anew
            ends.append(self.upstream.gone)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        if self.seat.gone.done():
            raise Left
        raise Gone("the master has ended the connection")

    def interrupt(self) -> None:
        """End what goes on in this session on the master: its pending answer comes at once, its events end."""
        self.topics = []
        self.upstream.tell("session.interrupt")
        self.quieted()

    def noted(self, method: str, selects: bool, answer: Any) -> None:
        """An answer that says something of the session itself."""
        if not isinstance(answer, dict):
            return
        if method in ("session.hello", "session.online"):
            self._name = str(answer.get("name", ""))
            self.introduced(self._name)
        elif method == "project.select" or (selects and "project" in answer):
            self._project = str(answer["project"])
        elif method == "rpc.unwatch":
            self.quieted()
        elif method in ("farm.subscribe", "farm.unsubscribe"):
            self.topics = list(answer["topics"])
            self._chosen = {"channels": answer["channels"]} if answer.get("channels") is not None else {}
            self.quieted()
            self.upstream.seq = max(self.upstream.seq, answer.get("seq", 0))

    # ---- what happens meanwhile

    def _listen_to(self, upstream: Upstream) -> None:
        upstream.hears, upstream.answered = self._hear, self._answered

    @contextmanager
    def hearing(self, topic: str, heard: Heard) -> Iterator[None]:
        """Events on a topic go to `heard` for now, not over the prompt; of a watch the topic is `rpc.watched NAME`."""
        self._heard[topic] = heard
        try:
            yield
        finally:
            del self._heard[topic]

    @contextmanager
    def screen(self) -> Iterator[None]:
        """A table or a question has the screen: events wait until it is given back."""
        before, self._kept = self._kept, [] if self._kept is None else self._kept
        try:
            yield
        finally:
            if before is None:
                self._release()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """A command is asked and its answer shown: events that come after the answer are shown after it."""
        self._answering = True
        try:
            yield
        finally:
            self._answering = False
            self._release()

    def _answered(self) -> None:
        if self._answering and self._kept is None:
            self._kept = []

    def _release(self) -> None:
        kept, self._kept = self._kept, None
        if kept:
            self.above("".join(kept))

    def _hear(self, topic: str, data: Any) -> None:
        key = f"{topic} {data['name']}" if topic == WATCHED else topic
        if key in self._heard:
            self._heard[key](data)
            return
        line = event_line(topic, data)
        if self._kept is None:
            self.above(line)
        elif len(self._kept) < MOST_KEPT:
            self._kept.append(line)


def event_line(topic: str, data: Any) -> str:
    """An event in a line, as every telnet session sees it."""
    text = data if isinstance(data, str) else escape_json(json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    return safe(f"[{topic}] {text}".replace("\n", " "), colour=False) + "\n"
