"""What became of each moment at which a schedule was due: begun, ended, missed, or left out because it still ran.

Bounded by age, in all, and for each schedule, so that one that runs every second does not drive out the nightly ones.
When a schedule is due, and whether it runs, is schedules.py's.
"""

from __future__ import annotations

from itertools import islice

from brender.core.context import Context
from brender.core.events import ScheduleEnded
from brender.core.rows import Schedule, ScheduleRun

LONGEST_COMMAND = 300  # characters
A_TICK = 1_000  # of those that are too old go in one turn


def begin(ctx: Context, row: Schedule, command: str, due_at: float, wall: float) -> None:
    """A run begins now that was due then."""
    _add(ctx, row, ScheduleRun(0, row.id, row.name, command[:LONGEST_COMMAND], due_at, fired_at=wall))


def pass_over(ctx: Context, row: Schedule, command: str, due_at: float, wall: float, outcome: str) -> None:
    """What was due then is left out: `missed`, or `overlapped` by the run before it."""
    run = ScheduleRun(0, row.id, row.name, command[:LONGEST_COMMAND], due_at, ended_at=wall, outcome=outcome)
    _add(ctx, row, run)


def end(ctx: Context, event: ScheduleEnded) -> None:
    """The run that goes on has ended, also when its schedule was removed meanwhile."""
    for run in _going(ctx, event.schedule):
        ctx.ledger.set(run, outcome=event.outcome, said=event.said, code=event.code, ended_at=ctx.wall)


def recover(ctx: Context) -> None:
    """A master starts: what ran has begun for good, and what became of it is lost with the master before."""
    for schedule_id in ctx.farm.runs_of:
        for run in _going(ctx, schedule_id):
            ctx.ledger.set(run, outcome="unknown")


def forget_old(ctx: Context) -> None:
    """With every tick: nobody looks so far back."""
    before = ctx.wall - ctx.settings.kept_runs_for
    old: list[ScheduleRun] = []
    for run in ctx.farm.schedule_runs.values():  # in the order of time, but for what a refused turn put back
        if run.due_at >= before or len(old) == A_TICK:
            break
        old.append(run)
    for run in old:
        ctx.ledger.remove(run)


def _going(ctx: Context, schedule_id: int) -> list[ScheduleRun]:
    runs = ctx.farm.schedule_runs
    return [runs[one] for one in ctx.farm.runs_of.get(schedule_id, ()) if runs[one].outcome == "running"]


def _add(ctx: Context, row: Schedule, run: ScheduleRun) -> None:
    farm, settings = ctx.farm, ctx.settings
    run.id = ctx.ledger.new_id("schedule_run")
    run.created_at = run.modified_at = ctx.now
    ctx.ledger.add(run)
    own = farm.runs_of[row.id]
    share = max(1, min(settings.kept_runs_each, settings.kept_runs // len(farm.runs_of)))
    for known, most in ((own, share), (farm.schedule_runs, settings.kept_runs)):
        for run_id in list(islice(known, max(0, len(known) - most))):
            ctx.ledger.remove(farm.schedule_runs[run_id])
