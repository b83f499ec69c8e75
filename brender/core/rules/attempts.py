"""Attempts: what workers report of them. The fence is here (CONTRACT 4.2).

A report counts only if the attempt it names is live on the worker that speaks, or was lost and nobody took its place.
Everything else is acknowledged and ignored: it is history already. What follows for the task is in outcomes.py.
"""

from __future__ import annotations

from brender.core.context import Context
from brender.core.events import Immortal, Results, Returned, Stalled, Started
from brender.core.lifecycle import PENDING, TaskState
from brender.core.load import Load
from brender.core.orders import Ack
from brender.core.rows import Attempt, Worker
from brender.core.rules import outcomes

_REPORTED = ("success0", "error", "terminated", "stopped", "killed")


def speaker(ctx: Context, session: int) -> tuple[Worker, Load] | None:
    """Who says this, and what it carries; it is a sign of life. None: a link that is nobody's any more.

    A worker that was suspect may be given work again.
    """
    found = ctx.load_at(session)
    if found is not None:
        worker, load = found
        if ctx.now - load.heard > ctx.settings.suspect_after:
            ctx.farm.roomy.add(worker.id)
        load.heard = ctx.now
    return found


def started(ctx: Context, event: Started) -> None:
    """Attempts began to run."""
    found = speaker(ctx, event.session)
    if found is None:
        return
    _, load = found
    for attempt_id, pid in event.attempts:
        attempt = load.live.get(attempt_id)
        if attempt is None or attempt.state != "assigned":
            continue
        ctx.ledger.set(attempt, state="running", started_at=ctx.now, pid=pid or None)
        ctx.ledger.task(ctx.farm.steps[attempt.step_id], attempt.task, TaskState.RUNNING)


def results(ctx: Context, event: Results) -> None:
    """Attempts ended. Every result is acknowledged once this turn is on the disk, also the stale ones."""
    found = speaker(ctx, event.session)
    if found is None:
        return
    worker, load = found
    for result in event.results:
        attempt = load.live.get(result.attempt)
        if result.state == "returned":
            if attempt is not None and attempt.state != "immortal":
                outcomes.give_back(ctx, attempt, result)
            continue
        attempt = attempt or late(ctx, worker, result.attempt)
        if attempt is not None and result.state in _REPORTED:
            outcomes.finish(ctx, attempt, result)
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


def returned(ctx: Context, event: Returned) -> None:
    """Attempts came back unstarted: as if they had never been sent, except that their number is used."""
    found = speaker(ctx, event.session)
    if found is None:
        return
    _, load = found
    for attempt_id in event.attempts:
        attempt = load.live.get(attempt_id)
        if attempt is not None and attempt.state != "immortal":
            outcomes.give_back(ctx, attempt)


def immortal(ctx: Context, event: Immortal) -> None:
    """Processes that nothing could end: shown by pid, their slot stays taken (SP-38)."""
    found = speaker(ctx, event.session)
    if found is None:
        return
    worker, load = found
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
    found = speaker(ctx, event.session)
    if found is None:
        return
    worker, load = found
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
