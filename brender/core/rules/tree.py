"""spad's JSON tree: one project, its workflows (our jobs), their tasks (our steps). Creates what is new, extends,
replaces and deletes what is there (SP-16…22). Checked by the same rules as single rows; an error undoes the whole tree.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from brender.core import frames
from brender.core.context import Context
from brender.core.events import DeleteTree, RunJob, SubmitTree, UpdateTree
from brender.core.lifecycle import TaskState
from brender.core.rows import Job, Project, Step
from brender.core.rules import jobs, projects, steps
from brender.core.rules.rows import checked
from brender.core.rules.steps import check_not_running
from brender.core.rules.waits import hold_all
from brender.errors import Exists, InvalidParams, NotFound, WrongState, nearest

WORKFLOWS = ("workflows", "jobs")
TASKS = ("tasks", "steps")
_PROJECT = ("id", "name", "description", *WORKFLOWS)
_JOB: dict[str, type] = {**jobs.EDITABLE}
_MOST_STEPS = 10_000


def submit(ctx: Context, event: SubmitTree) -> dict[str, Any]:
    """Create or extend, and run what was named if asked; answers with every job touched. `wipe` deletes first."""
    tree = unwrapped(event.tree)
    name = text(tree, "project", "name")
    project = ctx.farm.project_named(name)
    extra = {"description": tree["description"]} if "description" in tree else {}
    if project is None:
        project = projects.make(ctx, **checked("project", {"name": name, **extra}, projects.EDITABLE))
    elif extra:
        ctx.ledger.set(project, **checked("project", extra, projects.EDITABLE))
    workflows = children(tree, "project", WORKFLOWS)
    for workflow in workflows if event.wipe else ():
        old = ctx.farm.job_named(project.id, text(workflow, "workflow", "name"))
        if old is not None:
            jobs.remove(ctx, old, "be made again")
    return {"project": project.name, "jobs": [_job(ctx, project, workflow, event) for workflow in workflows]}


def delete(ctx: Context, event: DeleteTree) -> dict[str, Any]:
    """Delete the leaves one after another: a workflow without tasks is one, and so is every task that is named."""
    tree = unwrapped(event.tree)
    project = _project(ctx, tree)
    deleted: list[dict[str, Any]] = []
    for workflow in _named(tree, project):
        job = _job_of(ctx, project, workflow)
        tasks = children(workflow, "workflow", TASKS)
        if not tasks:
            deleted.append({"noun": "job", **jobs.remove(ctx, job, "be deleted")})
        for task in tasks:
            deleted.append({"noun": "step", **steps.remove(ctx, _step_of(ctx, job, task)), "job": job.name})
    return {"project": project.name, "deleted": deleted}


def update(ctx: Context, event: UpdateTree) -> dict[str, Any]:
    """Replace the leaves as whole entities, as if each were deleted and created: what the JSON leaves out is as new.

    Rows keep their ids, and what is the same already is not touched, so that `dump | update` changes nothing.
    """
    tree = unwrapped(event.tree)
    project = _project(ctx, tree)
    done = []
    for workflow in _named(tree, project):
        job = _job_of(ctx, project, workflow)
        check_not_running(ctx, job, "be updated")
        before = job.version
        values = _values("workflow", workflow, _JOB, TASKS)
        if children(workflow, "workflow", TASKS):
            changed = _replace(ctx, job, workflow)
        else:
            values = {**defaults(Job, _JOB, ("name", "submitter")), **values}
            changed = [steps.remove(ctx, step)["name"] for step in list(ctx.farm.steps_in(job))]
        jobs.check(values)
        ctx.ledger.set(job, **values)
        ctx.farm.ready.update(ctx.farm.steps_of[job.id])
        differs = bool(changed) or job.version != before
        done.append({"id": job.id, "name": job.name, "changed": differs, "steps": changed})
    return {"project": project.name, "updated": done}


def unwrapped(tree: dict[str, Any]) -> dict[str, Any]:
    """The project object, with or without `context` and `project` around it. Raises InvalidParams for what else is."""
    for key in ("context", "project"):
        inner = tree.get(key)
        if isinstance(inner, dict):
            beside = [field for field in tree if field != key]
            if beside:
                raise InvalidParams(f"Beside {key} the JSON has a field {beside[0]!r} that nobody knows.")
            tree = inner
    for field in tree:
        if field not in _PROJECT:
            raise InvalidParams(f"A project in JSON has no field {field!r}.", hint=nearest(field, _PROJECT))
    return tree


def _project(ctx: Context, tree: dict[str, Any]) -> Project:
    """The project of a tree that changes what is there."""
    name = text(tree, "project", "name")
    found = ctx.farm.project_named(name)
    if found is None:
        known = [project.name for project in ctx.farm.projects.values()]
        raise NotFound(f"There is no project {name!r}.", hint=nearest(name, known) or "See project list.")
    return found


def _named(tree: dict[str, Any], project: Project) -> list[dict[str, Any]]:
    """The workflows of a tree; a tree that ends at its project is refused (SP-20)."""
    workflows = children(tree, "project", WORKFLOWS)
    if not workflows:
        raise WrongState(
            f"Project {project.name} cannot be deleted or replaced: it stands for something outside the farm.",
            hint=f"Name workflows in the JSON, or put it away: project archive {project.name}",
        )
    return workflows


def _job_of(ctx: Context, project: Project, workflow: dict[str, Any]) -> Job:
    name = text(workflow, "workflow", "name")
    _values("workflow", workflow, _JOB, TASKS)
    found = ctx.farm.job_named(project.id, name)
    if found is None:
        known = [job.name for job in ctx.farm.jobs.values() if job.project_id == project.id]
        raise NotFound(f"Project {project.name} has no job {name!r}.", hint=nearest(name, known) or "See job list.")
    return found


def _step_of(ctx: Context, job: Job, task: dict[str, Any]) -> Step:
    """The step that a task of the tree names, whose other attributes are known ones."""
    return _step_named(ctx, job, _values("task", task, steps.EDITABLE)["name"])


def _step_named(ctx: Context, job: Job, name: str) -> Step:
    found = ctx.farm.step_named(job.id, name)
    if found is None:
        known = [step.name for step in ctx.farm.steps_in(job)]
        raise NotFound(f"Job {job.name} has no step {name!r}.", hint=nearest(name, known) or f"step list {job.id}")
    return found


def _values(
    noun: str, given: dict[str, Any], known: dict[str, type], children_: tuple[str, ...] = (), required: str = ""
) -> dict[str, Any]:
    """The attributes of one object of the tree, checked. Its `id` is the caller's own and means nothing here."""
    values = {key: value for key, value in given.items() if key != "id" and key not in children_}
    return checked(noun, values, known, required=("name", *required.split()))


def defaults(row: type[Struct], known: dict[str, type], but: tuple[str, ...]) -> dict[str, Any]:
    """What a new row has in the attributes that a tree may name."""
    found: dict[str, Any] = {}
    for one in msgspec.structs.fields(row):
        if one.name in known and one.name not in but:
            found[one.name] = one.default_factory() if one.default is msgspec.NODEFAULT else one.default
    return found


def _job(ctx: Context, project: Project, workflow: dict[str, Any], event: SubmitTree) -> dict[str, Any]:
    values = _values("workflow", workflow, _JOB, TASKS)
    job = ctx.farm.job_named(project.id, values["name"])
    created = job is None
    if job is None:
        values.setdefault("submitter", event.by)
        job = jobs.make(ctx, project, values)
    else:
        jobs.check(values)
        ctx.ledger.set(job, **values)
    made = _steps(ctx, job, workflow)
    number = jobs.run(ctx, RunJob(job.id, by=event.by))["run"] if event.run else 0
    tasks = sum(len(ctx.farm.tasks[step_id]) for step_id in ctx.farm.steps_of[job.id])
    return {"id": job.id, "name": job.name, "created": created, "steps": made, "tasks": tasks, "run": number}


def _tasks(job: Job, workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """The tasks of a workflow, each checked, their names unique (SP-54)."""
    given = children(workflow, "workflow", TASKS)
    if len(given) > _MOST_STEPS:
        raise InvalidParams(f"A workflow takes {_MOST_STEPS} tasks at once, not {len(given)}.")
    found = [_values("task", task, steps.EDITABLE, required="function") for task in given]
    names = [values["name"] for values in found]
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise Exists(
            f"Two tasks of workflow {job.name} in the JSON are named {twice!r}.",
            hint="Names are unique in a workflow.",
        )
    return found


def _make_room(ctx: Context, standing: list[Step], places: set[int]) -> None:
    """Steps that stand at a place somebody else gets, or behind it, move down by one (SP-19)."""
    for place in sorted(places):
        if any(step.place == place for step in standing):
            for step in standing:
                if step.place >= place:
                    ctx.ledger.set(step, place=step.place + 1)


def _steps(ctx: Context, job: Job, workflow: dict[str, Any]) -> int:
    """Add the workflow's tasks; the places of new ones shift the steps that were there before, not each other."""
    new = _tasks(job, workflow)
    before = list(ctx.farm.steps_in(job))
    _make_room(ctx, before, {values["place"] for values in new if "place" in values})
    running = job.desired == "run"
    for values in new:
        step = steps.make(ctx, job, values, shift=False)
        if running:
            ctx.ledger.set(step, run=job.run)
            ctx.ledger.renew(step, len(ctx.farm.tasks[step.id]), TaskState.NEW)
    if running:
        hold_all(ctx, job)
    return len(new)


def _replace(ctx: Context, job: Job, workflow: dict[str, Any]) -> list[str]:
    """Give every named task all of its attributes anew; returns the names of those that differ now."""
    pairs = [(_step_named(ctx, job, values["name"]), values) for values in _tasks(job, workflow)]
    mine = {step.id for step, _ in pairs}
    others = [step for step in ctx.farm.steps_in(job) if step.id not in mine]
    last = max((step.place for step in others), default=0)
    for _, values in pairs:
        values.setdefault("place", last + 1)
        last = max(last, values["place"])
    _make_room(ctx, others, {values["place"] for step, values in pairs if step.place != values["place"]})
    changed = []
    for step, values in pairs:
        whole = {**defaults(Step, steps.EDITABLE, ("name",)), **values}
        steps.check(whole)
        whole = steps.with_preset(ctx, whole, whole["function"])
        if any(getattr(step, name) != value for name, value in whole.items()):
            ctx.ledger.set(step, **whole, run=0)
            ctx.ledger.renew(step, frames.task_count(step.frames, step.chunk), TaskState.NOT_RUN)
            changed.append(step.name)
    return changed


def children(parent: dict[str, Any], noun: str, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """The list of objects under any of these keys. Raises InvalidParams when it is something else."""
    found: Any = next((parent[key] for key in keys if key in parent), [])
    if not isinstance(found, list) or not all(isinstance(child, dict) for child in found):
        raise InvalidParams(f"{keys[0]} of a {noun} is a list of objects.", hint="See job dump for the shape.")
    return found


def text(tree: dict[str, Any], noun: str, key: str) -> str:
    """A text that must be there. Raises InvalidParams."""
    value = tree.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidParams(f"The {noun} in the JSON needs a {key}.", hint=f'{{"project": {{"{key}": "film", …}}}}')
    return value
