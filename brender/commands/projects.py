"""Commands about projects: made, named, archived, selected; never deleted (SP-18, SP-20)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.structs import asdict

from brender.commands.calls import Call, SelectProject
from brender.commands.kinds import NEW_PROJECT_VALUES, PROJECT_VALUES, Arg
from brender.commands.references import PROJECT
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.rows import Project
from brender.errors import WrongState

One = Annotated[Project, PROJECT, Arg(text="which project")]


def listing(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """List projects with the number of their jobs."""
    jobs: dict[int, int] = {}
    running: dict[int, int] = {}
    for job in call.farm.jobs.values():
        jobs[job.project_id] = jobs.get(job.project_id, 0) + 1
        running[job.project_id] = running.get(job.project_id, 0) + (job.desired == "run")
    chosen = list(call.farm.projects.values())
    rows = [
        {
            "id": project.id,
            "name": project.name,
            "state": project.state,
            "jobs": jobs.get(project.id, 0),
            "running": running.get(project.id, 0),
            "description": project.description,
            "current": project.name == call.project,
            "version": project.version,
        }
        for project in chosen[offset : offset + limit]
    ]
    return {"projects": rows, "total": len(chosen), "offset": offset}


def show(call: Call, project: One) -> dict[str, Any]:
    """Show a project and its jobs in a few words."""
    jobs = [job for job in call.farm.jobs.values() if job.project_id == project.id]
    listed = [{"id": job.id, "name": job.name, "state": job.state} for job in jobs[:200]]
    running = sum(job.desired == "run" for job in jobs)
    current = project.name == call.project
    return {**asdict(project), "jobs": listed, "total": len(jobs), "running": running, "current": current}


def add(
    call: Call,
    name: Annotated[str, Arg(text="its name")],
    values: Annotated[dict[str, Any] | None, NEW_PROJECT_VALUES, Arg(text="description")] = None,
) -> events.Event:
    """Make a project."""
    return events.Create("project", {"name": name, **(values or {})}, call.who.name)


def change(
    call: Call,
    project: One,
    values: Annotated[dict[str, Any], PROJECT_VALUES, Arg(text="name, description, state")],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change attributes of a project; state=active takes it out of the archive."""
    return events.Update("project", [project.id], values, version, call.who.name)


def archive(call: Call, project: One) -> events.Event:
    """Put a project away: it stays listed, its jobs no longer run."""
    return events.Update("project", [project.id], {"state": "archived"}, None, call.who.name)


def select(call: Call, project: One) -> SelectProject:
    """Make a project the current one of this session, where names of jobs are looked for first."""
    return SelectProject(project.name)


def delete(call: Call, project: One) -> events.Event:
    """Refused: a project stands for something that exists in the world; archive it instead."""
    raise WrongState(
        f"Project {project.name} cannot be deleted: it stands for something that exists outside the farm, "
        "whether we wish it away or not.",
        hint=f"Archive it: project archive {project.name}",
    )
