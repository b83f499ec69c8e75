"""Tasks that follow the tasks of another step one by one: held back, let go, held again when theirs is made anew."""

from __future__ import annotations

from brender.core import links
from brender.core.context import Context
from brender.core.lifecycle import READY, TaskState, task_after
from brender.core.rows import Job, Step, Trouble


def hold_all(ctx: Context, job: Job) -> None:
    """After tasks of a job's steps became new: block those whose counterpart is no success yet."""
    for step_id in ctx.farm.links_in(job.id).frame:
        step = ctx.farm.steps[step_id]
        others = links.models_of(ctx.farm, step)
        if others and step.run == job.run:
            ctx.ledger.hold(step, others)


def pending(ctx: Context, step: Step, task: int, state: TaskState) -> TaskState:
    """The state of a task that is to wait for a slot: blocked if it must wait for another task first."""
    return TaskState.BLOCKED if state in READY and links.held(ctx.farm, step, task) else state


def let_go(ctx: Context, step: Step, task: int) -> None:
    """A task became a success: the tasks that follow it may start, if it was the last they waited for."""
    followers = ctx.farm.links_in(step.job_id).followers
    for other_id in followers.get(step.id, ()):
        tasks, other = ctx.farm.tasks[other_id], ctx.farm.steps[other_id]
        if tasks.states[task] == TaskState.BLOCKED and not links.held(ctx.farm, other, task):
            ctx.ledger.task(other, task, ready_again(other, tasks.trouble.get(task)))


def hold_followers(ctx: Context, step: Step, task: int) -> None:
    """A success is made anew: the tasks that follow it and have not started wait again."""
    for other_id in ctx.farm.links_in(step.job_id).followers.get(step.id, ()):
        tasks, other = ctx.farm.tasks[other_id], ctx.farm.steps[other_id]
        if tasks.states[task] in READY and links.held(ctx.farm, other, task):
            ctx.ledger.task(other, task, TaskState.BLOCKED)


def ready_again(step: Step, trouble: Trouble | None) -> TaskState:
    """The state a task had before it was skipped or held back."""
    if trouble is None or trouble.last.spent:
        return TaskState.NEW
    return task_after(trouble.last.state, trouble.errors, trouble.crashes, step.retries)
