"""Commands about single tasks: one frame or chunk of a step, named by the number in the first column of `task list`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands.calls import Call, check_owner
from brender.commands.jobs import Force, Within, check_force
from brender.commands.kinds import Arg
from brender.commands.parts import FAILED_STEP, FAILED_TASKS, JOB_OR_STEP, STATE, STEP, TASKS
from brender.commands.references import JOB
from brender.commands.states import frames_in, live_of, marked, named, page, task_line
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core import frames as frames_
from brender.core.lifecycle import TaskState
from brender.core.rows import Attempt, Job, Step
from brender.errors import InvalidParams, NotFound, WrongState

OneStep = Annotated[Step, STEP, Arg("t", "which step: job/step")]
Number = Annotated[int, Meta(ge=0), Arg(text="its number in task list")]


def listing(
    call: Call,
    job: Annotated[list[Step], JOB_OR_STEP, Arg("w", "a job, or job/step")],
    state: Annotated[frozenset[TaskState] | None, STATE, Arg(text="only tasks in this state")] = None,
    *,
    project: Within = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List the tasks of a job with their frames, state, worker, number of attempts and what went wrong."""
    farm = call.farm
    pages, total = page(farm, job, state, limit, offset)
    rows = []
    for step, indexes in pages:
        live, frames = live_of(farm, step), frames_in(step)
        rows += [marked(task_line(farm, step, index, live, frames), call.marks) for index in indexes]
    sums = [sum(column) for column in zip(*(farm.tasks[step.id].counts for step in job), strict=True)] or [0] * len(
        TaskState
    )
    return {"tasks": rows, "total": total, "offset": offset, "counts": named(sums), "steps": len(job)}


def show(call: Call, step: OneStep, task: Number = 0) -> dict[str, Any]:
    """Show everything known of one task."""
    farm = call.farm
    tasks = farm.tasks[step.id]
    if task >= len(tasks):
        raise NotFound(f"Step {step.name} has no task {task}; they are 0 to {len(tasks) - 1}.")
    live = live_of(farm, step)
    trouble = tasks.trouble.get(task)
    return {
        **marked(task_line(farm, step, task, live, frames_in(step)), call.marks),
        "function": step.function,
        "params": step.params,
        "live": asdict(live[task]) if task in live else None,
        "waits": _waits(call, live[task]) if task in live else None,
        "trouble": None
        if trouble is None
        else {"errors": trouble.errors, "crashes": trouble.crashes, "last": asdict(trouble.last)},
    }


def _waits(call: Call, attempt: Attempt) -> float | None:
    """Seconds for which it may not be stopped yet, None if it may."""
    until = call.farm.leases.get(attempt.id)
    return None if until is None else round(max(0.0, until - call.now), 3)


def retry(
    call: Call,
    step: Annotated[Step, FAILED_STEP, Arg("t", "job/step, or the job")],
    tasks: Annotated[
        list[int] | None, FAILED_TASKS, Arg(text="numbers such as 3 or 0-9; failed ones when left out")
    ] = None,
    *,
    frames: Annotated[str, Arg(text="the tasks of these frames, such as 1-10, instead of numbers")] = "",
    again: Annotated[bool, Arg(text="also those that are a success: render them anew")] = False,
) -> events.Event:
    """Run tasks again that have ended; what went wrong before no longer counts."""
    check_owner(call, call.farm.jobs[step.job_id])
    chosen = tasks or []
    if frames:
        if tasks:
            raise InvalidParams("Name tasks by number or by frames, not both.")
        chosen = _of_frames(step, frames)
    return events.RetryTasks(step.id, chosen, call.who.name, again)


def _of_frames(step: Step, text: str) -> list[int]:
    """The tasks that hold any of these frames. Raises NotFound naming a frame the step has not."""
    if not step.frames:
        raise NotFound(f"Step {step.name} has no frames.", hint="Name its task by number: 0.")
    wanted = set(frames_.parse(text))
    found: set[int] = set()
    for place, frame in enumerate(frames_.parse(step.frames)):
        if frame in wanted:
            wanted.discard(frame)
            found.add(place // (step.chunk or 1))
    if wanted:
        raise NotFound(f"Step {step.name} has no frame {min(wanted)}; it has {step.frames}.")
    return sorted(found)


def kill(
    call: Call,
    step: OneStep,
    tasks: Annotated[list[int], TASKS, Arg(text="numbers such as 3 or 0-9, or running")],
    *,
    force: Force = False,
) -> events.Event:
    """End single tasks of a step with frames; the job goes on without them."""
    check_owner(call, call.farm.jobs[step.job_id])
    check_force(call, force)
    return events.KillTasks(step.id, tasks, call.who.name, force)


def set_status(
    call: Call,
    job: Annotated[Job, JOB, Arg("w", "which job")],
    step: Annotated[Step, STEP, Arg("t", "which step of it")],
    status: Annotated[Literal["waiting", "running"], Arg(text="waiting keeps it from being stopped")],
    *,
    project: Within = None,
    index: Annotated[int, Meta(ge=0), Arg(text="its number in task list, for a step with frames")] = 0,
    attempt: Annotated[int | None, Arg(text="only if this attempt is the one that runs now")] = None,
    limit: Annotated[float | None, Meta(gt=0), Arg(text="seconds after which it is running again")] = None,
) -> events.Event:
    """Say that a running task has entered a stretch in which it must not be stopped, or left it (SP-30, SP-40).

    A task may say it of itself: spa_ctl set_status waiting, in its script, needs no other words.
    """
    check_owner(call, call.farm.jobs[step.job_id])
    found = live_of(call.farm, step).get(index)
    if found is None or attempt not in (None, found.id):
        raise WrongState(
            f"Task {index} of {job.name}/{step.name} is not running{'' if found is None else ' in that attempt'}.",
            hint=f"See task list {job.name}/{step.name}.",
        )
    return events.SetWaiting(found.id, status == "waiting", call.who.name, limit)
