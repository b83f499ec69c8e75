"""What a worker daemon decides: which attempt runs in which slot, when it is stopped, what is said and what is kept.

Pure: `turn(inputs, now)` takes what happened and returns what to do (world.py). It must not know sockets, processes,
files or the clock. After a crash a new Duty is made from what the outbox held: nothing else of it outlives the daemon.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from math import inf
from typing import Any, Final

import msgspec

from brender.core.events import Disconnected, Event, Heartbeat, Hello, Immortal, Result, Returned, Started
from brender.core.orders import Ack, Drop, Hangup, Recall, Run, StepSpec, Stop, Waiting, Welcome
from brender.errors import BrenderError
from brender.worker import world
from brender.worker.functions import Call, Catalogue
from brender.worker.ladder import DROPPED, STOPPED, UNASKED, Running
from brender.worker.words import Say, in_parts
from brender.worker.world import Input, Launch, Signal, Turn

REASON_CHARS: Final = 300
# Seconds between two messages while the slots have work at hand: many short tasks then share a message, and no slot
# waits for it. What comes after a pause, or when the queue runs dry, is said at once.
LINGER: Final = 0.005


class Duty:
    """One life of a worker daemon. `held` are the results its outbox still holds, with their numbers.

    `hello` is what stands in every hello (who, where, slots); `next_number` is above every number ever used;
    `epoch` is the newest epoch of the master that this machine has seen, and older ones are refused.
    """

    def __init__(
        self,
        hello: Hello,
        catalogue: Catalogue,
        held: Iterable[Result] = (),
        next_number: int = 1,
        epoch: int = 0,
    ) -> None:
        self.hello = msgspec.structs.replace(hello, functions=catalogue.names())
        self.heartbeat = 5.0  # seconds; the welcome names it
        self.name = hello.name
        self.epoch = epoch
        self.welcomed = False
        self._catalogue = catalogue
        self._queue: OrderedDict[int, tuple[StepSpec, int]] = OrderedDict()
        self._running: dict[int, Running] = {}
        self._free = list(range(hello.slots))
        self._held: dict[int, Result] = {}  # by number
        self._number_of: dict[int, int] = {}  # attempt -> number
        self._next = next_number
        for result in held:
            self._held[result.number] = result
            self._number_of[result.attempt] = result.number
            self._next = max(self._next, result.number + 1)
        self._connected = False
        self._leaving = False
        self._say = Say()
        self._unsaid: list[Result] = []
        self._spoke_at = -inf

    @property
    def running(self) -> list[int]:
        """Attempts in slots, the dropped ones too, and those whose outputs are being published."""
        return list(self._running)

    @property
    def queued(self) -> list[int]:
        """Attempts that wait for a slot, in order."""
        return list(self._queue)

    @property
    def held(self) -> list[Result]:
        """Results that are not acknowledged yet, in order of their numbers."""
        return list(self._held.values())

    def turn(self, inputs: Sequence[Input], now: float) -> Turn:
        """All that follows from these inputs, in their order; `now` in monotonic seconds. Call it at `wake_at` too."""
        turn = Turn()
        for given in inputs:
            _DO[type(given)](self, given, now, turn)
        for run in list(self._running.values()):
            self._advance(run, now, turn)
        self._fill(now, turn)
        due = min((run.wake_at() for run in self._running.values()), default=inf)
        if not self._connected:
            self._say, self._unsaid = Say(), []  # a hello will say it all
        else:
            self._unsaid += turn.keep
            if self._queue and now < self._spoke_at + LINGER and not self._say.urgent and not turn.left:
                due = min(due, self._spoke_at + LINGER)
            else:
                self._speak(now, turn)
        turn.wake_at = None if due == inf else due
        return turn

    # ---- the link

    def _on_connected(self, _: world.Connected, now: float, turn: Turn) -> None:
        self._connected, self.welcomed = True, False
        self._say.hello = True

    def _on_cut(self, _: world.Cut, now: float, turn: Turn) -> None:
        self._connected = self.welcomed = False
        self._say = Say()

    def _on_welcome(self, order: Welcome, now: float, turn: Turn) -> None:
        if order.epoch < self.epoch:
            turn.hangup = (
                f"this master is of epoch {order.epoch}, but epoch {self.epoch} was seen: it is an old leader or a new"
                " farm; for a new farm start with an empty --data directory"
            )
            return
        if order.epoch > self.epoch:
            self.epoch = turn.epoch = order.epoch
        self.welcomed = True
        self.heartbeat, self.name = order.heartbeat, order.name
        self._drop(order.drop, now, turn)

    def _on_hangup(self, order: Hangup, now: float, turn: Turn) -> None:
        turn.hangup = order.reason
        self.welcomed = False

    def _on_beat(self, beat: world.Beat, now: float, turn: Turn) -> None:
        stuck = [f"process {run.pid} does not die" for run in self._running.values() if run.immortal]
        self._say.beat = "; ".join([*stuck, *([beat.warning] if beat.warning else [])])

    def _on_leave(self, _: world.Leave, now: float, turn: Turn) -> None:
        """Everything goes back, kept like any other result: a master that is away just now hears it from the next
        life of this daemon, and takes none of it for a crash (F35)."""
        self._leaving = turn.left = True
        mine = [*self._queue, *(run.attempt for run in self._running.values() if run.why != DROPPED)]
        self._queue.clear()
        self._say.started.clear()
        self._drop(list(self._running), now, turn)
        for attempt in mine:
            self._keep(turn, Result(attempt, "returned", reason=f"{self.name} was shut down"))

    # ---- the master's orders; those of a link without a welcome are of a leader that is not obeyed

    def _on_run(self, order: Run, now: float, turn: Turn) -> None:
        if not self.welcomed or self._leaving or order.epoch < self.epoch:
            return
        queue, running, ended, step = self._queue, self._running, self._number_of, order.step
        for attempt, index in order.tasks:
            if attempt in queue or attempt in running:
                continue
            if attempt in ended:
                self._say.again.append(self._held[ended[attempt]])
                continue
            queue[attempt] = (step, index)

    def _on_recall(self, order: Recall, now: float, turn: Turn) -> None:
        if not self.welcomed:
            return
        for attempt in order.attempts:
            if self._queue.pop(attempt, None) is not None:
                self._say.returned.append(attempt)

    def _on_stop(self, order: Stop, now: float, turn: Turn) -> None:
        if not self.welcomed:
            return
        for attempt in order.attempts:
            if self._queue.pop(attempt, None) is not None:
                self._keep(turn, Result(attempt, "stopped", reason="stopped before it started"))
            elif attempt in self._running:
                self._running[attempt].ask(STOPPED, now)

    def _on_waiting(self, order: Waiting, now: float, turn: Turn) -> None:
        if self.welcomed:
            for run in self._running.values():
                run.waiting = run.attempt in order.attempts

    def _on_drop(self, order: Drop, now: float, turn: Turn) -> None:
        if self.welcomed:
            self._drop(order.attempts, now, turn)

    def _drop(self, attempts: Iterable[int], now: float, turn: Turn) -> None:
        for attempt in attempts:
            if self._queue.pop(attempt, None) is not None:
                continue
            if attempt in self._running:
                self._running[attempt].ask(DROPPED, now)
            elif attempt in self._number_of:
                self._forget(self._number_of[attempt], turn)

    def _on_ack(self, order: Ack, now: float, turn: Turn) -> None:
        if self.welcomed:
            for number in order.results:
                self._forget(number, turn)

    # ---- what became of launches

    def _on_began(self, event: world.Began, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is None:
            return
        run.begin(event.pid, now)
        if run.why != DROPPED:
            self._say.started.append(event.attempt)

    def _on_not_started(self, event: world.NotStarted, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is not None:
            ended = world.Ended(event.attempt, reason=event.reason)
            self._close(run, now, turn, run.result(ended, now) if run.why else self._error(run, event.reason, now))

    def _on_ended(self, event: world.Ended, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is None:
            return
        if run.why == UNASKED and event.exit_code == 0 and run.call.kind == "blender":
            run.publish()
            turn.publish.append(event.attempt)
            # Its process is done and reading back its frames needs no slot: the next frame is rendered meanwhile. But
            # where the disk is slower than the renders, they wait.
            if sum(one.publishing for one in self._running.values()) <= self.hello.slots:
                self._release(run)
            return
        self._close(run, now, turn, run.result(event, now))

    def _on_published(self, event: world.Published, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is None or not run.publishing:
            return
        if event.reason:
            self._close(run, now, turn, self._error(run, event.reason, now, 0))
        else:
            self._close(run, now, turn, Result(event.attempt, "success0", now - run.since, 0, reason=event.note))

    def _on_orphaned(self, event: world.Orphaned, now: float, turn: Turn) -> None:
        for attempt in event.attempts:
            reason = "the guardian of this machine's processes died, and its tasks with it"
            self._on_ended(world.Ended(attempt, signal=world.HARD, reason=reason), now, turn)

    # ---- slots

    def _advance(self, run: Running, now: float, turn: Turn) -> None:
        """The next rung of the stop ladder where its time has come; never two at once, however late we are."""
        signum = run.rung(now)
        if signum:
            turn.signal.append(Signal(run.attempt, signum))
        elif run.immortal and not run.told:
            run.told = True
            if run.why != DROPPED:
                self._say.immortal.append(run.attempt)

    def _fill(self, now: float, turn: Turn) -> None:
        """Give every free slot its next attempt. Work without a process is done here and takes no slot."""
        queue, keep = self._queue, self._keep
        while self._free and queue:
            attempt, (step, index) = queue.popitem(last=False)
            if step.function == "noop":
                keep(turn, Result(attempt, "success0", 0.0, 0))
                continue
            try:
                call = self._catalogue.resolve(step, index)
            except BrenderError as error:
                keep(turn, Result(attempt, "error", reason=error.sentence()[:REASON_CHARS]))
                continue
            if call.kind == "echo":
                turn.write.append((attempt, call.text))
                turn.over.append(attempt)
                keep(turn, Result(attempt, "success0", 0.0, 0))
                continue
            self._launch(attempt, step, call, now, turn)

    def _launch(self, attempt: int, step: StepSpec, call: Call, now: float, turn: Turn) -> None:
        slot = heappop(self._free)
        limit = inf if step.timeout is None else step.timeout
        self._running[attempt] = Running(attempt, slot, call, now, limit)
        turn.launch.append(Launch(attempt, slot, call))

    def _close(self, run: Running, now: float, turn: Turn, result: Result) -> None:
        """The attempt leaves its slot; a dropped one leaves no trace."""
        del self._running[run.attempt]
        self._release(run)
        turn.over.append(run.attempt)
        if run.why != DROPPED:
            self._keep(turn, result)

    def _release(self, run: Running) -> None:
        if run.slot is not None:
            heappush(self._free, run.slot)
            run.slot = None

    @staticmethod
    def _error(run: Running, reason: str, now: float, exit_code: int | None = None) -> Result:
        return Result(run.attempt, "error", now - run.since, exit_code, reason=reason[:REASON_CHARS])

    # ---- results

    def _keep(self, turn: Turn, result: Result) -> None:
        number = result.number = self._next
        self._next = number + 1
        self._held[number] = result
        self._number_of[result.attempt] = number
        turn.keep.append(result)

    def _forget(self, number: int, turn: Turn) -> None:
        result = self._held.pop(number, None)
        if result is not None:
            del self._number_of[result.attempt]
            turn.forget.append(number)

    # ---- words

    def _speak(self, now: float, turn: Turn) -> None:
        turn.send = self._messages(turn)
        if turn.send:
            self._spoke_at = now
        self._say, self._unsaid = Say(), []

    def _messages(self, turn: Turn) -> list[Event]:
        """What to say now; after a hello everything is said again that the master may have missed."""
        say, said = self._say, list[Event]()
        alive = [run for run in self._running.values() if run.why != DROPPED]
        results: Iterable[Result] = [*say.again, *self._unsaid]
        started: Iterable[int] = say.started
        immortal: Iterable[int] = say.immortal
        if say.hello:
            said.append(self._hello(alive))
            results = self.held
            started = [run.attempt for run in alive if run.begun]
            immortal = [run.attempt for run in alive if run.told]
        if say.returned:
            said.append(Returned(0, say.returned))
        # A start whose end leaves in the same flush is no news.
        begun = [(attempt, self._running[attempt].pid) for attempt in started if attempt in self._running]
        if begun:
            said.append(Started(0, begun))
        said += in_parts([result for result in results if result.number in self._held])
        stuck = [(attempt, self._running[attempt].pid) for attempt in immortal if attempt in self._running]
        if stuck:
            said.append(Immortal(0, stuck))
        if say.beat is not None and self.welcomed:
            said.append(Heartbeat(0, say.beat))
        if turn.left:
            said.append(Disconnected(0, bye=True))
        return said

    def _hello(self, alive: list[Running]) -> Hello:
        running = [run.attempt for run in alive] + list(self._queue)
        return msgspec.structs.replace(self.hello, running=running, held=list(self._number_of))


_DO: Final[dict[type[Any], Callable[[Duty, Any, float, Turn], None]]] = {
    world.Connected: Duty._on_connected,
    world.Cut: Duty._on_cut,
    Welcome: Duty._on_welcome,
    Hangup: Duty._on_hangup,
    Run: Duty._on_run,
    Recall: Duty._on_recall,
    Stop: Duty._on_stop,
    Waiting: Duty._on_waiting,
    Drop: Duty._on_drop,
    Ack: Duty._on_ack,
    world.Began: Duty._on_began,
    world.NotStarted: Duty._on_not_started,
    world.Ended: Duty._on_ended,
    world.Published: Duty._on_published,
    world.Orphaned: Duty._on_orphaned,
    world.Beat: Duty._on_beat,
    world.Leave: Duty._on_leave,
}
