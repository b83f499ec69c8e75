"""Jobs: made, run, stopped, paused, changed and deleted. A run makes the tasks of its steps new (SP-27)."""

from __future__ import annotations

from typing import Any

from brender.core import frames, possible, settle
from brender.core.context import Context
from brender.core.events import Create, Delete, PauseJob, RunJob, StopAll, StopJob, UnblockJob, Update
from brender.core.lifecycle import BLOCK_LIMIT, LIVE, TaskState
from brender.core.orders import Recall
from brender.core.rows import Job, Project, Step
from brender.core.rules import projects
from brender.core.rules.doing import Doing
from brender.core.rules.rows import check_version, checked, row_of
from brender.core.rules.steps import check_not_running
from brender.core.rules.stops import stop_these
from brender.core.rules.waits import hold_all
from brender.errors import Exists, Invalid, NotFound, WrongState

EDITABLE: dict[str, type] = {
    "name": str,
    "priority": int,
    "tags": list,
    "submitter": str,
    "after": list,
    "start_at": float,
    "most_workers": int,
    "most_tasks": int,
}
DEFAULT_PROJECT = "default"


def create(ctx: Context, event: Create) -> dict[str, Any]:
    """A job without steps; `project` is an id, and the farm's default project is made when none is named."""
    values = checked("job", event.values, {**EDITABLE, "project": int}, required=("name",))
    project_id = values.pop("project", None)
    if project_id is None:
        project = ctx.farm.project_named(DEFAULT_PROJECT) or projects.make(ctx, DEFAULT_PROJECT)
    else:
        project = ctx.project(project_id)
    values.setdefault("submitter", event.by)
    return {"noun": "job", "row": row_of(make(ctx, project, values))}


def make(ctx: Context, project: Project, values: dict[str, Any]) -> Job:
    """A new job row in a project; raises Exists when the name is taken there."""
    if not possible.is_active(project):
        raise WrongState(f"Project {project.name} is archived.", hint=f"project set {project.name} state=active")
    check(values)
    if ctx.farm.job_named(project.id, values["name"]) is not None:
        raise Exists(f"Project {project.name} has a job named {values['name']!r} already.", hint="job list")
    row = Job(ctx.ledger.new_id("job"), project.id, created_at=ctx.now, modified_at=ctx.now, **values)
    ctx.ledger.add(row)
    ctx.notice("job.created", id=row.id, name=row.name)
    return row


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """Name, priority, tags, submitter; priority and tags take effect in the same turn."""
    values = checked("job", event.values, EDITABLE)
    check(values)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several jobs.", hint="Name one job.")
    doing = Doing(ctx, event, "priority", "job", "priority")
    for job_id in event.ids:
        job = ctx.job(job_id)
        check_version("job", job, event.version)
        if values.keys() == {"priority"}:
            doing.set(job, values["priority"])
        if "name" in values and values["name"] != job.name and ctx.farm.job_named(job.project_id, values["name"]):
            raise Exists(f"Its project has a job named {values['name']!r} already.", hint="job list")
        ctx.ledger.set(job, **values)
        ctx.farm.ready.update(ctx.farm.steps_of[job.id])
    doing.done()
    return {"noun": "job", "rows": [row_of(ctx.job(job_id)) for job_id in event.ids]}


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """Jobs that are not running, with their steps and history (SP-20)."""
    deleted = [remove(ctx, ctx.job(job_id), "be deleted") for job_id in event.ids]
    return {"noun": "job", "deleted": deleted}


def remove(ctx: Context, job: Job, verb: str) -> dict[str, Any]:
    """Take a job away with its steps; `verb` says in a refusal what was wanted."""
    check_not_running(ctx, job, verb)
    for step in list(ctx.farm.steps_in(job)):
        ctx.ledger.remove(step)
    ctx.ledger.remove(job)
    return {"id": job.id, "name": job.name}


def run(ctx: Context, event: RunJob) -> dict[str, Any]:
    """Start a run of the whole job, or of one step of it; a second run of a running job is refused (SP-23)."""
    job = ctx.job(event.job)
    if not possible.is_active(ctx.farm.projects[job.project_id]):
        raise WrongState(
            f"Job {job.name} is in an archived project.", hint=f"project set {job.project_id} state=active"
        )
    check_not_running(ctx, job, "be run again")
    steps = [ctx.step(event.step)] if event.step is not None else list(ctx.farm.steps_in(job))
    if not steps:
        raise WrongState(f"Job {job.name} has no steps, so there is nothing to run.", hint=f"step add {job.id} …")
    if any(step.job_id != job.id for step in steps):
        raise NotFound(f"Step {event.step} is not one of job {job.name}.", hint=f"step list {job.id}")
    number = job.run + 1
    later = {} if event.start_at is None else {"start_at": event.start_at}
    check(later)
    begun: dict[str, Any] = {"state": "new", "started_at": ctx.now, "ended_at": None, "failures": {}, **later}
    ctx.ledger.set(job, desired="run", paused=False, run=number, **begun)
    tasks = 0
    for step in steps:
        tasks += begin(ctx, step, number)
    hold_all(ctx, job)
    ctx.notice("job.started", id=job.id, name=job.name, run=number)
    project = ctx.farm.projects[job.project_id].name
    return {"id": job.id, "job": job.id, "name": job.name, "project": project, "run": number, "tasks": tasks}


def begin(ctx: Context, step: Step, run_number: int) -> int:
    """Make all tasks of a step new for a run; returns how many there are."""
    ctx.ledger.set(step, run=run_number)
    count = frames.task_count(step.frames, step.chunk)
    ctx.ledger.renew(step, count, TaskState.NEW)
    return count


def stop(ctx: Context, event: StopJob) -> dict[str, Any]:
    """End a run: nothing new starts, what runs goes down the stop ladder. Answers at once (SP-11)."""
    job = ctx.job(event.job)
    if not possible.is_going(ctx.farm, job):
        raise WrongState(f"Job {job.name} is not running ({job.state}).", hint=f"job run {job.id}")
    state = "stopping" if possible.has_tasks(ctx.farm, job, LIVE, any_run=True) else "stopped"
    skipped, stopping, held = _end_runs(ctx, [job], event.force)
    return {
        "id": job.id,
        "job": job.id,
        "name": job.name,
        "state": state,
        "stopping": stopping,
        "skipped": skipped,
        "waiting": held,
    }


def stop_all(ctx: Context, event: StopAll) -> dict[str, Any]:
    """End every run of the farm; answers at once with the jobs that were going (SP-50 kill_all)."""
    live = {ctx.farm.steps[attempt.step_id].job_id for attempt in ctx.farm.attempts.values()}
    going = [job for job in ctx.farm.jobs.values() if job.desired == "run" or job.id in live]
    skipped, stopping, held = _end_runs(ctx, going, event.force)
    names = [{"id": job.id, "name": job.name} for job in going]
    return {"jobs": names, "stopping": stopping, "skipped": skipped, "waiting": held}


def _end_runs(ctx: Context, jobs: list[Job], force: bool) -> tuple[int, int, int]:
    """Nothing new starts and what runs is asked to end: tasks skipped, asked, and held back by their waiting."""
    skipped = 0
    mine: set[int] = set()
    for job in jobs:
        ctx.ledger.set(job, desired="stop", paused=False)
        ctx.ledger.unsettled.add(job.id)
        skipped += settle.skip_rest(ctx.farm, ctx.ledger, job)
        mine.update(ctx.farm.steps_of[job.id])
    chosen = [attempt for attempt in ctx.farm.attempts.values() if attempt.step_id in mine]
    return skipped, *stop_these(ctx, chosen, force)


def pause(ctx: Context, event: PauseJob) -> dict[str, Any]:
    """Nothing new starts: what runs goes on, what waits in queues of workers is taken back."""
    job = ctx.job(event.job)
    if job.desired != "run":
        raise WrongState(f"Job {job.name} is not running ({job.state}).", hint=f"job run {job.id}")
    doing = Doing(ctx, event, "pause" if event.paused else "resume", "job", "paused")
    doing.set(job, event.paused)
    doing.done()
    let_start(ctx, job, event.paused)
    return {"id": job.id, "job": job.id, "name": job.name, "paused": job.paused}


def let_start(ctx: Context, job: Job, paused: bool) -> None:
    """Paused or not, with what follows: workers give back what they have not begun of a paused job."""
    ctx.ledger.set(job, paused=paused)
    mine = set(ctx.farm.steps_of[job.id])
    waiting: dict[int, list[int]] = {}
    for attempt in ctx.farm.attempts.values() if paused else ():
        if attempt.step_id in mine and attempt.state == "assigned":
            waiting.setdefault(attempt.worker_id, []).append(attempt.id)
    for worker_id, ids in waiting.items():
        load = ctx.farm.loads[worker_id]
        ctx.ledger.recalled(load, load.recalled | set(ids))
        ctx.order(load.session, Recall(ids))


def unblock(ctx: Context, event: UnblockJob) -> dict[str, Any]:
    """Workers that failed too often at this job may try again."""
    job = ctx.job(event.job)
    blocked = sorted({int(key.partition(" ")[0]) for key, count in job.failures.items() if count >= BLOCK_LIMIT})
    if not job.failures:
        raise WrongState(f"No worker has failed at job {job.name} since its run began.", hint=f"why {job.id}")
    ctx.ledger.set(job, failures={})
    names = [ctx.farm.workers[worker].name for worker in blocked if worker in ctx.farm.workers]
    return {"id": job.id, "job": job.id, "name": job.name, "workers": names}


def check(values: dict[str, Any]) -> None:
    """The rules of a job's values; raises Invalid naming the attribute."""
    if not 0 <= values.get("priority", 50) <= 100:
        raise Invalid(f"job priority is 0 to 100 (higher first), not {values['priority']}.")
    for name in ("most_workers", "most_tasks"):
        if not 0 <= values.get(name, 0) <= 1_000_000:
            raise Invalid(f"job {name} is 1 or more, or 0 for any number, not {values[name]}.")
    start = values.get("start_at")
    if start is not None and not 0 <= start < 1e11:
        raise Invalid(f"job start_at is in seconds since 1970, not {start}.", hint="job run JOB later=10m")
