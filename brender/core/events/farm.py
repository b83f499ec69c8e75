"""What happens to the farm by itself: it starts, the clock goes on, schedules are due.

It must not know who carries it out.
"""

from __future__ import annotations

from brender.core.events.event import Event


class Boot(Event):
    """The master has loaded its farm: nobody is connected yet and a new epoch begins."""


class Tick(Event):
    """Time has passed; nothing else happened."""


class ArmDigests(Event):
    """The farm begins its day: schedules of the digests that are absent are made, in this time zone."""

    tz: str = "UTC"


class DiskRoom(Event):
    """How the disk is on which the master keeps the farm, in bytes."""

    free: int
    total: int


class ClockMoved(Event):
    """Somebody or NTP set the wall clock: it is now `shift` seconds ahead of the master's own, which only runs."""

    shift: float


class Fire(Event):
    """A schedule is due, at this time of the master's clock. Its command is the next event of the same turn.

    `command` is that in words: what stands in the history.
    """

    schedule: int
    at: float
    command: str = ""


class ScheduleEnded(Event):
    """What became of a run of a schedule: `outcome` is ok or error, `said` a line of text, `code` that of the error."""

    schedule: int
    run: int
    outcome: str
    said: str = ""
    code: int | None = None
