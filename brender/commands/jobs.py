"""Commands about jobs (spad's workflows): make, run, stop, look, change, delete; spad's options are -p -w -t -j -f.

A job may be named with its project (`film/shot`) or by `-p film`; the current project of the session comes first.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands import functions, trees
from brender.commands.calls import Call, check, check_owner
from brender.commands.kinds import (
    AFTER,
    CHUNK,
    FUNCTION,
    JOB_VALUES,
    JSON_TEXT,
    LIMITS,
    LOCAL_FILE,
    LOOSE,
    ORDER,
    SPAN,
    TAGS,
    Arg,
)
from brender.commands.parts import STEP
from brender.commands.references import JOB, JOBS, JOBS_OR_ALL, PROJECT, PROJECT_OR_TREE, RUNNING_JOB
from brender.commands.states import held_back, job_line, step_line, waits
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.rows import Job, Project, Step
from brender.errors import Invalid, InvalidParams

One = Annotated[Job, JOB, Arg("w", "which job")]
Selected = Annotated[list[Job], JOBS, Arg("w", "which jobs; several are a union")]
Within = Annotated[Project | None, PROJECT, Arg("p", "the project to look in")]
OneStep = Annotated[Step | None, STEP, Arg("t", "one step of the job")]
Json = Annotated[dict[str, Any] | None, JSON_TEXT, Arg("j", "spad's JSON tree")]
File = Annotated[str, LOCAL_FILE, Arg("f", "a file with that JSON; only the brender program reads files")]
Tree = Annotated[dict[str, Any] | None, JSON_TEXT, Arg(text="spad's tree as its JSON has it")]
Force = Annotated[bool, Arg(text="also what waits and must not be stopped; admins only")]
Later = Annotated[float | None, SPAN, Arg(text="start nothing before so long from now, such as 10m")]
Priority = Annotated[int, Meta(ge=0, le=100), Arg(text="0 to 100, higher first")]


def create(
    call: Call,
    name: Annotated[str, Arg(text="the name of the new job")] = "",
    *,
    function: Annotated[str, FUNCTION, Arg(text="what its step runs")] = "",
    frames: Annotated[str, Arg(text="such as 1-100, 1,5,8-12, 1-100x2 or 1-100:8")] = "",
    chunk: Annotated[int | str, CHUNK, Arg(text="frames a task, or auto: by the seconds they take")] = 1,
    params: Annotated[list[Any] | dict[str, Any] | None, LOOSE, Arg(text="of the function, as JSON")] = None,
    retries: Annotated[int | None, Meta(ge=0), Arg(text="of a failed task; 1 when left out")] = None,
    timeout: Annotated[float | None, Meta(gt=0), Arg(text="seconds an attempt may take")] = None,
    priority: Annotated[int | None, Meta(ge=0, le=100), Arg(text="0 to 100, higher first; 50 when left out")] = None,
    tags: Annotated[str, TAGS, Arg(text="tags a worker must have, a,b")] = "",
    order: Annotated[str, ORDER, Arg(text="of its frames: linear, reverse, binary or nth:N")] = "",
    limits: Annotated[str, LIMITS, Arg(text="limits (licences) each task takes one of, a,b")] = "",
    needs: Annotated[dict[str, Any] | None, JSON_TEXT, Arg(text='of a machine, such as {"memory_mb": 8000}')] = None,
    after: Annotated[str, AFTER, Arg(text="jobs that must be a success first, a,project/b")] = "",
    later: Later = None,
    most_workers: Annotated[int | None, Meta(ge=0), Arg(text="machines at once")] = None,
    most_tasks: Annotated[int | None, Meta(ge=0), Arg(text="tasks at once")] = None,
    project: Annotated[str | dict[str, Any], PROJECT_OR_TREE, Arg("p", "its project, made if new")] = "",
    context: Tree = None,
    json: Json = None,
    file: File = "",
    run: Annotated[bool, Arg(text="start it at once")] = False,
) -> events.Event:
    """Make a job, or extend what is there.

    Either from spad's JSON tree (-j, -f: project, workflows, tasks; what exists is extended), or in one line with
    one step: a name, a function and, where it renders, frames.
    """
    trees.refuse_file(file)
    tree = trees.given_tree(call, project, context, json)
    if tree is not None:
        functions.check_tree(call.farm, tree)
        return events.SubmitTree(tree, call.who.name, run)
    _check_one_line(name, function)
    values = {
        "params": params,
        "frames": frames or None,
        "chunk": chunk if chunk != 1 else None,
        "retries": retries,
        "timeout": timeout,
        "order": order or None,
        "limits": _words(limits),
        "needs": needs,
    }
    step = _only_step(function, values)
    functions.check(call.farm, step)
    job = {
        "name": name,
        "priority": priority,
        "tags": _words(tags),
        "after": _words(after),
        "start_at": None if later is None else call.now + later,
        "most_workers": most_workers,
        "most_tasks": most_tasks,
        "tasks": [step],
    }
    where = str(project or call.project or "default")
    return events.SubmitTree({"name": where, "workflows": [trees.without_none(job)]}, call.who.name, run)


def _check_one_line(name: str, function: str) -> None:
    """A job in one line has a name and what its step runs; without them a tree was meant, or nothing yet."""
    if not name:
        raise InvalidParams(
            "job create needs a name, or -j with a JSON tree.",
            hint="job create NAME function=noop frames=1-10 --run",
        )
    if not function:
        raise InvalidParams(
            f"Job {name} needs a function to run.", hint=f"job create {name} function=noop frames=1-10 --run"
        )


def _only_step(function: str, values: dict[str, Any]) -> dict[str, Any]:
    """The one step of a job in one line, named after its function."""
    return trees.without_none({"name": function, "place": 1, "exec": "await", "function": function, **values})


def _words(text: str) -> list[str] | None:
    """`a,b` as a list; None for nothing."""
    return [word for word in text.split(",") if word] or None


def recreate(
    call: Call,
    *,
    project: Tree = None,
    context: Tree = None,
    json: Json = None,
    file: File = "",
    run: Annotated[bool, Arg(text="start them at once")] = False,
) -> events.Event:
    """Delete the workflows that spad's JSON tree names, then create them from it; all or nothing (SP-50)."""
    tree = trees.needed_tree(call, project, context, json, file)
    functions.check_tree(call.farm, tree)
    return events.SubmitTree(tree, call.who.name, run, wipe=True)


def update(
    call: Call, *, project: Tree = None, context: Tree = None, json: Json = None, file: File = ""
) -> events.Event:
    """Replace the leaves of spad's JSON tree, workflows or tasks, as whole entities; all or nothing (SP-22).

    What the JSON leaves out is as new: begin with job dump. A job that runs is refused.
    """
    tree = trees.needed_tree(call, project, context, json, file)
    functions.check_tree(call.farm, tree)
    return events.UpdateTree(tree, call.who.name)


def listing(
    call: Call,
    jobs: Annotated[list[Job] | None, JOBS_OR_ALL, Arg("w", "names, globs or a state; all when left out")] = None,
    *,
    project: Within = None,
    limit: Limit = 200,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List jobs, newest first, with their state and progress."""
    chosen = list(call.farm.jobs.values()) if jobs is None else jobs
    if project is not None:
        chosen = [job for job in chosen if job.project_id == project.id]
    chosen.reverse()
    shown = chosen[offset : offset + limit]
    return {"jobs": [job_line(call.farm, job) for job in shown], "total": len(chosen), "offset": offset}


def show(call: Call, job: One, *, project: Within = None) -> dict[str, Any]:
    """Show everything known of a job."""
    steps = [step_line(call.farm, step) for step in call.farm.steps_in(job)]
    return {**asdict(job), **job_line(call.farm, job), "steps": steps}


def status(
    call: Call,
    job: Annotated[Job | None, JOB, Arg("w", "which job; all of the project when left out")] = None,
    step: OneStep = None,
    *,
    project: Within = None,
) -> dict[str, Any]:
    """Show how far a job is, step by step; without a job, all jobs of the project in one line each (SP-26, SP-53)."""
    if job is None:
        return listing(call, project=project or _current(call))
    steps = [step] if step is not None else list(call.farm.steps_in(job))
    return {
        **job_line(call.farm, job),
        "desired": job.desired,
        "held": held_back(call.farm, job),
        "waits": waits(call.farm, job),
        "steps": [step_line(call.farm, one) for one in steps],
    }


def _current(call: Call) -> Project | None:
    return call.farm.project_named(call.project) if call.project else None


def dump(call: Call, job: One, step: OneStep = None, *, project: Within = None) -> dict[str, Any]:
    """The job as the JSON tree it can be made from again (SP-39)."""
    return trees.of_job(call.farm, job, step)


def run(call: Call, job: One, step: OneStep = None, *, later: Later = None, project: Within = None) -> events.Event:
    """Start a job, or one step of it; all its tasks become new."""
    check_owner(call, job)
    start_at = None if later is None else call.now + later
    return events.RunJob(job.id, None if step is None else step.id, call.who.name, start_at)


def unblock(call: Call, job: One, *, project: Within = None) -> events.Event:
    """Let workers try again that failed too often at a job."""
    check_owner(call, job)
    return events.UnblockJob(job.id, call.who.name)


def stop(
    call: Call,
    job: Annotated[Job, RUNNING_JOB, Arg("w", "which job; of several with this name the one that runs")],
    *,
    project: Within = None,
    step: Annotated[str, Arg("t", "refused: a workflow stops as a whole")] = "",
    force: Force = False,
) -> events.Event:
    """Stop a job: nothing new starts, what runs is ended softly, then hard. Answers at once (SP-11)."""
    if step:
        raise Invalid(
            f"Step {step} is not stopped alone: the steps of a workflow depend on each other.",
            hint=f"Stop the job (job stop {job.name}), or single frames of a step (task kill {job.name}/{step} 3-7).",
        )
    check_owner(call, job)
    check_force(call, force)
    return events.StopJob(job.id, call.who.name, force)


def stop_all(call: Call, *, force: Force = False) -> events.Event:
    """Stop every job of the farm. Answers at once with the jobs that were going (SP-50)."""
    return events.StopAll(call.who.name, force)


def check_force(call: Call, force: bool) -> None:
    """Only admins cut a stretch in which a task said that it must not be stopped (REQUIREMENTS 10.8)."""
    if force:
        check(call.who.role, "admin", "--force")


def requeue(
    call: Call,
    job: One,
    *,
    project: Within = None,
    again: Annotated[bool, Arg(text="also what is a success: render it anew")] = False,
) -> events.Event:
    """Run again what of a job has failed or was skipped, in all of its steps. It takes effect at once."""
    check_owner(call, job)
    return events.RetryJob(job.id, call.who.name, again)


def pause(call: Call, job: One, *, project: Within = None) -> events.Event:
    """Start nothing new of a running job; what runs goes on."""
    check_owner(call, job)
    return events.PauseJob(job.id, True, call.who.name, call.who.session)


def resume(call: Call, job: One, *, project: Within = None) -> events.Event:
    """Let a paused job go on."""
    check_owner(call, job)
    return events.PauseJob(job.id, False, call.who.name, call.who.session)


def priority(call: Call, job: One, priority: Priority, *, project: Within = None) -> events.Event:
    """Set how urgent a job is; it counts from the next task on."""
    check_owner(call, job)
    return events.Update("job", [job.id], {"priority": priority}, None, call.who.name, call.who.session)


def change(
    call: Call,
    jobs: Selected,
    values: Annotated[dict[str, Any], JOB_VALUES, Arg(text="name, priority, tags, after, start_at, most_workers, …")],
    *,
    project: Within = None,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change attributes of jobs."""
    for job in jobs:
        check_owner(call, job)
    return events.Update("job", [job.id for job in jobs], values, version, call.who.name, call.who.session)


def delete(
    call: Call,
    jobs: Annotated[list[Job] | None, JOBS, Arg("w", "which jobs")] = None,
    *,
    step: Annotated[str, Arg("t", "only this step of the one job")] = "",
    project: Annotated[str | dict[str, Any], PROJECT_OR_TREE, Arg("p", "the project to look in")] = "",
    context: Tree = None,
    json: Json = None,
    file: File = "",
) -> events.Event:
    """Delete jobs that do not run, or steps of one: by name, or the leaves of spad's tree (SP-20, SP-21)."""
    trees.refuse_file(file)
    tree = trees.given_tree(call, project, context, json)
    if tree is not None:
        return events.DeleteTree(tree, call.who.name)
    noun, ids = trees.chosen(call, jobs, step)
    return events.Delete(noun, ids, call.who.name)
