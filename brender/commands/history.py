"""Commands about what was: attempts of a task or a worker, what a job has cost. Their rows are on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Protocol

from msgspec import Meta

from brender.commands.calls import Call, Lookup
from brender.commands.inventory import Named
from brender.commands.jobs import One, Within
from brender.commands.kinds import Arg
from brender.commands.tasks import Number, OneStep
from brender.core.farm import Farm
from brender.core.rows import Attempt, Worker
from brender.errors import NotFound

MOST = 200
OneWorker = Annotated[Worker, Named("worker"), Arg(text="which worker")]
Limit = Annotated[int, Meta(ge=1, le=1000), Arg(text="how many at the most")]


class Sum(Protocol):
    """What history.sums_of gives: attempts of one run on one worker that ended in one state."""

    run: int
    worker_id: int
    state: str
    attempts: int
    seconds: float
    first_at: float
    last_at: float | None


def of_task(call: Call, step: OneStep, task: Number = 0, *, limit: Limit = 50) -> Lookup:
    """Show every attempt of a task, newest first: who ran it, how long, and how it ended."""
    farm = call.farm
    count = len(farm.tasks[step.id])
    if task >= count:
        raise NotFound(f"Step {step.name} has no task {task}; they are 0 to {count - 1}.")
    job = farm.jobs[step.job_id]
    head = {"job": job.name, "job_id": job.id, "step": step.name, "step_id": step.id, "task": task}
    return Lookup(
        "attempts_of", (step.id, task, limit), lambda found: {**head, "attempts": [_line(farm, one) for one in found]}
    )


def of_worker(call: Call, worker: OneWorker, *, limit: Limit = 50) -> Lookup:
    """Show what a worker ran, newest first: which task, how long, and how it ended.

    Looked for among the newest 200,000 attempts of the farm.
    """
    head = {"id": worker.id, "name": worker.name, "worker": worker.name}
    return Lookup(
        "attempts_by", (worker.id, limit), lambda found: {**head, "attempts": [_ran(call.farm, one) for one in found]}
    )


def of_job(call: Call, job: One, *, project: Within = None) -> Lookup:
    """Show what the runs of a job have cost: attempts, failures and machine time, by run and by worker."""
    head = {"id": job.id, "name": job.name, "job": job.name}
    return Lookup("sums_of", (job.id,), lambda found: {**head, **_sums(call.farm, found)})


def _line(farm: Farm, attempt: Attempt) -> dict[str, Any]:
    begun, ended = attempt.started_at, attempt.ended_at
    return {
        "attempt": attempt.id,
        "run": attempt.run,
        "number": attempt.number,
        "worker": _name(farm, attempt.worker_id),
        "state": attempt.state,
        "seconds": round(ended - begun, 3) if begun is not None and ended is not None else None,
        "memory_mb": attempt.memory_mb or None,
        "exit_code": attempt.exit_code,
        "signal": attempt.signal,
        "reason": attempt.reason,
        "assigned_at": attempt.assigned_at,
        "started_at": begun,
        "ended_at": ended,
    }


def _ran(farm: Farm, attempt: Attempt) -> dict[str, Any]:
    """An attempt with the names of its job and step; without them where they were deleted."""
    step = farm.steps.get(attempt.step_id)
    job = farm.jobs[step.job_id] if step is not None else None
    return {
        **_line(farm, attempt),
        "job": job.name if job is not None else "",
        "job_id": job.id if job is not None else None,
        "step": step.name if step is not None else "",
        "step_id": attempt.step_id,
        "task": attempt.task,
    }


def _name(farm: Farm, worker_id: int) -> str:
    worker = farm.workers.get(worker_id)
    return worker.name if worker is not None else f"deleted ({worker_id})"


def _sums(farm: Farm, found: Iterable[Sum]) -> dict[str, Any]:
    runs: dict[int, dict[str, Any]] = {}
    workers: dict[int, dict[str, Any]] = {}
    for one in found:
        run = runs.setdefault(one.run, {"run": one.run, "started_at": one.first_at, "ended_at": None, **_nothing()})
        run["started_at"] = min(run["started_at"], one.first_at)
        run["ended_at"] = max(filter(None, (run["ended_at"], one.last_at)), default=None)
        worker = workers.setdefault(one.worker_id, {"worker": _name(farm, one.worker_id), **_nothing()})
        for row in (run, worker):
            row["attempts"] += one.attempts
            row["seconds"] = round(row["seconds"] + one.seconds, 3)
            row["done"] += one.attempts if one.state == "success0" else 0
            row["failed"] += one.attempts if one.state in ("error", "terminated", "killed", "lost") else 0
    total = sum(row["seconds"] for row in workers.values())
    return {
        "runs": list(runs.values()),
        "workers": sorted(workers.values(), key=lambda row: -row["seconds"]),
        "machine_hours": round(total / 3600, 4),
    }


def _nothing() -> dict[str, Any]:
    return {"attempts": 0, "done": 0, "failed": 0, "seconds": 0.0}
