"""What runs in the slots: it carries out a duty's launches and signals, and tells what became of them.

Processes go through the guardian, sleeps through a timer, Blender's frames through a pool thread before and after. It
must not know the master, queues or results: it tells Began, Ended, NotStarted and Published, and that is all.
"""

from __future__ import annotations

import os
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import gevent
import msgspec
from gevent.threadpool import ThreadPool

from brender.daemon import frames, process
from brender.daemon.home import Home
from brender.daemon.logs import LogFolder
from brender.daemon.render import Render
from brender.daemon.warm import WarmSlots
from brender.errors import BrenderError
from brender.wire.progress import Mark
from brender.worker import blender
from brender.worker.warm import Subject, Terms
from brender.worker.world import Began, Ended, Input, Launch, Leave, NotStarted, Orphaned, Published

REASON_CHARS: Final = 300
MOST_DEATHS: Final = 5  # of guardians in DEATHS_S seconds: something is wrong that a new one does not mend
DEATHS_S: Final = 10.0
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Slots:
    """All that runs now. `tell` must not block; nothing here yields in `launch`, `signal`, `write` or `over`.

    Without `terms` every Blender task has a process of its own.
    """

    def __init__(
        self,
        home: Home,
        slots: int,
        program: blender.Program | None,
        tell: Callable[[list[Input]], None],
        master: str,
        terms: Terms | None = None,
    ) -> None:
        self._program, self._tell, self._master = program, tell, master
        self._folders = [str(home.work(slot).absolute()) for slot in range(slots)]
        self._boot = secrets.token_hex(16)
        self._threads = max(1, len(os.sched_getaffinity(0)) // max(1, slots))
        self.logs = self._logs = LogFolder(home.path / "logs")
        self._sleeps: dict[int, gevent.Greenlet] = {}
        self._renders: dict[int, Render] = {}
        self._pool = ThreadPool(max(2, 2 * slots))  # one publishes while the next prepares
        self._guardian = process.Guardian(self._on_event, self._on_output, self._on_lost)
        self._warm: WarmSlots | None = None
        if terms is not None and program is not None:
            self._warm = WarmSlots(self._guardian, terms, self._dress, slots, tell)
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)

    def start(self) -> None:
        self._guardian.start()

    def launch(self, launches: list[Launch]) -> None:
        """Start them; those with a process in one message to the guardian."""
        started: list[process.Launch] = []
        for one in launches:
            if one.call.kind == "sleep":
                self._sleeps[one.attempt] = gevent.spawn_later(one.call.seconds, self._awake, one.attempt)
                self._tell([Began(one.attempt)])
            elif one.call.kind == "blender":
                self._renders[one.attempt] = Render(one.call)
                gevent.spawn(self._render, one)
            else:
                if self._warm is not None:
                    self._warm.vacate(one.slot)
                started.append(self._launch_of(one, one.call.argv))
        if started:
            self._guardian.spawn(started)

    def signal(self, attempt: int, signum: int) -> None:
        """To everything the attempt started. A sleep has no process and ends by any signal."""
        sleep = self._sleeps.pop(attempt, None)
        if sleep is not None:
            sleep.kill(block=False)
            self._tell([Ended(attempt, signal=signum)])
        elif self._warm is None or not self._warm.signal(attempt, signum):
            self._guardian.signal(attempt, signum)

    def write(self, attempt: int, text: str) -> None:
        """Into the attempt's log, as if it had printed it."""
        self._logs.open(attempt).write(text.encode("utf-8", "backslashreplace"))

    def marks(self) -> dict[int, Mark]:
        """How far the renders are that have said so."""
        found = {attempt: render.mark(attempt) for attempt, render in self._renders.items()}
        return {attempt: mark for attempt, mark in found.items() if mark is not None}

    def publish(self, attempt: int) -> None:
        """Judge the frames of a render that ended well and give them their final names; answered by Published."""
        gevent.spawn(self._publish, attempt, self._renders[attempt])

    def over(self, attempt: int) -> None:
        """Its slot is free: close the log, sweep parts that will never be published."""
        self._logs.close(attempt)
        render = self._renders.pop(attempt, None)
        if render is not None and not render.published:
            self._pool.spawn(frames.sweep, render.job, str(attempt))

    def close(self, limit_s: float = 1.0) -> None:
        """End everything; nothing is told any more."""
        for sleep in self._sleeps.values():
            sleep.kill(block=False)
        self._guardian.close(limit_s)
        if self._warm is not None:
            self._warm.close()
        for attempt in list(self._renders):
            self._logs.close(attempt)

    def _launch_of(self, one: Launch, argv: tuple[str, ...] | list[str]) -> process.Launch:
        """The environment is built from nothing: a task sees what is listed here and what its function adds."""
        folder = self._folders[one.slot]
        env = {
            "PATH": os.environ.get("PATH", PATH),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "HOME": folder,
            "TMPDIR": folder,
            "BRENDER_MASTER": self._master,
            **one.call.env,
        }
        token = f"{self._boot}.{one.attempt}"
        return process.Launch(one.attempt, one.slot, argv, env, one.call.cwd or folder, token)

    def _dress(self, one: Launch) -> process.Launch:
        """A Blender that stays open: what is of one task alone (BRENDER_TASK, …) is not in its environment."""
        assert self._program is not None
        env = {name: value for name, value in one.call.env.items() if not name.startswith("BRENDER_")}
        call = msgspec.structs.replace(one.call, env=env)
        return self._launch_of(msgspec.structs.replace(one, call=call), blender.serve(self._program))

    def _awake(self, attempt: int) -> None:
        if self._sleeps.pop(attempt, None) is not None:
            self._tell([Ended(attempt, exit_code=0)])

    def _render(self, one: Launch) -> None:
        """Prepare the output folder in a thread (it may be a slow share), then have Blender render."""
        render = self._renders[one.attempt]
        job = render.job
        assert self._program is not None
        try:
            prefix, content = self._pool.apply(_prepare, (job, str(one.attempt)))
            if self._warm is None:
                argv = blender.command(self._program, job, render.frames, prefix, self._threads)
                self._guardian.spawn([self._launch_of(one, argv)])
                return
            env = tuple((name, text) for name, text in one.call.env.items() if not name.startswith("BRENDER_"))
            request = blender.request(job, render.frames, prefix, self._threads)
            self._warm.render(one, render, request, Subject(job.blend, content, env))
        except BrenderError as error:
            self._tell([NotStarted(one.attempt, error.sentence())])
        except Exception as error:  # whatever it was, it must not hold the slot for ever
            self._tell([NotStarted(one.attempt, f"preparing the render failed: {error!r}"[:REASON_CHARS])])
            raise

    def _publish(self, attempt: int, render: Render) -> None:
        outcome = self._pool.apply(frames.publish, (render.job, str(attempt), render.frames, render.lines.rendered))
        render.published = not outcome.reason
        self._tell([Published(attempt, outcome.reason, outcome.note)])

    # ---- the guardian's callbacks

    def _on_event(self, events: list[process.Event]) -> None:
        found = [self._input(event) for event in events]
        self._tell([one for one in found if one is not None])

    def _input(self, event: process.Event) -> Input | None:
        if event.attempt < 0 and self._warm is not None:
            return self._warm.input(event)
        if isinstance(event, process.Started):
            return Began(event.attempt, event.pid)
        if isinstance(event, process.Failed):
            return NotStarted(event.attempt, event.text)
        code = event.code
        render = self._renders.get(event.attempt)
        reason = render.reason(code) if render is not None else ""
        if render is None and code:
            # An exit code alone helps nobody: the last thing it said mostly tells why.
            lines = self._logs.tail(event.attempt, 3)
            reason = lines[-1][:REASON_CHARS] if lines else ""
        if code < 0:
            return Ended(event.attempt, signal=-code, reason=reason)
        return Ended(event.attempt, exit_code=code, reason=reason)

    def _on_output(self, attempt: int, data: bytes) -> None:
        if attempt < 0 and self._warm is not None:
            owner = self._warm.heard(attempt, data)
            if owner is not None:
                self._logs.open(owner).write(data)
            return
        self._logs.open(attempt).write(data)
        render = self._renders.get(attempt)
        if render is not None:
            render.feed(data)

    def _on_lost(self, attempts: tuple[int, ...]) -> None:
        """The guardian died, its tasks were swept. A new one takes over; where they keep dying, the daemon leaves."""
        self._deaths.append(time.monotonic())
        found = list(attempts) if self._warm is None else self._warm.lost(attempts)
        self._guardian.start()
        self._tell([Orphaned(found)])
        if len(self._deaths) == MOST_DEATHS and self._deaths[-1] - self._deaths[0] < DEATHS_S:
            self._tell([Leave()])


def _prepare(job: blender.BlenderJob, attempt: str) -> tuple[str, tuple[int, ...]]:
    return frames.prepare(job, attempt), frames.content(job.blend)
