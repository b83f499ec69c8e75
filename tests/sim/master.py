"""One life of a master: the real Core behind the real wire; answers and orders leave when their turn is on the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import asdict

from brender.commands.calls import Call, Who
from brender.commands.firing import ended, firing
from brender.commands.reports import event_of
from brender.config import DEFAULT, Settings
from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.orders import Ack, Hangup, Order
from brender.wire.limits import DEFAULT as LIMITS
from brender.wire.packed import Packed, frame

from . import beats
from .clockwork import Clockwork
from .disk import Disk
from .link import Link
from .verdict import Verdict

# All timers of the farm at a fifth, so that a small run sees every one of them end.
SETTINGS = Settings(
    heartbeat=1.0,
    suspect_after=3.0,
    lost_after=9.0,
    gone_after=3.0,
    boot_grace=12.0,
    pause_gap=1.0,
    misfire_grace=12.0,
    ahead_seconds=0.1,
    host_grace=0.15,
    census_seconds=0.2,
)
assert SETTINGS.recall_after == DEFAULT.recall_after
TICK = 0.5
Reply = Callable[[Any], None]


class Master:
    """`wall` is how far the clock on the wall is ahead of the simulation's when it starts: then its own begins."""

    def __init__(
        self, clock: Clockwork, disk: Disk, verdict: Verdict, settings: Settings = SETTINGS, wall: float = 0.0
    ) -> None:
        self.dead = False
        self.base = wall
        self._alarm: float | None = None
        self._placing: float | None = None
        self.clock, self.disk, self.verdict = clock, disk, verdict
        self.links: dict[int, tuple[Link, Packed]] = {}
        self._paused_until = 0.0
        self._sessions = 0
        self._planned = False
        self._inbox: list[tuple[ev.Event, Reply | None]] = []
        self.core = Core(disk.load(), settings)
        self._inbox.append((ev.Boot(), None))
        self._step()
        self._tick()

    @property
    def farm(self) -> Any:
        return self.core.farm

    @property
    def now(self) -> float:
        return self.clock.now + self.base

    @property
    def idle(self) -> bool:
        return not self._inbox and self.disk.idle

    def kill(self) -> None:
        self.dead = True
        self.disk.crash()
        for link, _ in list(self.links.values()):
            link.closed_by_master()

    def pause(self, seconds: float) -> None:
        """SIGSTOP: the kernel goes on accepting bytes and connections, nobody looks at them."""
        self._paused_until = self.clock.now + seconds

    # ---- what the port hears

    def accept(self, link: Link) -> None:
        self._sessions += 1
        link.session = self._sessions
        self.links[link.session] = (link, Packed(LIMITS))

    def receive(self, link: Link, data: bytes) -> None:
        if self.dead or link.session not in self.links:
            return
        out, requests = self.links[link.session][1].feed(data)
        assert not out
        for request in requests:
            event = event_of(request, link.session)
            assert event is not None
            self.ask(event)

    def gone(self, link: Link) -> None:
        if not self.dead and self.links.pop(link.session, None) is not None:
            self.ask(ev.Disconnected(link.session))

    def ask(self, event: ev.Event, reply: Reply | None = None) -> None:
        self._inbox.append((event, reply))
        self._poke(0.002)

    # ---- turns

    def _poke(self, seconds: float) -> None:
        if not self._planned:
            self._planned = True
            self.clock.after(max(seconds, self._paused_until - self.clock.now), self._step)

    def _tick(self) -> None:
        if self.dead:
            return
        if self.clock.now >= self._paused_until:
            self.ask(ev.Tick())
        self.clock.after(max(TICK, self._paused_until - self.clock.now), self._tick)

    def _step(self) -> None:
        self._planned = False
        if self.dead:
            return
        if self.clock.now < self._paused_until:
            self._poke(0.0)
            return
        batch, self._inbox = self._inbox, []
        if self._turn(batch).more:
            self._poke(0.0)
        self._fire()
        self._place()

    def _turn(self, batch: list[tuple[ev.Event, Reply | None]]) -> Turn:
        events = [event for event, _ in batch]
        turn = self.core.turn(events, self.now)
        self.verdict.after_turn(self.farm, events, turn)
        self.disk.submit(turn.changes, lambda: self._release(batch, turn))
        return turn

    # ---- schedules, as hub/schedules.py has them

    def _fire(self) -> None:
        due = self.farm.due
        while found := due.by(self.now, 1):
            one = firing(self.farm, found[0], self.now, self.core.settings, self._call_as)
            turn = self._turn([(event, None) for event in one.events])
            if one.asks:
                self._turn([(ended(one, turn.answers[-1]), None)])
        first = due.first()
        if first is not None and (self._alarm is None or first < self._alarm):
            self._alarm = first
            self.clock.after(first - self.now, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if not self.dead:
            self._poke(0.0)

    # ---- managers, as the hub wakes for them

    def _place(self) -> None:
        due = self.farm.hosting.due()
        if due is not None and due != self._placing:
            self._placing = due
            self.clock.after(max(0.0, due - self.now), lambda: self._look(due))

    def _look(self, due: float) -> None:
        if not self.dead and due == self._placing:
            self._placing = None
            self.ask(ev.PlaceChannels())

    def _call_as(self, who: Who, project: str) -> Call:
        return Call(self.farm, who, beats.COMMANDS, self.now, project=project)

    def _release(self, batch: list[tuple[ev.Event, Reply | None]], turn: Turn) -> None:
        if self.dead:
            return
        for (_, reply), answer in zip(batch, turn.answers, strict=True):
            if reply is not None:
                reply(answer)
        said = {
            (event.session, result.number): result.attempt
            for event, _ in batch
            if isinstance(event, ev.Results)
            for result in event.results
        }
        by_session: dict[int, list[Order]] = {}
        for session, order in turn.orders:
            by_session.setdefault(session, []).append(order)
            if isinstance(order, Ack):
                self.verdict.acked(said[session, number] for number in order.results)
        for session, orders in by_session.items():
            self._send(session, orders)

    def _send(self, session: int, orders: list[Order]) -> None:
        known = self.links.get(session)
        if known is None:
            return
        self.verdict.ordered(known[0].machine.number, orders)
        known[0].send(0, frame([{"method": order.wire, "params": asdict(order)} for order in orders]))
        if any(isinstance(order, Hangup) for order in orders):
            del self.links[session]
            known[0].closed_by_master()
            self.ask(ev.Disconnected(session))
