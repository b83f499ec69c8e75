"""Commands about schedules: any command of the table, run by the clock, once or again and again (seed 002).

A schedule is checked when it is made: its command is resolved and its arguments are read against the farm, so a slip
ends here and not at night. Each run reads them anew.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import uuid4

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands import said, schedule_runs
from brender.commands.calls import Call
from brender.commands.kinds import JSON_TEXT, SPAN, Arg, Kind, Others
from brender.commands.moments import MOMENT, ZONE
from brender.commands.nested import NestedCommand, wanted
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id
from brender.commands.table import Table
from brender.core import events, occurrences, zones
from brender.core.durations import UNITS, seconds_of
from brender.core.farm import Farm
from brender.core.rows import Schedule
from brender.errors import Invalid, NotFound, nearest

RECENT = 10  # runs that a schedule is shown with


class ScheduleRef(Kind):
    """One schedule: its uuid or the first letters of it, its name, or its id."""

    wire = str | int
    expects = "a schedule's uuid (its first letters will do), name or id"

    def parse(self, call: Call, value: Any, others: Others) -> Schedule:
        rows = call.farm.schedules
        named = call.farm.schedule_named(str(value))
        if named is not None:
            return named
        number = as_id(value)
        if number in rows:
            return rows[number]
        word = str(value).lower()
        found = [row for row in rows.values() if len(word) >= 4 and row.uuid.startswith(word)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Invalid(f"{len(found)} schedules have a uuid that begins with {word}.", hint="Write more of it.")
        hint = nearest(str(value)[:80], [row.name or row.uuid for row in rows.values()]) or "See schedule list."
        raise NotFound(f"There is no schedule {str(value)[:80]!r}.", hint=hint)

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        known = {row.name or row.uuid: row for row in call.farm.schedules.values()}
        return starting(
            prefix, known, lambda word: f"{known[word].state}, {command_of(call.table, call.farm, known[word])}"
        )


Command = Annotated[list[str], NestedCommand(), Arg(text="what to run")]
Method = Annotated[str, Arg(text="in JSON: the method, in place of a command")]
Params = Annotated[dict[str, Any] | None, JSON_TEXT, Arg(text="in JSON: its params")]
Name = Annotated[str, Arg(text="a name for the schedule")]
Misfire = Annotated[
    Literal["run_once", "skip"],
    Arg(text="what was due while nobody could run it is left out, or run once as soon as may be"),
]
Overlap = Annotated[
    Literal["queue", "skip"], Arg(text="what is due while it still runs is left out, or run right after")
]
Zone = Annotated[str, ZONE, Arg(text="whose clock; UTC when left out")]
One = Annotated[Schedule, ScheduleRef(), Arg(text="which schedule")]


def once_after(
    call: Call,
    seconds: Annotated[float, SPAN, Arg(text="from now")],
    command: Command,
    *,
    method: Method = "",
    params: Params = None,
    name: Name = "",
    misfire: Misfire = "skip",
) -> events.Event:
    """Run a command once, so many seconds from now (RM-20). A clock that is set does not move it."""
    return _create(call, command, method, params, kind="once_after", seconds=seconds, name=name, misfire=misfire)


def once_o_clock(
    call: Call,
    seconds: Annotated[float, SPAN, Arg(text="such as 1h: at the next full hour, UTC")],
    command: Command,
    *,
    method: Method = "",
    params: Params = None,
    name: Name = "",
    misfire: Misfire = "skip",
) -> events.Event:
    """Run a command once, when the seconds since 1970 are next a multiple of so many (RM-21)."""
    return _create(call, command, method, params, kind="once_o_clock", seconds=seconds, name=name, misfire=misfire)


def once_when(
    call: Call,
    timestamp: Annotated[float, MOMENT, Arg(text="when")],
    command: Command,
    *,
    tz: Zone = zones.UTC,
    method: Method = "",
    params: Params = None,
    name: Name = "",
    misfire: Misfire = "skip",
) -> events.Event:
    """Run a command once, at a moment in the future (RM-22)."""
    when: dict[str, Any] = {"kind": "once_when", "timestamp": timestamp, "tz": tz}
    return _create(call, command, method, params, **when, name=name, misfire=misfire)


def repeat_every(
    call: Call,
    seconds: Annotated[float, SPAN, Arg(text="from one run to the next")],
    command: Command,
    *,
    method: Method = "",
    params: Params = None,
    name: Name = "",
    misfire: Misfire = "skip",
    overlap: Overlap = "skip",
) -> events.Event:
    """Run a command every so many seconds, the first time so many from now; lateness does not add up (RM-23)."""
    when: dict[str, Any] = {"kind": "repeat_every", "seconds": seconds}
    return _create(call, command, method, params, **when, name=name, misfire=misfire, overlap=overlap)


def repeat_o_clock(
    call: Call,
    seconds: Annotated[float, SPAN, Arg(text="such as 1h: at every full hour, UTC")],
    command: Command,
    *,
    offset: Annotated[float, SPAN, Arg(text="so much after it")] = 0.0,
    method: Method = "",
    params: Params = None,
    name: Name = "",
    misfire: Misfire = "skip",
    overlap: Overlap = "skip",
) -> events.Event:
    """Run a command whenever the seconds since 1970 are a multiple of so many, or an offset after it (RM-24, RM-41).

    The offset may also stand before the command: schedule repeat-o-clock 1h 5m job run nightly.
    """
    if command and command[0][-1:] in UNITS and command[0][:1].isdigit():
        offset, command = seconds_of(command[0]), command[1:]
    when: dict[str, Any] = {"kind": "repeat_o_clock", "seconds": seconds, "offset": offset}
    return _create(call, command, method, params, **when, name=name, misfire=misfire, overlap=overlap)


def by_cron(
    call: Call,
    expr: Annotated[str, Arg(text="in quotes: minute hour day month weekday, such as '0 8 * * Mon-Fri'")],
    command: Command,
    *,
    tz: Zone = zones.UTC,
    method: Method = "",
    params: Params = None,
    name: Name = "",
    misfire: Misfire = "skip",
    overlap: Overlap = "skip",
) -> events.Event:
    """Run a command at the times of a cron expression, in a time zone."""
    when: dict[str, Any] = {"kind": "cron", "expr": " ".join(expr.split()), "tz": tz}
    return _create(call, command, method, params, **when, name=name, misfire=misfire, overlap=overlap)


def _create(call: Call, command: list[str], method: str, params: dict[str, Any] | None, **values: Any) -> events.Event:
    found, given = wanted(call, command, method, params)
    who = {"owner": call.who.name, "role": call.who.role, "project": call.project}
    return events.Create(
        "schedule", {"uuid": str(uuid4()), "method": found, "params": given, **who, **values}, call.who.name
    )


def listing(
    call: Call,
    *,
    limit: Annotated[int, Meta(ge=1, le=10_000), Arg(text="rows at the most")] = 200,
    offset: Annotated[int, Meta(ge=0, le=10_000_000), Arg(text="rows to pass over")] = 0,
) -> dict[str, Any]:
    """List schedules, those that are due next first: what they run, when, and what became of it."""
    farm = call.farm
    rows = sorted(farm.schedules.values(), key=lambda row: (row.next_at is None, row.next_at or -row.id, row.id))
    shown = [line(call, row) for row in rows[offset : offset + limit]]
    return {"schedules": shown, "total": len(rows), "offset": offset, "running": not farm.halted, "now": call.wall}


def show(call: Call, uuid: One) -> dict[str, Any]:
    """Show everything known of a schedule: its next moments, and what became of the last ones."""
    past = schedule_runs.newest(call.farm, uuid)[:RECENT]
    known = {"coming": _coming(uuid), "past": [schedule_runs.line(run) for run in past]}
    return {**asdict(uuid), **line(call, uuid), "now": call.wall, **known}


def line(call: Call, row: Schedule) -> dict[str, Any]:
    """One schedule as a row of a list."""
    return {
        "id": row.id,
        "uuid": row.uuid,
        "name": row.name,
        "command": command_of(call.table, call.farm, row),
        "kind": row.kind,
        "seconds": row.seconds,
        "offset": row.offset,
        "expr": row.expr,
        "tz": row.tz,
        "state": row.state,
        "next_at": row.next_at,
        "next_in": None if row.next_at is None else round(row.next_at - call.wall, 3),
        "last_at": row.last_at,
        "last_result": row.last_result,
        "runs": row.runs,
        "owner": row.owner,
        "version": row.version,
    }


def command_of(table: Table, farm: Farm, row: Schedule, method: str = "") -> str:
    """The line that it runs; of a calendar, whose it is, or this method of its workers."""
    if row.kind != "calendar":
        return said.line(table, row.method, row.params)
    names = [worker.name for one in row.params["workers"] if (worker := farm.workers.get(one)) is not None]
    return said.line(table, method or row.method, {"workers": ",".join(names)})


def _coming(row: Schedule, most: int = 5) -> list[float]:
    """The next moments at which it is due."""
    found: list[float] = [] if row.next_at is None else [row.next_at]
    while found and len(found) < most and row.kind not in occurrences.ONCE:
        following = occurrences.after(row, found[-1])
        if following is None:
            break
        found.append(following)
    return found


def remove(call: Call, uuid: One) -> events.Event:
    """Forget a schedule: no further run; one that goes on ends by itself (RM-25)."""
    return events.Delete("schedule", [uuid.id], call.who.name)


def run_now(call: Call, uuid: One) -> events.Event:
    """Run a schedule's command once more at once; when it is due next stays as it is."""
    return events.RunSchedule(uuid.id, call.who.name)


def pause(call: Call, uuid: One) -> events.Event:
    """Hold a schedule; what it would have done meanwhile is left out."""
    return events.PauseSchedule(uuid.id, True, call.who.name)


def resume(call: Call, uuid: One) -> events.Event:
    """Let a paused schedule go on."""
    return events.PauseSchedule(uuid.id, False, call.who.name)


def start(call: Call) -> events.Event:
    """Let all schedules go on; what was due meanwhile follows their misfire policies (RM-17)."""
    return events.StopSchedules(False, call.who.name)


def stop(call: Call) -> events.Event:
    """Hold all schedules, over restarts too, and make no new ones; what runs goes on to its end (RM-18)."""
    return events.StopSchedules(True, call.who.name)


def running(call: Call) -> dict[str, Any]:
    """Say whether schedules run (RM-41)."""
    rows = call.farm.schedules.values()
    first = min((row.next_at for row in rows if row.state == "armed" and row.next_at is not None), default=None)
    return {
        "running": not call.farm.halted,
        "schedules": len(rows),
        "armed": sum(row.state == "armed" for row in rows),
        "next_at": first,
        "now": call.wall,
    }
