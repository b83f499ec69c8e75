"""Commands that look at what goes on elsewhere or takes time: the log of a task on its worker, a job until its end."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from brender.commands.calls import Call, ReadLog, ReadOwnLog, WatchJob
from brender.commands.history import OneWorker
from brender.commands.jobs import Within
from brender.commands.kinds import Arg
from brender.commands.references import JOB
from brender.commands.tasks import Number, OneStep
from brender.core.rows import Job
from brender.errors import NotFound, WrongState

LINES = 100
Lines = Annotated[int | None, Meta(ge=1, le=10_000), Arg(text="the last lines, 100 when left out")]
Start = Annotated[int | None, Meta(ge=0), Arg(text="from this byte on instead; what was answered as next")]
AttemptId = Annotated[int | None, Meta(ge=1), Arg(text="the id of one, from task history; the newest when left out")]


def log(
    call: Call,
    step: OneStep,
    task: Number = 0,
    *,
    attempt: AttemptId = None,
    lines: Lines = None,
    start: Start = None,
    follow: Annotated[bool, Arg("f", "and what it prints from now on, until it ends or Ctrl-C")] = False,
) -> ReadLog:
    """Show what a task has printed. The log is on the worker that ran it, which has to be online.

    At most 256 KiB are answered at once. A program that follows gets the rest as task.log events of its own session
    until one has eof true; farm unsubscribe task.log ends it before.
    """
    count = len(call.farm.tasks[step.id])
    if task >= count:
        raise NotFound(f"Step {step.name} has no task {task}; they are 0 to {count - 1}.")
    last = (lines or LINES) if start is None else None
    return ReadLog(step.id, task, attempt, start, last, follow)


def own_log(
    call: Call,
    worker: OneWorker,
    *,
    lines: Lines = None,
    start: Start = None,
    follow: Annotated[bool, Arg("f", "and what it says from now on, until Ctrl-C")] = False,
) -> ReadOwnLog:
    """Show what the daemon of a worker has said. It is kept on that machine, which has to be online.

    The newest two MiB are kept, over restarts of the daemon.
    At most 256 KiB are answered at once. A program that follows gets the rest as worker.tail events of its own
    session; farm unsubscribe worker.tail ends it.
    """
    return ReadOwnLog(worker.id, start, (lines or LINES) if start is None else None, follow)


def watch(call: Call, job: Annotated[Job, JOB, Arg("w", "which job")], *, project: Within = None) -> WatchJob:
    """Follow a job until its run has ended, and answer then; a line a second at the most says how far it is.

    A program gets these as job.watch events of its own session. Ctrl-C, or farm unsubscribe, ends it before.
    """
    if job.run == 0:
        raise WrongState(f"Job {job.name} was never started.", hint=f"Start it: job run {job.id}")
    return WatchJob(job.id)
