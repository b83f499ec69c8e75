"""Projects: made, named, archived; never deleted, for they stand for something in the world (SP-20)."""

from __future__ import annotations

from typing import Any

from brender.core.context import Context
from brender.core.events import Create, Delete, Update
from brender.core.rows import Project
from brender.core.rules.rows import check_version, checked, row_of
from brender.errors import Exists, Invalid, WrongState

EDITABLE = {"name": str, "description": str, "weight": float, "state": str}
STATES = ("active", "archived")


def create(ctx: Context, event: Create) -> dict[str, Any]:
    values = checked("project", event.values, EDITABLE, required=("name",))
    _check_state(values)
    return {"noun": "project", "row": row_of(make(ctx, **values))}


def make(ctx: Context, name: str, **values: Any) -> Project:
    """A new project row; raises Exists when the name is taken."""
    _check_free(ctx, name)
    row = Project(ctx.ledger.new_id("project"), name, created_at=ctx.now, modified_at=ctx.now, **values)
    ctx.ledger.add(row)
    ctx.notice("project.created", id=row.id, name=row.name)
    return row


def update(ctx: Context, event: Update) -> dict[str, Any]:
    values = checked("project", event.values, EDITABLE)
    _check_state(values)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several projects.", hint="Name one project.")
    for project_id in event.ids:
        project = ctx.project(project_id)
        check_version("project", project, event.version)
        if "name" in values and values["name"] != project.name:
            _check_free(ctx, values["name"])
        ctx.ledger.set(project, **values)
    return {"noun": "project", "rows": [row_of(ctx.project(project_id)) for project_id in event.ids]}


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    project = ctx.project(event.ids[0])
    raise WrongState(
        f"Project {project.name} cannot be deleted: it stands for something that exists whether we like it or not.",
        hint=f"project archive {project.name}",
    )


def _check_state(values: dict[str, Any]) -> None:
    if values.get("state", "active") not in STATES:
        raise Invalid(f"A project is active or archived, not {values['state']!r}.")
    if not 0.001 <= (1.0 if "weight" not in values else values["weight"] or 0.0) <= 1000.0:
        raise Invalid(f"project weight is 0.001 to 1000, not {values['weight']}.", hint="1 is the usual weight.")


def _check_free(ctx: Context, name: str) -> None:
    if ctx.farm.project_named(name) is not None:
        raise Exists(f"A project named {name!r} exists already.", hint="project list")
