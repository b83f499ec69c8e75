"""What runs in the slots: it carries out a duty's launches and signals, and tells what became of them.

Processes go through the guardian, sleeps through a timer, Blender's frames through a pool thread before and after. It
must not know the master, queues or results: it tells Began, Ended, NotStarted and Published, and that is all.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import gevent
import msgspec
from gevent.threadpool import ThreadPool

from brender.address import site_directory
from brender.daemon import frames, manifest, process, pulse
from brender.daemon.home import Home
from brender.daemon.logs import LogFolder
from brender.daemon.pictures import Pictures
from brender.daemon.render import Render
from brender.daemon.warm import WarmSlots
from brender.errors import BrenderError
from brender.wire.progress import Mark
from brender.worker import blender
from brender.worker.gpus import Gpu, Pins
from brender.worker.looks import Wish
from brender.worker.stall import Sample
from brender.worker.told import Told
from brender.worker.warm import Subject, Terms
from brender.worker.world import Began, Ended, Input, Launch, Leave, NotStarted, Orphaned, Published

REASON_CHARS: Final = 300
MOST_DEATHS: Final = 5  # of guardians in DEATHS_S seconds: something is wrong that a new one does not mend
DEATHS_S: Final = 10.0
DISK_S: Final = 5.0  # for the sizes of part files
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
        gpus: Sequence[Gpu] = (),
    ) -> None:
        self._program, self._tell, self._master = program, tell, master
        self._folders = [str(home.work(slot).absolute()) for slot in range(slots)]
        self._site = str(site_directory().absolute())
        # Last, so that scripts find spa_ctl and spad_cp also where nobody put this Python's programs on the PATH.
        self._path = os.pathsep.join([os.environ.get("PATH", PATH), str(Path(sys.executable).parent)])
        self._pins = Pins(tuple(gpus), slots)
        self._boot = secrets.token_hex(16)
        self._threads = max(1, len(os.sched_getaffinity(0)) // max(1, slots))
        self.logs = self._logs = LogFolder(home.path / "logs")
        self._sleeps: dict[int, gevent.Greenlet] = {}
        self._renders: dict[int, Render] = {}
        self._told: dict[int, Told] = {}  # of programs, once they have printed something
        self._looks = ThreadPool(1)
        self._pool = ThreadPool(max(2, 2 * slots))  # one publishes while the next prepares
        self._guardian = process.Guardian(self._on_event, self._on_output, self._on_lost)
        self._pictures = Pictures()
        self._warm: WarmSlots | None = None
        if terms is not None and program is not None:
            self._warm = WarmSlots(self._guardian, terms, self._dress, slots, tell)
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)

    def start(self) -> None:
        self._guardian.start()
        if self._program is not None:
            self._pictures.start()

    def launch(self, launches: list[Launch]) -> None:
        """Start them; those with a process in one message to the guardian."""
        started: list[process.Launch] = []
        for one in map(self._pinned, launches):
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

    def _pinned(self, one: Launch) -> Launch:
        """With its GPUs in its environment, and out of the hands of Blenders that wait for work in other slots."""
        if self._warm is not None and one.gpus and one.whole:
            self._warm.leave(one.gpus, one.slot)
        call = msgspec.structs.replace(one.call, env=self._pins.dress(one.call.env, one.gpus))
        return msgspec.structs.replace(one, call=call)

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
        """How far the renders and programs are that have said so."""
        found = {attempt: render.mark(attempt) for attempt, render in self._renders.items()}
        marks = {attempt: mark for attempt, mark in found.items() if mark is not None}
        for attempt, told in self._told.items():
            if told.fraction is not None:
                marks[attempt] = Mark(attempt, told.fraction, told.note)
        return marks

    def samples(self, watched: Sequence[tuple[int, int]]) -> list[Sample]:
        """What these attempts [attempt, pid] have done; yields. A disk that does not answer has no new bytes."""
        renders = {attempt: self._renders[attempt] for attempt, _ in watched if attempt in self._renders}
        written = dict.fromkeys(renders, 0)
        with gevent.Timeout(DISK_S, False):
            written = self._looks.apply(_written, (renders,))
        used = pulse.processor_time([pid for _, pid in watched])
        return [Sample(at, self._logs.open(at).total, written.get(at, 0), used[pid]) for at, pid in watched]

    def samples_of_a_pixel(self, attempt: int) -> int | None:
        """Of a render that is not over, as its Blender has said; None where that says nothing of them."""
        render = self._renders.get(attempt)
        return render.lines.samples if render is not None else None

    def close_idle(self) -> int:
        """End the Blenders that wait for work; how many."""
        return 0 if self._warm is None else self._warm.close_idle()

    def publish(self, attempt: int) -> None:
        """Judge the frames of a render that ended well and give them their final names; answered by Published."""
        gevent.spawn(self._publish, attempt, self._renders[attempt])

    def over(self, attempt: int) -> None:
        """Its slot is free: close the log, sweep parts that will never be published."""
        self._logs.close(attempt)
        self._told.pop(attempt, None)
        render = self._renders.pop(attempt, None)
        if render is not None and not render.published:
            self._pool.spawn(frames.sweep, render.job, str(attempt))

    def close(self, limit_s: float = 1.0) -> None:
        """End everything; nothing is told any more."""
        for sleep in self._sleeps.values():
            sleep.kill(block=False)
        self._guardian.close(limit_s)
        self._pictures.close()
        if self._warm is not None:
            self._warm.close()
        for attempt in list(self._renders):
            self._logs.close(attempt)

    def _launch_of(self, one: Launch, argv: tuple[str, ...] | list[str]) -> process.Launch:
        """The environment is built from nothing: a task sees what is listed here and what its function adds."""
        folder = self._folders[one.slot]
        env = {
            "PATH": self._path,
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "HOME": folder,
            "TMPDIR": folder,
            "BRENDER_MASTER": self._master,
            "BRENDER_SITE": self._site,
            **one.call.env,
        }
        token = f"{self._boot}.{one.attempt}"
        return process.Launch(one.attempt, one.slot, argv, env, one.call.cwd or folder, token)

    def _dress(self, one: Launch) -> process.Launch:
        """A Blender that stays open: what is of one task alone (BRENDER_TASK, …) is not in its environment."""
        assert self._program is not None
        env = dict(_lasting(one.call.env))
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
            prefix, content, there = self._pool.apply(_prepare, (job, str(one.attempt), render.frames))
            render.content = content
            render.skip(there)
            if not render.frames:
                self._tell([Began(one.attempt), Ended(one.attempt, exit_code=0)])
                return
            if self._warm is None:
                argv = blender.command(self._program, job, render.frames, prefix, self._threads)
                self._guardian.spawn([self._launch_of(one, argv)])
                return
            request = blender.request(job, render.frames, prefix, self._threads)
            self._warm.render(one, render, request, Subject(job.blend, content, _lasting(one.call.env)))
        except BrenderError as error:
            self._tell([NotStarted(one.attempt, error.sentence())])
        except Exception as error:  # whatever it was, it must not hold the slot for ever
            self._tell([NotStarted(one.attempt, f"preparing the render failed: {error!r}"[:REASON_CHARS])])
            raise

    def _publish(self, attempt: int, render: Render) -> None:
        outcome = self._pool.apply(frames.publish, (render.job, str(attempt), render.frames, render.lines.rendered))
        render.published = not outcome.reason
        note = outcome.note
        try:
            if outcome.published:
                note = self._look_at(attempt, render, outcome.published)
        except Exception as error:  # whatever it was, the frames are there and the result must be told
            note = f"looking at the frames failed: {error!r}"[:REASON_CHARS]
            raise
        finally:
            self._tell([Published(attempt, outcome.reason, "; ".join(filter(None, (render.skipped, note))))])

    def _look_at(self, attempt: int, render: Render, published: list[frames.Published]) -> str:
        """Measure what was published and remember it; what a person should know of it."""
        wishes = [Wish(os.path.dirname(one.path), os.path.basename(one.path)) for one in published]
        looked = zip(published, self._pictures.look(wishes), strict=True)
        seen = {one.frame: measured for one, measured in looked if measured is not None}
        key = manifest.key_of(render.job, render.content)
        note: str = self._pool.apply(frames.record, (render.job, str(attempt), key, published, seen))
        return note

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
            return Ended(event.attempt, signal=-code, reason=reason, memory_mb=event.max_rss_kb >> 10)
        return Ended(event.attempt, exit_code=code, reason=reason, memory_mb=event.max_rss_kb >> 10)

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
        else:
            self._told.setdefault(attempt, Told()).feed(data)

    def _on_lost(self, attempts: tuple[int, ...]) -> None:
        """The guardian died, its tasks were swept. A new one takes over; where they keep dying, the daemon leaves."""
        self._deaths.append(time.monotonic())
        found = list(attempts) if self._warm is None else self._warm.lost(attempts)
        self._guardian.start()
        self._tell([Orphaned(found)])
        if len(self._deaths) == MOST_DEATHS and self._deaths[-1] - self._deaths[0] < DEATHS_S:
            self._tell([Leave()])


def _prepare(
    job: blender.BlenderJob, attempt: str, wanted: Sequence[int]
) -> tuple[str, tuple[int, ...], frozenset[int]]:
    """The prefix of the parts, the content of the .blend, and the frames that need not be rendered again."""
    prefix, content = frames.prepare(job, attempt), frames.content(job.blend)
    if job.existing != "skip":
        return prefix, content, frozenset()
    return prefix, content, frozenset(manifest.finished(job.output, wanted, manifest.key_of(job, content)))


def _lasting(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What of a task's environment is not of this task alone."""
    return tuple((key, text) for key, text in env.items() if not key.startswith("BRENDER_") or key == "BRENDER_GPUS")


def _written(renders: Mapping[int, Render]) -> dict[int, int]:
    return {at: pulse.part_bytes(blender.part_prefix(render.job, str(at))) for at, render in renders.items()}
