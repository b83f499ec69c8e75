"""All that can happen to a farm. An event is data: what somebody asked or a worker said, never how to do it.

People's events carry `by` (who asked), and those that can be undone also `session`, for who has no name. Workers'
events carry `session`, the connection they came over, because what an old one says must not touch what a new one did.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Event(Struct):
    """Base of all events; `by` is the actor for the audit and the story."""


# ---- the farm itself


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
    """A schedule is due, at this time of the master's clock. Its command is the next event of the same turn."""

    schedule: int
    at: float


class ScheduleEnded(Event):
    """What became of a run of a schedule: `outcome` is ok or error, `said` a line of text, `code` that of the error."""

    schedule: int
    run: int
    outcome: str
    said: str = ""
    code: int | None = None


# ---- people


class Create(Event):
    """A new row of a noun (worker, project, limit, preset, schedule, job, step) with these attributes."""

    noun: str
    values: dict[str, Any]
    by: str = ""


class Update(Event):
    """New attribute values for some rows; `version` makes it a compare-and-set."""

    noun: str
    ids: list[int]
    values: dict[str, Any]
    version: int | None = None
    by: str = ""
    session: int = 0


class Delete(Event):
    noun: str
    ids: list[int]
    by: str = ""


class SetAdmin(Event):
    """Enable or disable workers (BR-19, BR-20)."""

    workers: list[int]
    state: str
    by: str = ""
    session: int = 0


class SetCalendar(Event):
    """Windows of the week in which workers are enabled (calendars.parse); an empty text takes the calendar away."""

    workers: list[int]
    windows: str
    tz: str = "UTC"
    uuid: str = ""
    by: str = ""
    role: str = ""


class PauseSchedule(Event):
    schedule: int
    paused: bool
    by: str = ""


class RunSchedule(Event):
    """Run it once more as soon as may be; when it is due next stays as it is."""

    schedule: int
    by: str = ""


class StopSchedules(Event):
    """Hold all schedules, or let them go on (RM-17, RM-18)."""

    stopped: bool
    by: str = ""


class SubmitTree(Event):
    """Create or extend from spad's tree: project -> workflows -> tasks (SP-16, SP-19)."""

    tree: dict[str, Any]
    by: str = ""
    run: bool = False  # start the workflows named in it in the same turn
    wipe: bool = False  # delete the workflows named in it first (SP-50 recreate)


class UpdateTree(Event):
    """Replace the leaves of spad's tree as whole entities, all or nothing (SP-22)."""

    tree: dict[str, Any]
    by: str = ""


class DeleteTree(Event):
    """Delete the leaves of spad's tree in their order, all or nothing (SP-20)."""

    tree: dict[str, Any]
    by: str = ""


class RunJob(Event):
    """A run of a job, or of one step of it; nothing of it starts before `start_at` (seconds since the epoch)."""

    job: int
    step: int | None = None
    by: str = ""
    start_at: float | None = None


class StopJob(Event):
    """`force` also ends what is in a stretch in which it must not be stopped (REQUIREMENTS 10.8)."""

    job: int
    by: str = ""
    force: bool = False


class StopAll(Event):
    """End every run of the farm (SP-50 kill_all)."""

    by: str = ""
    force: bool = False


class PauseJob(Event):
    job: int
    paused: bool
    by: str = ""
    session: int = 0


class Undo(Event):
    """Take back the last enable, disable, priority, pause or resume of whoever asks."""

    by: str = ""
    session: int = 0


class UnblockJob(Event):
    """Let workers try again that failed too often at a job."""

    job: int
    by: str = ""


class RetryJob(Event):
    """Run everything of a job again that has failed or was skipped; `again` takes what is a success, too."""

    job: int
    by: str = ""
    again: bool = False


class RetryTasks(Event):
    """Run tasks of a step again; an empty list means every failed one. `again` takes those that are a success, too."""

    step: int
    tasks: list[int]
    by: str = ""
    again: bool = False


class KillTasks(Event):
    step: int
    tasks: list[int]
    by: str = ""
    force: bool = False


class AddChannels(Event):
    """New channels, all or none: each the values of a row, with `name`; what floats gets a manager (CL-14)."""

    channels: list[dict[str, Any]]
    by: str = ""


class SwitchChannels(Event):
    """Start, stop or restart channels (CL-47)."""

    channels: list[int]
    act: str
    by: str = ""


class MoveChannels(Event):
    """Give channels to this manager; 0: to the one that has the fewest."""

    channels: list[int]
    manager: int
    by: str = ""


class SetGroups(Event):
    """The groups of a manager, in order; channels of one that is gone go to the others (CL-40)."""

    manager: int
    groups: list[str]
    by: str = ""


class PlaceChannels(Event):
    """A census or the patience with a manager is over."""


class Reload(Event):
    """Rows of devices, keys and channels that somebody edited in the database: as they are there (RM-34 to RM-37).

    `gone` are those that were deleted there, as (table, id).
    """

    rows: list[Any]
    gone: list[tuple[str, int]]
    by: str = ""


# ---- alarms, loggers and letters


class Readings(Event):
    """Samples of channels that some alarm rule looks at, as (channel, seconds since the epoch, value)."""

    samples: list[tuple[int, float, Any]]


class AckAlarms(Event):
    """Somebody looks after these; they are not told of again until they are over."""

    alarms: list[int]
    by: str = ""


class SkipAlarms(Event):
    """Silence for so many seconds (None: until they are over)."""

    alarms: list[int]
    seconds: float | None = None
    by: str = ""


class ConfigLogger(Event):
    """When lines of a level of a logger are mailed, or to whom all of them are."""

    logger: str
    level: str = ""
    schedule: str = ""
    sinks: list[str] | None = None
    by: str = ""


class WriteLog(Event):
    """One line. `schedule` is for once, in place of what its level has."""

    logger: str
    level: str
    text: str
    host: str = ""
    mac: str = ""
    schedule: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    by: str = ""


class FlushLog(Event):
    """Make letters of what waits for this digest (empty: for any), of one logger or of all."""

    schedule: str = ""
    logger: str = ""
    by: str = ""


class TakeDelivery(Event):
    """A sender of letters asks for one that is due. `fresh`: it has just started and sends nothing yet."""

    holder: str
    fresh: bool = False


class DeliverySent(Event):
    """It is out; `refused` are recipients that will never have it."""

    delivery: int
    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


class DeliveryFailed(Event):
    """It is not out, or not to all; `final`: no later attempt can help."""

    delivery: int
    error: str
    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    final: bool = False


class RetryDeliveries(Event):
    """Send these at once."""

    deliveries: list[int]
    by: str = ""


# ---- workers


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
