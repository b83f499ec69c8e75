"""Words for workers, projects, sessions, the farm and help. Only text.py calls this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brender.commands.layout import Column, capital, columns, fields, number, plain, span, wrap, wrap_after
from brender.commands.text_readings import storage

Data = Any


def more(data: Data, shown: int, noun: str) -> str:
    """The last line of a list: how many there are, and the line that shows the others."""
    again = plain(data.get("again") or "the same with")
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
    shown = [
        {
            **row,
            "load": f"{row['used']}/{row['slots']}",
            "state": f"{row['state']} (calendar)" if row.get("by_calendar") else row["state"],
        }
        for row in rows
    ]
    return [*columns(WORKER_COLUMNS, shown, room), *wrap(more(data, len(rows), "worker"), room)]


WORKER_FIELDS = (
    "id", "name", "mac", "hostname", "admin_state", "calendar", "presence", "activity", "warning", "slots",
    "functions", "tags", "config", "facts", "platform", "heard", "legacy", "version",
)  # fmt: skip
# What `function list` and `device list` show of the facts, and what only programs need.
UNSAID = frozenset({"takes", "devices", "daemon"})
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
        facts = {name: fact for name, fact in row["facts"].items() if name not in UNSAID and fact not in ("", [], {})}
        shown = {**row, "facts": facts, "heard": None if heard is None else f"{span(heard)} ago"}
        lines += ["", *fields(shown, WORKER_FIELDS, room)]
        if row["attempts"]:
            lines += columns(ATTEMPT_COLUMNS, row["attempts"], room)
    if data["total"] > len(data["workers"]):
        lines += ["", *wrap(more(data, len(data["workers"]), "worker"), room)]
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
    return [*columns(PROJECT_COLUMNS, rows, room), *wrap(more(data, len(rows), "project"), room)]


def project(data: Data, room: int) -> list[str]:
    lines = fields(data, ("id", "name", "state", "description", "version"), room)
    jobs = columns(
        (Column("job", "id", right=True), Column("name", "name", shrinks=True), Column("state", "state")),
        data["jobs"],
        room,
    )
    said = capital(f"{number(data['total'], 'job')}.")
    if data["total"] > len(data["jobs"]):
        said += f" These are the first {len(data['jobs'])}. All: job list project={data['id']}"
    return [*lines, *(jobs if data["jobs"] else ()), *wrap(said, room)]


SESSION_COLUMNS = (
    Column("session", "id", right=True),
    Column("name", "name", shrinks=True, least=6),
    Column("type", "type"),
    Column("role", "role"),
    Column("door", "door"),
    Column("peer", "peer", shrinks=True, least=9),
    Column("project", "project", shrinks=True, least=7),
    Column("", "you"),
)


def sessions(data: Data, room: int) -> list[str]:
    rows = [{**row, "you": "(you)" if row.get("id") == data["you"] else ""} for row in data["sessions"]]
    return [*columns(SESSION_COLUMNS, rows, room), *wrap(more(data, len(rows), "session"), room)]


def _sums(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {plain(word)}" for word, count in counts.items()) or "none"


MOST_FIRING = 5


def _firing(data: Data) -> str:
    """How many alarms fire, and how many of the others there are; nothing where all is well."""
    counts = {"firing": len(data.get("firing", [])), **{name: n for name, n in data.items() if name != "firing"}}
    return _sums({name: count for name, count in counts.items() if count}) if any(counts.values()) else ""


# What of a farm's data has words of its own; all else is told as it is.
_SAID = (
    "schedules",
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
    "elements",
    "version",
)


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
        **({"schedules": _sums(data["schedules"])} if "schedules" in data else {}),
        "alarms": _firing(data.get("alarms", {})),
        "mail": _sums(data.get("mail", {})) if data.get("mail") else "",
        "sessions": str(data["sessions"]),
        "elements": _elements(data.get("elements", {})),
    }
    lines |= {name: plain(value) for name, value in data.items() if name not in _SAID}
    if "readings" in data:
        lines["readings"] = storage(data["readings"])
    found = fields(lines, lines, room)
    for alarm in data.get("alarms", {}).get("firing", [])[:MOST_FIRING]:
        found += wrap_after("! ", f"{alarm['level']}: {plain(alarm['said'])} (alarm {alarm['id']})", room)
    if not total:
        found += wrap("No worker has connected yet. On a machine that shall render, start: brender client", room)
    return found


def _elements(states: Mapping[str, str]) -> str:
    """Which parts are in which state, each state once."""
    by_state: dict[str, list[str]] = {}
    for name, state in states.items():
        by_state.setdefault(state, []).append(name)
    return "; ".join(f"{', '.join(names)}: {plain(state)}" for state, names in by_state.items())


def glance(data: Data, room: int) -> list[str]:
    """The farm in one line."""
    workers = data["workers"]
    said = f"{workers['online']} of {number(workers['known'], 'worker')} online, {workers['enabled']} enabled; "
    said += f"{number(data['running'], 'task')} running, {data['queued']} queued, {data['failed']} failed"
    said += "".join(f"; {number(data[noun + 's'], noun)}" for noun in ("warning", "alarm") if data[noun + "s"])
    return wrap(capital(f"{said}."), room)


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


def lesson(data: Data, room: int) -> list[str]:
    """One step of the tutorial."""
    lines = [line for title in data["passed"] for line in wrap(f"Done: {plain(title)}.", room)]
    lines += wrap(f"Not yet: {plain(data['missing'])}", room) if data["missing"] else []
    if data["finished"]:
        return [*lines, *wrap(plain(data["text"]), room)]
    lines += wrap(f"{data['number']} of {data['of']}: {data['title']}", room)
    lines += wrap_after("  ", plain(data["text"]), room)
    lines += wrap_after("  > ", plain(data["line"]), room)
    return [*lines, *wrap("Type that, then: tutorial", room)]


def assistance(data: Data, room: int) -> list[str]:
    if "nouns" in data:
        return _overview(data, room)
    if "commands" in data:
        lines = wrap(f"{data['noun']}: {data['about']}", room)
        verbs = [one["command"].partition(" ")[2] for one in data["commands"]]
        margin = max(map(len, verbs)) + 4
        for verb, one in zip(verbs, data["commands"], strict=True):
            lines += wrap_after(f"  {verb}".ljust(margin), one["summary"], room)
        first = data["commands"][0]["command"]
        return [*lines, *wrap(f"How one is written, with an example: help {first}, or {first} ?", room)]
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
    more = "More: help job, help job run, or a ? at the end: job run ? Before a list, watch shows it as it changes. "
    more += "undo takes back your last change. Tab completes. --json answers in JSON."
    return [*lines, *wrap(more, room), *wrap("New here? Type tutorial.", room)]


def _page(data: Data, room: int) -> list[str]:
    lines = wrap(data["usage"], room, "    ")
    for line in data["text"].splitlines():
        lines += wrap(line, room) if line else [""]
    for one in data["parameters"]:
        name = f"--{one['name'].replace('_', '-')}" if one.get("flag") else one["name"]
        name = f"-{one['short']}, {name}" if one["short"] else name
        plainly = not one["text"] or one.get("flag") or one["expects"] == "a word"
        said = (one["text"] or one["expects"]) if plainly else f"{one['text']} ({one['expects']})"
        lines += wrap_after(f"  {name}  ".ljust(16), said, room)
    role = f"Role: {data['role']}."
    also = f" Also: {', '.join(data['aliases'])}." if data["aliases"] else ""
    example = wrap_after("Example: ", data["example"], room) if data["example"] else []
    more = f" More: help {data['command'].partition(' ')[0]}"
    return [*lines, *example, *wrap(role + also + more, room)]


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    "worker.list": workers,
    "worker.show": worker,
    "project.list": projects,
    "project.show": project,
    "session.list": sessions,
    "session.users": sessions,
    "farm.status": farm,
    "farm.glance": glance,
    "farm.save": saved,
    "farm.why": why,
    "session.tutorial": lesson,
    "rpc.help": assistance,
}
