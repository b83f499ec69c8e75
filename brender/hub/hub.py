"""The one greenlet that owns the Core: it drains what waits, takes turns, and lets answers leave after the commit.

It must not decide anything about the farm. Requests become events through the command table; reads are answered from
memory.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event as Wake
from msgspec import Struct
from msgspec.structs import asdict

from brender.commands import COMMANDS, calls, text
from brender.commands.table import Row
from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.orders import Hangup, Order
from brender.errors import BrenderError, Busy, InternalError
from brender.hub.clock import SteadyClock
from brender.hub.later import Later
from brender.hub.links import Link
from brender.hub.logs import TOPIC as LOG_TOPIC
from brender.hub.writer import Writer
from brender.wire.feed import Feed, matches
from brender.wire.messages import Reply, Request
from brender.wire.packed import frame

log = logging.getLogger("brender.hub")

MOST_REQUESTS = 256  # one slice of the hub; then other greenlets get their turn
SLICE = 0.02  # seconds; requests that cost much make it shorter
MOST_RESULTS = 512
TICK = 1.0  # seconds


class Asked(Struct):
    """A request that became an event: whom to answer when its turn is on the disk."""

    link: Link
    request: Request
    row: Row


class Hub:
    """Owns the core. `take` and `gone` are called by the port; everything else happens in `run`."""

    def __init__(
        self, core: Core, writer: Writer, feed: Feed, clock: SteadyClock, info: Callable[[], dict[str, Any]]
    ) -> None:
        self.core = core
        self.feed = feed
        self.links: dict[int, Link] = {}
        self._writer = writer
        self._clock = clock
        self._info = info
        self._inbox: deque[tuple[Link, Request | None]] = deque()
        self._held: deque[tuple[Link, Request | None]] = deque()
        self._wake = Wake()
        self._later = Later(core.farm, writer, self.links, clock.now, lambda: feed.last)
        self._events: list[ev.Event] = []
        self._asked: list[Asked | None] = []
        self._results = 0
        self._ticked = 0.0
        self._more = False
        self.turns = 0

    # ---- what the port calls

    def take(self, link: Link, requests: list[Request]) -> None:
        """Queue the requests of a peer."""
        if link.number not in self.links:
            self.links[link.number] = link
            link.since = self._clock.now()
        self._inbox.extend((link, request) for request in requests)
        self._wake.set()

    def gone(self, link: Link) -> None:
        """A connection has ended; what it still had queued is handled first."""
        self._inbox.append((link, None))
        self._wake.set()

    # ---- the loop

    def run(self) -> None:
        """Take turns for ever; spawn it as a greenlet."""
        gevent.spawn(self._tick_for_ever)
        while True:
            self._wake.wait()
            self._wake.clear()
            self.step()
            if self._inbox or self._more:
                self._wake.set()
                gevent.sleep(0)

    def step(self) -> None:
        """One slice: some requests, the turns they need, the schedule."""
        now = self._clock.now()
        full = bool(self._writer.full)
        if not full and self._held:
            self._inbox.extendleft(reversed(self._held))
            self._held.clear()
        if not full and now - self._ticked >= TICK:
            self._ticked = now
            self._add(ev.Tick(), None)
            self._later.tick()
        self._results = 0
        for _ in range(MOST_REQUESTS):
            if not self._inbox or self._results >= MOST_RESULTS or self._clock.now() - now > SLICE:
                break
            link, request = self._inbox.popleft()
            if full and link.worker:
                # Nothing can be stored, so nothing is taken from workers: their outboxes hold it (F06).
                self._held.append((link, request))
            elif request is None:
                self._forget(link)
            else:
                self._handle(link, request)
        if self._events or self._more:
            self._turn()

    def boot(self) -> None:
        """The first turn: nobody is here, a new epoch begins."""
        self._add(ev.Boot(), None)
        self._turn()

    def _tick_for_ever(self) -> None:
        while True:
            gevent.sleep(TICK)
            self._wake.set()

    # ---- requests

    def _handle(self, link: Link, request: Request) -> None:
        """One request to data, an event or an act. People's requests see the effect of what came before them."""
        row: Row | None = None
        try:
            row, params = self._resolve(link, request)
            if row.reads is not None:
                self._report(link, request, row, params)
                return
            if self._events:
                self._turn()
            found = COMMANDS.run(self._call(link), row, params)
            if isinstance(found, ev.Event):
                if self._writer.full:
                    raise Busy(f"Nothing can be stored at the moment. {self._writer.full}")
                self._add(found, Asked(link, request, row))
                return
            if isinstance(found, calls.Quit):
                self._writer.after(lambda: self._bid_farewell(link, request))
                return
            if isinstance(found, calls.Unhurried):
                self._later.begin(link, found, lambda said: self._reply(link, request, row, said))
                return
            if isinstance(found, calls.Act):
                found = self._act(link, found)
            self._reply_later(link, request, row, found)
        except BrenderError as error:
            self._reply_later(link, request, row, error)
        except Exception as defect:
            log.exception("request %s of %s met a defect", row.name if row else request.method, link.peer)
            self._reply_later(link, request, row, InternalError(f"{type(defect).__name__}: {defect}"))

    def _resolve(self, link: Link, request: Request) -> tuple[Row, Any]:
        if request.words is not None:
            return COMMANDS.resolve(request.words)
        row = COMMANDS.method(request.method)
        calls.check(link.who.role, row.role, row.words)  # before anything is said about the parameters
        if row.reads is not None:
            return row, request.params_as(row.reads)
        return COMMANDS.read(request.method, request.params)

    def _report(self, link: Link, request: Request, row: Row, params: Any) -> None:
        """What a machine says: straight into an event; many of them make one turn."""
        event = row.run(link.number, params)
        if isinstance(event, calls.Heard):
            self._later.hear(link, event.said)
        if event is None or isinstance(event, calls.Heard):
            self._reply_later(link, request, row, None)
            return
        link.worker = True
        if isinstance(event, ev.Disconnected):
            link.bye = True
        elif isinstance(event, ev.Results):
            self._results += len(event.results)
        self._add(event, Asked(link, request, row))

    def _act(self, link: Link, act: calls.Act) -> Any:
        """What concerns only the asking session."""
        if isinstance(act, calls.Subscribe):
            link.topics = sorted({*link.topics, *act.topics})
            missed = self.feed.since(act.since, act.topics) if act.since is not None else []
            if missed and act.since is not None:
                link.resume(self.feed, act.since)
            return {"topics": link.topics, "seq": link.told(self.feed), "resumed": missed is not None}
        if isinstance(act, calls.Unsubscribe):
            link.topics = [topic for topic in link.topics if act.topics and topic not in act.topics]
            if not act.topics or LOG_TOPIC in act.topics:
                self._later.end(link)
            return {"topics": link.topics}
        if isinstance(act, calls.SelectProject):
            link.project = act.name
            return {"project": act.name}
        if isinstance(act, calls.Introduce):
            link.name, link.remembers = act.name, act.remember
            return {"name": act.name, "role": link.who.role}
        raise InternalError(f"Nobody carries out {type(act).__name__}.")

    def _call(self, link: Link) -> calls.Call:
        now = self._clock.now()
        return calls.Call(
            farm=self.core.farm,
            who=link.who,
            table=COMMANDS,
            now=now,
            uptime=now - self._clock.started_at,
            project=link.project,
            info=self._info,
            sessions=lambda: [other.row() for other in self.links.values()],
            marks=self._later.standing.marks,
        )

    def _forget(self, link: Link) -> None:
        self.links.pop(link.number, None)
        self._later.gone(link)
        link.topics = []
        if link.worker and not link.bye:
            self._add(ev.Disconnected(link.number), None)

    # ---- turns

    def _add(self, event: ev.Event, asked: Asked | None) -> None:
        self._events.append(event)
        self._asked.append(asked)

    def _turn(self) -> None:
        """One turn of the core; its answers, orders and events leave when its changes are on the disk."""
        events, asked = self._events, self._asked
        self._events, self._asked = [], []
        turn = self.core.turn(events, self._clock.now())
        self._more = turn.more
        self.turns += 1
        for one, answer in zip(asked, turn.answers, strict=True):
            if one is not None and one.row.selects and one.link.remembers and isinstance(answer, dict):
                one.link.project = answer.get("project", one.link.project)
        self._writer.submit(turn.changes, lambda: self._release(asked, turn))

    def _release(self, asked: list[Asked | None], turn: Turn) -> None:
        """It is on the disk: orders first, for a machine may idle, then answers, then events."""
        self._send_orders(turn.orders)
        for one, answer in zip(asked, turn.answers, strict=True):
            if one is not None:
                self._reply(one.link, one.request, one.row, answer)
            elif isinstance(answer, BrenderError):
                log.error("%s", answer.sentence(), exc_info=answer.__cause__)
        if turn.notices:
            self._publish(turn.notices)
            if any(topic == "job.ended" for topic, _ in turn.notices):
                self._later.tick()

    def _send_orders(self, orders: list[tuple[int, Order]]) -> None:
        """All orders for one session leave in one frame."""
        by_session: dict[int, list[Order]] = {}
        for session, order in orders:
            by_session.setdefault(session, []).append(order)
        for session, batch in by_session.items():
            link = self.links.get(session)
            if link is None:
                continue
            if link.conversation.kind == "packed":
                link.send(frame([{"method": order.wire, "params": asdict(order)} for order in batch]))
            if any(isinstance(order, Hangup) for order in batch):
                link.hang_up()

    def _publish(self, notices: list[tuple[str, dict[str, Any]]]) -> None:
        listeners = [link for link in self.links.values() if link.topics]
        for topic, data in notices:
            notice = self.feed.publish(topic, data)
            encoded: dict[str, bytes] = {}
            for link in listeners:
                if matches(topic, link.topics):
                    link.tell(notice, encoded, self.feed)

    # ---- answers

    def _reply_later(self, link: Link, request: Request, row: Row | None, found: Any) -> None:
        """An answer that changes nothing still waits its turn behind the changes before it, so order is kept."""
        if self._events:
            self._turn()
        self._writer.after(lambda: self._reply(link, request, row, found))

    def _reply(self, link: Link, request: Request, row: Row | None, found: Any) -> None:
        if isinstance(found, BrenderError):
            if isinstance(found, InternalError):
                log.error("%s: %s", link.peer, found.sentence(), exc_info=found.__cause__)
            link.answer(request, Reply(error=found))
        elif row is not None and row.silent:
            link.done()
            if link.conversation.kind == "legacy-json":
                link.hang_up()
        elif row is None or row.reads is not None:
            link.answer(request, Reply(result=found))
        else:
            name = row.name
            link.answer(request, Reply(result=found, text=lambda size: text.render(name, found, size)))

    def _bid_farewell(self, link: Link, request: Request) -> None:
        link.answer(request, Reply(result={"bye": True}, text=lambda _: "Bye."))
        link.hang_up()
