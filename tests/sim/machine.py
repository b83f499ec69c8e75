"""A machine of the farm: the real Duty, fake processes and probes; a power cut may take an outbox's newest records."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from brender.core.events import Hello, Result
from brender.wire.packed import FrameReader, frame
from brender.worker import words, world
from brender.worker.duty import Duty
from brender.worker.functions import Call, Catalogue, Parameter, Template

from .channels import A_MACHINE, Hosting, Witness
from .clockwork import Clockwork
from .link import Link

EXECUTABLES = {"work": "/bin/work"}
TEMPLATES = {"comp": Template(["/bin/comp", "{frames}", "{fate}"], {"fate": Parameter()})}
UNSYNCED = 3.0  # seconds of outbox records that a power cut may take


class Process:
    """A fake process; `fate` is the last word of its argv."""

    def __init__(self, fate: str) -> None:
        self.fate = fate
        self.over = False
        self.signals = 0


class Machine:
    """`dial` asks the world for a connection; `kept` tells every result that this machine truly had."""

    def __init__(
        self,
        clock: Clockwork,
        number: int,
        dial: Callable[[Machine], Link | None],
        kept: Callable[[int, Result], None],
        witness: Witness,
        outbox: bool = True,
    ) -> None:
        self.clock, self.number = clock, number
        self.slots = clock.chance.choice([1, 1, 2, 3])
        self.partitioned = False
        self.up = False
        self.calm = False  # nothing that it measures fails any more
        self.launched = 0
        self.link: Link | None = None
        self._dial, self._kept, self._witness, self._outbox = dial, kept, witness, outbox
        self._records: list[tuple[float, list[Result], list[int]]] = []
        self._next = 1
        self._epoch = 0
        self._life = 0
        self._processes: dict[int, Process] = {}
        self._catalogue = Catalogue(EXECUTABLES, TEMPLATES)

    # ---- its life

    def start(self) -> None:
        if self.up:
            return
        self.up = True
        self._life += 1
        name = f"w{self.number}"
        boot = f"{name}.{self._life}"
        hello = Hello(0, f"brender_{name}", name, name, boot=boot, slots=self.slots, config=dict(A_MACHINE))
        self.hosting = Hosting(self.number, self.clock.chance, self._post, self._witness)
        held = self._held() if self._outbox else []
        self.duty = Duty(hello, self._catalogue, held, self._next, self._epoch)
        self._reader = FrameReader()
        self._plan(0.0, self._connect)
        self._plan(1.0, self._beat)

    def kill(self) -> None:
        """SIGKILL: the guardian ends the processes, the kernel closes the socket, the disk stays."""
        if not self.up:
            return
        link = self._die()
        if link is not None:
            link.closed_by_machine()

    def power_cut(self) -> None:
        if not self.up:
            return
        link = self._die()
        if link is not None:
            link.power_lost()
        young = sum(at > self.clock.now - UNSYNCED for at, _, _ in self._records)
        lost = self.clock.chance.randint(0, young)
        del self._records[len(self._records) - lost :]

    def leave(self) -> None:
        """SIGTERM: an orderly goodbye."""
        if self.up:
            self._turn([world.Leave()])
            self.kill()

    def _die(self) -> Link | None:
        self.up = False
        self._life += 1
        self._processes.clear()
        link, self.link = self.link, None
        return link

    def _plan(self, seconds: float, act: Callable[[], None]) -> None:
        life = self._life
        self.clock.after(seconds, lambda: act() if self._life == life and self.up else None)

    # ---- the link

    def _connect(self) -> None:
        if self.link is not None:
            return
        self.link = None if self.partitioned else self._dial(self)
        if self.link is None:
            self._plan(self.clock.chance.uniform(0.1, 1.0), self._connect)
            return
        self._reader = FrameReader()
        self._turn([world.Connected()])

    def cut(self, link: Link) -> None:
        if link is self.link:
            self.link, self.hosting.excused = None, True
            self._turn([world.Cut()])
            self._plan(self.clock.chance.uniform(0.01, 0.5), self._connect)

    def receive(self, link: Link, data: bytes) -> None:
        if link is self.link:
            messages = self._reader.feed(data)
            assert self._reader.broken is None
            others = [message for message in messages if not self.hosting.hear(message)]
            self._turn([message.params_as(words.ORDERS[message.method]) for message in others])

    def _post(self, data: bytes) -> None:
        if self.link is not None:
            self.link.send(1, data)

    def _beat(self) -> None:
        if self.duty.welcomed:
            self._turn([world.Beat()])
            self.hosting.beat(not self.calm)
        self._plan(self.duty.heartbeat * self.clock.chance.uniform(0.8, 1.2), self._beat)

    # ---- turns

    def _turn(self, inputs: list[world.Input]) -> None:
        turn = self.duty.turn(inputs, self.clock.now)
        if turn.keep or turn.forget:
            self._records.append((self.clock.now, turn.keep, turn.forget))
            for result in turn.keep:
                self._next = max(self._next, result.number + 1)
                self._kept(self.number, result)
        if turn.epoch is not None:
            self._epoch = turn.epoch
        for signal in turn.signal:
            self._signal(signal)
        for attempt in turn.over:
            self._processes.pop(attempt, None)
        for launch in turn.launch:
            self._launch(launch.attempt, launch.call)
        if turn.send and self.link is not None:
            self.link.send(1, b"".join(frame([words.message(event)]) for event in turn.send))
        if turn.hangup and self.link is not None:
            link, self.link = self.link, None
            self.hosting.excused = True
            link.closed_by_machine()
            self._turn([world.Cut()])
            self._plan(self.clock.chance.uniform(0.1, 0.5), self._connect)
        if turn.wake_at is not None and turn.wake_at < inf:
            self._plan(max(0.0, turn.wake_at - self.clock.now) + 0.0001, lambda: self._turn([]))

    def _held(self) -> list[Result]:
        live: dict[int, Result] = {}
        for _, keep, forget in self._records:
            live.update((result.number, result) for result in keep)
            for number in forget:
                live.pop(number, None)
        return list(live.values())

    # ---- processes

    def _launch(self, attempt: int, call: Call) -> None:
        self.launched += 1
        chance = self.clock.chance
        fate = call.argv[-1] if call.argv else "ok"
        if fate == "flaky" and chance.random() < 0.1:
            self._plan(0.01, lambda: self._turn([world.NotStarted(attempt, "no such file")]))
            return
        process = self._processes[attempt] = Process(fate)
        self._plan(chance.uniform(0.001, 0.02), lambda: self._turn([world.Began(attempt, 1000 + attempt)]))
        if fate == "poison":
            self._plan(0.1, self._poisoned)
        elif fate != "endless":
            seconds = call.seconds if call.kind == "sleep" else chance.choice([0.0, 0.05, 0.3, 1.0, 2.0, 5.0, 14.0])
            code = chance.choice([0, 0, 3]) if fate == "flaky" else 0
            died = fate == "flaky" and chance.random() < 0.1
            ended = world.Ended(attempt, None, 11) if died else world.Ended(attempt, code)
            self._plan(0.021 + seconds, lambda: self._end(process, ended))

    def _end(self, process: Process, ended: world.Ended) -> None:
        if not process.over:
            process.over = True
            self._turn([ended])

    def _signal(self, signal: world.Signal) -> None:
        process = self._processes.get(signal.attempt)
        if process is None or process.over:
            return
        process.signals += 1
        stubborn = process.fate == "endless" and signal.attempt % 4 == 0
        if stubborn and signal.signum == world.SOFT:
            return  # it ignores SIGTERM
        slow = 4.0 if stubborn and signal.attempt % 8 == 0 else 0.02  # in the kernel: immortal for a while
        self._plan(slow, lambda: self._end(process, world.Ended(signal.attempt, None, signal.signum)))

    def _poisoned(self) -> None:
        self.kill()
        self.clock.after(self.clock.chance.uniform(0.2, 1.0), self.start)
