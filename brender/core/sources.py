"""What can raise an alarm besides channels: things that happen on the farm, each told from a notice of the turn.

A source finds in a notice whom it is about and says it in words; `holds` tells whether it is still so. Pure, and it
writes nothing: rules/alarms.py does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from brender.core import frames as frames_
from brender.core.farm import Farm
from brender.core.lifecycle import FAILED, LABELS, TaskState
from brender.core.rows import Attempt, Job, Step
from brender.errors import BrenderError

CHANNEL = "channel"
MOST_NAMED = 20  # failed tasks that a letter names
MASTER = "master"
LOW, LOW_PART = 2 << 30, 20  # bytes, and what part of the disk: whatever is less
TWIN_SECONDS = 60.0  # without one taking the other's place: one of them was put right
_FULL = re.compile(r"only \d+ MiB free")
_STILL = "no sign of life"
_BAD = frozenset({"error", "terminated", "killed", "immortal"})

Data = Mapping[str, Any]


class Found(Struct):
    """Whom it is about, and what a letter may say of it."""

    subject_id: int
    about: str
    said: str
    worker_id: int = 0  # the machine it is of, 0: it is one, or of none
    host: str = ""
    mac: str = ""
    data: dict[str, Any] = field(default_factory=dict)


class Source(Struct, frozen=True):
    """`holds` is None for what is over as soon as it happened: that is written down and is never an alarm."""

    subject: str
    topic: str
    text: str
    find: Callable[[Farm, Data], Found | None]
    holds: Callable[[Farm, int], bool] | None = None


# ---- workers


def _lost(farm: Farm, data: Data) -> Found | None:
    worker = farm.workers.get(data["id"])
    if worker is None or worker.presence == "online":
        return None
    return Found(
        worker.id, worker.name, f"Worker {worker.name} is lost: its connection is gone.", 0, worker.name, worker.mac
    )


def _away(farm: Farm, worker_id: int) -> bool:
    worker = farm.workers.get(worker_id)
    return worker is not None and worker.presence != "online"


def _twins(farm: Farm, data: Data) -> Found | None:
    worker = farm.workers.get(data["id"])
    if worker is None or not _are_two(farm, worker.id):
        return None
    said = f"Two daemons say that they are worker {worker.name} (MAC {worker.mac}) and take its place in turn."
    return Found(worker.id, worker.name, f"{said} Start the copy with --name NAME.", 0, worker.name, worker.mac)


def _are_two(farm: Farm, worker_id: int) -> bool:
    at = farm.loads[worker_id].twin_at if worker_id in farm.workers else None
    return at is not None and farm.now - at <= TWIN_SECONDS


def _disk(farm: Farm, data: Data) -> Found | None:
    worker = farm.workers.get(data["id"])
    if worker is None or not _full(farm, worker.id):
        return None
    said = f"The disk of worker {worker.name}: {worker.warning}."
    return Found(worker.id, worker.name, said, worker.id, worker.name, worker.mac)


def _full(farm: Farm, worker_id: int) -> bool:
    worker = farm.workers.get(worker_id)
    return worker is not None and _FULL.search(worker.warning) is not None


def _low(farm: Farm, data: Data) -> Found | None:
    if farm.watch.room is None or not master_is_low(farm):
        return None
    free, total = (size >> 20 for size in farm.watch.room)
    said = f"The disk of the master is nearly full: {free} of {total} MiB are free."
    return Found(0, MASTER, f"{said} When it is full, no change is taken.")


def master_is_low(farm: Farm) -> bool:
    """Whether the disk on which the farm is kept is nearly full."""
    if farm.watch.room is None:
        return False
    free, total = farm.watch.room
    return free < min(LOW, total // LOW_PART)


def _still_low(farm: Farm, _: int) -> bool:
    """A master that has just started has not looked yet, and says nothing of it."""
    return farm.watch.room is None or master_is_low(farm)


# ---- jobs


def _failed(farm: Farm, data: Data) -> Found | None:
    job = farm.jobs.get(data["id"])
    return None if job is None or job.state not in _BAD else _told(farm, job)


def _over(farm: Farm, data: Data) -> Found | None:
    job = farm.jobs.get(data["id"])
    return None if job is None else _told(farm, job)


def _still_failed(farm: Farm, job_id: int) -> bool:
    job = farm.jobs.get(job_id)
    return job is not None and job.state in _BAD and job.desired == "stop"


def _told(farm: Farm, job: Job) -> Found:
    """How a job ended: counts, what failed and why, where its pictures are."""
    name = f"{farm.projects[job.project_id].name}/{job.name}"
    counts = farm.counts(job)
    done, total = counts[TaskState.SUCCESS], sum(counts)
    took = (job.ended_at or farm.now) - (job.started_at or job.ended_at or farm.now)
    how = {"success0": "is finished", "stopped": "was stopped"}.get(job.state, "failed")
    data = {
        "kind": "job",
        "job": job.id,
        "name": name,
        "state": job.state,
        "run": job.run,
        "done": done,
        "failed": sum(counts[state] for state in FAILED),
        "total": total,
        "seconds": round(took, 3),
        "submitter": job.submitter,
        "failures": _failures(farm, job),
        "outputs": _outputs(farm, job),
    }
    return Found(job.id, name, f"Job {name} {how}: {done} of {total} tasks done in run {job.run}.", data=data)


def _failures(farm: Farm, job: Job) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for step in farm.steps_in(job):
        tasks = farm.tasks[step.id]
        for task in tasks.having(_REAL):
            trouble = tasks.trouble.get(task)
            if len(found) == MOST_NAMED:
                return found
            worker = farm.workers.get(trouble.last.worker_id) if trouble else None
            found.append(
                {
                    "step": step.name,
                    "task": task,
                    "frames": _frames(step, task),
                    "state": _state(LABELS[TaskState(tasks.states[task])], trouble.last if trouble else None),
                    "reason": trouble.last.reason if trouble else "",
                    "worker": worker.name if worker else "",
                }
            )
    return found


def _frames(step: Step, task: int) -> str:
    """Which frames a task is; nothing for a step without frames."""
    try:
        return frames_.in_words(frames_.frames_of(frames_.parse(step.frames), step.chunk, task)) if step.frames else ""
    except BrenderError:
        return ""  # its frames were changed since


_REAL = FAILED - {TaskState.SKIPPED}


def _state(label: str, last: Attempt | None) -> str:
    if label == "error" and last is not None and last.exit_code:
        return f"error{last.exit_code}"
    return f"{label}-{abs(last.signal)}" if label == "terminated" and last is not None and last.signal else label


def _outputs(farm: Farm, job: Job) -> list[str]:
    """Folders of the job's pictures, in the order of its steps."""
    found: dict[str, None] = {}
    for step in farm.steps_in(job):
        params = step.params[0] if isinstance(step.params, list) and len(step.params) == 1 else step.params
        output = params.get("output") if isinstance(params, dict) else None
        if isinstance(output, str) and output:
            found[output] = None
    return list(found)


# ---- tasks


def _stalled(farm: Farm, data: Data) -> Found | None:
    return _attempt(farm, data["attempt"], "shows no sign of life") if _stands(farm, data["attempt"]) else None


def _stands(farm: Farm, attempt_id: int) -> bool:
    attempt = farm.attempts.get(attempt_id)
    return attempt is not None and attempt.reason.startswith(_STILL)


def _immortal(farm: Farm, data: Data) -> Found | None:
    pid = data.get("pid")
    return _attempt(farm, data["attempt"], f"cannot be ended: process {pid} survived SIGKILL and holds its slot")


def _survives(farm: Farm, attempt_id: int) -> bool:
    attempt = farm.attempts.get(attempt_id)
    return attempt is not None and attempt.state == "immortal"


def _attempt(farm: Farm, attempt_id: int, what: str) -> Found | None:
    attempt = farm.attempts.get(attempt_id)
    if attempt is None:
        return None
    step, worker = farm.steps[attempt.step_id], farm.workers[attempt.worker_id]
    name = f"{farm.jobs[step.job_id].name}/{step.name} {attempt.task}"
    return Found(
        attempt.id, name, f"Task {name} on {worker.name} {what}.", worker.id, worker.name, worker.mac
    )  # fmt: skip


SOURCES: dict[str, Source] = {
    "worker.lost": Source("worker", "worker.lost", "a worker's connection is gone without a word", _lost, _away),
    "worker.twin": Source("worker", "worker.twin", "two machines say that they are the same one", _twins, _are_two),
    "disk.low": Source("worker", "worker.changed", "a worker says that its disk is nearly full", _disk, _full),
    "master.disk": Source("farm", "farm.disk_low", "the master's own disk is nearly full", _low, _still_low),
    "job.failed": Source("job", "job.ended", "a run of a job ended with errors", _failed, _still_failed),
    "job.ended": Source("job", "job.ended", "a run of a job is over, however it ended", _over),
    "task.stalled": Source("attempt", "task.stalled", "a task shows no sign of life", _stalled, _stands),
    "task.immortal": Source("attempt", "task.immortal", "a process survived every signal", _immortal, _survives),
}


def again(farm: Farm, source: str, subject_id: int) -> Found | None:
    """What a letter may say of a subject now, long after its notice: its rule was patient, or it had been silenced."""
    return SOURCES[source].find(farm, {"id": subject_id, "attempt": subject_id})


BY_TOPIC: dict[str, list[str]] = {}
for _name, _source in SOURCES.items():
    BY_TOPIC.setdefault(_source.topic, []).append(_name)

# What every farm is told of from its first start: name, source, level, for how long it must be so. People may change or
# delete these. A link that breaks for a moment is no news.
BUILT_IN: tuple[tuple[str, str, str, float], ...] = (
    ("worker lost", "worker.lost", "WARNING", 15.0),
    ("job failed", "job.failed", "WARNING", 0.0),
    ("job ended", "job.ended", "INFO", 0.0),
    ("disk low", "disk.low", "ALERT", 0.0),
    ("task immortal", "task.immortal", "ALERT", 0.0),
    ("worker twin", "worker.twin", "ALERT", 0.0),
    ("master disk low", "master.disk", "ALERT", 0.0),
)
