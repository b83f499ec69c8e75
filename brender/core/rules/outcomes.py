"""What becomes of a task when an attempt of it is over: done, lost, given back, or failed and perhaps tried again.

It must not know who says so: attempts.py hears workers out, and calls this only behind the fence.
"""

from __future__ import annotations

from brender.core import chunks
from brender.core.context import Context
from brender.core.events import Result
from brender.core.fit import kind_of, kind_refusal, worker_refusal
from brender.core.frames import AUTO
from brender.core.lifecycle import BLOCK_LIMIT, CRASH_LIMIT, READY, TaskState, task_after
from brender.core.rows import Attempt, Job, Step, Trouble, Worker
from brender.core.rules.waits import let_go, pending
from brender.core.tasks import in_tenths

_SHORTEST = 1e-6  # seconds: a task that took no time is not one of unknown length
_SMOOTH = 0.2  # weight of the newest duration in a step's moving average


def finish(ctx: Context, attempt: Attempt, result: Result) -> None:
    """One attempt is over: write it, move its task, remember its trouble or forget it."""
    farm, ledger = ctx.farm, ctx.ledger
    step = farm.steps[attempt.step_id]
    tasks = farm.tasks[step.id]
    was_lost = attempt.state in ("lost", "returned")
    crashed = attempt.state == "lost"
    state = _as_asked(attempt, result.state)
    began = attempt.started_at if attempt.started_at is not None else ctx.now - result.seconds
    ledger.set(
        attempt,
        state=state,
        exit_code=result.exit_code,
        signal=result.signal,
        reason=result.reason,
        memory_mb=max(0, result.memory_mb),
        started_at=began,
        ended_at=ctx.now,
    )
    if not was_lost:
        ledger.end(attempt)
    if state == "success0":
        _succeed(ctx, step, attempt, max(result.seconds, _SHORTEST), ctx.now - began)
        return
    old = tasks.trouble.get(attempt.task)
    failed = state in ("error", "terminated")
    if failed:
        _blame(ctx, step, attempt.worker_id)
    crashes = (old.crashes if old else 0) - (1 if crashed else 0)
    errors = (old.errors if old else 0) + (1 if failed else 0)
    ledger.trouble(step.id, attempt.task, Trouble(attempt, errors, crashes))
    _move_on(ctx, step, attempt, task_after(state, errors, crashes, step.retries))


def _succeed(ctx: Context, step: Step, attempt: Attempt, took: float, passed: float) -> None:
    """A task is done: `took` seconds by its worker, `passed` by our clock; whoever waited for it alone may go on."""
    farm, ledger = ctx.farm, ctx.ledger
    tasks = farm.tasks[step.id]
    ledger.seconds(tasks, tasks.seconds + (took - tasks.seconds) * (_SMOOTH if tasks.seconds else 1.0))
    if step.chunk == AUTO:
        load = farm.loads[attempt.worker_id]
        pace = chunks.measured(farm, step, load, attempt, took, ctx.settings)
        if pace is not None:
            ledger.pace(load, step.function, pace)
    if attempt.task in tasks.trouble:
        ledger.trouble(step.id, attempt.task, None)
    ledger.task(step, attempt.task, TaskState.SUCCESS)
    ledger.took(tasks, attempt.task, in_tenths(passed))
    if attempt.reason:
        ledger.note(tasks, attempt.task, attempt.reason)
    if farm.links_in(step.job_id).followers:
        let_go(ctx, step, attempt.task)


def _as_asked(attempt: Attempt, reported: str) -> str:
    """What we asked to end is stopped or killed, whatever its exit code (SP-36); a success stays one."""
    if attempt.state == "stopping" and reported in ("error", "terminated"):
        return "stopped"
    if attempt.state == "immortal" and reported != "stopped":
        return "killed"
    return reported


def _blame(ctx: Context, step: Step, worker_id: int) -> None:
    """Count a failure against its worker: after some it gets no more of this function of the job.

    The last worker that could run it is not shut out: better a job that ends with its errors than one that never ends.
    """
    job = ctx.farm.jobs[step.job_id]
    key = f"{worker_id} {step.function}"
    count = job.failures.get(key, 0) + 1
    if count > BLOCK_LIMIT or (count == BLOCK_LIMIT and not _others(ctx, job, step, worker_id)):
        return
    ctx.ledger.set(job, failures={**job.failures, key: count})
    if count == BLOCK_LIMIT:
        ctx.notice("worker.blocked", worker=worker_id, job=job.id, function=step.function, failures=count)


def _others(ctx: Context, job: Job, step: Step, worker_id: int) -> bool:
    """Whether another worker is there that could take the work over."""
    farm, kind = ctx.farm, kind_of(step, job)
    return any(
        worker.id != worker_id
        and job.failures.get(f"{worker.id} {step.function}", 0) < BLOCK_LIMIT
        and worker_refusal(worker, farm.loads[worker.id], ctx.now, ctx.settings) is None
        and kind_refusal(worker, kind) is None
        for worker in farm.workers.values()
    )


def lose(ctx: Context, attempt: Attempt, reason: str, crashed: bool = True) -> None:
    """The worker is gone with it: the task waits for another, unless it took too many workers with it already.

    One that was being stopped is simply stopped: nobody wants it again. `crashed` says whether this task may have been
    what the worker died of; if not, nothing counts against it.
    """
    farm, ledger = ctx.farm, ctx.ledger
    step = farm.steps[attempt.step_id]
    old = farm.tasks[step.id].trouble.get(attempt.task)
    errors, crashes = (old.errors, old.crashes) if old else (0, 0)
    if attempt.state in ("stopping", "immortal"):
        ended = "stopped" if attempt.state == "stopping" else "killed"
    else:
        ended = "lost" if crashed else "returned"
        crashes += crashed
        if crashes >= CRASH_LIMIT:
            reason = f"{reason}; given up after {crashes} workers were lost with it"
        ledger.lost(attempt.id, (step.id, attempt.task))
    ledger.set(attempt, state=ended, reason=reason, ended_at=ctx.now)
    ledger.end(attempt)
    ledger.trouble(step.id, attempt.task, Trouble(attempt, errors, crashes))
    _move_on(ctx, step, attempt, task_after(ended, errors, crashes, step.retries))


def drop_all(ctx: Context, worker: Worker, reason: str, planned: bool = False) -> None:
    """Every attempt of a worker is lost. Only what was in a slot may have caused it, and nothing if it was planned."""
    live = list(ctx.farm.loads[worker.id].live.values())
    for place, attempt in enumerate(live):
        lose(ctx, attempt, reason, crashed=not planned and may_run(worker, attempt, place))


def may_run(worker: Worker, attempt: Attempt, place: int) -> bool:
    """Whether an attempt was in a slot, as far as is known: by its `place` in the order sent it may be behind all."""
    return attempt.state != "assigned" or place < worker.slots


def give_back(ctx: Context, attempt: Attempt, result: Result | None = None) -> None:
    """An attempt that never started, whose worker was shut down in order, or whose process failed while it ran several
    tasks is over and its task ready again. The last has an exit code or a signal: its task goes alone next time.
    """
    step = ctx.farm.steps[attempt.step_id]
    old = ctx.farm.tasks[step.id].trouble.get(attempt.task)
    errors, crashes = (old.errors, old.crashes) if old else (0, 0)
    ended = "stopped" if attempt.state == "stopping" else "returned"
    said = result or Result(attempt.id, ended)
    ctx.ledger.set(
        attempt,
        state=ended,
        exit_code=said.exit_code,
        signal=said.signal,
        reason=said.reason,
        memory_mb=max(0, said.memory_mb),
        ended_at=ctx.now,
    )
    ctx.ledger.end(attempt)
    ctx.ledger.trouble(step.id, attempt.task, Trouble(attempt, errors, crashes))
    _move_on(ctx, step, attempt, task_after(ended, errors, crashes, step.retries))


def _move_on(ctx: Context, step: Step, attempt: Attempt, state: TaskState) -> None:
    """Move the task on; in a job that is being stopped nothing starts again."""
    job = ctx.farm.jobs[step.job_id]
    if state in READY and (job.desired == "stop" or step.run != job.run):
        state = TaskState.SKIPPED
    ctx.ledger.task(step, attempt.task, pending(ctx, step, attempt.task, state))
    if state in (TaskState.ERROR, TaskState.TERMINATED):
        ctx.notice(
            "task.error",
            job=job.id,
            step=step.id,
            task=attempt.task,
            attempt=attempt.id,
            reason=attempt.reason,
        )
