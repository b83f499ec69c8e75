"""Asking for the end of attempts, and the stretches in which they must not be ended: each has a limit (SP-30).

It must not know which attempts people mean: jobs.py and tasks.py choose them. The worker has the ladder of signals.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.core.context import Context
from brender.core.events import SetWaiting
from brender.core.lifecycle import TaskState
from brender.core.orders import Stop, Waiting
from brender.core.rows import Attempt
from brender.errors import Invalid, NotFound, WrongState


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
