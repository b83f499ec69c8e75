"""Attempts: what workers report of them, and what becomes of their tasks. The fence is here (CONTRACT 4.2).

A report counts only if the attempt it names is live on the worker that speaks, or was lost and nobody took its place.
Everything else is acknowledged and ignored: it is history already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.core import chunks
from brender.core.context import Context
from brender.core.events import Immortal, Result, Results, Returned, SetWaiting, Stalled, Started
from brender.core.farm import Attempt, Job, Load, Step, Trouble, Worker
from brender.core.fit import kind_of, kind_refusal, worker_refusal
from brender.core.frames import AUTO
from brender.core.lifecycle import BLOCK_LIMIT, CRASH_LIMIT, PENDING, READY, TaskState, task_after
from brender.core.orders import Ack, Stop, Waiting
from brender.core.rules.waits import let_go, pending
from brender.errors import Invalid, NotFound, WrongState

_REPORTED = ("success0", "error", "terminated", "stopped", "killed")
_SHORTEST = 1e-6  # seconds: a task that took no time is not one of unknown length
_SMOOTH = 0.2  # weight of the newest duration in a step's moving average


def heard(ctx: Context, worker: Worker, load: Load) -> None:
    """A word of this worker. One that was suspect may be given work again."""
    if ctx.now - load.heard > ctx.settings.suspect_after:
        ctx.farm.roomy.add(worker.id)
    load.heard = ctx.now


def started(ctx: Context, event: Started) -> None:
    """Attempts began to run."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    worker, load = found
    heard(ctx, worker, load)
    for attempt_id, pid in event.attempts:
        attempt = load.live.get(attempt_id)
        if attempt is None or attempt.state != "assigned":
            continue
        ctx.ledger.set(attempt, state="running", started_at=ctx.now, pid=pid or None)
        ctx.ledger.task(ctx.farm.steps[attempt.step_id], attempt.task, TaskState.RUNNING)


def results(ctx: Context, event: Results) -> None:
    """Attempts ended. Every result is acknowledged once this turn is on the disk, also the stale ones."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    worker, load = found
    heard(ctx, worker, load)
    for result in event.results:
        attempt = load.live.get(result.attempt)
        if result.state == "returned":
            if attempt is not None and attempt.state != "immortal":
                give_back(ctx, attempt, result)
            continue
        attempt = attempt or late(ctx, worker, result.attempt)
        if attempt is not None and result.state in _REPORTED:
            finish(ctx, attempt, result)
    ctx.order(event.session, Ack([result.number for result in event.results]))


def late(ctx: Context, worker: Worker, attempt_id: int) -> Attempt | None:
    """A lost attempt whose task nobody took since: its result is as good as any (R21)."""
    place = ctx.farm.lost.get(attempt_id)
    if place is None or place[0] not in ctx.farm.tasks:
        return None
    ctx.ledger.lost(attempt_id, None)
    step, tasks = ctx.farm.steps[place[0]], ctx.farm.tasks[place[0]]
    trouble = tasks.trouble.get(place[1])
    if trouble is None or trouble.last.id != attempt_id or trouble.last.worker_id != worker.id:
        return None
    last = trouble.last
    waits = TaskState(tasks.states[last.task]) in PENDING
    return last if waits and last.run == step.run and not last.spent else None


def finish(ctx: Context, attempt: Attempt, result: Result) -> None:
    """One attempt is over: write it, move its task, remember its trouble or forget it."""
    farm, ledger = ctx.farm, ctx.ledger
    step = farm.steps[attempt.step_id]
    tasks = farm.tasks[step.id]
    was_lost = attempt.state in ("lost", "returned")
    crashed = attempt.state == "lost"
    state = _as_asked(attempt, result.state)
    ledger.set(
        attempt,
        state=state,
        exit_code=result.exit_code,
        signal=result.signal,
        reason=result.reason,
        memory_mb=max(0, result.memory_mb),
        started_at=attempt.started_at if attempt.started_at is not None else ctx.now - result.seconds,
        ended_at=ctx.now,
    )
    if not was_lost:
        ledger.end(attempt)
    if state == "success0":
        took = max(result.seconds, _SHORTEST)
        ledger.seconds(tasks, tasks.seconds + (took - tasks.seconds) * (_SMOOTH if tasks.seconds else 1.0))
        if step.chunk == AUTO:
            load = farm.loads[attempt.worker_id]
            pace = chunks.measured(farm, step, load, attempt, took, ctx.settings)
            if pace is not None:
                ledger.pace(load, step.function, pace)
        if attempt.task in tasks.trouble:
            ledger.trouble(step.id, attempt.task, None)
        ledger.task(step, attempt.task, TaskState.SUCCESS)
        if result.reason:
            ledger.note(tasks, attempt.task, result.reason)
        if farm.links_in(step.job_id).followers:
            let_go(ctx, step, attempt.task)
        return
    old = tasks.trouble.get(attempt.task)
    failed = state in ("error", "terminated")
    if failed:
        _blame(ctx, step, attempt.worker_id)
    crashes = (old.crashes if old else 0) - (1 if crashed else 0)
    errors = (old.errors if old else 0) + (1 if failed else 0)
    ledger.trouble(step.id, attempt.task, Trouble(attempt, errors, crashes))
    _move_on(ctx, step, attempt, task_after(state, errors, crashes, step.retries))


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


def _as_asked(attempt: Attempt, reported: str) -> str:
    """What we asked to end is stopped or killed, whatever its exit code (SP-36); a success stays one."""
    if attempt.state == "stopping" and reported in ("error", "terminated"):
        return "stopped"
    if attempt.state == "immortal" and reported != "stopped":
        return "killed"
    return reported


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


def returned(ctx: Context, event: Returned) -> None:
    """Attempts came back unstarted: as if they had never been sent, except that their number is used."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    worker, load = found
    heard(ctx, worker, load)
    for attempt_id in event.attempts:
        attempt = load.live.get(attempt_id)
        if attempt is not None and attempt.state != "immortal":
            give_back(ctx, attempt)


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


def immortal(ctx: Context, event: Immortal) -> None:
    """Processes that nothing could end: shown by pid, their slot stays taken (SP-38)."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    worker, load = found
    heard(ctx, worker, load)
    for attempt_id, pid in event.attempts:
        attempt = load.live.get(attempt_id)
        if attempt is None or attempt.state == "immortal":
            continue
        if attempt_id in ctx.farm.leases:
            ctx.ledger.lease(attempt_id, None)
        ctx.ledger.set(attempt, state="immortal", pid=pid, reason=f"process {pid} on {worker.name} survived SIGKILL")
        ctx.ledger.task(ctx.farm.steps[attempt.step_id], attempt.task, TaskState.IMMORTAL)
        ctx.notice("task.immortal", worker=worker.name, attempt=attempt_id, pid=pid)


def stalled(ctx: Context, event: Stalled) -> None:
    """Running attempts that show no sign of life, or do again: noted at them, told once (CONTRACT R32)."""
    found = ctx.load_at(event.session)
    if found is None:
        return
    worker, load = found
    heard(ctx, worker, load)
    for attempt_id, seconds in event.attempts:
        attempt = load.live.get(attempt_id)
        if attempt is None or attempt.state not in ("running", "waiting"):
            continue
        reason = f"no sign of life for {seconds:g} s" if seconds > 0 else ""
        if attempt.reason == reason:
            continue
        ctx.ledger.set(attempt, reason=reason)
        about = {"worker": worker.name, "attempt": attempt_id, "step": attempt.step_id, "task": attempt.task}
        ctx.notice("task.stalled" if seconds > 0 else "task.moves", **about, seconds=seconds)


def set_waiting(ctx: Context, event: SetWaiting) -> dict[str, Any]:
    """The task entered (or left) a stretch in which it must not be stopped; a lease, not a promise (SP-30)."""
    attempt = ctx.farm.attempts.get(event.attempt)
    if attempt is None:
        raise NotFound(f"Attempt {event.attempt} is not running.", hint="See task list.")
    if attempt.state not in ("running", "waiting"):
        raise WrongState(f"Attempt {event.attempt} is {attempt.state}; only a running task may wait.")
    if not event.waiting:
        _end_waiting(ctx, attempt)
        return {"attempt": attempt.id, "state": attempt.state, "limit": None}
    limit = ctx.settings.waiting_limit if event.limit is None else event.limit
    if not 0 < limit <= ctx.settings.longest_wait:
        raise Invalid(f"A task may wait up to {ctx.settings.longest_wait:g} s at once, not {limit:g} s.")
    ctx.ledger.lease(attempt.id, ctx.now + limit)
    ctx.ledger.set(attempt, state="waiting")
    ctx.ledger.task(ctx.farm.steps[attempt.step_id], attempt.task, TaskState.WAITING)
    tell_waiting(ctx, attempt.worker_id)
    ctx.notice("task.waiting", attempt=attempt.id, limit=limit, by=event.by)
    return {"attempt": attempt.id, "state": attempt.state, "limit": limit}


def _end_waiting(ctx: Context, attempt: Attempt) -> None:
    """It may be stopped again; a stop that was held back meanwhile is made up for."""
    if attempt.state != "waiting":
        return
    step = ctx.farm.steps[attempt.step_id]
    if ctx.farm.jobs[step.job_id].desired == "stop":
        stop_these(ctx, [attempt], force=True)
        return
    ctx.ledger.lease(attempt.id, None)
    ctx.ledger.set(attempt, state="running")
    ctx.ledger.task(step, attempt.task, TaskState.RUNNING)
    tell_waiting(ctx, attempt.worker_id)


def expire(ctx: Context, gap: float) -> None:
    """Waits whose limit is over end; `gap` is time in which the master slept, which nobody pays for (CONTRACT D4)."""
    for attempt_id, until in list(ctx.farm.leases.items()):
        if gap:
            until += gap
            ctx.ledger.lease(attempt_id, until)
        if until <= ctx.now:
            ctx.notice("task.waited", attempt=attempt_id, reason="its limit is over")
            _end_waiting(ctx, ctx.farm.attempts[attempt_id])


def tell_waiting(ctx: Context, worker_id: int) -> None:
    """A worker is told all of its waiting attempts, so that a word lost with a link is made good by the next."""
    load = ctx.farm.loads[worker_id]
    ctx.order(load.session, Waiting([a.id for a in load.live.values() if a.state == "waiting"]))


def stop_these(ctx: Context, chosen: Iterable[Attempt], force: bool = False) -> tuple[int, int]:
    """Ask for the end of attempts: how many were asked, and how many are in a stretch that `force` alone would cut."""
    asked: dict[int, list[int]] = {}
    freed: set[int] = set()
    held = 0
    for attempt in chosen:
        if attempt.state == "waiting":
            if not force:
                held += 1
                continue
            ctx.ledger.lease(attempt.id, None)
            freed.add(attempt.worker_id)
        if attempt.state in ("assigned", "running", "waiting"):
            ctx.ledger.set(attempt, state="stopping")
            ctx.ledger.task(ctx.farm.steps[attempt.step_id], attempt.task, TaskState.STOPPING)
        if attempt.state == "stopping":
            asked.setdefault(attempt.worker_id, []).append(attempt.id)
    for worker_id in freed:
        tell_waiting(ctx, worker_id)
    for worker_id, ids in asked.items():
        ctx.order(ctx.farm.loads[worker_id].session, Stop(ids))
    return sum(len(ids) for ids in asked.values()), held


def drop_all(ctx: Context, worker: Worker, reason: str, planned: bool = False) -> None:
    """Every attempt of a worker is lost. Only what was in a slot may have caused it, and nothing if it was planned."""
    live = list(ctx.farm.loads[worker.id].live.values())
    for place, attempt in enumerate(live):
        lose(ctx, attempt, reason, crashed=not planned and may_run(worker, attempt, place))


def may_run(worker: Worker, attempt: Attempt, place: int) -> bool:
    """Whether an attempt was in a slot, as far as is known: by its `place` in the order sent it may be behind all."""
    return attempt.state != "assigned" or place < worker.slots


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
