"""What a worker daemon decides: which attempt runs in which slot, when it is stopped, what is said and what is kept.

Pure: `turn(inputs, now)` takes what happened and returns what to do (world.py). It must not know sockets, processes,
files or the clock. After a crash a new Duty is made from what the outbox held: nothing else of it outlives the daemon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any, Final

import msgspec

from brender.core.events import Disconnected, Heartbeat, Hello, Result
from brender.core.orders import Ack, Drop, Hangup, Recall, Run, Stop, Waiting, Welcome
from brender.worker import gpus as gpus_
from brender.worker import stall, world
from brender.worker.berths import REASON_CHARS, Berths, Kept
from brender.worker.functions import Catalogue
from brender.worker.ladder import DROPPED, STALLED, STOPPED, UNASKED, Running
from brender.worker.words import Say
from brender.worker.world import Input, Signal, Turn

# Seconds between two messages while the slots have work at hand: many short tasks then share a message, and no slot
# waits for it. What comes after a pause, or when the queue runs dry, is said at once.
LINGER: Final = 0.005


class Duty:
    """One life of a worker daemon. `held` are the results its outbox still holds, with their numbers.

    `hello` is what stands in every hello (who, where, slots); `next_number` is above every number ever used;
    `epoch` is the newest epoch of the master that this machine has seen, and older ones are refused; `gpus` are given
    to those that need them; `watch` holds for steps that do not say themselves when they are taken for stuck.
    """

    def __init__(
        self,
        hello: Hello,
        catalogue: Catalogue,
        held: Iterable[Result] = (),
        next_number: int = 1,
        epoch: int = 0,
        gpus: Sequence[gpus_.Gpu] = (),
        watch: stall.Watched = stall.UNWATCHED,
        cold: bool = False,
    ) -> None:
        bundled = [*catalogue.bundled(), *(("blender",) if cold and "blender" in catalogue.names() else ())]
        told = {"bundles": bundled, "takes": catalogue.takes()}
        config = {**hello.config, **{word: what for word, what in told.items() if what}}
        self.hello = msgspec.structs.replace(hello, functions=catalogue.names(), config=config)
        self.heartbeat = 5.0  # seconds; the welcome names it
        self.name = hello.name
        self.epoch = epoch
        self.welcomed = False
        self._kept = Kept(held, next_number)
        self._berths = Berths(hello.slots, catalogue, bundled, self._kept, gpus, watch)
        self._queue, self._running, self._of = self._berths.queue, self._berths.running, self._berths.of
        self._stalls = stall.Stalls()
        self._warning = self._tight = ""  # what people should know, and why nothing is started now
        self._connected = False
        self._leaving = False
        self._say = Say()
        self._unsaid: list[Result] = []
        self._spoke_at = -inf

    @property
    def running(self) -> list[int]:
        """Attempts in slots, the dropped ones too, and those whose outputs are being published."""
        return [member for run in self._running.values() for member in run.members]

    @property
    def queued(self) -> list[int]:
        """Attempts that wait for a slot, in order."""
        return list(self._queue)

    @property
    def watched(self) -> list[tuple[int, int]]:
        """Attempts whose samples are wanted, with their pids."""
        pids = {attempt: self._running[attempt].pid for attempt in self._stalls.watched}
        return [(attempt, pid) for attempt, pid in pids.items() if pid]

    @property
    def held(self) -> list[Result]:
        """Results that are not acknowledged yet, in order of their numbers."""
        return list(self._kept.held.values())

    def turn(self, inputs: Sequence[Input], now: float) -> Turn:
        """All that follows from these inputs, in their order; `now` in monotonic seconds. Call it at `wake_at` too."""
        turn = Turn()
        for given in inputs:
            _DO[type(given)](self, given, now, turn)
        for run in list(self._running.values()):
            self._advance(run, now, turn)
        if not self._tight:
            self._berths.fill(now, turn)
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
        if self._tight:
            self._on_beat(world.Beat(self._warning), now, turn)
        self._drop(order.drop, now, turn)

    def _on_hangup(self, order: Hangup, now: float, turn: Turn) -> None:
        turn.hangup = order.reason
        self.welcomed = False

    def _on_beat(self, beat: world.Beat, now: float, turn: Turn) -> None:
        self._warning = beat.warning
        stuck = [f"process {run.pid} does not die" for run in self._running.values() if run.immortal]
        self._say.beat = "; ".join([*stuck, *filter(None, [self._tight, beat.warning])])

    def _on_tight(self, event: world.Tight, now: float, turn: Turn) -> None:
        """Too little memory: what waits goes back for others to take, what runs goes on."""
        self._tight = event.reason
        self._on_beat(world.Beat(self._warning), now, turn)
        if event.reason:
            self._say.returned += self._queue
            self._queue.clear()

    def _on_looked(self, event: world.Looked, now: float, turn: Turn) -> None:
        for sample in event.samples:
            verdict = self._stalls.look(sample, now)
            if verdict is None:
                continue
            run = self._running[sample.attempt]
            self._say.stalled.update(dict.fromkeys(run.mine(), verdict.seconds))
            if verdict.end:
                run.quiet = verdict.seconds
                run.ask(STALLED, now)

    def _on_leave(self, _: world.Leave, now: float, turn: Turn) -> None:
        """Everything goes back, kept like any other result: a master that is away just now hears it from the next
        life of this daemon, and takes none of it for a crash (F35)."""
        self._leaving = turn.left = True
        mine = [*self._queue, *(member for run in self._running.values() for member in run.mine())]
        self._queue.clear()
        self._say.started.clear()
        self._drop(self.running, now, turn)
        for attempt in mine:
            self._kept.keep(turn, Result(attempt, "returned", reason=f"{self.name} was shut down"))

    # ---- the master's orders; those of a link without a welcome are of a leader that is not obeyed

    def _on_run(self, order: Run, now: float, turn: Turn) -> None:
        if not self.welcomed or self._leaving or order.epoch < self.epoch:
            return
        queue, running, ended, step = self._queue, self._of, self._kept.number_of, order.step
        bundle = self._berths.bundle_of(order)
        for attempt, index in order.tasks:
            if attempt in queue or attempt in running:
                continue
            if attempt in ended:
                self._say.again.append(self._kept.held[ended[attempt]])
                continue
            if self._tight:
                self._say.returned.append(attempt)
                continue
            queue[attempt] = (step, index, bundle)

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
                self._kept.keep(turn, Result(attempt, "stopped", reason="stopped before it started"))
            elif attempt in self._of:
                self._of[attempt].ask(STOPPED, now, attempt)

    def _on_waiting(self, order: Waiting, now: float, turn: Turn) -> None:
        if self.welcomed:
            for run in self._running.values():
                run.waiting = not set(run.members).isdisjoint(order.attempts)

    def _on_drop(self, order: Drop, now: float, turn: Turn) -> None:
        if self.welcomed:
            self._drop(order.attempts, now, turn)

    def _drop(self, attempts: Iterable[int], now: float, turn: Turn) -> None:
        for attempt in attempts:
            if self._queue.pop(attempt, None) is not None:
                continue
            if attempt in self._of:
                self._of[attempt].ask(DROPPED, now, attempt)
            elif attempt in self._kept.number_of:
                self._kept.forget(self._kept.number_of[attempt], turn)

    def _on_ack(self, order: Ack, now: float, turn: Turn) -> None:
        if self.welcomed:
            for number in order.results:
                self._kept.forget(number, turn)

    # ---- what became of launches

    def _on_began(self, event: world.Began, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is None:
            return
        run.begin(event.pid, now)
        if run.watch.after < inf:
            self._stalls.begin(event.attempt, run.watch, now)
        self._say.started += run.mine()

    def _on_not_started(self, event: world.NotStarted, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is not None:
            ended = world.Ended(event.attempt, reason=event.reason)
            self._close(run, turn, run.result(ended, now) if run.why else self._error(run, event.reason, now))

    def _on_ended(self, event: world.Ended, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is None:
            return
        if run.why == UNASKED and event.exit_code == 0 and run.call.kind == "blender":
            run.publish(event.memory_mb)
            self._stalls.end(event.attempt)
            turn.publish.append(event.attempt)
            # Its process is done and reading back its frames needs no slot: the next frame is rendered meanwhile. But
            # where the disk is slower than the renders, they wait.
            if sum(one.publishing for one in self._running.values()) <= self.hello.slots:
                self._berths.release(run)
            return
        self._close(run, turn, run.result(event, now))

    def _on_published(self, event: world.Published, now: float, turn: Turn) -> None:
        run = self._running.get(event.attempt)
        if run is None or not run.publishing:
            return
        if event.reason:
            result = self._error(run, event.reason, now, 0)
        else:
            result = Result(event.attempt, "success0", now - run.since, 0, reason=event.note)
        result.memory_mb = run.memory_mb
        self._close(run, turn, result)

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
            self._say.immortal += run.mine()

    def _close(self, run: Running, turn: Turn, result: Result) -> None:
        self._stalls.end(run.attempt)
        self._berths.close(run, turn, result)

    @staticmethod
    def _error(run: Running, reason: str, now: float, exit_code: int | None = None) -> Result:
        return Result(run.attempt, "error", now - run.since, exit_code, reason=reason[:REASON_CHARS])

    # ---- words

    def _speak(self, now: float, turn: Turn) -> None:
        said = self._say.messages(self.hello, self._unsaid, self._berths, self._stalls)
        if self._say.beat is not None and self.welcomed:
            said.append(Heartbeat(0, self._say.beat, bool(self._tight)))
        if turn.left:
            said.append(Disconnected(0, bye=True))
        turn.send = said
        if said:
            self._spoke_at = now
        self._say, self._unsaid = Say(), []


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
    world.Looked: Duty._on_looked,
    world.Tight: Duty._on_tight,
    world.Leave: Duty._on_leave,
}
