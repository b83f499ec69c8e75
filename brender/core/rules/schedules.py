"""Schedules: made, due, missed, run, ended. What a schedule runs is the floor above's business: here it is a name.

A run begins and its command takes effect in one turn, so in one commit: no crash can do one without the other. What
was due while nobody could run it is asked for its policy; what is due while it still runs, for another.
"""

from __future__ import annotations

from typing import Any

from brender.config import Settings
from brender.core import calendars, occurrences
from brender.core.context import Context
from brender.core.events import (
    ClockMoved,
    Create,
    Delete,
    Fire,
    PauseSchedule,
    RunSchedule,
    ScheduleEnded,
    StopSchedules,
)
from brender.core.farm import Farm
from brender.core.lifecycle import SCHEDULE_OVER
from brender.core.rows import Schedule
from brender.core.rules import schedule_runs
from brender.core.rules.rows import check_name, checked, row_of
from brender.core.zones import zone_of
from brender.errors import Busy, Exists, Invalid, WrongState

MISFIRE = ("skip", "run_once")
OVERLAP = ("skip", "queue")
OFTEN = 3600.0  # seconds
EDITABLE: dict[str, type] = {
    "uuid": str,
    "name": str,
    "kind": str,
    "seconds": float,
    "offset": float,
    "timestamp": float,
    "expr": str,
    "tz": str,
    "method": str,
    "params": dict,
    "project": str,
    "owner": str,
    "role": str,
    "misfire": str,
    "overlap": str,
}


def create(ctx: Context, event: Create) -> dict[str, Any]:
    """A new schedule, due strictly in the future (RM-20…RM-24). Refused while all are stopped (RM-17)."""
    named = {name: value for name, value in event.values.items() if name != "name" or value}
    row = Schedule(0, **checked("schedule", named, EDITABLE, required=("uuid", "kind", "method")))
    _check_words(row)
    check_running(ctx.farm)
    if row.name and ctx.farm.schedule_named(row.name) is not None:
        raise Exists(f"A schedule named {row.name!r} exists already.", hint=f"schedule remove {row.name}")
    arm(ctx, row)
    return answer(ctx, row)


def _check_words(row: Schedule) -> None:
    if row.kind not in occurrences.KINDS or row.kind == "calendar":
        raise Invalid(
            f"There is no kind of schedule {row.kind!r}.", hint=f"One of {', '.join(occurrences.KINDS[:-1])}."
        )
    if row.misfire not in MISFIRE:
        raise Invalid(f"misfire is {' or '.join(MISFIRE)}, not {row.misfire!r}.")
    if row.overlap not in OVERLAP:
        raise Invalid(f"overlap is {' or '.join(OVERLAP)}, not {row.overlap!r}.")
    if row.name:
        check_name("schedule", row.name)
    zone_of(row.tz)


def check_running(farm: Farm) -> None:
    """RM-17: nothing is scheduled while the scheduler is stopped. Raises WrongState."""
    if farm.halted:
        raise WrongState("All schedules are stopped, so none is made.", hint="schedule start")


def arm(ctx: Context, row: Schedule) -> None:
    """Put a new row that is due from now on; whoever makes schedules for the farm itself calls this, too."""
    row.next_at = occurrences.first(row, ctx.wall, ctx.settings.shortest_period)
    if row.kind in occurrences.MEASURED:
        row.timestamp = row.next_at
    add(ctx, row)


def add(ctx: Context, row: Schedule) -> None:
    """Put a new row whose `next_at` is known."""
    if len(ctx.farm.schedules) >= ctx.settings.schedules:
        raise Busy(f"The farm has {ctx.settings.schedules} schedules and takes no more.", hint="schedule list")
    row.id = ctx.ledger.new_id("schedule")
    row.created_at = row.modified_at = ctx.now
    if ctx.farm.halted:
        row.state = "stopped"
    ctx.ledger.add(row)


def answer(ctx: Context, row: Schedule) -> dict[str, Any]:
    return {"noun": "schedule", "row": row_of(row), "now": ctx.wall}


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """No further run; one that goes on ends by itself (RM-25)."""
    deleted = []
    for schedule_id in event.ids:
        row = ctx.schedule(schedule_id)
        ctx.ledger.remove(row)
        deleted.append({"id": row.id, "uuid": row.uuid, "name": row.name or row.uuid})
    return {"noun": "schedule", "deleted": deleted}


def pause(ctx: Context, event: PauseSchedule) -> dict[str, Any]:
    """Hold one schedule, or let it go on. What it would have done meanwhile is left out; a run goes on to its end."""
    row = ctx.schedule(event.schedule)
    attribute = "then" if row.state == "running" else "state"
    state = getattr(row, attribute)
    wanted = "paused" if event.paused else "stopped" if ctx.farm.halted else "armed"
    if state == "stopped" and not event.paused:
        raise WrongState(f"Schedule {_name(row)} stands still with all others.", hint="schedule start")
    if state in SCHEDULE_OVER:
        raise WrongState(f"Schedule {_name(row)} is {state}: it is not due again.", hint=f"schedule run-now {row.id}")
    if state != wanted:
        ctx.ledger.set(row, **{attribute: wanted})
        if wanted == "armed" and row.kind == "calendar":
            ctx.ledger.set(row, next_at=ctx.wall)  # what its windows say now counts at once
        elif wanted == "armed" and row.next_at is not None and row.next_at <= ctx.wall:
            ctx.ledger.set(row, next_at=_next(row, ctx.wall) or row.next_at)
    return answer(ctx, row)


def run_now(ctx: Context, event: RunSchedule) -> dict[str, Any]:
    """One run more as soon as may be, also of a schedule that is paused or over."""
    row = ctx.schedule(event.schedule)
    check_running(ctx.farm)
    ctx.ledger.set(row, queued=True)
    return answer(ctx, row)


def stop_all(ctx: Context, event: StopSchedules) -> dict[str, Any]:
    """Hold everything that is armed, or let it go on: then, as after a start of the master, policies decide (RM-18)."""
    old, new = ("armed", "stopped") if event.stopped else ("stopped", "armed")
    was = ctx.farm.halted
    ctx.ledger.halt(event.stopped)
    moved = 0
    for row in ctx.farm.schedules.values():
        attribute = "then" if row.state == "running" else "state"
        if getattr(row, attribute) == old:
            ctx.ledger.set(row, **{attribute: new})
            moved += 1
    running = sum(row.state == "running" for row in ctx.farm.schedules.values())
    ctx.notice("schedule.stopped" if event.stopped else "schedule.started", schedules=moved)
    return {"running": not event.stopped, "changed": was != event.stopped, "schedules": moved, "going": running}


# ---- the clock


def verdict(farm: Farm, row: Schedule, now: float, settings: Settings) -> str:
    """What is to happen to a schedule at this time of the master's clock: run, missed, busy, or nothing ("").

    In time is what is a minute late at the most and not due again yet. The hub asks before the turn in which the rule
    asks again: between the two nothing has changed.
    """
    at = farm.due.at.get(row.id)
    if at is None or at > now:
        return ""
    if row.state == "running":
        return "busy"
    assert row.queued or row.next_at is not None, "what is due has a moment"
    if row.queued or row.misfire == "run_once":
        return "run"
    due = row.next_at or 0.0
    wall = _wall(farm, row, now)
    again = None if row.kind in occurrences.ONCE else occurrences.after(row, due)
    return "run" if wall - due <= settings.misfire_grace and (again is None or again > wall) else "missed"


def command_of(farm: Farm, row: Schedule, now: float) -> tuple[str, dict[str, Any]]:
    """The method and params that a run of it is at this time; a calendar's depend on what its windows say."""
    if row.kind != "calendar":
        return row.method, row.params
    on = calendars.inside(calendars.parse(row.expr), row.tz, _wall(farm, row, now))
    return "worker.enable" if on else "worker.disable", {"workers": row.params["workers"]}


def fire(ctx: Context, event: Fire) -> dict[str, Any]:
    """A schedule is due: it begins, or is left out by its policy; when it is due next is in the future, always."""
    row = ctx.schedule(event.schedule)
    found = verdict(ctx.farm, row, event.at, ctx.settings)
    wall = _wall(ctx.farm, row, event.at)
    if found == "run":
        _begin(ctx, row, wall, event.command)
    elif found == "missed":
        _miss(ctx, row, wall, event.command)
    elif found == "busy":
        following = _next(row, wall)
        if row.overlap != "queue":
            schedule_runs.pass_over(ctx, row, event.command, row.next_at or wall, wall, "overlapped")
        then = row.then if following is not None else "done"
        ctx.ledger.set(row, next_at=following, then=then, queued=row.queued or row.overlap == "queue")
        ctx.notice("schedule.busy", **_about(row))
    return {"id": row.id, "verdict": found}


def _begin(ctx: Context, row: Schedule, wall: float, command: str) -> None:
    """By hand or owed, the plan stays as it is; by the clock, the next occurrence after now."""
    late = 0.0
    if row.queued:
        moves: dict[str, Any] = {"then": row.state, "queued": False}
    else:
        late = wall - (row.next_at or wall)
        following = _next(row, wall)
        moves = {"then": "done" if following is None else "armed", "next_at": following}
    schedule_runs.begin(ctx, row, command, wall - late, wall)
    ctx.ledger.set(row, state="running", last_at=wall, runs=row.runs + 1, **moves)
    ctx.notice("schedule.fired", **_about(row), late=late)


def _miss(ctx: Context, row: Schedule, wall: float, command: str) -> None:
    """Nothing is replayed: the periods that were missed are left out (RM-42)."""
    due, following = row.next_at, _next(row, wall)
    said = {"outcome": "missed", "due": due, "at": wall}
    schedule_runs.pass_over(ctx, row, command, due or wall, wall, "missed")
    ctx.ledger.set(row, state="armed" if following is not None else "missed", next_at=following, last_result=said)
    ctx.notice("schedule.missed", **_about(row), due=due)
    if row.state in SCHEDULE_OVER:
        _forget_the_oldest(ctx)


def _wall(farm: Farm, row: Schedule, now: float) -> float:
    """The wall clock now; never before what is due, whatever a rounding of the last bit says."""
    return max(now + farm.shift, row.next_at or 0.0) if _is_due(farm, row, now) else now + farm.shift


def _is_due(farm: Farm, row: Schedule, now: float) -> bool:
    return row.next_at is not None and row.next_at - farm.shift <= now


def _next(row: Schedule, wall: float) -> float | None:
    return None if row.kind in occurrences.ONCE else occurrences.after(row, wall)


def ended(ctx: Context, event: ScheduleEnded) -> None:
    """A run is over. One of a schedule that was removed meanwhile is nobody's."""
    row = ctx.farm.schedules.get(event.schedule)
    if row is not None and (row.state != "running" or row.runs != event.run):
        return
    schedule_runs.end(ctx, event)
    if row is None:
        return
    said: dict[str, Any] = {"outcome": event.outcome, "said": event.said, "at": ctx.wall}
    if event.code is not None:
        said["code"] = event.code
    ctx.ledger.set(row, state=row.then, last_result=said)
    ctx.notice("schedule.ran" if event.outcome == "ok" else "schedule.failed", **_about(row), said=event.said)
    if row.state in SCHEDULE_OVER:
        _forget_the_oldest(ctx)


def recover(ctx: Context) -> None:
    """A master starts: what ran had begun for good, and its answer is lost with the master that waited for it.

    Meanwhile the clock may have been set back: then a delay is not longer than it ever was, and the rest as below.
    """
    schedule_runs.recover(ctx)
    for row in ctx.farm.schedules.values():
        if row.state == "running":
            ctx.ledger.set(row, state=row.then, last_result={"outcome": "unknown", "at": row.last_at})
        if row.next_at is None:
            continue
        if row.kind not in occurrences.MEASURED:
            _turn_back(ctx, row)
        elif row.next_at - ctx.wall > row.seconds:
            ctx.ledger.set(row, next_at=ctx.wall + row.seconds, timestamp=ctx.wall + row.seconds)


def clock_moved(ctx: Context, event: ClockMoved) -> dict[str, Any]:
    """The wall clock was set. Delays go on as they were; what goes by the wall clock is due when that says so."""
    moved = event.shift - ctx.farm.shift
    ctx.ledger.wall(event.shift)
    for row in ctx.farm.schedules.values():
        if row.next_at is None:
            continue
        if row.kind in occurrences.MEASURED:
            ctx.ledger.set(row, next_at=row.next_at + moved, timestamp=row.timestamp + moved)
        elif moved < 0:
            _turn_back(ctx, row)
    ctx.notice("farm.clock_moved", seconds=moved)
    return {"moved": moved}


def _turn_back(ctx: Context, row: Schedule) -> None:
    """The clock was set back, perhaps while nobody looked: due is what the new time says, much as in Debian's cron.

    What is due more rarely than every hour and ran less than three hours ahead of now does not run again; if it is
    more, the clock had been wrong.
    """
    again = None if row.kind == "once_when" else occurrences.after(row, ctx.wall)
    if again is None or row.next_at is None or again >= row.next_at:
        return
    wrong = row.last_at is None or not 0 < row.last_at - ctx.wall < ctx.settings.clock_correction
    if row.kind == "calendar":
        ctx.ledger.set(row, next_at=ctx.wall if wrong else again)
    elif wrong or (occurrences.after(row, again) or again) - again <= OFTEN:
        ctx.ledger.set(row, next_at=again)


def _forget_the_oldest(ctx: Context) -> None:
    """What is over stays to be looked at for a while (RM-25: never leaks)."""
    rows = (ctx.farm.schedules[one] for one in ctx.farm.over)  # never all of them: it is asked at every end
    over = [row for row in rows if not row.queued]
    over.sort(key=lambda row: (row.modified_at, row.id))
    for row in over[: max(0, len(over) - ctx.settings.ended_schedules)]:
        ctx.ledger.remove(row)


def _about(row: Schedule) -> dict[str, Any]:
    return {"id": row.id, "uuid": row.uuid, "name": row.name, "method": row.method}


def _name(row: Schedule) -> str:
    return row.name or row.uuid
