"""Tasks of a step, one by one: run again, or end now. A job whose run was over is taken up again by a retry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.core.context import Context
from brender.core.events import KillTasks, RetryJob, RetryTasks
from brender.core.lifecycle import FAILED, LABELS, LIVE, MOST_ATTEMPTS, TaskState
from brender.core.rows import Attempt, Step, Trouble
from brender.core.rules.stops import stop_these
from brender.core.rules.waits import hold_all, hold_followers, pending, ready_again
from brender.errors import Invalid, WrongState


def retry(ctx: Context, event: RetryTasks) -> dict[str, Any]:
    """Make ended tasks new again; all failed ones when none is named. What went wrong before no longer counts."""
    step = ctx.step(event.step)
    job = ctx.farm.jobs[step.job_id]
    tasks = ctx.farm.tasks[step.id]
    if step.run == 0 or step.run != job.run:
        raise WrongState(f"Step {step.name} has not run in run {job.run} of {job.name}.", hint=f"job run {job.id}")
    chosen = event.tasks or tasks.having(
        (FAILED - {TaskState.SKIPPED}) | ({TaskState.SUCCESS} if event.again else set[TaskState]())
    )
    skipped = 0 if event.tasks else tasks.counts[TaskState.SKIPPED]
    if not chosen and not skipped:
        raise WrongState(f"Step {step.name} has no failed task.", hint=f"task list {job.id}")
    _check_exist(ctx, step, chosen)
    for task in chosen:
        state = TaskState(tasks.states[task])
        if state in LIVE:
            raise WrongState(
                f"Task {step.name}[{task}] is {LABELS[state]}; only one that has ended can be retried.",
                hint=f"task kill {job.id}/{step.name} {task}",
            )
        if tasks.numbers[task] >= MOST_ATTEMPTS - 5:
            raise WrongState(f"Task {step.name}[{task}] had {tasks.numbers[task]} attempts.", hint=f"job run {job.id}")
    if job.desired != "run":
        _take_up(ctx, step)
    for task in chosen:
        _renew(ctx, step, task, event)
    if job.failures:
        ctx.ledger.set(job, failures={})
    return {"id": step.id, "step": step.id, "name": step.name, "tasks": len(chosen) + skipped}


def retry_job(ctx: Context, event: RetryJob) -> dict[str, Any]:
    """The failed tasks of all steps of a job, and with them what was skipped; one refusal, and nothing is changed."""
    job = ctx.job(event.job)
    if job.run == 0:
        raise WrongState(f"Job {job.name} has not been run yet.", hint=f"job run {job.id}")
    ended = FAILED - {TaskState.SKIPPED} | ({TaskState.SUCCESS} if event.again else set[TaskState]())
    mine = [step for step in ctx.farm.steps_in(job) if step.run == job.run]

    def having(states: Iterable[TaskState]) -> list[Step]:
        return [step for step in mine if any(ctx.farm.tasks[step.id].counts[state] for state in states)]

    skipped = sum(ctx.farm.tasks[step.id].counts[TaskState.SKIPPED] for step in mine)
    # What was skipped becomes new with the run that is taken up: one step without failures is enough to ask for it.
    chosen = having(ended) or having([TaskState.SKIPPED])[:1]
    if not chosen:
        raise WrongState(f"Job {job.name} has no failed task.", hint=f"task list {job.id}")
    count = sum(ctx.farm.tasks[step.id].counts[state] for step in chosen for state in ended)
    for step in chosen:
        retry(ctx, RetryTasks(step.id, [], event.by, event.again))
    return {"job": job.id, "name": job.name, "tasks": count + skipped}


def _renew(ctx: Context, step: Step, task: int, event: RetryTasks) -> None:
    """One task begins again; its last attempt is marked spent so that a restart of the master agrees.

    A success is no longer in memory: there a new row that is spent draws the line (rebuild.py reads it so).
    """
    tasks = ctx.farm.tasks[step.id]
    trouble = tasks.trouble.get(task)
    if trouble is not None and not trouble.last.spent:
        ctx.ledger.set(trouble.last, spent=True)
    if trouble is not None:
        ctx.ledger.trouble(step.id, task, Trouble(trouble.last, 0, 0))
    elif TaskState(tasks.states[task]) is TaskState.SUCCESS:
        if not event.again:
            raise WrongState(
                f"Task {step.name}[{task}] is a success.", hint=f"task retry {step.job_id}/{step.name} {task} --again"
            )
        _supersede(ctx, step, task, f"made again, asked by {event.by or 'somebody'}")
    state = pending(ctx, step, task, TaskState.NEW)
    if tasks.states[task] != state:
        ctx.ledger.task(step, task, state)
    hold_followers(ctx, step, task)


def _supersede(ctx: Context, step: Step, task: int, reason: str) -> None:
    """Draw a line behind the success of a task: what comes before it in its history no longer counts."""
    number = ctx.farm.tasks[step.id].numbers[task]
    line = Attempt(ctx.ledger.new_id("attempt"), step.id, task, step.run, number, 0, "returned", reason=reason)
    line.assigned_at = line.ended_at = ctx.now
    line.spent = True
    ctx.ledger.record(line)
    ctx.ledger.trouble(step.id, task, Trouble(line, 0, 0))


def _take_up(ctx: Context, step: Step) -> None:
    """The run goes on: what was skipped when it ended becomes new again."""
    job = ctx.farm.jobs[step.job_id]
    ctx.ledger.set(job, desired="run", ended_at=None)
    for other in ctx.farm.steps_in(job):
        if other.run == job.run:
            tasks = ctx.farm.tasks[other.id]
            for task, trouble in tasks.trouble.items():
                if tasks.states[task] == TaskState.SKIPPED:
                    ctx.ledger.task(other, task, ready_again(other, trouble))
            ctx.ledger.task_all(other, (TaskState.SKIPPED,), TaskState.NEW)
    hold_all(ctx, job)
    ctx.ledger.unsettled.add(job.id)


def kill(ctx: Context, event: KillTasks) -> dict[str, Any]:
    """Stop running tasks of a framed step; the run goes on without them (REQUIREMENTS 10.6)."""
    step = ctx.step(event.step)
    job = ctx.farm.jobs[step.job_id]
    if not step.frames and len(ctx.farm.steps_of[job.id]) > 1:
        raise WrongState(
            f"Step {step.name} is part of a sequence; a single task of it is not stopped, since others depend on it.",
            hint=f"job stop {job.id}",
        )
    _check_exist(ctx, step, event.tasks)
    wanted = set(event.tasks)
    live = [a for a in ctx.farm.attempts.values() if a.step_id == step.id and a.task in wanted]
    stopped, held = stop_these(ctx, live, event.force)
    if not stopped and held:
        raise WrongState(
            f"The chosen tasks of {step.name} are waiting: they are in a stretch in which they must not be stopped.",
            hint="It has a limit, see task show. An admin may cut it: --force.",
        )
    if not stopped:
        raise WrongState(f"None of these tasks of {step.name} is running.", hint=f"task list {job.id}")
    return {"id": step.id, "step": step.id, "name": step.name, "tasks": stopped, "waiting": held}


def _check_exist(ctx: Context, step: Step, tasks: list[int]) -> None:
    count = len(ctx.farm.tasks[step.id])
    for task in tasks:
        if not 0 <= task < count:
            raise Invalid(
                f"Step {step.name} has tasks 0 to {count - 1}; {task} is none of them.",
                hint=f"task list {step.job_id}",
            )
