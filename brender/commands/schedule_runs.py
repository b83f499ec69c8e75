"""Rows of what became of schedules, as answers have them. It knows no command."""

from __future__ import annotations

from typing import Any

from brender.core.farm import Farm
from brender.core.rows import Schedule, ScheduleRun


def newest(farm: Farm, schedule: Schedule | None = None) -> list[ScheduleRun]:
    """The runs of one schedule, or of all and of those that are removed; the newest first."""
    if schedule is None:
        return list(farm.schedule_runs.values())[::-1]
    return [farm.schedule_runs[one] for one in reversed(farm.runs_of.get(schedule.id, {}))]


def line(run: ScheduleRun) -> dict[str, Any]:
    """What became of one moment of a schedule."""
    return {
        "run": run.id,
        "schedule": run.schedule_id,
        "name": run.name,
        "command": run.command,
        "due_at": run.due_at,
        "fired_at": run.fired_at,
        "ended_at": run.ended_at,
        "outcome": run.outcome,
        "said": run.said,
        "code": run.code,
    }
