"""Functions in the background, later or again and again: the seed's `Scheduler`, for Python programs of any kind.

    from brender import scheduler

    scheduler.start()
    uuid = scheduler.repeat_o_clock("1h", report, "daily")
    scheduler.loop_forever()

The module is a scheduler itself, as the seed's is; who wants several makes them: `Scheduler()`. It needs no farm and
knows none; schedules of a farm are commands (`schedule …`) and are due by the same functions (core/occurrences.py).
Delays are measured by the monotonic clock; what goes by the clock goes by the one on the wall.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from brender.core import occurrences
from brender.core.durations import seconds_of
from brender.core.zones import UTC
from brender.errors import WrongState

log = logging.getLogger("brender.scheduler")

SHORTEST = 0.001  # seconds from one run to the next
LOOK = 1.0  # seconds after which the wall clock is looked at again: somebody may have set it
Seconds = float | int | str  # numbers are seconds; texts have units: "500ms", "8s", "2m", "1h", "1d", "1w"


class Clock:
    """Two clocks and the only way to wait; a program that wants its own time gives another one."""

    def steady(self) -> float:
        """Seconds that only run."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        """Wait, holding the condition, until it is notified or so many seconds are over; None: for the first only."""
        changed.wait(seconds)


@dataclass
class Job:
    """A function and when it is due; a plan as `core.occurrences` wants it."""

    kind: str
    run: Callable[[], Any]
    seconds: float = 0.0
    offset: float = 0.0
    timestamp: float = 0.0
    expr: str = ""
    tz: str = UTC
    uuid: str = field(default_factory=lambda: str(uuid4()))
    due: float = 0.0  # by its own clock: the steady one for delays, else the wall clock
    running: bool = False


class Scheduler:
    """Each run has a thread of its own, so a slow function delays no other; of one job only one run goes on at a time.

    What a function raises is logged, and its repetition goes on (RM-43). Periods that were missed, because the process
    slept, the wall clock was set or the run before still went on, are left out, not replayed (RM-42).
    """

    def __init__(self, clock: Clock | None = None, spawn: Callable[[Callable[[], None]], None] | None = None) -> None:
        self._clock = clock or Clock()
        self._spawn = spawn or _in_a_thread
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._going = 0  # runs that have begun, or are about to
        self._deep: dict[int, int] = {}  # of them, those of each thread
        self._timer: threading.Thread | None = None

    def start(self) -> None:
        """Begin; nothing can be scheduled before (RM-17). Started already, it goes on as it is."""
        with self._changed:
            if self._timer is None:
                self._timer = threading.Thread(target=self._loop, name="brender-scheduler", daemon=True)
                self._timer.start()

    def stop(self) -> None:
        """Drop what is scheduled, wait for what runs, and end (RM-18); a run that calls it is not waited for."""
        with self._changed:
            timer, self._timer = self._timer, None
            self._jobs.clear()
            self._changed.notify_all()
            while self._going > self._deep.get(threading.get_ident(), 0):
                self._changed.wait()
        if timer is not None and timer is not threading.current_thread():
            timer.join()

    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._timer is not None

    def loop_forever(self) -> None:
        """Stay until somebody calls `stop` (RM-19)."""
        with self._changed:
            self._check_started()
            while self._timer is not None:
                self._changed.wait()

    def once_after(self, seconds: Seconds, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
        """Run once after so many seconds; returns the job's uuid (RM-20). Raises WrongState before `start`."""
        return self._add(Job("once_after", lambda: func(*args, **kwargs), seconds_of(seconds)))

    def once_o_clock(self, seconds: Seconds, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
        """Run once when the timestamp is next a multiple of so many seconds (RM-21)."""
        return self._add(Job("once_o_clock", lambda: func(*args, **kwargs), seconds_of(seconds)))

    def once_when(self, timestamp: float, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
        """Run once at a timestamp; raises Invalid for one that is over (RM-22)."""
        return self._add(Job("once_when", lambda: func(*args, **kwargs), timestamp=float(timestamp)))

    def repeat_every(self, seconds: Seconds, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
        """Run every so many seconds, the first time so many from now; lateness does not add up (RM-23)."""
        return self._add(Job("repeat_every", lambda: func(*args, **kwargs), seconds_of(seconds)))

    def repeat_o_clock(self, seconds: Seconds, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
        """Run whenever the timestamp is a multiple of so many seconds (RM-24)."""
        return self._add(Job("repeat_o_clock", lambda: func(*args, **kwargs), seconds_of(seconds)))

    def repeat_o_clock_with_offset(
        self, period: Seconds, offset: Seconds, func: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> str:
        """The same, so many seconds after each multiple; an offset is less than its period (RM-41)."""
        return self._add(
            Job("repeat_o_clock", lambda: func(*args, **kwargs), seconds_of(period), offset=seconds_of(offset))
        )

    def remove(self, uuid: str) -> bool:
        """No further run; a run that goes on ends by itself. False: there is no such job (any more) (RM-25)."""
        with self._changed:
            found = self._jobs.pop(uuid, None)
            self._changed.notify_all()
            return found is not None

    # ---- inside

    def _check_started(self) -> None:
        if self._timer is None:
            raise WrongState("The scheduler does not run.", hint="Call start() first.")

    def _add(self, job: Job) -> str:
        with self._changed:
            self._check_started()
            job.due = occurrences.first(job, self._now(job), SHORTEST)
            if job.kind in occurrences.MEASURED:
                job.timestamp = job.due
            self._jobs[job.uuid] = job
            self._changed.notify_all()
        return job.uuid

    def _now(self, job: Job) -> float:
        return self._clock.steady() if job.kind in occurrences.MEASURED else self._clock.wall()

    def _loop(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                if self._timer is not me:
                    return
                job = self._take()
                if job is None:
                    self._clock.wait(self._changed, self._until())
                    continue
            try:
                self._spawn(partial(self._call, job))
            except RuntimeError:  # the system gives no thread
                log.exception("a scheduled function could not be started; it goes on as scheduled")
                self._over(job)

    def _until(self) -> float | None:
        """Seconds to the next thing that is due, never long where the wall clock decides."""
        waits = [
            max(0.0, job.due - self._now(job))
            if job.kind in occurrences.MEASURED
            else min(LOOK, max(0.0, job.due - self._now(job)))
            for job in self._jobs.values()
        ]
        return min(waits, default=None)

    def _take(self) -> Job | None:
        """The first job that is due, now marked as running and due again, or gone; None when none is."""
        for job in sorted(self._jobs.values(), key=lambda job: job.due):
            now = self._now(job)
            if job.kind in ("once_o_clock", "repeat_o_clock") and job.due - now > 2 * job.seconds:
                job.due = occurrences.on_grid(job.offset, job.seconds, now)  # the wall clock was set back by much
            if job.due > now:
                continue
            free = not job.running
            if job.kind in occurrences.ONCE:
                del self._jobs[job.uuid]
            else:
                job.due = occurrences.after(job, now) or now
            if free:
                job.running = True
                self._going += 1
                return job
        return None

    def _call(self, job: Job) -> None:
        me = threading.get_ident()
        with self._changed:
            self._deep[me] = self._deep.get(me, 0) + 1
        try:
            job.run()
        except Exception:
            log.exception("a scheduled function failed; it goes on as scheduled")
        finally:
            with self._changed:
                self._deep[me] -= 1
                if not self._deep[me]:
                    del self._deep[me]
            self._over(job)

    def _over(self, job: Job) -> None:
        with self._changed:
            job.running = False
            self._going -= 1
            self._changed.notify_all()


def _in_a_thread(run: Callable[[], None]) -> None:
    threading.Thread(target=run, name="brender-scheduled", daemon=True).start()


_one = Scheduler()
start, stop, is_running, loop_forever, remove = _one.start, _one.stop, _one.is_running, _one.loop_forever, _one.remove
once_after, once_o_clock, once_when = _one.once_after, _one.once_o_clock, _one.once_when
repeat_every, repeat_o_clock = _one.repeat_every, _one.repeat_o_clock
repeat_o_clock_with_offset = _one.repeat_o_clock_with_offset
