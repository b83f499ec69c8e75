"""Words for schedules, calendars and wakes. Only text.py calls this.

Moments are shown on the clock of the machine that shows them, as everywhere; how long until then stands beside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from brender.commands.layout import Column, capital, columns, fields, number, plain, span, wrap, wrap_after
from brender.commands.text_farm import more
from brender.core import cron, zones

Data = Any


def moment(at: float | None, now: float) -> str:
    """`today 20:00:00`, `Fri 27 Nov 08:00:00`, with the year when it is another."""
    if at is None:
        return ""
    then, today = time.localtime(at), time.localtime(now)
    clock = time.strftime("%H:%M:%S" if then.tm_sec else "%H:%M", then)
    if then[:3] == today[:3]:
        return f"today {clock}"
    day = time.strftime("%a %d %b", then)
    return f"{day} {clock}" if then.tm_year == today.tm_year else f"{day} {then.tm_year} {clock}"


def period(seconds: float) -> str:
    """A stretch of time in the largest unit that it is a whole number of: 90 s, 5 min, 1 h."""
    for unit, size in (("w", 604_800), ("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def away(seconds: float) -> str:
    """`in 3 h 20 min`."""
    return f"in {span(max(0.0, seconds))}"


def when(row: Data) -> str:
    """What was asked for, without the next moment."""
    kind, seconds = row["kind"], row["seconds"]
    if kind == "cron":
        return f"{cron.words(row['expr'])} ({row['expr']}, {row['tz']})"
    if kind == "calendar":
        return f"enabled in {row['expr']} ({row['tz']})"
    if kind == "repeat_every":
        return f"every {period(seconds)}"
    if kind == "repeat_o_clock":
        after = f" and {period(row['offset'])}" if row["offset"] else ""
        return f"at every multiple of {period(seconds)}{after}, UTC"
    if kind == "once_o_clock":
        return f"once, at the next multiple of {period(seconds)}, UTC"
    return "once"


def _next(row: Data, now: float) -> str:
    if row["next_at"] is None:
        return str(row["state"])
    due = _due(row, now)
    return f"next {due}" if row["state"] == "armed" else f"{row['state']}; would be next {due}"


def _due(row: Data, now: float) -> str:
    at = row["next_at"]
    return "" if at is None else f"{moment(at, now)}, {away(at - now)}"


def last(row: Data, now: float) -> str:
    """What became of its last run."""
    found = row["last_result"]
    outcome = found.get("outcome")
    if outcome == "missed":
        return f"missed {moment(found['due'], now)}: nobody could run it in time."
    if row["state"] == "running":
        return f"runs since {moment(row['last_at'], now)}."
    if not outcome or row["last_at"] is None:
        return "has not run yet."
    ago = f"{span(max(0.0, now - row['last_at']))} ago"
    runs = number(row["runs"], "run")
    if outcome == "unknown":
        return f"{runs}, the last {ago}: it was done, but the master stopped before it had the answer."
    said = plain(found.get("said", ""))
    code = f"ERR {found['code']} " if outcome == "error" else ""
    return f"{runs}, the last {ago}: {code}{said}"


def _entry(row: Data, now: float, room: int) -> list[str]:
    lines = wrap_after(f"{row['id']:>3}  ", f"{plain(row['name'] or row['uuid'][:8])}: {plain(row['command'])}", room)
    for part in (f"{plain(when(row))}; {_next(row, now)}", last(row, now)):
        lines += wrap_after("     ", part, room)
    return lines


def schedules(data: Data, room: int) -> list[str]:
    rows, now = data["schedules"], data["now"]
    stopped = [] if data["running"] else wrap("All schedules are stopped. Let them go on: schedule start", room)
    if not data["total"]:
        return [*stopped, *wrap("There is no schedule. Make one: schedule once-after 10m job run NAME", room)]
    lines = [line for row in rows for line in _entry(row, now, room)]
    return [*stopped, *lines, *wrap(more(data, len(rows), "schedule"), room)]


RUN_COLUMNS = (
    Column("run", "run", right=True),
    Column("due", "due"),
    Column("schedule", "who", shrinks=True, least=8),
    Column("late", "late", right=True),
    Column("took", "took", right=True),
    Column("outcome", "outcome"),
    Column("said", "told", shrinks=True, least=12),
)


def _run(row: Data, now: float) -> Data:
    fired, ended = row["fired_at"], row["ended_at"]
    late = (fired or row["due_at"]) - row["due_at"]
    return {
        **row,
        "due": moment(row["due_at"], now),
        "who": row["name"] or row["command"],
        "late": span(late) if late >= 1 else "",
        "took": "" if fired is None or ended is None else span(max(0.0, ended - fired)),
        "told": outcome(row),
    }


def outcome(row: Data) -> str:
    """What became of one moment of a schedule, in a few words."""
    code = f"ERR {row['code']} " if row["code"] is not None else ""
    return {
        "missed": "nobody could run it in time",
        "overlapped": "it still ran, so this was left out",
        "unknown": "it was done, but the master stopped before it had the answer",
        "running": "goes on",
    }.get(row["outcome"], f"{code}{plain(row['said'])}")


def history(data: Data, room: int) -> list[str]:
    if not data["runs"]:
        return wrap("No schedule was due yet." if "id" not in data else f"{plain(data['name'])} was not due yet.", room)
    spec = [column for column in RUN_COLUMNS if column.key != "who" or "id" not in data]
    rows = [_run(row, data["now"]) for row in data["runs"]]
    return [*columns(spec, rows, room), *wrap(more(data, len(rows), "run"), room)]


def _entries(data: Data) -> list[tuple[float, str]]:
    """What was and what is to come, in the order of time, each with its words."""
    found = []
    for row in data["past"]:
        at = row["due_at"] if row["fired_at"] is None else row["fired_at"]
        name = f"{plain(row['name'])}: " if row["name"] else ""
        others = f"; {number(row['more'], 'run')} more that day" if row["more"] else ""
        found.append((at, f"{name}{plain(row['command'])}: {row['outcome']}{others}"))
    for row in data["occurrences"]:
        name = f"{plain(row['name'])}: " if row["name"] else ""
        often = ", and more often that day" if row["again"] else ""
        found.append((row["at"], f"{name}{plain(data['commands'][str(row['id'])])}{often}"))
    return found


def agenda(data: Data, room: int) -> list[str]:
    """Day by day, on the clock of the zone that was asked for."""
    lines: list[str] = [] if data["running"] else wrap("All schedules are stopped: nothing is due.", room)
    if data["past_cut"] is not None:
        cut = f"{zones.local(data['past_cut'], data['tz']):%a %d %b %H:%M}"
        lines += wrap(f"There is more before {cut}: ask for less at once.", room)
    day = ""
    for at, words in _entries(data):
        local = zones.local(at, data["tz"])
        if day != (day := f"{local:%a %d %b %Y}"):
            lines.append(day)
        lines += wrap_after(f"  {local:%H:%M:%S}  ", words, room)
    for one in data["calendars"]:
        lines += wrap(f"Calendar {plain(one['expr'])} ({one['tz']}): {number(len(one['spans']), 'window')}.", room)
    if data["cut"] is not None:
        lines += wrap(
            f"There is more from {zones.local(data['cut'], data['tz']):%a %d %b %H:%M} on: ask for less at once.", room
        )
    if data["left"]:
        lines += wrap(f"{number(data['left'], 'schedule')} were not looked at: too many at once.", room)
    return lines or ["Nothing is due then."]


SCHEDULE_FIELDS = (
    "id", "uuid", "name", "command", "when", "state", "next", "coming", "last", "owner", "role", "project", "misfire",
    "overlap", "runs",
)  # fmt: skip


def schedule(data: Data, room: int) -> list[str]:
    now = data["now"]
    shown = {
        **data,
        "when": when(data),
        "next": _due(data, now),
        "last": last(data, now),
        "coming": ", ".join(moment(at, now) for at in data["coming"][1:]),
    }
    lines = fields(shown, SCHEDULE_FIELDS, room)
    if data["past"]:
        spec = [column for column in RUN_COLUMNS if column.key != "who"]
        lines += ["", *columns(spec, [_run(row, now) for row in data["past"]], room)]
    return lines


def made(data: Data, room: int) -> list[str]:
    row = data["row"]
    return wrap(f"OK schedule {plain(row['uuid'])}{_called(row)}: {plain(when(row))}; {_next(row, data['now'])}.", room)


def _called(row: Data) -> str:
    return f" ({plain(row['name'])})" if row["name"] else ""


def held(data: Data, room: int) -> list[str]:
    row = data["row"]
    name = plain(row["name"] or row["uuid"])
    if (row["then"] if row["state"] == "running" else row["state"]) == "paused":
        return wrap(f"OK schedule {name} is paused. Go on: schedule resume {row['id']}", room)
    return wrap(f"OK schedule {name} goes on: {_next(row, data['now'])}.", room)


def ran(data: Data, room: int) -> list[str]:
    row = data["row"]
    name = plain(row["name"] or row["uuid"])
    return wrap(f"OK schedule {name} runs now. What became of it: schedule show {row['id']}", room)


def switched(data: Data, room: int) -> list[str]:
    verb = "run" if data["running"] else "are stopped"
    if not data["changed"]:
        return wrap(f"OK nothing changed: schedules {verb} already.", room)
    said = f"OK schedules {verb}: {number(data['schedules'], 'schedule')}"
    said += " armed." if data["running"] else " held."
    return wrap(said + (f" {capital(number(data['going'], 'run'))} goes on to its end." if data["going"] else ""), room)


def running(data: Data, room: int) -> list[str]:
    if not data["running"]:
        return wrap(f"No: {number(data['schedules'], 'schedule')} stopped. Let them go on: schedule start", room)
    said = f"Yes: {data['armed']} of {number(data['schedules'], 'schedule')} armed"
    if data["next_at"] is not None:
        said += f", the next {away(data['next_at'] - data['now'])}"
    return wrap(f"{said}.", room)


def calendar(data: Data, room: int) -> list[str]:
    names = ", ".join(plain(one["name"]) for one in data["workers"][:20]) or "no worker"
    more_ = f" and {len(data['workers']) - 20} more" if len(data["workers"]) > 20 else ""
    row = data["row"]
    if row is None:
        if not data["workers"]:
            return ["OK nothing changed: no such worker has a calendar."]
        return wrap(f"OK {names}{more_}: no calendar any more; enabled or disabled as before.", room)
    now = "inside, so enabled" if data["inside"] else "outside, so disabled"
    return wrap(f"OK {names}{more_}: {plain(row['expr'])} ({row['tz']}); now {now}. See: why NAME", room)


def woken(data: Data, room: int) -> list[str]:
    names = ", ".join(plain(one["name"]) for one in data["woken"])
    lines = [f"OK {number(len(data['woken']), 'machine')} told to wake{': ' + names if names else ''}."]
    for one in data["failed"]:
        lines.append(f"{plain(one['name'])} could not be told: {plain(one['reason'])}.")
    reasons: dict[str, list[str]] = {}
    for one in data["passed"]:
        reasons.setdefault(one["reason"], []).append(plain(one["name"]))
    for reason, passed in reasons.items():
        rest = f" and {len(passed) - 5} more" if len(passed) > 5 else ""
        lines.append(f"Not {', '.join(passed[:5])}{rest}: {plain(reason)}.")
    return [part for line in lines for part in wrap(line, room)]


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    **{
        f"schedule.{kind}": made
        for kind in ("once_after", "once_o_clock", "once_when", "repeat_every", "repeat_o_clock", "cron")
    },
    "schedule.list": schedules,
    "schedule.agenda": agenda,
    "schedule.show": schedule,
    "schedule.history": history,
    "schedule.pause": held,
    "schedule.resume": held,
    "schedule.run_now": ran,
    "schedule.start": switched,
    "schedule.stop": switched,
    "schedule.running": running,
    "worker.calendar": calendar,
    "worker.wake": woken,
}
