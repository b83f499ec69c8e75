"""Words for workers, projects, sessions, the farm and help. Only text.py calls this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brender.commands.layout import Column, capital, columns, fields, number, plain, span, wrap, wrap_after

Data = Any


def more(data: Data, shown: int, noun: str, again: str) -> str:
    """The last line of a list: how many there are, and how to see the others."""
    first, total = data.get("offset", 0), data["total"]
    if shown < total:
        said = (
            f"{first + 1} to {first + shown} of {number(total, noun)}."
            if shown
            else f"None of {number(total, noun)} from there."
        )
        rest = total - first - shown
        return said + (f" {rest} more: {again} offset={first + shown}" if rest > 0 else "")
    return capital(f"{number(total, noun)}.")


WORKER_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=8),
    Column("state", "state"),
    Column("presence", "presence"),
    Column("doing", "activity"),
    Column("slots", "load", right=True),
    Column("mac", "mac", shrinks=True, least=12),
    Column("tags", "tags", shrinks=True, least=6),
    Column("warning", "warning", shrinks=True, least=8),
)


def workers(data: Data, room: int) -> list[str]:
    rows = data["workers"]
    if not data["total"]:
        return wrap(
            "No worker has connected yet, or none is like that. On a machine that shall render, start: brender client",
            room,
        )
    shown = [{**row, "load": f"{row['used']}/{row['slots']}"} for row in rows]
    return [*columns(WORKER_COLUMNS, shown, room), *wrap(more(data, len(rows), "worker", "worker list"), room)]


WORKER_FIELDS = (
    "id", "name", "mac", "hostname", "admin_state", "presence", "activity", "warning", "slots",
    "functions", "tags", "config", "facts", "platform", "heard", "legacy", "version",
)  # fmt: skip
ATTEMPT_COLUMNS = (
    Column("attempt", "id", right=True),
    Column("job", "job", shrinks=True, least=6),
    Column("step", "step", shrinks=True, least=6),
    Column("task", "task", right=True),
    Column("state", "state"),
    Column("pid", "pid", right=True),
)


def worker(data: Data, room: int) -> list[str]:
    lines: list[str] = []
    for row in data["workers"]:
        heard = row.get("heard")
        facts = {name: fact for name, fact in row["facts"].items() if name != "takes"}  # function list shows these
        shown = {**row, "facts": facts, "heard": None if heard is None else f"{span(heard)} ago"}
        lines += ["", *fields(shown, WORKER_FIELDS, room)]
        if row["attempts"]:
            lines += columns(ATTEMPT_COLUMNS, row["attempts"], room)
    return lines[1:] if lines else ["No worker is like that."]


PROJECT_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=8),
    Column("state", "state"),
    Column("jobs", "jobs", right=True),
    Column("running", "running", right=True),
    Column("current", "current"),
    Column("description", "description", shrinks=True, least=11),
)


def projects(data: Data, room: int) -> list[str]:
    if not data["total"]:
        return wrap("There is no project yet. Make one: project add NAME, or submit a job, which makes its own.", room)
    rows = data["projects"]
    return [*columns(PROJECT_COLUMNS, rows, room), *wrap(more(data, len(rows), "project", "project list"), room)]


def project(data: Data, room: int) -> list[str]:
    lines = fields(data, ("id", "name", "state", "description", "version"), room)
    jobs = columns(
        (Column("job", "id", right=True), Column("name", "name", shrinks=True), Column("state", "state")),
        data["jobs"],
        room,
    )
    return [*lines, *(jobs if data["jobs"] else ()), *wrap(capital(f"{number(data['total'], 'job')}."), room)]


SESSION_COLUMNS = (
    Column("session", "id", right=True),
    Column("name", "name", shrinks=True, least=6),
    Column("role", "role"),
    Column("door", "door"),
    Column("peer", "peer", shrinks=True, least=9),
    Column("project", "project", shrinks=True, least=7),
    Column("", "you"),
)


def sessions(data: Data, room: int) -> list[str]:
    rows = [{**row, "you": "(you)" if row.get("id") == data["you"] else ""} for row in data["sessions"]]
    return [*columns(SESSION_COLUMNS, rows, room), capital(f"{number(len(rows), 'session')}.")]


def _sums(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {plain(word)}" for word, count in counts.items()) or "none"


MOST_FIRING = 5


def _firing(data: Data) -> str:
    """How many alarms fire, and how many of the others there are; nothing where all is well."""
    counts = {"firing": len(data.get("firing", [])), **{name: n for name, n in data.items() if name != "firing"}}
    return _sums({name: count for name, count in counts.items() if count}) if any(counts.values()) else ""


def farm(data: Data, room: int) -> list[str]:
    known = dict(data["workers"])
    total = known.pop("known", 0)
    progress = data["progress"]
    lines = {
        "farm": f"up {span(data['uptime'])}" + (f", version {plain(data['version'])}" if data.get("version") else ""),
        "workers": f"{total} known" + (f": {_sums(known)}" if known else ""),
        "slots": f"{data['slots']['used']} of {data['slots']['total']} busy",
        "jobs": _sums(data["jobs"]),
        "tasks": f"{progress['total']}" + (f": {_sums(data['tasks'])}" if data["tasks"] else ""),
        "alarms": _firing(data.get("alarms", {})),
        "mail": _sums(data.get("mail", {})) if data.get("mail") else "",
        "sessions": str(data["sessions"]),
    }
    said = (
        "uptime",
        "epoch",
        "workers",
        "slots",
        "projects",
        "jobs",
        "tasks",
        "progress",
        "alarms",
        "mail",
        "sessions",
        "version",
    )
    lines |= {name: plain(value) for name, value in data.items() if name not in said}
    found = fields(lines, lines, room)
    for alarm in data.get("alarms", {}).get("firing", [])[:MOST_FIRING]:
        found += wrap_after("! ", f"{alarm['level']}: {plain(alarm['said'])} (alarm {alarm['id']})", room)
    if not total:
        found += wrap("No worker has connected yet. On a machine that shall render, start: brender client", room)
    return found


def saved(data: Data, room: int) -> list[str]:
    rows = data["rows"]
    return wrap(
        "OK every change is on the disk before it is answered: " + ", ".join(number(rows[noun], noun) for noun in rows),
        room,
    )


def why(data: Data, room: int) -> list[str]:
    lines = wrap(capital(f"{plain(data['subject'])} is {plain(data['state'])}."), room)
    for reason in data["reasons"]:
        lines += wrap_after("- ", plain(reason["text"]), room)
        if reason.get("next"):
            lines += wrap_after("  > ", plain(reason["next"]), room)
    return lines if data["reasons"] else [*lines, "Nothing stands in its way."]


def assistance(data: Data, room: int) -> list[str]:
    if "nouns" in data:
        return _overview(data, room)
    if "commands" in data:
        lines = wrap(f"{data['noun']}: {data['about']}", room)
        for one in data["commands"]:
            lines += wrap(one["usage"], room, "      ")
            lines += wrap_after("    ", one["summary"], room)
        return lines
    return _page(data, room)


def _overview(data: Data, room: int) -> list[str]:
    lines = wrap("Write a noun, a verb, and what it is about: worker enable render-07", room)
    margin = max(len(noun["noun"]) for noun in data["nouns"]) + 4
    for noun in data["nouns"]:
        if noun["verbs"]:
            lines += wrap_after(
                f"  {noun['noun']}".ljust(margin), f"{', '.join(noun['verbs'])}  ({noun['about']})", room
            )
    lines += wrap_after("short ", " ".join(data["short"]), room)
    return [*lines, *wrap("More: help NOUN, help NOUN VERB. Tab completes. --json answers in JSON.", room)]


def _page(data: Data, room: int) -> list[str]:
    lines = wrap(data["usage"], room, "    ")
    for line in data["text"].splitlines():
        lines += wrap(line, room) if line else [""]
    for one in data["parameters"]:
        name = f"-{one['short']}, {one['name']}" if one["short"] else one["name"]
        said = one["text"] if one["text"] else one["expects"]
        lines += wrap_after(
            f"  {name}  ".ljust(18), f"{said} ({one['expects']})" if said != one["expects"] else said, room
        )
    role = f"Role: {data['role']}."
    also = f" Also: {', '.join(data['aliases'])}." if data["aliases"] else ""
    example = wrap_after("Example: ", data["example"], room) if data["example"] else []
    return [*lines, *example, *wrap(role + also, room)]


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    "worker.list": workers,
    "worker.show": worker,
    "project.list": projects,
    "project.show": project,
    "session.list": sessions,
    "farm.status": farm,
    "farm.save": saved,
    "farm.why": why,
    "rpc.help": assistance,
}
