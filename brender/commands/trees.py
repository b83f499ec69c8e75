"""spad's JSON tree on its way in and out: take it from a command's parameters, and write a job as one (SP-16, SP-39).

What a tree means is decided by core/rules/tree.py.
"""

from __future__ import annotations

from typing import Any

from brender.commands.calls import Call, check_owner
from brender.commands.parts import find_step
from brender.core.farm import Farm
from brender.core.frames import AUTO, AUTO_WORD
from brender.core.rows import Job, Step
from brender.core.rules import jobs, steps
from brender.core.rules.tree import WORKFLOWS, children, defaults, unwrapped
from brender.errors import Invalid, InvalidParams, Unsupported

_SEEDS = ("name", "place", "exec", "function", "params")  # shown whether they are as usual or not


def refuse_file(file: str) -> None:
    """Raise Unsupported for a file name that came as far as the master: it reads no files of callers (S10)."""
    if file:
        raise Unsupported(
            f"The master does not read {file!r}: -f names a file on your own machine.",
            hint="Use the brender program there (brender create -f FILE), or paste the text after -j.",
        )


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """The values that are there."""
    return {name: value for name, value in values.items() if value is not None}


def given_tree(
    call: Call, project: str | dict[str, Any], context: dict[str, Any] | None, json: dict[str, Any] | None
) -> dict[str, Any] | None:
    """The project of the tree that a command was given in one of three ways, or None. Raises InvalidParams.

    Jobs in it that are there already must be the caller's to change.
    """
    found = json if json is not None else context
    if found is None and isinstance(project, dict):
        found = project
    if found is None:
        return None
    tree = unwrapped(found)
    known = call.farm.project_named(str(tree.get("name", "")))
    for workflow in children(tree, "project", WORKFLOWS) if known is not None else ():
        job = call.farm.job_named(known.id, str(workflow.get("name", ""))) if known is not None else None
        if job is not None:
            check_owner(call, job)
    return tree


def needed_tree(
    call: Call, project: dict[str, Any] | None, context: dict[str, Any] | None, json: dict[str, Any] | None, file: str
) -> dict[str, Any]:
    """The same for a command that takes nothing else."""
    refuse_file(file)
    tree = given_tree(call, project or "", context, json)
    if tree is None:
        raise InvalidParams("This takes spad's JSON tree, after -j or in a file after -f.", hint="job dump shows one.")
    return tree


def chosen(call: Call, named: list[Job] | None, step: str) -> tuple[str, list[int]]:
    """What a delete by names means: the noun and the ids. The jobs must be the caller's to change."""
    if not named:
        raise Invalid("No job selected. Name one, or use 'all'.")
    for job in named:
        check_owner(call, job)
    if not step:
        return "job", [job.id for job in named]
    if len(named) != 1:
        raise Invalid(f"-t deletes a step of one job, and {len(named)} are selected.", hint="Name one job.")
    return "step", [find_step(call.farm, named[0], step).id]


def of_job(farm: Farm, job: Job, only: Step | None = None) -> dict[str, Any]:
    """A job as the tree it can be made from: {"project": {"name", "workflows": [{"name", "tasks": […]}]}}."""
    chosen_steps = [only] if only is not None else list(farm.steps_in(job))
    workflow = {"id": job.id, "name": job.name, "priority": job.priority}
    workflow.update(_unusual(job, jobs.EDITABLE, ("name", "priority", "submitter")))
    workflow["tasks"] = [_of_step(step) for step in chosen_steps]
    return {"project": {"name": farm.projects[job.project_id].name, "workflows": [workflow]}}


def _of_step(step: Step) -> dict[str, Any]:
    always = {"id": step.id, **{name: getattr(step, name) for name in _SEEDS}}
    unusual = _unusual(step, steps.EDITABLE, _SEEDS)
    return {**always, **unusual, **({"chunk": AUTO_WORD} if step.chunk == AUTO else {})}


def _unusual(row: Job | Step, known: dict[str, type], but: tuple[str, ...]) -> dict[str, Any]:
    """The attributes a tree may name that are not what a new row has."""
    usual = defaults(type(row), known, but)
    return {name: getattr(row, name) for name, value in usual.items() if getattr(row, name) != value}
