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

from brender.commands import COMMANDS, calls
from brender.commands.table import Row
from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.errors import BrenderError, Busy, InternalError
from brender.hub import lines, outgoing
from brender.hub.acting import Acting
from brender.hub.clock import SteadyClock, breathe
from brender.hub.inventory import Inventory
from brender.hub.later import Later
from brender.hub.lessons import Lessons
from brender.hub.links import Link
from brender.hub.moments import Moments
from brender.hub.outgoing import Asked, reply
from brender.hub.readings import Readings, Sample
from brender.hub.schedules import Then, Timetable
from brender.hub.turns import Asking, Turns
from brender.hub.watches import Watches
from brender.hub.writer import Writer
from brender.wire.feed import Feed
from brender.wire.messages import Request
from brender.wire.readings import METHOD as READINGS

log = logging.getLogger("brender.hub")

MOST_REQUESTS = 256  # one slice of the hub; then other greenlets get their turn
SLICE = 0.02  # seconds; requests that cost much make it shorter
MOST_RESULTS = 512
TICK = 1.0  # seconds


class Hub:
    """Owns the core. `take` and `gone` are called by the port; everything else happens in `run`."""

    def __init__(
        self,
        core: Core,
        writer: Writer,
        feed: Feed,
        clock: SteadyClock,
        info: Callable[[], dict[str, Any]],
        readings: Readings,
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
        self._moments = Moments(core.farm, writer, self.links, lambda: feed.last)
        self._later = Later(core.farm, writer, readings, self.links, clock.now, lambda: feed.last)
        self._lessons = Lessons()
        self.watches = Watches(self._watched, writer.after, lambda: feed.last)
        self._turns = Turns(
            core, clock, writer, self._wake.set, lambda turn: self._moments.see(turn.moved, turn.busy), self._release
        )
        self._timetable = Timetable(
            core,
            clock,
            self._call,
            self._turns.add,
            self._turns.take,
            lambda act, then: self._later.begin(None, act, then),
            self._wake.set,
        )
        self._acting = Acting(feed, self._moments, self._later, self.watches, self._lessons)
        self._results = 0
        self._ticked = 0.0
        readings.heed = self._heed
        readings.told = self._moments.measured
        self.inventory = Inventory(core.farm, writer, self.tell, core.settings.inventory_poll)

    # ---- what the port calls

    def take(self, link: Link, requests: list[Request]) -> None:
        """Queue the requests of a peer."""
        if link.number not in self.links:
            self.links[link.number] = link
            link.since = self._clock.now()
            self.watches.touched()
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
            self._wake.wait(self._until_due())
            self._wake.clear()
            self.step()
            if self._inbox or self._turns.more or self._until_due() == 0:
                self._wake.set()
                breathe()

    def _until_due(self) -> float | None:
        """Seconds until a schedule is due; None when none is, or nothing could be stored of it."""
        return None if self._writer.full else self._timetable.until()

    def step(self) -> None:
        """One slice: some requests, the turns they need, the schedule."""
        now = self._clock.now()
        full = bool(self._writer.full)
        if not full and self._held:
            self._inbox.extendleft(reversed(self._held))
            self._held.clear()
        if not full and now - self._ticked >= TICK:
            self._ticked = now
            self._turns.add(ev.Tick(), None)
            self._timetable.look()
            self._later.tick()
        due = self.core.farm.hosting.due()
        if not full and due is not None and due <= now:
            self._turns.add(ev.PlaceChannels(), None)
        if not full:
            self._timetable.fire(now)
        self._results = 0
        for _ in range(MOST_REQUESTS):
            if not self._inbox or self._results >= MOST_RESULTS or self._clock.now() - now > SLICE:
                break
            link, request = self._inbox.popleft()
            if full and link.worker and (request is None or request.method != READINGS):
                # Nothing can be stored, so nothing is taken from workers: their outboxes hold it (F06). Readings have a
                # way of their own, on which they are sent back.
                self._held.append((link, request))
            elif request is None:
                self._forget(link)
            else:
                self._handle(link, request)
        if self._turns.waiting or self._turns.more:
            self._turns.take()

    @property
    def turns(self) -> int:
        """How many turns were taken since the start."""
        return self._turns.count

    def web(self) -> str:
        """Where the farm's web page is, as the gateway told; empty without one."""
        return next((link.web for link in self.links.values() if link.web), "")

    def boot(self) -> None:
        """The first turn: nobody is here, a new epoch begins."""
        self._turns.add(ev.Boot(), None)
        self._turns.add(ev.ArmDigests(self._clock.zone), None)
        self._turns.take()

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
            if self._turns.waiting:
                self._turns.take()
            found = COMMANDS.run(self._call(link.who, link.project), row, params)
            self._lessons.used(link.who.actor, row.name)
            if isinstance(found, ev.Event):
                if self._writer.full:
                    raise Busy(f"Nothing can be stored at the moment. {self._writer.full}")
                self._turns.add(found, Asked(link, request, row))
                return
            if isinstance(found, calls.Quit):
                self._writer.after(lambda: outgoing.bid_farewell(link, request))
                return
            if isinstance(found, calls.RunLines | calls.ReloadInventory):
                gevent.spawn(self._go_on, link, request, row, found)
                return
            if isinstance(found, calls.Unhurried):
                self._later.begin(link, found, lambda said: reply(link, request, row, said))
                return
            if isinstance(found, calls.Watch):
                self.watches.begin(
                    link, found, request.as_json, lambda said: self._reply_later(link, request, row, said)
                )
                return
            if isinstance(found, calls.Act):
                found = self._acting.carry_out(link, found)
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
        link.check(row)  # before anything is said about the parameters
        if row.reads is not None:
            return row, request.params_as(row.reads)
        return COMMANDS.read(request.method, request.params)

    def _report(self, link: Link, request: Request, row: Row, params: Any) -> None:
        """What a machine says: straight into an event; many of them make one turn."""
        event = row.run(link.number, params)
        if isinstance(event, calls.Heard):
            self._later.hear(link, event.said)
            self.watches.touched()
        if event is None or isinstance(event, calls.Heard):
            self._reply_later(link, request, row, None)
            return
        link.worker = True
        if isinstance(event, ev.Disconnected):
            link.bye = True
        elif isinstance(event, ev.Results):
            self._results += len(event.results)
        self._turns.add(event, Asked(link, request, row))

    def _call(self, who: calls.Who, project: str) -> calls.Call:
        now = self._clock.now()
        return calls.Call(
            farm=self.core.farm,
            who=who,
            table=COMMANDS,
            now=now,
            uptime=now - self._clock.started_at,
            project=project,
            info=self._info,
            sessions=lambda: [other.row() for other in self.links.values()],
            marks=self._later.standing.marks,
            seq=lambda: self.feed.last,
            lesson=self._lessons.of(who.actor),
            zone=self._clock.zone,
        )

    def _go_on(self, link: Link, request: Request, row: Row, act: calls.RunLines | calls.ReloadInventory) -> None:
        """What takes several turns, in a greenlet of its own."""
        if isinstance(act, calls.RunLines):
            found = lines.run(act, lambda: self._call(link.who, link.project), self.tell)
            self._writer.after(lambda: reply(link, request, row, found))
            return
        try:
            self.inventory.read(lambda said: self._writer.after(lambda: reply(link, request, row, said)))
        except BrenderError as error:
            reply(link, request, row, error)

    def _watched(self, link: Link, act: calls.Watch) -> Any:
        """What a watched command answers now."""
        return COMMANDS.run(self._call(link.who, link.project), COMMANDS.rows[act.method], act.wire)

    def _forget(self, link: Link) -> None:
        self.links.pop(link.number, None)
        self._later.gone(link)
        self.watches.gone(link)
        self.watches.touched()
        link.topics = []
        self._moments.heed(link)
        if link.worker and not link.bye:
            self._turns.add(ev.Disconnected(link.number), None)

    # ---- turns

    def tell(self, event: ev.Event, then: Then) -> None:
        """An event of the master's own, from any greenlet; `then` gets its answer as soon as its turn is taken."""
        self._turns.tell(event, then)

    def _heed(self, samples: list[Sample]) -> None:
        """What alarm rules look at of the readings that have come."""
        self._turns.tell(ev.Readings(samples), None)

    def _release(self, asked: list[Asking], turn: Turn) -> None:
        """A turn is on the disk: orders first, for a machine may idle, then answers, then events."""
        outgoing.send_orders(self.links, turn.orders)
        for one, answer in zip(asked, turn.answers, strict=True):
            if isinstance(one, Asked):
                reply(one.link, one.request, one.row, answer)
            elif one is None and isinstance(answer, BrenderError):
                log.error("%s", answer.sentence(), exc_info=answer.__cause__)
        if turn.notices or turn.changes:
            self.watches.touched()
        if turn.notices:
            outgoing.publish(self.links, self.feed, turn.notices)
            if any(topic == "job.ended" for topic, _ in turn.notices):
                self._later.tick()

    # ---- answers

    def _reply_later(self, link: Link, request: Request, row: Row | None, found: Any) -> None:
        """An answer that changes nothing still waits its turn behind the changes before it, so order is kept."""
        if self._turns.waiting:
            self._turns.take()
        self._writer.after(lambda: reply(link, request, row, found))
