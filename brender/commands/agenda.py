"""Commands that ask what the clock has run and will run: a stretch of the timetable, and what became of each moment.

They must not know how a schedule is made or changed; schedules.py does.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands import schedule_runs
from brender.commands.calls import Call, Stepwise
from brender.commands.kinds import Arg
from brender.commands.moments import MOMENT, ZONE
from brender.commands.schedules import ScheduleRef, command_of
from brender.core import agenda as agenda_
from brender.core import bygone, occurrences, zones
from brender.core.rows import Schedule
from brender.errors import Invalid

WEEK, LONGEST = 7 * 86_400.0, 100 * 86_400.0  # seconds


def agenda(
    call: Call,
    from_: Annotated[float | None, MOMENT, Arg(text="from then on; now when left out")] = None,
    until: Annotated[float | None, MOMENT, Arg(text="before then; a week later when left out")] = None,
    *,
    tz: Annotated[str, ZONE, Arg(text="whose clock and days; UTC when left out")] = zones.UTC,
    each: Annotated[int, Meta(ge=1, le=1_000), Arg(text="so often a day at the most, of one schedule")] = 4,
    limit: Annotated[int, Meta(ge=1, le=1_000), Arg(text="so many in all at the most")] = 1_000,
) -> Stepwise:
    """List what the clock has run and will run between two moments, and when calendars have machines enabled.

    `again` marks a schedule that is due more often that day than `each`; from `cut` on there are more than `limit`.
    What is paused, stopped or over is due at no time. `past` is what became of what was due, with how many `more` of
    that day are left out, what went well first; before `past_cut` there are more than `limit`.
    """
    start = call.wall if from_ is None else from_
    end = start + WEEK if until is None else until
    if not 0 <= start < end <= min(start + LONGEST, occurrences.LAST):
        raise Invalid("An agenda goes from a moment to a later one, 100 days at the most.", hint="schedule agenda")
    return Stepwise(_agenda(call, tz, start, end, each, limit))


def _agenda(
    call: Call, tz: str, start: float, end: float, each: int, most: int
) -> Generator[None, None, dict[str, Any]]:
    rows = call.farm.schedules
    found = yield from agenda_.coming(rows.values(), tz, start, end, each, most)
    bands, passed = yield from agenda_.bands(rows.values(), start, end)
    past, past_cut = yield from bygone.past(call.farm.schedule_runs.values(), tz, start, end, each, most)
    due = [one for one in found.due if one.id in rows]  # others were removed meanwhile
    return {
        "from": start,
        "until": end,
        "tz": tz,
        "now": call.wall,
        "running": not call.farm.halted,
        "occurrences": [{"name": rows[one.id].name, **asdict(one)} for one in due],
        "commands": {str(one): command_of(call.table, call.farm, rows[one]) for one in {one.id for one in due}},
        "cut": found.cut,
        "past": [{**schedule_runs.line(one.run), "more": one.more} for one in past],
        "past_cut": past_cut,
        "left": found.left + passed,
        "calendars": [asdict(one) for one in bands],
    }


def history(
    call: Call,
    uuid: Annotated[Schedule | None, ScheduleRef(), Arg(text="which schedule; all when left out")] = None,
    *,
    limit: Annotated[int, Meta(ge=1, le=1_000), Arg(text="so many at the most")] = 50,
    offset: Annotated[int, Meta(ge=0, le=100_000), Arg(text="so many are passed over")] = 0,
) -> dict[str, Any]:
    """Show what became of schedules, newest first: when each run was due and began, what it ran and how it ended.

    `missed` and `overlapped` are moments that were left out. Also of schedules that are removed, under their last name.
    """
    found = schedule_runs.newest(call.farm, uuid)
    about = {"id": uuid.id, "name": uuid.name or uuid.uuid} if uuid is not None else {}
    shown = [schedule_runs.line(run) for run in found[offset : offset + limit]]
    return {**about, "runs": shown, "total": len(found), "offset": offset, "now": call.wall}
