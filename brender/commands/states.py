"""What tasks, steps and jobs look like in answers: labels as the seed prints them (SP-27..38), sums, progress.

Reading only, and cheap: sums come from the counters the farm keeps, never from walking tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brender.commands.estimate import Slots, remaining
from brender.core import frames as frames_
from brender.core.explain import why_job
from brender.core.farm import Farm
from brender.core.lifecycle import LABELS, LIVE, OVER, PENDING, TaskState, summary
from brender.core.rows import Attempt, Job, Step
from brender.wire.progress import Mark


def label(state: TaskState, attempt: Attempt | None) -> str:
    """The seed's word for one task: `error13`, `terminated-9`, `immortal(123)`; the attempt is its newest, if known."""
    word = LABELS[state]
    if attempt is None:
        return word
    if state is TaskState.ERROR and attempt.exit_code:
        return f"{word}{attempt.exit_code}"
    if state is TaskState.TERMINATED and attempt.signal:
        return f"{word}-{abs(attempt.signal)}"
    if state is TaskState.IMMORTAL and attempt.pid:
        return f"{word}({attempt.pid})"
    return word


def named(counts: list[int]) -> dict[str, int]:
    """Counts per label, only those that are not zero."""
    found: dict[str, int] = {}
    for state in TaskState:
        if counts[state]:
            found[LABELS[state]] = found.get(LABELS[state], 0) + counts[state]
    return found


def progress(counts: list[int]) -> dict[str, int]:
    """How far it is, in tasks: done (success), failed (over otherwise), live, ready, total."""
    over = sum(counts[state] for state in OVER)
    return {
        "done": counts[TaskState.SUCCESS],
        "failed": over - counts[TaskState.SUCCESS],
        "live": sum(counts[state] for state in LIVE),
        "ready": sum(counts[state] for state in PENDING),
        "total": sum(counts),
    }


def job_line(farm: Farm, job: Job, slots: Slots | None = None) -> dict[str, Any]:
    """One job as a row of a list; `slots` is kept from row to row."""
    counts = farm.counts(job)
    return {
        "id": job.id,
        "name": job.name,
        "project": farm.projects[job.project_id].name,
        "project_id": job.project_id,
        "state": job.state,
        "paused": job.paused,
        "priority": job.priority,
        "submitter": job.submitter,
        "run": job.run,
        "steps": len(farm.steps_of[job.id]),
        "counts": named(counts),
        "progress": progress(counts),
        "remaining": remaining(farm, job, slots),
        "version": job.version,
    }


def step_line(farm: Farm, step: Step) -> dict[str, Any]:
    """One step as a row of a list. A step of one task shows that task's own label, with its code."""
    counts = farm.tasks[step.id].counts
    state = summary(counts)
    if len(farm.tasks[step.id]) == 1:
        state = label(TaskState(farm.tasks[step.id].states[0]), newest(farm, step, 0, live_of(farm, step)))
    return {
        "id": step.id,
        "name": step.name,
        "job": farm.jobs[step.job_id].name,
        "job_id": step.job_id,
        "place": step.place,
        "exec": step.exec,
        "after": step.after,
        "function": step.function,
        "frames": step.frames,
        "chunk": step.chunk or frames_.AUTO_WORD,
        "state": state,
        "counts": named(counts),
        "progress": progress(counts),
        "seconds": round(farm.tasks[step.id].seconds, 3),
        "version": step.version,
    }


def held_back(farm: Farm, job: Job) -> list[str]:
    """Steps whose waiting tasks hold back the stop of their job: they said that they must not be stopped."""
    if job.desired == "run":
        return []
    return [step.name for step in farm.steps_in(job) if farm.tasks[step.id].counts[TaskState.WAITING]]


def waits(farm: Farm, job: Job) -> list[str]:
    """Why nothing of a running job runs, in the words of `why`; nothing while something does."""
    if job.desired != "run" or farm.usage.of_job(job):
        return []
    reasons = why_job(farm, job.id)["reasons"]
    return [f"{one['text']} {one['next']}".strip() for one in reasons[:3]]


def live_of(farm: Farm, step: Step) -> dict[int, Attempt]:
    """The live attempts of a step by task; looked for only where there are any."""
    counts = farm.tasks[step.id].counts
    if not any(counts[state] for state in LIVE):
        return {}
    return {attempt.task: attempt for attempt in farm.attempts.values() if attempt.step_id == step.id}


def newest(farm: Farm, step: Step, index: int, live: dict[int, Attempt]) -> Attempt | None:
    """The newest attempt that memory knows of: the live one, or the last that failed."""
    found = live.get(index)
    if found is not None:
        return found
    trouble = farm.tasks[step.id].trouble.get(index)
    return None if trouble is None else trouble.last


def frames_in(step: Step) -> frames_.Frames | None:
    """The frames of a step, parsed once for many tasks; None for a step without frames."""
    return frames_.parse(step.frames) if step.frames else None


def task_line(
    farm: Farm, step: Step, index: int, live: dict[int, Attempt], frames: frames_.Frames | None
) -> dict[str, Any]:
    """One task as a row of a list."""
    state = TaskState(farm.tasks[step.id].states[index])
    attempt = newest(farm, step, index, live)
    worker = farm.workers.get(attempt.worker_id) if attempt is not None else None
    shown = frames_.in_words(frames_.frames_of(frames, step.chunk, index)) if frames is not None else ""
    reason = attempt.reason if attempt is not None else ""
    if state is TaskState.SUCCESS:
        reason = farm.tasks[step.id].notes.get(index, "")
    return {
        "job": farm.jobs[step.job_id].name,
        "job_id": step.job_id,
        "step": step.name,
        "step_id": step.id,
        "task": index,
        "frames": shown,
        "state": label(state, attempt),
        "worker": worker.name if worker is not None else "",
        "attempt": attempt.id if attempt is not None else None,
        "attempts": farm.tasks[step.id].numbers[index],
        "reason": reason,
    }


def marked(row: dict[str, Any], marks: Mapping[int, Mark]) -> dict[str, Any]:
    """The row of a task with how far it is, where that is known."""
    mark = marks.get(row["attempt"] or 0)
    if mark is not None and row["state"] == LABELS[TaskState.RUNNING]:
        row["fraction"], row["note"] = round(mark.fraction, 4), mark.note
    return row


def page(
    farm: Farm, steps: list[Step], states: frozenset[TaskState] | None, limit: int, offset: int
) -> tuple[list[tuple[Step, list[int]]], int]:
    """The tasks of one page as (step, indexes), and how many there are in all; those of other pages are not touched."""
    pages: list[tuple[Step, list[int]]] = []
    total = 0
    room = limit
    for step in steps:
        tasks = farm.tasks[step.id]
        count = len(tasks) if states is None else sum(tasks.counts[state] for state in states)
        first = max(0, offset - total)
        total += count
        if room <= 0 or first >= count:
            continue
        last = min(count, first + room)
        pages.append((step, list(range(first, last)) if states is None else tasks.having(states)[first:last]))
        room -= last - first
    return pages, total
