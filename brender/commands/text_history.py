"""Words for what was and what goes on: attempts, costs, logs, watched jobs. Only text.py calls this."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from brender.commands.layout import Column, columns, number, plain, span, wrap
from brender.commands.text_work import progress_words

Data = Any

ATTEMPT_COLUMNS = (
    Column("attempt", "attempt", right=True),
    Column("run", "run", right=True),
    Column("no", "number", right=True),
    Column("worker", "worker", shrinks=True, least=8),
    Column("began", "began"),
    Column("took", "took", right=True),
    Column("state", "ended"),
    Column("MB", "memory_mb", right=True),
    Column("reason", "reason", shrinks=True, least=12),
)


def _clock(at: float | None) -> str:
    """A moment on this machine's clock, to the second."""
    return time.strftime("%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def _how(row: Data) -> str:
    if row["state"] == "error" and row["exit_code"]:
        return f"error{row['exit_code']}"
    if row["state"] == "terminated" and row["signal"]:
        return f"terminated-{abs(row['signal'])}"
    return str(row["state"])


def _told(row: Data) -> Data:
    return {
        **row,
        "began": _clock(row["started_at"] or row["assigned_at"]),
        "took": "" if row["seconds"] is None else span(row["seconds"]),
        "ended": _how(row),
    }


def of_task(data: Data, room: int) -> list[str]:
    where = f"{plain(data['job'])}/{plain(data['step'])} {data['task']}"
    if not data["attempts"]:
        return wrap(f"Task {where} has not run yet. Why: farm why {where}", room)
    rows = [_told(row) for row in data["attempts"]]
    lines = [*columns(ATTEMPT_COLUMNS, rows, room), f"{number(len(rows), 'attempt')} of task {where}."]
    return [*lines, *wrap(f"What one printed: task log {where} attempt={rows[0]['attempt']}", room)]


RAN_COLUMNS = (
    Column("attempt", "attempt", right=True),
    Column("job", "job", shrinks=True, least=8),
    Column("step", "step", shrinks=True, least=6),
    Column("task", "task", right=True),
    Column("state", "ended"),
    Column("began", "began"),
    Column("took", "took", right=True),
    Column("reason", "reason", shrinks=True, least=12),
)


def of_worker(data: Data, room: int) -> list[str]:
    name = plain(data["worker"])
    if not data["attempts"]:
        return wrap(f"Worker {name} has run nothing yet. Why: farm why {name}", room)
    rows = [{**_told(row), "job": row["job"] or "(deleted)"} for row in data["attempts"]]
    return [*columns(RAN_COLUMNS, rows, room), f"{number(len(rows), 'attempt')} of worker {name}, the newest first."]


RUN_COLUMNS = (
    Column("run", "run", right=True),
    Column("worker", "worker", shrinks=True, least=8),
    Column("began", "began"),
    Column("ended", "over"),
    Column("attempts", "attempts", right=True),
    Column("done", "done", right=True),
    Column("failed", "failed", right=True),
    Column("machine time", "took", right=True),
)


def of_job(data: Data, room: int) -> list[str]:
    if not data["runs"]:
        return wrap(f"Job {plain(data['job'])} has not run yet. Start it: job run {data['id']}", room)
    runs = [
        {**row, "began": _clock(row["started_at"]), "over": _clock(row["ended_at"]), "took": span(row["seconds"])}
        for row in data["runs"]
    ]
    workers = [{**row, "took": span(row["seconds"])} for row in data["workers"]]
    lines = [*columns(RUN_COLUMNS, runs, room), "", *columns(RUN_COLUMNS, workers, room), ""]
    hours = f"{data['machine_hours']:.2f}" if data["machine_hours"] >= 0.01 else "less than 0.01"
    return [*lines, *wrap(f"{number(len(runs), 'run')} of job {plain(data['job'])}, {hours} machine hours.", room)]


def log(data: Data, room: int) -> list[str]:
    """The lines as they are, made harmless; in front of them whose they are only where that is news."""
    where = f"{plain(data['job'])}/{plain(data['step'])} {data['task']}, attempt {data['attempt']}"
    if "text" not in data:
        how = "You left it" if data.get("left") else "It has ended"
        return wrap(f"{how}: the log of task {where} on {plain(data['worker'])}.", room)
    if not data["text"]:
        return wrap(f"Task {where} on {plain(data['worker'])} has printed nothing.", room)
    # A carriage return redraws its line: what was drawn last is what one would see.
    rows = [row.rstrip("\r").rsplit("\r", 1)[-1] for row in data["text"].rstrip("\n").split("\n")]
    lines = [plain(row) for row in rows]
    if not data["eof"] and not data.get("following"):
        lines += wrap(f"More of task {where}: the same with start={data['next']}", room)
    return lines


def tail(data: Data, room: int) -> list[str]:
    """The same of what a worker's daemon has said."""
    name = plain(data["worker"])
    if "text" not in data:
        return wrap(f"{'You left it' if data.get('left') else 'It has ended'}: what worker {name} says.", room)
    if not data["text"]:
        return wrap(f"Worker {name} has said nothing that is kept, or its daemon is older than this command.", room)
    lines = [plain(row) for row in data["text"].rstrip("\n").split("\n")]
    if not data["eof"] and not data.get("following"):
        lines += wrap(f"More of worker {name}: the same with start={data['next']}", room)
    return lines


def watch(data: Data, room: int) -> list[str]:
    left = "You left it" if data.get("left") else f"Job {plain(data['name'])} is {plain(data['state'])}"
    lines = wrap(f"{left}: {progress_words(data)}.", room)
    if data["progress"]["failed"] and not data["progress"]["live"] and not data.get("left"):
        lines += wrap(f"What failed: task list {data['id']} failed. Again: job requeue {data['id']}", room)
    return lines


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    "task.history": of_task,
    "worker.history": of_worker,
    "job.history": of_job,
    "task.log": log,
    "worker.tail": tail,
    "job.watch": watch,
}
