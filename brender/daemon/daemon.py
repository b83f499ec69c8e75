"""The worker daemon: one loop that feeds a Duty with what happened and carries out what it answers.

It decides nothing: duty.py does. Order matters here and nowhere else: results are on the disk before they are sent.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from msgspec import Struct

import brender
from brender.address import in_words
from brender.core.events import Hello
from brender.core.orders import Welcome
from brender.daemon import probes
from brender.daemon.channels import Channels, own_devices
from brender.daemon.dial import Dial
from brender.daemon.home import Home
from brender.daemon.instrument import Instruments
from brender.daemon.outbox import Outbox
from brender.daemon.readings import Readings
from brender.daemon.said import Said
from brender.daemon.slots import Slots
from brender.daemon.spool import Limits, Spool
from brender.daemon.tails import Tails
from brender.daemon.tally import Tally
from brender.probes import Surroundings
from brender.probes.registry import Registry
from brender.wire.packed import Message, frame
from brender.wire.progress import Mark, Marks
from brender.worker import blender, words, world
from brender.worker.duty import Duty
from brender.worker.functions import Catalogue
from brender.worker.gpus import Gpu
from brender.worker.memory import Floor
from brender.worker.stall import UNWATCHED, Watched
from brender.worker.warm import Terms

INPUTS_A_TURN = 10_000
PROGRESS_S = 0.5


class Options(Struct, frozen=True):
    """What the command line said, checked."""

    master: tuple[str, int]
    slots: int
    name: str = ""
    warm: Terms | None = None  # without: a process for every Blender task
    tags: tuple[str, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    watch: Watched = UNWATCHED  # when tasks are taken for stuck whose step says nothing of it
    floor_mb: int = 0  # of available memory
    spool: Limits = Limits()  # of readings that wait for the master
    channels: str = "none"  # all | hosted | none: whether it is a manager, and reports itself
    channel_commands: Path | None = None  # programs that channels may run


class Daemon:
    """One worker. `run` returns when SIGTERM or SIGINT asked for the end, with nothing left running."""

    def __init__(
        self,
        home: Home,
        options: Options,
        catalogue: Catalogue,
        program: blender.Program | None,
        said: Said | None = None,
    ) -> None:
        """`said` is what the daemon's process says on stderr, for those who ask for it over the farm."""
        self._home = home
        self._outbox = Outbox(home.path)
        registry = Registry(os.environ, say) if options.channels != "none" else None
        self._duty = Duty(
            hello(home, options, program, registry),
            catalogue,
            self._outbox.held,
            self._outbox.next_number,
            home.read_epoch(),
            options.gpus,
            options.watch,
            cold=options.warm is None,
        )
        master = in_words(*options.master)
        self._slots = Slots(home, options.slots, program, self._tell, master, options.warm, options.gpus)
        self._tally = Tally(self._slots.samples_of_a_pixel)
        self._floor = Floor(options.floor_mb)
        self._tight = ""  # what the floor said last
        self._dial = Dial(options.master, self._tell, say, random.random, self._hear_aside)
        self._tails = Tails(self._slots.logs, said, self._may_print, self._dial.post)
        self.readings = Readings(Spool(home.path, options.spool, say), self._dial.post, say, random.random)
        self._channels: Channels | None = None
        if registry is not None:
            around = Surroundings(options.master, options.channel_commands, self._tally.values)
            self._channels = Channels(Instruments(registry, around), self.readings.spool.put, self._dial.post)
        self._inbox: list[world.Input] = []
        self._news = Event()
        self._welcome = Event()
        self._online = False
        self._fault = ""  # why results are not on the disk

    def run(self) -> None:
        """Until somebody asks for the end. A defect in any greenlet ends the daemon: its supervisor starts it anew."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(signum, self._tell, [world.Leave()])
        self._slots.start()
        work = [self._dial.run, self._beat, self._tell_progress, self._look, self.readings.run]
        if self._channels is not None:
            work.append(self._channels.run)
        background = [gevent.spawn(one) for one in work]
        here = gevent.getcurrent()
        for greenlet in background:
            greenlet.link_exception(lambda failed: gevent.kill(here, failed.exception))
        say(f"{self._duty.hello.key}: {self._duty.hello.slots} slots, {len(self._duty.hello.functions)} functions")
        turn = world.Turn()
        while not turn.left:
            turn = self._duty.turn(self._wait(turn.wake_at), time.monotonic())
            self._carry_out(turn)
            if self._duty.welcomed != self._online:
                self._note_welcome()
        self._dial.finish()
        gevent.killall(background)
        if self._channels is not None:
            self._channels.close()
        self._slots.close()
        self._outbox.close()
        self.readings.spool.close()

    def _note_welcome(self) -> None:
        self._online = self._duty.welcomed
        if self._online:
            self._dial.welcomed()
            self._dial.post(frame([{"method": "worker.clock", "params": {"at": time.time()}}]))
            self._welcome.set()
            say(f"online as {self._duty.name}, epoch {self._duty.epoch}")

    def _tell(self, inputs: list[world.Input]) -> None:
        self._inbox += inputs
        self._news.set()
        for one in inputs:
            if isinstance(one, world.Cut):
                self._tails.forget()
                self.readings.cut()
            elif isinstance(one, Welcome):
                self.readings.welcomed()

    def _hear_aside(self, message: Message) -> None:
        heard = self._channels is not None and self._channels.hear(message)
        if not heard and not self.readings.hear(message):
            self._tails.hear(message)

    def _may_print(self, attempt: int) -> bool:
        return attempt in self._duty.running or attempt in self._duty.queued

    def _wait(self, wake_at: float | None) -> list[world.Input]:
        """All that happened since the last turn; after one ends, one waits until `wake_at` for the next."""
        if not self._inbox:
            self._news.clear()
            self._news.wait(None if wake_at is None else max(0.0, wake_at - time.monotonic()))
        inputs, self._inbox = self._inbox[:INPUTS_A_TURN], self._inbox[INPUTS_A_TURN:]
        return inputs

    def _carry_out(self, turn: world.Turn) -> None:
        self._tally.count(turn)
        if turn.keep or turn.forget:
            self._store(turn)
        if turn.epoch is not None:
            self._home.write_epoch(turn.epoch)
        for attempt, text in turn.write:
            self._slots.write(attempt, text)
        for attempt in turn.publish:
            self._slots.publish(attempt)
        for order in turn.signal:
            self._slots.signal(order.attempt, order.signum)
        for attempt in turn.over:
            self._slots.over(attempt)
        if turn.launch:
            self._slots.launch(turn.launch)
        if turn.send:
            # A frame each: no message alone is over the master's cap, all of a reconnect together may be.
            self._dial.post(b"".join(frame([words.message(event)]) for event in turn.send))
        if turn.hangup:
            self._dial.hang_up(turn.hangup)

    def _store(self, turn: world.Turn) -> None:
        """A full disk stops no work: memory keeps the results, the next write tries again, the heartbeat complains."""
        try:
            self._outbox.write(turn.keep, turn.forget)
            self._fault = ""
        except OSError as error:
            if not self._fault:
                say(f"results cannot be written to {self._home.path}: {error.strerror}; they are kept in memory")
            self._fault = f"its outbox cannot be written: {error.strerror}"

    def _tell_progress(self) -> None:
        """How far the renders are, while it changes: at most two messages a second, whatever runs."""
        told: dict[int, Mark] = {}
        while True:
            gevent.sleep(PROGRESS_S)
            marks = self._slots.marks() if self._online else {}
            moved = [mark for attempt, mark in marks.items() if told.get(attempt) != mark]
            told = marks
            if moved:
                self._dial.post(frame([{"method": "worker.progress", "params": Marks(moved)}]))

    def _beat(self) -> None:
        """Heartbeats, a fifth more or less apart, so that a farm's do not come in one burst."""
        while True:
            self._measure_memory()
            # A welcome may name another pace: then this wait begins anew.
            pace = self._duty.heartbeat * random.uniform(0.8, 1.2)
            if self._welcome.wait(pace):
                self._welcome.clear()
            elif self._online:
                troubles = (self._fault, probes.disk_warning(self._home.path), self.readings.spool.warning)
                self._tell([world.Beat("; ".join(filter(None, troubles)))])

    def _measure_memory(self) -> None:
        """Under the floor the Blenders go that only wait, and the duty hears of it once; above it, again once."""
        if not self._floor.floor_mb:
            return
        available = probes.available_mb()
        said = self._floor.see(available)
        if said:
            closed = self._slots.close_idle()
            if closed:
                say(f"{available} MiB of memory available: {closed} open Blenders without work are closed")
        if bool(said) != bool(self._tight):
            say(said or f"{available} MiB of memory available: tasks are started again")
            self._tell([world.Tight(said)])
        self._tight = said

    def _look(self) -> None:
        """For signs of life, at those that are watched, as often as a heartbeat."""
        while True:
            watched = self._duty.watched
            if watched:
                self._tell([world.Looked(self._slots.samples(watched))])
            gevent.sleep(self._duty.heartbeat if watched else min(1.0, self._duty.heartbeat))


def hello(home: Home, options: Options, program: blender.Program | None, registry: Registry | None) -> Hello:
    """What stands in every hello of this life."""
    who = probes.identity(home.path, options.name)
    return Hello(
        session=0,
        key=who.key,
        mac=who.mac,
        hostname=who.hostname,
        name=who.name,
        boot=secrets.token_hex(8),
        slots=options.slots,
        tags=list(options.tags),
        platform=probes.system(),
        config={
            **probes.facts(home.path, options.gpus),
            **(manager_facts(home, options, registry) if registry is not None else {}),
            "version": brender.__version__,
            "blender": program.path if program else "",
        },
    )


def manager_facts(home: Home, options: Options, registry: Registry) -> dict[str, Any]:
    """What makes this worker a manager: what it can ask, its process, and what it reports of itself."""
    return {
        "roles": ["worker", "manager"] if options.slots else ["manager"],
        "probes": registry.names(),
        "plug_ins": registry.plug_ins(),
        "channel_types": sorted(registry.types),
        "daemon": {"pid": os.getpid(), "pid_path": str(home.pid_path.absolute()), "started_at": time.time()},
        "devices": own_devices(registry, options.slots) if options.channels == "all" else [],
    }


def say(text: str) -> None:
    """One line for whoever reads the daemon's own log."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} brender client: {text}", file=sys.stderr, flush=True)
