"""Where the pictures of tasks and jobs lie, by their parameters. Nobody looks: the master touches no file."""

from __future__ import annotations

import posixpath
from typing import Any

from brender.commands.calls import Call
from brender.commands.jobs import One, Within
from brender.commands.tasks import Number, OneStep
from brender.core import frames as frames_
from brender.errors import InvalidParams, NotFound, WrongState
from brender.worker.blender import EXTENSIONS, BlenderJob, final_name, named, read_params

RENDERS = ("blender",)
MOST_FRAMES = 1000  # of one task
MADE = {"movie": "movies", "contact_sheet": "sheets", "merge": "stills"}


def of_task(call: Call, step: OneStep, task: Number = 0) -> dict[str, Any]:
    """Say where the frames of a task lie.

    Their folder, and each frame's name without its ending, which only the manifest of the folder knows for sure.
    """
    count = len(call.farm.tasks[step.id])
    if task >= count:
        raise NotFound(f"Step {step.name} has no task {task}; they are 0 to {count - 1}.")
    job = call.farm.jobs[step.job_id]
    if step.function not in RENDERS or not isinstance(step.params, dict):
        raise WrongState(
            f"Step {step.name} runs {step.function}, whose files the farm does not know.",
            hint="It knows those of blender; of a job: job files.",
        )
    try:
        params = named(read_params(step.params), job.name, step.name)
    except InvalidParams as error:
        raise WrongState(f"Step {step.name} has parameters that no worker takes: {error.message}") from None
    numbers = frames_.frames_of(frames_.parse(step.frames), step.chunk, task) if step.frames else []
    endings = [EXTENSIONS[params.format]] if params.format else sorted(set(EXTENSIONS.values()))
    return {
        "job": job.name,
        "step": step.name,
        "task": task,
        "folder": params.output,
        "frames": [{"frame": n, "name": _stem(params, n)} for n in numbers[:MOST_FRAMES]],
        "endings": endings,
    }


def of_job(call: Call, job: One, *, project: Within = None) -> dict[str, Any]:
    """Say where the frames of a job lie, and what its steps make of them: movies, contact sheets, merged stills."""
    farm = call.farm
    found: dict[str, Any] = {"job": job.name, "id": job.id, "folders": []}
    found |= {kind: [] for kind in MADE.values()}
    for step in farm.steps_in(job):
        params = step.params if isinstance(step.params, dict) else {}
        if step.function in RENDERS and isinstance(params.get("output"), str):
            found["folders"].append({"step": step.name, "path": params["output"]})
        elif step.function in MADE:
            path = params.get("output") or _beside(step.function, params.get("source"))
            if isinstance(path, str):
                done = farm.tasks[step.id].all_done()
                found[MADE[step.function]].append({"step": step.name, "path": path, "done": done})
    return found


def _stem(params: BlenderJob, frame: int) -> str:
    return posixpath.splitext(posixpath.basename(final_name(params, frame, "PNG")))[0]


def _beside(function: str, source: Any) -> str | None:
    """Where a contact sheet goes that was given no place."""
    if function != "contact_sheet" or not isinstance(source, str):
        return None
    return f"{source.rstrip('/')}/contact_sheet.jpg"
