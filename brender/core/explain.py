"""Why this task waits, why this worker idles: the predicates of fit.py, asked one by one and answered in words.

It reads a farm and writes nothing; whoever schedules obeys the same functions, so the answer cannot drift.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from brender.config import DEFAULT, Settings
from brender.core import fit, frames
from brender.core.farm import Farm
from brender.core.lifecycle import CRASH_LIMIT, LABELS, LIVE, PENDING, TaskState
from brender.core.rows import Job, Step, Worker
from brender.core.rules import calendars

_MOST_WORKERS = 10  # refusals of single workers spelled out in one answer


def why_task(farm: Farm, step_id: int, task: int, settings: Settings = DEFAULT) -> dict[str, Any]:
    """Why one task is where it is: running on whom, done, failed with which reason, or waiting for what."""
    step = farm.steps[step_id]
    job = farm.jobs[step.job_id]
    tasks = farm.tasks[step_id]
    state = TaskState(tasks.states[task])
    subject = f"task {job.name}/{step.name}[{task}]"
    if step.frames:
        subject += f" (frames {frames.in_words(frames.frames_of(frames.parse(step.frames), step.chunk, task))})"
    if state in LIVE:
        reasons = [_live(farm, step_id, task)]
    elif state in PENDING:
        reasons = _waiting(farm, job, step, settings, task)
        trouble = tasks.trouble.get(task)
        if trouble is not None and trouble.last.reason:
            reasons.append(
                fit.Refusal("task.again", f"Its attempt {trouble.last.number} ended: {trouble.last.reason}.")
            )
    else:
        reasons = [_over(farm, step, task, state)]
    return _answer(subject, LABELS[state], reasons)


def why_job(farm: Farm, job_id: int, settings: Settings = DEFAULT) -> dict[str, Any]:
    """Why a job is where it is: its first step that has something waiting speaks for it."""
    job = farm.jobs[job_id]
    refusal = fit.job_refusal(farm, job)
    if refusal is not None:
        return _answer(f"job {job.name}", job.state, [refusal, *_failures(farm, job)])
    reasons: list[fit.Refusal] = []
    waits: fit.Refusal | None = None
    for step in farm.steps_in(job):
        tasks = farm.tasks[step.id]
        live = sum(tasks.counts[state] for state in LIVE)
        if tasks.counts[TaskState.BLOCKED]:
            waits = waits or fit.task_refusal(farm, step, tasks.having((TaskState.BLOCKED,))[0])
        if live:
            reasons.append(fit.Refusal("step.runs", f"Step {step.name} has {live} of {len(tasks)} tasks on workers."))
        if tasks.ready() and not live:
            reasons += _waiting(farm, job, step, settings)
            break
    if not reasons and waits is not None:
        reasons.append(waits)
    return _answer(f"job {job.name}", job.state, reasons)


def why_worker(farm: Farm, worker_id: int, settings: Settings = DEFAULT) -> dict[str, Any]:
    """Why a worker idles, or what it does."""
    worker, load = farm.workers[worker_id], farm.loads[worker_id]
    refusal = fit.worker_refusal(worker, load, farm.now, settings)
    calendar = calendars.of(farm).get(worker_id)
    busy = farm.slots_taken(worker.id)
    state = f"{worker.admin_state}, {worker.presence}, {min(busy, worker.slots)} of {worker.slots} slots busy"
    reasons: list[fit.Refusal] = [refusal] if refusal is not None else []
    if calendar is not None:
        text = calendars.in_words_of(farm, worker, calendar)
        reasons.append(fit.Refusal("worker.calendar", text, f"worker calendar {worker.name} none"))
    if busy:
        reasons.append(
            fit.Refusal("worker.busy", f"{worker.name} has {len(load.live)} tasks: {_first_tasks(farm, worker)}.")
        )
    if load.files:
        files = ", ".join(load.files)
        reasons.append(
            fit.Refusal("worker.warm", f"{worker.name} has {files} open: among equals it goes on with that.")
        )
    if refusal is None and busy < worker.slots:
        reasons += _no_work_for(farm, worker)
    return _answer(f"worker {worker.name}", state, reasons)


def _answer(subject: str, state: str, reasons: list[fit.Refusal]) -> dict[str, Any]:
    return {"subject": subject, "state": state, "reasons": [asdict(reason) for reason in reasons]}


def _live(farm: Farm, step_id: int, task: int) -> fit.Refusal:
    attempt = next(a for a in farm.attempts.values() if a.step_id == step_id and a.task == task)
    worker = farm.workers[attempt.worker_id]
    if attempt.state == "assigned":
        return fit.Refusal(
            "task.sent", f"It is in the queue of {worker.name}, behind what runs there.", f"why {worker.name}"
        )
    seconds = int(farm.now - (attempt.started_at or farm.now))
    text = f"Attempt {attempt.number} is {attempt.state} on {worker.name} for {seconds} s"
    if worker.presence != "online":
        text += f", which is {worker.presence}"
    if attempt.reason:
        text += f": {attempt.reason}"
    return fit.Refusal("task.live", text + ".", f"why {worker.name}")


def _failures(farm: Farm, job: Job) -> list[fit.Refusal]:
    """What its failed tasks said, the commonest first."""
    said: dict[str, int] = {}
    for step in farm.steps_in(job):
        for trouble in farm.tasks[step.id].trouble.values():
            last = trouble.last
            if last.state in ("error", "terminated", "killed", "lost"):
                reason = last.reason or (f"exit code {last.exit_code}" if last.exit_code else last.state)
                said[reason] = said.get(reason, 0) + 1
    common = sorted(said.items(), key=lambda pair: -pair[1])[:3]
    return [
        fit.Refusal(
            "task.failed", f"{count} task{'s' if count > 1 else ''} failed: {reason}.", f"task list {job.id} failed"
        )
        for reason, count in common
    ]


def _over(farm: Farm, step: Step, task: int, state: TaskState) -> fit.Refusal:
    trouble = farm.tasks[step.id].trouble.get(task)
    if state is TaskState.SUCCESS:
        return fit.Refusal("task.done", "It is done.")
    if trouble is None:
        return fit.Refusal(
            "task.never", "Its run ended before it started.", f"task retry {step.job_id}/{step.name} {task}"
        )
    why = trouble.last.reason or f"exit code {trouble.last.exit_code}"
    text = f"Attempt {trouble.last.number} ended as {trouble.last.state}: {why}."
    if trouble.errors > step.retries:
        text += f" It had {trouble.errors} errors, {step.retries} are forgiven."
    if trouble.crashes >= CRASH_LIMIT:
        text += f" {trouble.crashes} workers were lost with it."
    return fit.Refusal("task.failed", text, f"task retry {step.job_id}/{step.name} {task}")


def _waiting(farm: Farm, job: Job, step: Step, settings: Settings, task: int | None = None) -> list[fit.Refusal]:
    """What keeps a ready task of this step (or the given one) from starting, from the outside in."""
    refusal = fit.job_refusal(farm, job) or fit.step_refusal(farm, step)
    if refusal is None and task is not None:
        refusal = fit.task_refusal(farm, step, task)
    if refusal is not None:
        return [refusal]
    if not farm.workers:
        return [fit.Refusal("farm.empty", "The farm has no workers.", "Start `brender client` on a machine.")]
    kind = fit.kind_of(step, job)
    shared = fit.shared_refusal(farm, kind)
    refusals: list[fit.Refusal] = []
    full: fit.Refusal | None = None
    able = busy = 0
    by_calendar = calendars.of(farm)
    for worker in farm.workers.values():
        load = farm.loads[worker.id]
        found = fit.worker_refusal(worker, load, farm.now, settings) or fit.kind_refusal(worker, kind)
        if found is not None:
            calendar = by_calendar.get(worker.id) if found.rule == "worker.disabled" else None
            text = f"{found.text} {calendars.in_words_of(farm, worker, calendar)}" if calendar is not None else ""
            refusals.append(found if not text else fit.Refusal(found.rule, text, found.next))
            continue
        found = fit.room_refusal(farm, worker, load, kind)
        if found is not None and found.rule == "worker.blocked":
            refusals.append(found)
            continue
        able += 1
        full = full or found
        busy += found is not None or farm.slots_taken(worker.id) >= worker.slots
    if able and (shared or (full and busy == able)):
        return [found for found in (shared, full) if found is not None]
    if able and busy == able:
        return [*_all_busy(farm, job, able), *_warm_for_others(farm, job, step)]
    if able:
        return [fit.Refusal("task.next", "A slot is free for it; it starts with the next turn.")]
    return [
        fit.Refusal("farm.nobody", _nobody(len(farm.workers))),
        *_few(refusals),
    ]


def _few(refusals: list[fit.Refusal]) -> list[fit.Refusal]:
    """Ten of many, those that are about this job (blocked, needs) before those that are about a machine."""
    first = ("worker.blocked", "worker.needs")
    return sorted(refusals, key=lambda one: one.rule not in first)[:_MOST_WORKERS]


def _nobody(workers: int) -> str:
    return (
        "The farm's one worker cannot run it." if workers == 1 else f"None of the farm's {workers} workers can run it."
    )


def _all_busy(farm: Farm, job: Job, able: int) -> list[fit.Refusal]:
    """Who is served before it: the more urgent, the project with the smaller claim, the older of its own project."""
    workers = "The one worker that could run it is" if able == 1 else f"All {able} workers that could run it are"
    waiting = {farm.steps[one].job_id for one in farm.open if farm.tasks[one].ready()} - {job.id}
    others = [other for other in map(farm.jobs.__getitem__, waiting) if fit.job_refusal(farm, other) is None]
    urgent = sum(1 for other in others if other.priority > job.priority)
    higher = f"job priority {job.id} {min(100, job.priority + 10)}" if job.priority < 100 else ""
    if urgent:
        text = f"{workers} busy; jobs that wait with a higher priority than its {job.priority}: {urgent}."
        return [fit.Refusal("farm.busy", text, higher)]
    equal = [other for other in others if other.priority == job.priority]
    share = _share(farm, job, {other.project_id for other in equal} - {job.project_id})
    if share is not None:
        return [fit.Refusal("farm.busy", f"{workers} busy."), share]
    mine = (job.started_at or 0.0, job.id)
    older = [one for one in equal if one.project_id == job.project_id and (one.started_at or 0.0, one.id) < mine]
    if older:
        text = f"{workers} busy; older jobs of its project with the same priority go first: {len(older)}."
        return [fit.Refusal("farm.busy", text, higher)]
    return [fit.Refusal("farm.busy", f"{workers} busy with what came before. It is next when a slot is free.")]


def _share(farm: Farm, job: Job, rivals: set[int]) -> fit.Refusal | None:
    """The other project of equal priority that has the least of the farm for its weight, if that is less than ours."""

    def claim(project: int) -> float:
        return farm.usage.projects.get(project, 0) / farm.projects[project].weight

    least = min(rivals, key=lambda project: (claim(project), project), default=None)
    if least is None or claim(least) >= claim(job.project_id):
        return None
    first, own = farm.projects[least], farm.projects[job.project_id]
    has, have = (farm.usage.projects.get(one.id, 0) for one in (first, own))
    text = f"Project {first.name} is served before it: {has} tasks on workers for a weight of {first.weight:g}; "
    text += f"{own.name} has {have} for {own.weight:g}."
    return fit.Refusal("project.share", text, f"project set {own.name} weight={own.weight * 2:g}")


def _warm_for_others(farm: Farm, job: Job, step: Step) -> list[fit.Refusal]:
    """Among projects of equal claim a worker goes on with the file it has open, which may not be that of this step."""
    file = fit.file_of(step)
    rivals = any(
        other.desired == "run" and other.priority == job.priority and other.project_id != job.project_id
        for other in farm.jobs.values()
    )
    if not file or not rivals:
        return []
    others = [farm.workers[n].name for n, load in farm.loads.items() if load.files and file not in load.files]
    if not others:
        return []
    text = f"{', '.join(others[:3])}{' and others' if len(others) > 3 else ''} go on with the files they have open"
    text += " while no project is behind by more than a worker's slots."
    return [fit.Refusal("worker.warm", text, f"job priority {job.id} {min(100, job.priority + 1)}")]


def _first_tasks(farm: Farm, worker: Worker) -> str:
    names = []
    for attempt in list(farm.loads[worker.id].live.values())[:3]:
        step = farm.steps[attempt.step_id]
        names.append(f"{farm.jobs[step.job_id].name}/{step.name}[{attempt.task}] {attempt.state}")
    return ", ".join(names)


def _no_work_for(farm: Farm, worker: Worker) -> list[fit.Refusal]:
    """Why none of the ready steps goes to a worker that has room."""
    found: dict[str, fit.Refusal] = {}
    for job in farm.jobs.values():
        idle = fit.job_refusal(farm, job)
        closed = False
        for step in farm.steps_in(job):
            if not farm.tasks[step.id].ready() or (closed and step.id not in farm.open):
                continue
            closed = closed or step.id not in farm.open  # one of many speaks for the rest
            kind = fit.kind_of(step, job)
            refusal = idle or fit.step_refusal(farm, step) or fit.kind_refusal(worker, kind)
            refusal = refusal or fit.shared_refusal(farm, kind)
            refusal = refusal or fit.room_refusal(farm, worker, farm.loads[worker.id], kind)
            if refusal is not None:
                found.setdefault(refusal.rule, refusal)
    if found:
        return list(found.values())[:_MOST_WORKERS]
    return [fit.Refusal("farm.idle", "Nothing waits in the farm.", "job list")]
