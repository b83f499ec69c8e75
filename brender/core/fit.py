"""Who may run what: the predicates that schedule.py obeys and explain.py puts into words. One truth for both.

Each predicate answers with a Refusal (the rule's name, why in words, what to do) or None. They write nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from brender.config import Settings
from brender.core import links
from brender.core.farm import Farm
from brender.core.lifecycle import BLOCK_LIMIT, TaskState
from brender.core.load import Load
from brender.core.rows import Job, Step, Worker

# What a step may need of a machine, and how a person says it. A machine without a figure has none of it.
NEEDS: dict[str, str] = {
    "cores": "cores",
    "memory_mb": "MiB of memory",
    "gpus": "GPUs",
    "gpu_memory_mb": "MiB of GPU memory",
    "disk_gb": "GB of disk",
}


class Refusal(Struct, frozen=True):
    """Why not: `rule` for scripts, `text` and `next` (what changes it) for people."""

    rule: str
    text: str
    next: str = ""


class Kind(NamedTuple):
    """What a step asks of a worker; steps of one kind are the same to it. `job` only where a job has own rules."""

    function: str
    tags: tuple[str, ...]
    project: int
    limits: tuple[str, ...] = ()
    needs: tuple[tuple[str, float], ...] = ()
    job: int = 0


def kind_of(step: Step, job: Job) -> Kind:
    """What must hold for a task of this step to start on a worker."""
    own = job.id if job.most_tasks or job.most_workers or job.failures else 0
    needs = tuple(step.needs.items()) if step.needs else ()
    return Kind(step.function, tuple(job.tags), job.project_id, tuple(step.limits), needs, own)


def goes_ahead(farm: Farm, kind: Kind) -> bool:
    """Whether tasks may wait in a worker's queue: not where each would take a licence or memory while it waits."""
    return not kind.limits and not kind.needs and not (kind.job and farm.jobs[kind.job].most_tasks)


def worker_refusal(worker: Worker, load: Load, now: float, settings: Settings) -> Refusal | None:
    """Why this worker gets no work at all, whatever waits."""
    name = worker.name
    if worker.admin_state == "disabled":
        return Refusal("worker.disabled", f"{name} is disabled.", f"enable {name}")
    if worker.legacy:
        return Refusal(
            "worker.legacy",
            f"{name} speaks the 2013 protocol, which carries no orders.",
            "Start `brender client` there.",
        )
    if worker.presence != "online" or load.session is None:
        return Refusal("worker.away", f"{name} is {worker.presence}.", "Start `brender client` on that machine.")
    if worker.slots <= 0:
        return Refusal("worker.slots", f"{name} offers no slots.", "Start its client with --slots 1 or more.")
    if load.full:
        return Refusal("worker.tight", f"{name} starts nothing now: {worker.warning}.", f"worker show {name}")
    if now - load.heard > settings.suspect_after:
        silent = int(now - load.heard)
        return Refusal("worker.silent", f"{name} has not been heard for {silent} s.", "Look at its network or load.")
    return None


def kind_refusal(worker: Worker, kind: Kind) -> Refusal | None:
    """Why this worker could not run steps of this kind even if it were idle."""
    if kind.function not in worker.functions:
        offered = ", ".join(sorted(worker.functions)) or "none"
        return Refusal(
            "worker.function",
            f"{worker.name} does not offer the function {kind.function!r} (it offers {offered}).",
            "Start it with --allow-openjd."
            if kind.function == "openjd"
            else f"Put {kind.function} into its --functions directory or function file, and restart it.",
        )
    if kind.tags:
        missing = [tag for tag in kind.tags if tag not in worker.tags]
        if missing:
            return Refusal(
                "worker.tags",
                f"{worker.name} lacks the tag {', '.join(missing)} that the job asks for.",
                f"worker set {worker.name} tags={','.join([*worker.tags, *missing])}",
            )
    for name, amount in kind.needs:
        there = offered_of(worker, name)
        if amount > there:
            return Refusal(
                "worker.needs",
                f"{worker.name} has {there:g} {NEEDS[name]}, the step needs {amount:g}.",
                f"step set … needs with less {name}; if {worker.name} says too little: "
                f"worker set {worker.name} config='{{\"{name}\": {amount:g}}}'",
            )
    return None


def offered_of(worker: Worker, name: str) -> float:
    """How much of something a machine has: what people wrote into its config, else what it says of itself."""
    found = worker.config.get(name, worker.facts.get(name, 0))
    return float(found) if isinstance(found, int | float) else 0.0


def shared_refusal(farm: Farm, kind: Kind) -> Refusal | None:
    """Why nobody in the farm may start one more of this kind now: limits, and how many tasks its job may have."""
    for name in kind.limits:
        limit, used = farm.limit_named(name), farm.usage.limits.get(name, 0)
        if limit is None or used >= limit.count:
            count = 0 if limit is None else limit.count
            text = f"All {count} of limit {name} are in use." if count else f"Limit {name} is 0: nothing may use it."
            return Refusal("limit.used", text, f"limit set {name} count={count + 1}")
    if kind.job:
        job = farm.jobs[kind.job]
        if job.most_tasks and farm.usage.of_job(job) >= job.most_tasks:
            return Refusal(
                "job.most_tasks",
                f"Job {job.name} may have {job.most_tasks} tasks at once, and has them.",
                f"job set {job.id} most_tasks={job.most_tasks * 2}",
            )
    return None


def room_refusal(farm: Farm, worker: Worker, load: Load, kind: Kind) -> Refusal | None:
    """Why this worker may not start one of this kind now: what it carries, and what its job says of workers."""
    for name, amount in kind.needs:
        if name == "gpu_memory_mb" and any(other == "gpus" for other, _ in kind.needs):
            continue  # each GPU has as much: their number decides
        taken = sum(farm.steps[attempt.step_id].needs.get(name, 0) for attempt in load.live.values())
        there = offered_of(worker, name)
        if taken + amount > there:
            return Refusal(
                "worker.full",
                f"{worker.name} has {there:g} {NEEDS[name]}, {taken:g} are taken and the step needs {amount:g}.",
                f"why {worker.name}",
            )
    if not kind.job:
        return None
    job = farm.jobs[kind.job]
    if job.failures.get(f"{worker.id} {kind.function}", 0) >= BLOCK_LIMIT:
        return Refusal(
            "worker.blocked",
            f"{worker.name} failed {BLOCK_LIMIT} times with {kind.function} in job {job.name} and gets no more of it.",
            f"job unblock {job.id}",
        )
    crew = farm.usage.crews.get(job.id)
    if not job.most_workers or crew is None or worker.id in crew.workers or len(crew.workers) < job.most_workers:
        return None
    return Refusal(
        "job.most_workers",
        f"Job {job.name} may use {job.most_workers} workers at once, and uses them.",
        f"job set {job.id} most_workers={job.most_workers * 2}",
    )


def refusal(farm: Farm, worker: Worker, kind: Kind, settings: Settings) -> Refusal | None:
    """Everything that keeps a worker from starting a task of this kind now, but for a slot."""
    load = farm.loads[worker.id]
    return (
        worker_refusal(worker, load, farm.now, settings)
        or kind_refusal(worker, kind)
        or shared_refusal(farm, kind)
        or room_refusal(farm, worker, load, kind)
    )


def job_refusal(farm: Farm, job: Job) -> Refusal | None:
    """Why none of this job's tasks may start."""
    if job.desired != "run":
        if job.run == 0:
            return Refusal("job.not_run", f"Job {job.name} has not been run yet.", f"job run {job.id}")
        return Refusal("job.over", f"Job {job.name} is not running ({job.state}).", f"job run {job.id}")
    if job.paused:
        return Refusal("job.paused", f"Job {job.name} is paused.", f"job resume {job.id}")
    if job.start_at is not None and job.start_at > farm.now:
        wait = job.start_at - farm.now
        return Refusal("job.later", f"Job {job.name} starts in {wait:.0f} s.", f"job set {job.id} start_at=none")
    if job.after:
        for other in links.unmet(farm, job):
            text = f"Job {job.name} waits for job {other.name}, which is {other.state}."
            return Refusal("job.after", text, f"job run {other.id}" if other.desired != "run" else f"why {other.id}")
    return None


def step_refusal(farm: Farm, step: Step) -> Refusal | None:
    """Why this step's turn has not come, inside a job that may run."""
    if step.id in farm.open:
        return None
    job = farm.jobs[step.job_id]
    if step.run != job.run:
        return Refusal(
            "step.left_out",
            f"Step {step.name} is not part of run {job.run}.",
            f"job run {job.id} {step.name}",
        )
    follows = farm.links_in(job.id).frame.get(step.id, ())
    for other in farm.steps_in(job):
        if other.place >= step.place:
            break
        if other.exec == "await" and other.run == job.run and other.id not in follows and not finished(farm, other):
            text = f"Step {step.name} waits for step {other.name} (place {other.place}): {_done(farm, other)}."
            return Refusal("step.awaits", text, f"why {job.id}/{other.name}")
    for other in links.unfinished(farm, step):
        text = f"Step {step.name} comes after step {other.name}: {_done(farm, other)}."
        return Refusal("step.after", text, f"why {job.id}/{other.name}")
    return Refusal("step.waits", f"Step {step.name} is not open yet.", "")


def task_refusal(farm: Farm, step: Step, task: int) -> Refusal | None:
    """Why this task waits for the same task of another step."""
    for other in links.models(farm, step):
        if farm.tasks[other.id].states[task] != TaskState.SUCCESS:
            text = f"Task {step.name}[{task}] waits for task {other.name}[{task}]."
            return Refusal("task.follows", text, f"why {step.job_id}/{other.name} {task}")
    return None


def _done(farm: Farm, step: Step) -> str:
    tasks = farm.tasks[step.id]
    return f"{tasks.counts[TaskState.SUCCESS]} of {len(tasks)} done"


def finished(farm: Farm, step: Step) -> bool:
    """Whether all tasks of the step are a success."""
    return farm.tasks[step.id].all_done()


def file_of(step: Step) -> str:
    """The file that a slot keeps open for the tasks of a step; empty where there is none."""
    found = step.params.get("blend") if step.function == "blender" and isinstance(step.params, dict) else None
    return found if isinstance(found, str) else ""


def ahead(seconds: float, settings: Settings) -> int:
    """How many orders may wait behind each busy slot: one, more where tasks are short (a few tens of ms of work)."""
    if seconds <= 0.0:
        return 1
    return max(1, min(settings.most_ahead, int(settings.ahead_seconds / seconds)))
