"""What workers and managers say. It must not know farms.

`session` is the connection it came over, because what an old one says must not touch what a new one did.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from brender.core.events.event import Event


class Hello(Event):
    """A worker daemon introduces itself and says what it runs and what results it still holds."""

    session: int
    key: str
    mac: str
    hostname: str
    name: str = ""
    boot: str = ""
    slots: int = 1
    functions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    platform: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    running: list[int] = field(default_factory=list)  # attempts, started or queued there
    held: list[int] = field(default_factory=list)  # attempts whose results wait in its outbox


class LegacyHello(Event):
    """A 2013 client: listed, online while connected, never given work (BR-30)."""

    session: int
    mac: str
    hostname: str


class Heartbeat(Event):
    session: int
    warning: str = ""
    full: bool = False  # it starts nothing for now; the warning says why


class Started(Event):
    """Attempts that began, as [attempt, pid]."""

    session: int
    attempts: list[tuple[int, int]]


class Result(Struct, array_like=True):
    """How one attempt ended. Durations, not times: clocks of machines differ."""

    attempt: int
    state: str  # success0 | error | terminated | stopped | killed | returned (its worker was shut down in order)
    seconds: float = 0.0
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    number: int = 0  # place in the worker's outbox; the acknowledgement names it
    memory_mb: int = 0  # MiB that its process held at the most, 0: not known


class Results(Event):
    session: int
    results: list[Result]


class Returned(Event):
    """Attempts that were taken back before they started."""

    session: int
    attempts: list[int]


class Immortal(Event):
    """Processes that survived every signal, as [attempt, pid] (SP-38)."""

    session: int
    attempts: list[tuple[int, int]]


class Stalled(Event):
    """Attempts without a sign of life, as [attempt, for so many seconds]; 0 seconds: it moves again (CONTRACT R32)."""

    session: int
    attempts: list[tuple[int, float]]


class Clock(Event):
    """What a worker's clock says, in seconds since the epoch, at the moment it was sent (RM-53)."""

    session: int
    at: float


class Counted(Event):
    """How many channels a manager has at this moment (CL-15)."""

    session: int
    census: int
    count: int


class ChannelsReady(Event):
    """A manager has set up what it was told: channels that began, that went on as they were, and [channel, why not]."""

    session: int
    started: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    failed: list[tuple[int, str]] = field(default_factory=list)


class ChannelStates(Event):
    """Channels that went on, fell silent or failed at their manager: [channel, logging | stale | error, why]."""

    session: int
    channels: list[tuple[int, str, str]]


class SetWaiting(Event):
    """A task entered or left a stretch in which it must not be stopped, for `limit` seconds at most (SP-30)."""

    attempt: int
    waiting: bool
    by: str = ""
    limit: float | None = None


class Disconnected(Event):
    """The connection of a worker is gone; `bye` means that it said so."""

    session: int
    bye: bool = False
