"""The farm's own events: a master has started, time has passed. Leases run only while a master is up (CONTRACT D4)."""

from __future__ import annotations

from typing import Any

from brender.core import settle
from brender.core.context import Context
from brender.core.events import Boot, Tick
from brender.core.rules import alarm_rules, alarms, deliveries, schedule_runs, schedules, stops, workers


def boot(ctx: Context, event: Boot) -> dict[str, Any]:
    """Nobody is connected; whoever had work keeps it for a grace time (F09). The hints are rebuilt."""
    farm, settings = ctx.farm, ctx.settings
    farm.sessions.clear()
    grace = settings.boot_grace - settings.gone_after
    for worker_id, worker in farm.workers.items():
        load = farm.loads[worker_id]
        load.session = None
        load.heard = ctx.now + grace
        load.said = worker.warning
        load.expected = bool(worker.boot)
        ctx.ledger.set(worker, presence="offline")
    farm.lost = {
        trouble.last.id: (step_id, task)
        for step_id, tasks in farm.tasks.items()
        for task, trouble in tasks.trouble.items()
        if trouble.last.state in ("lost", "returned")
    }
    farm.open = {step.id for job in farm.jobs.values() for step in settle.open_steps(farm, job)}
    farm.ready = set(farm.open)
    farm.leases = {a.id: ctx.now + settings.waiting_limit for a in farm.attempts.values() if a.state == "waiting"}
    ctx.ledger.unsettled.update(job.id for job in farm.jobs.values() if job.desired == "run")
    farm.hosting.census = None
    farm.hosting.away = dict.fromkeys(farm.hosting.of, ctx.now + settings.boot_grace)
    schedules.recover(ctx)
    alarms.recover(ctx)
    deliveries.recover(ctx)
    alarm_rules.first_start(ctx)
    farm.ticked_at = ctx.now
    return {"workers": len(farm.workers), "jobs": len(farm.jobs), "attempts": len(farm.attempts)}


def tick(ctx: Context, event: Tick) -> None:
    """Sweep the silent. A long gap between two ticks was the master's own sleep, which nobody pays for (F10)."""
    farm = ctx.farm
    gap = ctx.now - farm.ticked_at
    if gap > ctx.settings.pause_gap:
        for load in farm.loads.values():
            load.heard = max(load.heard, min(load.heard + gap, ctx.now))
        farm.roomy.update(farm.sessions.values())
    stops.expire(ctx, gap if gap > ctx.settings.pause_gap else 0.0)
    farm.ticked_at = ctx.now
    workers.sweep(ctx)
    alarms.tick(ctx)
    deliveries.expire(ctx)
    schedule_runs.forget_old(ctx)
    for job_id in [one for one in farm.timed if (farm.jobs[one].start_at or 0.0) <= ctx.now]:
        farm.timed.discard(job_id)
        farm.ready.update(farm.steps_of[job_id])
    if farm.attempts:
        farm.roomy.update(farm.sessions.values())
