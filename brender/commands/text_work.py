"""Words for jobs, steps and tasks. Only text.py calls this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brender.commands.layout import Column, bar, columns, fields, number, plain, span, wrap
from brender.commands.text_farm import more

Data = Any

JOB_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=8),
    Column("project", "project", shrinks=True, least=7),
    Column("state", "state"),
    Column("done", "done", right=True),
    Column("%", "percent", right=True),
    Column("left", "left", right=True),
    Column("prio", "priority", right=True),
    Column("failed", "failed", right=True),
    Column("by", "submitter", shrinks=True, least=4),
)


def _percent(progress: dict[str, int]) -> str:
    return f"{100 * progress['done'] // progress['total']}" if progress["total"] else ""


def _spread(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its progress as columns."""
    progress = row["progress"]
    return {
        **row,
        "state": f"{row['state']} (paused)" if row.get("paused") else row["state"],
        "done": f"{progress['done']}/{progress['total']}",
        "percent": _percent(progress),
        "left": span(row["remaining"]) if row.get("remaining") else "",
        "failed": progress["failed"] or "",
    }


def jobs(data: Data, room: int) -> list[str]:
    if not data["total"]:
        return wrap("There is no job. Make one: job create NAME function=noop frames=1-10 --run", room)
    rows = data["jobs"]
    return [
        *columns(JOB_COLUMNS, [_spread(row) for row in rows], room),
        *wrap(more(data, len(rows), "job", "job list"), room),
    ]


def progress_words(row: Data) -> str:
    """How far a job is, in one line: what whoever watches it is told."""
    progress = row["progress"]
    said = f"{bar(progress['done'] + progress['failed'], progress['total'])} {_percent(progress) or 0} %, "
    said += f"{progress['done']} of {number(progress['total'], 'task')}"
    said += f", {progress['live']} live" if progress["live"] else ""
    said += f", {progress['failed']} failed" if progress["failed"] else ""
    said += ", paused" if row["paused"] else ""
    return said + (f", about {span(row['remaining'])} left" if row.get("remaining") else "")


STEP_COLUMNS = (
    Column("place", "place", right=True),
    Column("step", "name", shrinks=True, least=8),
    Column("exec", "exec"),
    Column("function", "function", shrinks=True, least=8),
    Column("frames", "frames", shrinks=True, least=6),
    Column("state", "state"),
    Column("done", "done", right=True),
    Column("failed", "failed", right=True),
    Column("live", "live", right=True),
)


def _steps(rows: list[dict[str, Any]], room: int) -> list[str]:
    shown = [{**_spread(row), "live": row["progress"]["live"] or ""} for row in rows]
    return columns(STEP_COLUMNS, shown, room)


def status(data: Data, room: int) -> list[str]:
    if "jobs" in data:
        return jobs(data, room)
    progress = data["progress"]
    state = f"{plain(data['state'])}{', paused' if data['paused'] else ''}"
    if data.get("held"):
        state += f" (held by waiting {', '.join(plain(name) for name in data['held'])})"
    head = (
        f"job {plain(data['name'])} (id {data['id']}, project {plain(data['project'])}) is {state}, run {data['run']}"
    )
    lines = wrap(head, room)
    sums = ", ".join(f"{count} {word}" for word, count in data["counts"].items())
    lines += wrap(
        f"{bar(progress['done'], progress['total'])} {progress['done']} of {number(progress['total'], 'task')}: {sums}",
        room,
    )
    if data.get("remaining"):
        lines += wrap(f"About {span(data['remaining'])} left.", room)
    if not data["steps"]:
        return [*lines, *wrap(f"It has no steps. Add one: step add {data['id']} NAME function=noop", room)]
    lines += _steps(data["steps"], room)
    for reason in data.get("waits") or ():
        lines += wrap(f"Waits: {plain(reason)}", room, "  ")
    if progress["failed"] and not progress["live"] and not progress["ready"]:
        lines += wrap(f"What failed: task list {data['id']} failed. Again: job requeue {data['id']}", room)
    elif data["run"] == 0:
        lines += wrap(f"Start it: job run {data['id']}", room)
    return lines


JOB_FIELDS = (
    "priority", "tags", "after", "start_at", "most_workers", "most_tasks", "submitter", "desired", "version",
)  # fmt: skip


def job(data: Data, room: int) -> list[str]:
    return [*status(data, room), *fields(data, JOB_FIELDS, room)]


def steps(data: Data, room: int) -> list[str]:
    if not data["steps"]:
        return wrap(
            f"Job {plain(data['job'])} has no steps. Add one: step add {plain(data['job'])} NAME function=noop", room
        )
    again = f"step list {data['job_id']}"
    return [*_steps(data["steps"], room), *wrap(more(data, len(data["steps"]), "step", again), room)]


STEP_FIELDS = (
    "id", "name", "job", "place", "exec", "function", "params", "frames", "chunk", "order", "after", "limits", "needs",
    "retries", "timeout", "stalled_after", "stop_stalled", "state", "counts", "seconds", "version",
)  # fmt: skip


def step(data: Data, room: int) -> list[str]:
    return fields(data, STEP_FIELDS, room)


MOST_REASONS = 5
TASK_COLUMNS = (
    Column("step", "step", shrinks=True, least=6),
    Column("task", "task", right=True),
    Column("frames", "frames", right=True, shrinks=True, least=6),
    Column("state", "state"),
    Column("worker", "worker", shrinks=True, least=8),
    Column("attempts", "attempts", right=True),
    Column("reason", "reason", shrinks=True, least=12),
)


def tasks(data: Data, room: int) -> list[str]:
    if not data["total"]:
        return ["No task is like that."]
    rows = [_running(row) for row in data["tasks"]]
    spec = TASK_COLUMNS if data["steps"] > 1 else TASK_COLUMNS[1:]
    table = columns(spec, rows, room)
    return [*table, *_reasons(data["tasks"], table, room), *wrap(more(data, len(rows), "task", "the same with"), room)]


def _running(row: Data) -> Data:
    """A task that runs shows how far it is, and beside it what is known of the render."""
    if row.get("fraction") is None:
        return row
    return {**row, "state": f"{row['state']} {100 * row['fraction']:.0f} %", "reason": row["reason"] or row["note"]}


def _reasons(rows: list[dict[str, Any]], table: list[str], room: int) -> list[str]:
    """Reasons the table had to cut, whole, each once with the tasks it stands for: they are what one came to read."""
    whole = "\n".join(table)
    cut: dict[str, list[str]] = {}
    for row in rows:
        reason = plain(row["reason"])
        if reason and reason not in whole:
            cut.setdefault(reason, []).append(str(row["task"]))
    lines: list[str] = []
    for reason, tasks in list(cut.items())[:MOST_REASONS]:
        named = ", ".join(tasks[:3]) + (f" and {len(tasks) - 3} more" if len(tasks) > 3 else "")
        lines += wrap(f"{'task' if len(tasks) == 1 else 'tasks'} {named}: {reason}", room, "  ")
    return lines


TASK_FIELDS = (
    "job",
    "step",
    "task",
    "frames",
    "state",
    "worker",
    "attempts",
    "reason",
    "function",
    "params",
    "trouble",
)


def task(data: Data, room: int) -> list[str]:
    trouble = data.get("trouble")
    said = None
    if trouble is not None:
        said = f"{number(trouble['errors'], 'error')}, lost with {number(trouble['crashes'], 'worker')}"
    waits = data.get("waits")
    named = (*TASK_FIELDS, "waits") if waits is not None else TASK_FIELDS
    shown = {**_running(data), "trouble": said, "waits": f"{waits} s at most: it must not be stopped"}
    return fields(shown, named, room)


LIMIT_COLUMNS = (
    Column("name", "name", shrinks=True, least=8),
    Column("used", "used", right=True),
    Column("count", "count", right=True),
    Column("steps", "steps", right=True),
    Column("description", "description", shrinks=True, least=11),
)


FUNCTION_COLUMNS = (
    Column("function", "name", shrinks=True, least=8),
    Column("workers", "offered", shrinks=True, least=8),
    Column("online", "online", right=True),
    Column("takes", "takes", shrinks=True, least=12),
)


def functions(data: Data, room: int) -> list[str]:
    if not data["functions"]:
        return wrap("No worker has told what it can run. On a machine that shall render, start: brender client", room)
    rows = [
        {**row, "offered": ", ".join(row["workers"]), "takes": " ".join(row["params"])} for row in data["functions"]
    ]
    return columns(FUNCTION_COLUMNS, rows, room)


def limits(data: Data, room: int) -> list[str]:
    if not data["total"]:
        return wrap("There is no limit. Make one: limit add nuke 10, then: step set JOB/STEP limits=nuke", room)
    return [*columns(LIMIT_COLUMNS, data["limits"], room), *_others(data, len(data["limits"]), "limit", room)]


def _others(data: Data, shown: int, noun: str, room: int) -> list[str]:
    """How to see the rest of a short list; nothing where there is none."""
    return wrap(more(data, shown, noun, f"{noun} list"), room) if shown < data["total"] else []


def limit(data: Data, room: int) -> list[str]:
    users = ", ".join(f"{plain(name)} {count}" for name, count in data["users"].items())
    return fields({**data, "users": users}, ("name", "used", "count", "steps", "users", "description", "version"), room)


PRESET_COLUMNS = (
    Column("name", "name", shrinks=True, least=8),
    Column("parameters", "parameters", shrinks=True, least=44),
    Column("for", "for", shrinks=True, least=11),
)


def presets(data: Data, room: int) -> list[str]:
    return [
        *columns(PRESET_COLUMNS, [_settings(row) for row in data["presets"]], room),
        *_others(data, len(data["presets"]), "preset", room),
        *wrap("Use one: brender render SCENE.blend --preset HD. Make one: preset add shots samples=64", room),
    ]


def preset(data: Data, room: int) -> list[str]:
    return fields(_settings(data), ("name", "parameters", "for", "built in", "version"), room)


def _settings(row: Data) -> Data:
    said = " ".join(f"{plain(key)}={'no' if value is False else plain(value)}" for key, value in row["params"].items())
    return {**row, "parameters": said, "for": row["description"], "built in": row["built_in"]}


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    "job.list": jobs,
    "job.status": status,
    "job.show": job,
    "function.list": functions,
    "limit.list": limits,
    "limit.show": limit,
    "preset.list": presets,
    "preset.show": preset,
    "step.list": steps,
    "step.show": step,
    "task.list": tasks,
    "task.show": task,
}
