"""The rows of a farm: the same as the database's (models.py mirrors the fields by name). Data only, no rule."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Worker(Struct):
    """A machine. `admin_state` is people's, `presence` is the link's; neither touches the other."""

    id: int
    key: str  # brender_<mac12>, the identity (RM-03)
    name: str
    mac: str
    hostname: str
    admin_state: str = "enabled"
    presence: str = "offline"
    warning: str = ""
    slots: int = 0
    functions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)  # people's; what is in it wins over facts
    facts: dict[str, Any] = field(default_factory=dict)  # what the machine says of itself
    platform: str = ""
    boot: str = ""  # one life of the daemon; another value means another process
    legacy: bool = False  # a 2013 client: listed, never given work
    rehosted_at: float | None = None  # when it last got, lost or was to alter a channel (CL-29)
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Project(Struct):
    id: int
    name: str
    description: str = ""
    weight: float = 1.0  # its share of the farm beside other projects with work of the same priority
    state: str = "active"  # active | archived: a project is never deleted (SP-20)
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class AlarmRule(Struct):
    """When somebody is to be told: a condition on channels, or something that happens on the farm (sources.py)."""

    id: int
    name: str
    source: str = "channel"
    selector: list[str] = field(default_factory=lambda: ["*"])  # globs over names, label=glob: a name and every label
    condition: str = ""  # of channels: lifecycle.CONDITIONS
    threshold: float = 0.0
    lasting: float = 0.0  # seconds for which it must be so (`for`)
    clear: float | None = None  # the value at which it is over; None: the threshold
    level: str = "WARNING"
    logger: str = "farm"
    runbook: str = ""  # what to do then, or where that is written
    enabled: bool = True
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Alarm(Struct):
    """A rule that holds for one thing. A resolved one leaves memory: its row is the history."""

    id: int
    rule_id: int
    subject: str  # channel | worker | job | attempt
    subject_id: int
    about: str  # what the thing was called
    said: str = ""  # what is the matter, in words
    worker_id: int = 0  # the machine it is of: while that is lost nobody is told (0: of none)
    state: str = "pending"
    value: float | None = None
    level: str = "WARNING"
    muted: bool = False  # it fired and nobody was told, for its worker is away
    count: int = 1  # how often it happened while it was not over
    since: float = 0.0  # when the condition became true
    fired_at: float | None = None
    resolved_at: float | None = None
    acked_by: str = ""
    skipped_until: float | None = None
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Logger(Struct):
    """A named source of lines. `levels` says when those of each level are mailed, `sinks` to whom (none: as usual)."""

    id: int
    name: str
    levels: dict[str, str] = field(default_factory=dict)
    sinks: list[str] = field(default_factory=list)  # addresses, or names of the credentials' `apprise`
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Record(Struct):
    """A line of a logger: `waiting` for its digest, `bound` in a delivery, `over` and then only a row on the disk."""

    id: int
    logger_id: int
    level: str
    schedule: str
    text: str
    host: str = ""
    mac: str = ""
    data: dict[str, Any] = field(default_factory=dict)  # what the line is about, for whoever makes a letter of it
    delivery_id: int = 0
    state: str = "waiting"
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Delivery(Struct):
    """One letter of the outbox. Its records are the rows that name it; one that was sent leaves memory."""

    id: int
    logger_id: int
    schedule: str
    level: str  # the worst of its records
    message_id: str  # the same at every attempt: a reader who gets it twice has it once
    state: str = "queued"
    attempts: int = 0
    next_at: float = 0.0
    expires_at: float = 0.0  # when it is given up
    holder: str = ""  # who sends it now
    done: list[str] = field(default_factory=list)  # recipients that have it
    refused: dict[str, str] = field(default_factory=dict)  # recipients that never will, and why
    error: str = ""
    sent_at: float | None = None
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Job(Struct):
    """A workflow. `desired` is what people asked for (run | stop); `state` sums up what is."""

    id: int
    project_id: int
    name: str
    priority: int = 50
    desired: str = "stop"
    paused: bool = False
    state: str = "not run"
    run: int = 0  # how often it was started; attempts of older runs are history
    tags: list[str] = field(default_factory=list)
    submitter: str = ""
    after: list[str] = field(default_factory=list)  # jobs (JOB or PROJECT/JOB) that must be a success before it starts
    start_at: float | None = None  # seconds since the epoch before which nothing starts
    most_workers: int = 0  # machines that may work on it at once, 0 = any number
    most_tasks: int = 0  # tasks that may run at once, 0 = any number
    failures: dict[str, int] = field(default_factory=dict)  # "worker function" -> failed attempts in this run
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    modified_at: float = 0.0
    version: int = 1


class Step(Struct):
    """An ordered element of a job (spad's task). Its tasks are implied by `frames` and `chunk`."""

    id: int
    job_id: int
    name: str
    place: int = 1
    exec: str = "await"  # await: the next place waits for its end; parallel: it does not
    function: str = "noop"
    params: list[Any] | dict[str, Any] = field(default_factory=list)
    frames: str = ""
    chunk: int = 1
    order: str = "linear"  # in which its tasks are given out: linear | reverse | binary | nth:N
    after: list[str] = field(default_factory=list)  # steps of the job it waits for; "sim:frame" waits task by task
    limits: list[str] = field(default_factory=list)  # one of each of these is taken while a task runs
    needs: dict[str, float] = field(default_factory=dict)  # what a task takes of a machine: fit.NEEDS
    retries: int = 1
    timeout: float | None = None  # seconds an attempt may take; None = for ever (SP-04)
    stalled_after: float | None = None  # seconds without a sign of life, then it is told; None: as its worker says
    stop_stalled: bool = False  # and the attempt is ended with an error
    run: int = 0  # the job's run in which its tasks were last made new
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Limit(Struct):
    """What the farm has so many of, such as licences: that many tasks that name it may run at once."""

    id: int
    name: str
    count: int = 0
    description: str = ""
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Preset(Struct):
    """A render config: named parameters of the Blender function, copied into a step when it is submitted."""

    id: int
    name: str
    params: dict[str, Any] = field(default_factory=dict)
    description: str = ""
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Device(Struct):
    """What is measured at: a machine, a GPU, a sensor. `driver` is the entry point of the probe that asks it."""

    id: int
    name: str
    worker_id: int = 0  # the machine it is part of; 0: any manager reaches it
    description: str = ""
    vendor_id: str = ""  # of PCI or USB, 4 hex digits each
    product_id: str = ""
    driver: str = ""  # pyClass
    config: dict[str, Any] = field(default_factory=dict)  # pyConf
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Key(Struct):
    """What is measured, and in what unit. What a probe says is kept as (value + add) * mul."""

    id: int
    name: str
    unit: str = ""
    description: str = ""
    kind: str = "gauge"  # gauge | counter | text | bool | vector
    mul: float = 1.0
    add: float = 0.0
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Channel(Struct):
    """One key of one device, asked again and again by the manager that hosts it. Its samples are no rows."""

    id: int
    name: str
    short_name: str = ""
    device_id: int = 0  # 0: nobody is asked; its type makes the values, or they come by `reading put`
    key_id: int = 0
    type: str = "scalar"  # which values are kept: lifecycle.CHANNEL_TYPES
    params: dict[str, Any] = field(default_factory=dict)
    placement: str = "floating"  # pinned | floating
    manager_id: int = 0  # the worker that hosts it; 0: nobody yet
    group: str = ""  # of that manager
    state: str = "new"
    error: str = ""  # why it is not logging
    labels: dict[str, str] = field(default_factory=dict)
    started_at: float | None = None
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


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


class Attempt(Struct):
    """One execution of one task on one worker. Its id is the fence: nothing else may end this task now."""

    id: int
    step_id: int
    task: int
    run: int
    number: int
    worker_id: int
    state: str = "assigned"
    exit_code: int | None = None
    signal: int | None = None
    pid: int | None = None
    reason: str = ""
    assigned_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    spent: bool = False  # the operator said retry: neither it nor what came before it counts any more
    memory_mb: int = 0  # MiB that its process held at the most, 0: not known


Row = (
    Worker
    | Project
    | Limit
    | Preset
    | Device
    | Key
    | Channel
    | Schedule
    | ScheduleRun
    | Job
    | Step
    | Attempt
    | AlarmRule
    | Alarm
    | Logger
    | Record
    | Delivery
)
Nameless = Attempt | Alarm | Record | Delivery | ScheduleRun
TABLES: dict[str, type[Row]] = {
    "worker": Worker,
    "project": Project,
    "limit": Limit,
    "preset": Preset,
    "device": Device,
    "key": Key,
    "channel": Channel,
    "schedule": Schedule,
    "schedule_run": ScheduleRun,
    "job": Job,
    "step": Step,
    "attempt": Attempt,
    "alarm_rule": AlarmRule,
    "alarm": Alarm,
    "logger": Logger,
    "record": Record,
    "delivery": Delivery,
}
TABLE_OF: dict[type[Row], str] = {kind: table for table, kind in TABLES.items()}


class Trouble(Struct):
    """What went wrong with one task in this run: kept only for tasks whose newest attempt is over and not a success."""

    last: Attempt
    errors: int = 0
    crashes: int = 0
