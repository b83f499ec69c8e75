"""The row of what the clock runs. Data only, no rule: models.py keeps the same fields on the disk.

It must not know how a moment is reckoned (occurrences.py) nor what a command does.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Schedule(Struct):
    """A command of the table that is run by the clock. Its moments are the wall clock's, in seconds since the epoch.

    `then` is the state it goes back to when what it runs now has ended. A calendar's params name its workers.
    """

    id: int
    uuid: str
    name: str = ""
    kind: str = "once_after"  # occurrences.KINDS
    seconds: float = 0.0
    offset: float = 0.0
    timestamp: float = 0.0  # when it is due for the first time
    expr: str = ""
    tz: str = "UTC"
    method: str = ""
    params: dict[str, Any] = field(default_factory=dict)  # as JSON-RPC has them: read anew each time
    project: str = ""  # the current one of the session that made it
    owner: str = ""
    role: str = ""  # of the owner, when it was made
    misfire: str = "skip"  # skip | run_once: what was due while nobody could run it
    overlap: str = "skip"  # skip | queue: what is due while it still runs
    state: str = "armed"  # armed | running | paused | stopped (all are) | done | missed
    then: str = "armed"
    queued: bool = False  # a run is owed as soon as may be
    next_at: float | None = None
    last_at: float | None = None
    last_result: dict[str, Any] = field(default_factory=dict)
    runs: int = 0
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class ScheduleRun(Struct):
    """What became of one moment at which a schedule was due, or of a run by hand. Moments are the wall clock's."""

    id: int
    schedule_id: int
    name: str  # that the schedule had; it may be gone
    command: str  # what it ran, or would have run
    due_at: float
    fired_at: float | None = None  # when it began; None: it did not
    ended_at: float | None = None
    outcome: str = "running"  # running | ok | error | unknown (the master stopped) | missed | overlapped
    said: str = ""
    code: int | None = None  # of the error
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1
