"""The rows of what there is to do, and of who does it. Data only, no rule: models.py keeps the same fields on the disk.

It must not know how tasks move (lifecycle.py) nor what is kept of them in memory (tasks.py).
"""

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


class Trouble(Struct):
    """What went wrong with one task in this run: kept only for tasks whose newest attempt is over and not a success."""

    last: Attempt
    errors: int = 0
    crashes: int = 0


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
