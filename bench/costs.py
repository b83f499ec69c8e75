"""Where the master's time goes for one no-op task: its real pieces, called in the hub's order, each timed.

What is missing against a real master is what no piece owns: sockets, greenlets, the hand-over to the writer's thread.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from bench.farm import PLACE, Broken
from bench.table import Report
from brender.commands.reports import event_of
from brender.config import DEFAULT
from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.lifecycle import TaskState
from brender.core.orders import Run
from brender.store import Store
from brender.wire.feed import Feed
from brender.wire.limits import DEFAULT as LIMITS
from brender.wire.packed import Packed, frame

SESSION = 1
PIECES = (
    ("bytes to requests (wire)", "decode"),
    ("requests to events (reports)", "events"),
    ("rules", "_apply"),
    ("what follows: jobs summed up (settle)", "_settle"),
    ("schedule", "schedule"),
    ("changes taken (ledger)", "take"),
    ("rest of the turn", "turn"),
    ("SQL and sync (store)", "save"),
    ("events to the feed", "feed"),
    ("orders to bytes (wire)", "encode"),
)


class Watch:
    """Seconds by piece, on the wall and of this thread's processor; an inner piece is not counted in the outer one."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self._inner: list[list[float]] = []

    @contextmanager
    def on(self, piece: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.thread_time()
        self._inner.append([0.0, 0.0])
        yield
        spent = time.perf_counter() - wall, time.thread_time() - cpu
        inner = self._inner.pop()
        self.wall[piece] += spent[0] - inner[0]
        self.cpu[piece] += spent[1] - inner[1]
        if self._inner:
            self._inner[-1][0] += spent[0]
            self._inner[-1][1] += spent[1]

    def around(self, piece: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, watched."""

        def watched(*arguments: Any) -> Any:
            with self.on(piece):
                return call(*arguments)

        return watched


class Desk:
    """A master without sockets: what arrives is a worker's bytes, what leaves is orders as bytes."""

    def __init__(self, directory: Path) -> None:
        self.watch = Watch()
        self.store = Store.open(directory)
        self.core = Core(self.store.load(), DEFAULT)
        self.feed = Feed(DEFAULT.feed_events, 1)
        self.wire = Packed(LIMITS)
        self.turns = 0
        core: Any = self.core
        for piece in ("_apply", "_settle"):
            setattr(core, piece, self.watch.around(piece, getattr(core, piece)))
        core.ledger.take = self.watch.around("take", core.ledger.take)
        core._scheduler.turn = self.watch.around("schedule", core._scheduler.turn)

    def hear(self, data: bytes) -> list[Run]:
        """All that the master does for these bytes; returns the work it orders."""
        on = self.watch.on
        with on("decode"):
            _, requests = self.wire.feed(data)
        with on("events"):
            found = [event_of(request, SESSION) for request in requests]
        return self.take([event for event in found if event is not None])

    def take(self, happened: list[ev.Event]) -> list[Run]:
        """A turn and what follows it."""
        on = self.watch.on
        with on("turn"):
            turn: Turn = self.core.turn(happened, time.time())
        with on("save"):
            self.store.save(turn.changes)
        with on("feed"):
            for topic, data in turn.notices:
                self.feed.publish(topic, data)
        with on("encode"):
            frame([{"method": order.wire, "params": asdict(order)} for _, order in turn.orders])
        if self.store.checkpoint_due:
            self.store.checkpoint()
        self.turns += 1
        return [order for _, order in turn.orders if isinstance(order, Run)]


def costs(report: Report, quick: bool) -> None:
    """Microseconds a task by piece, over 10,000 tasks after as many to warm up."""
    count = 2000 if quick else 10_000
    with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE) as directory:
        desk = Desk(Path(directory))
        desk.take([ev.Boot()])
        desk.take([ev.Hello(SESSION, "brender_1", "1", "w", name="w", slots=2, functions=["noop"])])
        _run(desk, "warm", count)
        desk.watch.wall.clear()
        desk.watch.cpu.clear()
        desk.turns = 0
        _run(desk, "timed", count)
        desk.store.close()
    report.note(f"one no-op task in the master, µs (wall, processor), {count / desk.turns:.0f} tasks a turn:")
    for words, piece in PIECES:
        report.note(f"  {words:<40}{_micro(desk.watch.wall[piece], count)}{_micro(desk.watch.cpu[piece], count)}")
    wall, cpu = sum(desk.watch.wall.values()), sum(desk.watch.cpu.values())
    report.note(f"  {'together':<40}{_micro(wall, count)}{_micro(cpu, count)}")


def _micro(seconds: float, count: int) -> str:
    return f"{seconds / count * 1e6:8.2f}"


def _run(desk: Desk, name: str, count: int) -> None:
    """One job of `count` no-op tasks, with a worker that ends at once whatever it is sent."""
    step = {"name": "noop", "place": 1, "exec": "await", "function": "noop", "frames": f"1-{count}"}
    tree = {"name": "default", "workflows": [{"name": name, "tasks": [step]}]}
    orders = desk.take([ev.SubmitTree(tree, run=True)])
    while orders:
        orders = desk.hear(b"".join(_done(order) for order in orders))
    done = sum(tasks.counts[TaskState.SUCCESS] for tasks in desk.core.farm.tasks.values())
    if done % count:
        raise Broken(f"{done} tasks are done instead of {count}.")


def _done(order: Run) -> bytes:
    """What the worker says when it has done all of an order."""
    results = [ev.Result(attempt, "success0", 0.0, 0, number=attempt) for attempt, _ in order.tasks]
    return frame([{"jsonrpc": "2.0", "method": "worker.results", "params": {"results": results}}])
