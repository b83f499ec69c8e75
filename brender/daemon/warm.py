"""Blender that stays open: one process a slot, which is fed one task after another over its stdin.

For everybody above an attempt is still an attempt: it begins, prints, is signalled and ends. What ends one by a signal
ends the process, and the next attempt gets a new one. It must not know what an order or a result is.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any, Final

import gevent
import msgspec
from gevent.socket import wait_write

from brender.daemon import process
from brender.daemon.render import Render
from brender.worker.gpus import Gpu
from brender.worker.warm import Age, Subject, Terms
from brender.worker.world import HARD, Began, Ended, Input, Launch, NotStarted

GRACE_S: Final = 5.0  # for Blender to end by itself when its requests have ended


class Warm:
    """One open Blender. `key` is what the guardian calls it, a negative number: attempts have the others."""

    def __init__(self, key: int, pipe: int, slot: int, subject: Subject, feed: int) -> None:
        self.key, self.pipe, self.slot, self.subject, self.feed = key, pipe, slot, subject, feed
        self.gpus: tuple[Gpu, ...] = ()
        self.age = Age()
        self.pid = 0
        self.unsent = bytearray()
        self.sending = self.closing = False
        self.launch: Launch | None = None  # what it does now, with what was asked of it and what it tells
        self.request: dict[str, Any] = {}
        self.render: Render | None = None
        self.signalled = False
        self.timer: gevent.Greenlet | None = None

    def wait(self, seconds: float, then: Callable[[Warm], None]) -> None:
        """Do this then, unless `wake` comes before."""
        self.timer = gevent.spawn_later(seconds, then, self)

    def wake(self) -> None:
        if self.timer is not None and self.timer is not gevent.getcurrent():
            self.timer.kill(block=False)
        self.timer = None

    def close(self) -> None:
        """No request comes any more: it ends by itself when it has done the one at hand."""
        self.closing = True
        self.unsent.clear()
        if self.feed >= 0 and not self.sending:
            os.close(self.feed)
            self.feed = -1

    def send(self) -> None:
        """Into the pipe; what it does not take at once goes as it empties."""
        if not self.sending and not self._flush():
            self.sending = True
            gevent.spawn(self._send_rest)

    def _flush(self) -> bool:
        """True when nothing is left. A process that is gone takes everything: its end is told elsewhere."""
        try:
            while self.unsent and self.feed >= 0:
                del self.unsent[: os.write(self.feed, self.unsent)]
        except BlockingIOError:
            return False
        except OSError:
            self.unsent.clear()
        return True

    def _send_rest(self) -> None:
        while not self._flush():
            wait_write(self.feed)
        self.sending = False
        if self.closing:
            self.close()


class WarmSlots:
    """The open Blenders of all slots. Nothing here yields; `tell` hears what becomes of attempts.

    `dress` makes the guardian's launch of a task with the environment of its slot; `first_pipe` is a number above all
    that it uses for pipes itself.
    """

    def __init__(
        self,
        guardian: process.Guardian,
        terms: Terms,
        dress: Callable[[Launch], process.Launch],
        first_pipe: int,
        tell: Callable[[list[Input]], None],
    ) -> None:
        self._guardian, self._terms, self._dress, self._tell = guardian, terms, dress, tell
        self._all: dict[int, Warm] = {}  # by key, the leaving ones too
        self._in_slot: dict[int, Warm] = {}  # the one that may get the slot's next task
        self._of: dict[int, Warm] = {}  # by the attempt it is at
        self._next_pipe = first_pipe
        self._free_pipes: list[int] = []
        self._last = 0

    def render(self, launch: Launch, render: Render, request: dict[str, Any], subject: Subject) -> None:
        """Give it to the slot's Blender if that may take it, else to a new one."""
        warm = self._in_slot.get(launch.slot)
        if warm is not None and warm.subject.differs(subject):
            self._retire(warm)
            warm = None
        if warm is None:
            warm = self._start(launch, subject)
        elif warm.pid:
            self._tell([Began(launch.attempt, warm.pid)])
        self._ask(warm, launch, render, request)

    def vacate(self, slot: int) -> None:
        """Something else needs the slot."""
        warm = self._in_slot.get(slot)
        if warm is not None:
            self._retire(warm)

    def leave(self, gpus: tuple[Gpu, ...], slot: int) -> None:
        """These are of a task in this slot now: what waits elsewhere with something loaded on them goes."""
        for warm in list(self._in_slot.values()):
            if warm.slot != slot and warm.launch is None and not set(gpus).isdisjoint(warm.gpus):
                self._retire(warm)

    def close_idle(self) -> int:
        """Memory is needed: those without a task go; how many there were."""
        idle = [warm for warm in self._in_slot.values() if warm.launch is None]
        for warm in idle:
            self._retire(warm)
        return len(idle)

    def signal(self, attempt: int, signum: int) -> bool:
        """To the Blender that is at this attempt, whose last one it is then; False when there is none."""
        warm = self._of.get(attempt)
        if warm is None:
            return False
        warm.signalled = True
        self._guardian.signal(warm.key, signum)
        return True

    def heard(self, key: int, data: bytes) -> int | None:
        """Output of an open Blender → the attempt it belongs to, if any."""
        warm = self._all.get(key)
        if warm is None or warm.launch is None or warm.render is None:
            return None
        attempt = warm.launch.attempt
        warm.render.feed(data)
        if warm.render.done is not None:
            self._finish(warm, warm.render)
        return attempt

    def input(self, event: process.Event) -> Input | None:
        """What an event of an open Blender means for the attempt it is at; None when it means nothing."""
        warm = self._all[event.attempt]
        if isinstance(event, process.Started):
            warm.pid = event.pid
            return Began(warm.launch.attempt, event.pid) if warm.launch is not None else None
        launch, render = warm.launch, warm.render
        self._forget(warm)
        if launch is None or render is None:
            return None
        if isinstance(event, process.Failed):
            return NotStarted(launch.attempt, event.text)
        if warm.age.tasks and not render.taken and not warm.signalled:
            # It died between two tasks: that is no fault of the one that it never saw.
            self._ask(self._start(launch, warm.subject), launch, render, warm.request)
            return None
        reason = render.reason(event.code)
        if event.code < 0:
            return Ended(launch.attempt, signal=-event.code, reason=reason, memory_mb=event.max_rss_kb >> 10)
        return Ended(launch.attempt, exit_code=event.code, reason=reason, memory_mb=event.max_rss_kb >> 10)

    def lost(self, keys: tuple[int, ...]) -> list[int]:
        """The guardian died with these tasks of its; the attempts that were among them."""
        found = [key for key in keys if key not in self._all]
        for warm in list(self._all.values()):
            if warm.launch is not None:
                found.append(warm.launch.attempt)
            self._forget(warm)
        return found

    def close(self) -> None:
        """The guardian has ended them all."""
        for warm in list(self._all.values()):
            self._forget(warm)

    # ---- one process

    def _start(self, launch: Launch, subject: Subject) -> Warm:
        self._last -= 1
        pipe = self._free_pipes.pop() if self._free_pipes else self._next_pipe
        self._next_pipe = max(self._next_pipe, pipe + 1)
        stdin, feed = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(feed, False)
        warm = self._all[self._last] = self._in_slot[launch.slot] = Warm(self._last, pipe, launch.slot, subject, feed)
        warm.gpus = launch.gpus
        dressed = self._dress(launch)
        self._guardian.spawn(
            [process.Launch(warm.key, pipe, dressed.argv, dressed.env, dressed.cwd, dressed.token, stdin)]
        )
        return warm

    def _ask(self, warm: Warm, launch: Launch, render: Render, request: dict[str, Any]) -> None:
        warm.wake()
        name = f"{launch.attempt}.{secrets.token_hex(8)}"
        warm.launch, warm.render, warm.request = launch, render, request
        self._of[launch.attempt] = warm
        render.begin(name)
        warm.unsent += msgspec.json.encode({"request": name, **request}) + b"\n"
        warm.send()

    def _finish(self, warm: Warm, render: Render) -> None:
        """The task at hand is done; the process stays if it may."""
        assert warm.launch is not None and render.done is not None
        done, attempt = render.done, warm.launch.attempt
        del self._of[attempt]
        warm.launch = warm.render = None
        warm.age.add(len(render.frames), done.memory_mb)
        if warm.signalled or done.recycle or warm.age.spent(self._terms):
            self._retire(warm)
        else:
            warm.wait(self._terms.idle_s, self._retire)
        ended = Ended(attempt, exit_code=done.code, reason=render.reason(done.code), memory_mb=done.peak_mb)
        self._tell([ended])

    def _retire(self, warm: Warm) -> None:
        """It gets no task any more and has a while to end by itself."""
        warm.wake()
        if self._in_slot.get(warm.slot) is warm:
            del self._in_slot[warm.slot]
        warm.close()
        warm.wait(GRACE_S, self._end)

    def _end(self, warm: Warm) -> None:
        self._guardian.signal(warm.key, HARD)

    def _forget(self, warm: Warm) -> None:
        """The process is gone."""
        warm.wake()
        warm.close()
        if self._in_slot.get(warm.slot) is warm:
            del self._in_slot[warm.slot]
        if warm.launch is not None:
            self._of.pop(warm.launch.attempt, None)
        del self._all[warm.key]
        self._free_pipes.append(warm.pipe)
