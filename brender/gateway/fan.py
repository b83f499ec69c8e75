"""All pages hear the farm over one subscription: each event is encoded once, by the master, and handed to who wants it.

The last events are kept, so a page whose connection broke resumes here. Events are gathered for some milliseconds and
leave together. While no page listens the farm is not subscribed to. It must not know WebSockets or HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from brender.config import DEFAULT
from brender.errors import BrenderError, NoMaster
from brender.gateway import choice
from brender.gateway.choice import VALUES, Choice
from brender.gateway.upstream import Upstream
from brender.wire.feed import matches

log = logging.getLogger("brender.web")

#: Not of the feed: sent only to who names them, or of the moment (docs/protocol.md); never kept.
NAMED = frozenset({"task.states", "worker.load", "job.progress", VALUES})
MOMENTS = NAMED | {"task.progress"}
GATHER, GATHER_PAGE, MOST_GATHER = 0.01, 0.0003, 0.06  # seconds: for one page, more for each other, at the most
LINGER = 60.0  # seconds after the last page until the farm is not listened to any more
PAST_SECONDS = 5.0  # for events that only the master knows still
AHEAD = 10_000  # events: a page may know of newer ones than we, by an answer on its own connection
RETRY = (0.1, 2.0)  # seconds between attempts to reach the master: full jitter, doubling


class Told(Struct):
    seq: int
    topic: str


class Line(Struct):
    """The part of an event that is looked at."""

    params: Told


class Listener(Protocol):
    """A page. `topics` are globs, `channels` those whose values it hears; what it is told is one text, a JSON-RPC
    message or a batch of them."""

    topics: tuple[str, ...]
    channels: Choice

    def push(self, text: str) -> None: ...


class Fan:
    """`run` keeps the connection to the master; pages come by `add`, `subscribe` and go by `remove`."""

    def __init__(self, place: str, web: str = "", version: Callable[[], str] = str) -> None:
        """`web` is where the page is, for the master to tell those who look for it on its own port; `version` says
        which page that is, for those who have an older one open."""
        self.pages: set[Listener] = set()
        self.seq = 0
        self.role = ""
        self.life = 0  # which connection to the master this is
        self.told = 0  # events handed to pages, each counted once for each page
        self._place, self._web, self._version = place, web, version
        self._up: Upstream | None = None
        self._live = False
        self._named: set[str] = set()
        self._channels: Choice = frozenset()  # whose values the master tells us
        self._floor = 0  # the ring holds all events after this one
        self._ring: deque[tuple[int, str, bytes]] = deque()
        self._pending: list[tuple[str, bytes]] = []
        self._flushing: asyncio.TimerHandle | None = None
        self._matched: dict[tuple[str, tuple[str, ...]], bool] = {}
        self._lock = asyncio.Lock()
        self._idle_since: float | None = None

    @property
    def master(self) -> bool:
        """Whether the master answers."""
        return self._up is not None

    async def run(self) -> None:
        """For ever: connect, listen, and when it breaks tell the pages and connect again."""
        wait = RETRY[0]
        while True:
            try:
                up, hello = await Upstream.dial(self._place, self._hear, "web", web=self._web, remember=False)
            except BrenderError as error:
                log.debug("%s", error)
                await asyncio.sleep(random.uniform(0.2, 1.0) * wait)
                wait = min(RETRY[1], wait * 2)
                continue
            wait = RETRY[0]
            try:
                await self._up_again(up, str(hello["role"]))
                await self._look_after(up)
            except BrenderError as error:
                log.warning("the master: %s", error)
            finally:
                up.close()
                self._up = None
                self._tell_state()

    async def ask(self, method: str, **params: Any) -> Any:
        """A question of the gateway itself. Raises NoMaster or what the master answers with."""
        if self._up is None:
            raise NoMaster("The master does not answer at the moment.", hint="The page tries again by itself.")
        return await self._up.ask(method, **params)

    async def ask_raw(self, method: str, params: Any) -> bytes:
        """The same as bytes."""
        if self._up is None:
            raise NoMaster("The master does not answer at the moment.", hint="The page tries again by itself.")
        return await self._up.ask_raw(method, params)

    def add(self, page: Listener) -> None:
        """A page is here; it is told at once whether the master is."""
        self.pages.add(page)
        page.push(self._state())

    def remove(self, page: Listener) -> None:
        self.pages.discard(page)

    async def subscribe(
        self, page: Listener, topics: Iterable[str], since: int | None, channels: Choice = None
    ) -> tuple[dict[str, Any], str]:
        """What farm.subscribe answers, and the events that were missed as one text; raises NoMaster."""
        wanted = tuple(topics)
        if VALUES in wanted:
            page.channels = channels
        async with self._lock:
            if self._up is None:
                raise NoMaster("The master does not answer at the moment.", hint="The page tries again by itself.")
            if not self._live:
                await self._listen(self._up, since)
            elif since is not None:
                await self._reach_back(since)
            await self._name(self._up, NAMED & set(wanted), page)
        self.flush()  # what others have to be told still is in the ring already
        resumed = since is None or self._floor <= since <= self.seq + AHEAD
        missed: list[bytes] = []
        if resumed and since is not None:
            missed = [line for seq, topic, line in self._ring if seq > since and matches(topic, wanted)]
        page.topics = tuple(sorted({*page.topics, *wanted}))
        answer = {"topics": list(page.topics), "seq": max(self.seq, since or 0) if resumed else self.seq}
        return {**answer, "resumed": resumed, **_of(page.topics, page.channels)}, together(missed)

    def unsubscribe(self, page: Listener, topics: Iterable[str]) -> dict[str, Any]:
        """What farm.unsubscribe answers; no topics mean all."""
        gone = set(topics)
        page.topics = tuple(topic for topic in page.topics if gone and topic not in gone)
        return {"topics": list(page.topics)}

    # ---- the one subscription

    async def _name(self, up: Upstream, wanted: frozenset[str], page: Listener) -> None:
        """Hear these topics too, and the channels that this page chose beside those of the others."""
        fresh = wanted - self._named
        channels = self._channels
        if VALUES in wanted:
            channels = choice.together([*self._choices(), page.channels])
            if not choice.covers(self._channels, channels):
                fresh |= {VALUES}
        if fresh:
            await up.ask("farm.subscribe", topics=sorted(fresh), **_of(fresh, channels))
            self._named |= fresh
            self._channels = channels if VALUES in fresh else self._channels

    def _choices(self) -> list[Choice]:
        return [page.channels for page in self.pages if VALUES in page.topics]

    async def _up_again(self, up: Upstream, role: str) -> None:
        async with self._lock:
            self.role = role
            self.life += 1
            if self._live:
                before = self.seq
                named = ["*", *sorted(self._named)]
                answer = await up.ask("farm.subscribe", topics=named, since=self.seq, **_of(named, self._channels))
                if not answer["resumed"]:
                    self._forget(answer["seq"])
                    self._gather("farm.lagged", _event(answer["seq"], "farm.lagged", {"lost": answer["seq"] - before}))
                self.seq = max(self.seq, answer["seq"])
            self._up = up
        self._tell_state()

    async def _listen(self, up: Upstream, since: int | None) -> None:
        """The first page is here, and perhaps knows events up to `since`."""
        asked = {} if since is None else {"since": since}
        answer = await up.ask("farm.subscribe", topics=["*"], **asked)
        self._live = True
        self._floor = answer["seq"] if since is None or not answer["resumed"] else since
        self.seq = max(self.seq, answer["seq"])

    async def _reach_back(self, since: int) -> None:
        """A page knows less than those before it: get what lies between from the master, on a connection of its own."""
        if since >= self._floor:
            return
        lines: list[tuple[int, str, bytes]] = []
        whole = asyncio.Event()

        def hear(line: bytes) -> None:
            told = _told(line)
            if told is not None and told.topic not in MOMENTS and told.seq <= self._floor:
                lines.append((told.seq, told.topic, line))
            if told is not None and told.seq >= self._floor:
                whole.set()

        past, _ = await Upstream.dial(self._place, hear, "web", remember=False)
        try:
            answer = await past.ask("farm.subscribe", topics=["*"], since=since)
            if answer["resumed"]:
                async with asyncio.timeout(PAST_SECONDS):
                    await whole.wait()
                self._ring.extendleft(reversed(lines))
                self._floor = since
        except TimeoutError:
            log.warning("the master did not tell the events after %d in time", since)
        finally:
            past.close()

    async def _look_after(self, up: Upstream) -> None:
        """Until the connection ends: let go of what no page wants any more."""
        while not up.ended.done():
            await asyncio.wait([up.ended], timeout=LINGER / 4)
            await self.let_go(asyncio.get_running_loop().time())

    async def let_go(self, now: float) -> None:
        """Unsubscribe from what nobody has wanted for LINGER seconds."""
        async with self._lock:
            if self._up is None or self._up.ended.done():
                return
            spare = self._named - {topic for page in self.pages for topic in page.topics}
            if spare:
                self._named -= spare
                await self._up.ask("farm.unsubscribe", topics=sorted(spare))
            channels = choice.together(self._choices())
            if VALUES in self._named and channels != self._channels:
                self._channels = channels
                await self._up.ask("farm.subscribe", topics=[VALUES], **_of([VALUES], channels))
            if any(page.topics for page in self.pages) or not self._live:
                self._idle_since = None
            elif self._idle_since is None:
                self._idle_since = now
            elif now - self._idle_since >= LINGER:
                await self._up.ask("farm.unsubscribe")
                self._live = False
                self._forget(self.seq)

    def _forget(self, seq: int) -> None:
        """Events up to this one are not known here."""
        self._ring = deque(one for one in self._ring if one[0] > seq)
        self._floor = seq

    # ---- events

    def _hear(self, line: bytes) -> None:
        told = _told(line)
        if told is None:
            return
        if told.topic not in MOMENTS:
            self.seq = max(self.seq, told.seq)
            self._ring.append((told.seq, told.topic, line))
            if len(self._ring) > DEFAULT.feed_events:
                self._floor = self._ring.popleft()[0]
        self._gather(told.topic, line)

    def _gather(self, topic: str, line: bytes) -> None:
        self._pending.append((topic, line))
        if self._flushing is None:
            window = min(MOST_GATHER, GATHER + GATHER_PAGE * len(self.pages))
            self._flushing = asyncio.get_running_loop().call_later(window, self.flush)

    def flush(self) -> None:
        """Hand out what was gathered: one text for all pages that want the same."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        pending, self._pending = self._pending, []
        if not pending:
            return
        texts: dict[tuple[tuple[str, ...], Choice], tuple[str, int]] = {}
        cut = choice.Cut()
        for page in list(self.pages):
            if not page.topics:
                continue
            want = page.topics, page.channels if VALUES in page.topics else None
            if want not in texts:
                mine = [(topic, line) for topic, line in pending if self._wants(topic, page.topics)]
                lines = [cut.of(line, want[1]) if topic == VALUES else line for topic, line in mine]
                told = [line for line in lines if line is not None]
                texts[want] = together(told), len(told)
            text, count = texts[want]
            if text:
                self.told += count
                page.push(text)

    def _wants(self, topic: str, topics: tuple[str, ...]) -> bool:
        key = topic, topics
        found = self._matched.get(key)
        if found is None:
            if len(self._matched) > 10_000:
                self._matched.clear()
            found = topic in topics if topic in NAMED else topic == "farm.lagged" or matches(topic, topics)
            self._matched[key] = found
        return found

    def _state(self) -> str:
        params = {"master": self.master, "page": self._version()}
        return msgspec.json.encode({"jsonrpc": "2.0", "method": "gateway.state", "params": params}).decode()

    def _tell_state(self) -> None:
        self.flush()
        for page in list(self.pages):
            page.push(self._state())


def _of(topics: Iterable[str], channels: Choice) -> dict[str, list[int]]:
    """What a subscription to these topics says of channels."""
    return {} if channels is None or VALUES not in topics else {"channels": sorted(channels)}


def _told(line: bytes) -> Told | None:
    """Number and topic of an event; None for anything else."""
    try:
        return msgspec.json.decode(line, type=Line).params
    except msgspec.MsgspecError:
        return None


def _event(seq: int, topic: str, data: Any) -> bytes:
    params = {"seq": seq, "topic": topic, "data": data}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "event", "params": params})


def together(lines: list[bytes]) -> str:
    """Messages as one text: a JSON-RPC batch where there are several."""
    if len(lines) < 2:
        return lines[0].decode() if lines else ""
    return (b"[" + b",".join(lines) + b"]").decode()
