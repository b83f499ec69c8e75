"""Commands about the steps of a job (spad's tasks)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.structs import asdict

from brender.commands import functions
from brender.commands.calls import Call, check_owner
from brender.commands.jobs import Within
from brender.commands.kinds import NEW_STEP_VALUES, STEP_VALUES, Arg
from brender.commands.parts import STEP
from brender.commands.references import JOB
from brender.commands.states import step_line
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.rows import Job, Step

One = Annotated[Step, STEP, Arg("t", "which step")]


def listing(
    call: Call,
    job: Annotated[Job, JOB, Arg("w", "which job")],
    *,
    project: Within = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List the steps of a job in running order."""
    steps = list(call.farm.steps_in(job))
    rows = [step_line(call.farm, step) for step in steps[offset : offset + limit]]
    return {"job": job.name, "job_id": job.id, "steps": rows, "total": len(steps), "offset": offset}


def show(call: Call, step: One) -> dict[str, Any]:
    """Show everything known of a step."""
    return {**asdict(step), **step_line(call.farm, step)}


def add(
    call: Call,
    job: Annotated[Job, JOB, Arg("w", "which job gets it")],
    name: Annotated[str, Arg(text="the name of the new step")],
    values: Annotated[
        dict[str, Any], NEW_STEP_VALUES, Arg(text="function (needed), place, exec, params, frames, chunk, …")
    ],
    *,
    project: Within = None,
) -> events.Event:
    """Add a step; where its place is taken, those from there on move down (SP-19)."""
    check_owner(call, job)
    functions.check(call.farm, {"name": name, **values})
    return events.Create("step", {"job": job.id, "name": name, **values}, call.who.name)


def change(
    call: Call,
    step: One,
    values: Annotated[dict[str, Any], STEP_VALUES, Arg(text="name, place, exec, function, params, frames, chunk, …")],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change attributes of a step while its job does not run."""
    check_owner(call, call.farm.jobs[step.job_id])
    functions.check_change(call.farm, step, values)
    return events.Update("step", [step.id], values, version, call.who.name)


def delete(call: Call, step: One) -> events.Event:
    """Delete a step while its job does not run."""
    check_owner(call, call.farm.jobs[step.job_id])
    return events.Delete("step", [step.id], call.who.name)
