"""Limits: how many of something (licences, mostly) the farm has. Steps name them; live tasks are what uses them."""

from __future__ import annotations

from typing import Any

from brender.core.context import Context
from brender.core.events import Create, Delete, Update
from brender.core.rows import Limit
from brender.core.rules.rows import check_version, checked, row_of
from brender.errors import Exists, Invalid, WrongState

EDITABLE: dict[str, type] = {"count": int, "description": str}
MOST = 1_000_000


def create(ctx: Context, event: Create) -> dict[str, Any]:
    values = checked("limit", event.values, {"name": str, **EDITABLE}, required=("name", "count"))
    _check(values)
    if ctx.farm.limit_named(values["name"]) is not None:
        raise Exists(f"A limit named {values['name']!r} exists already.", hint="limit list")
    row = Limit(ctx.ledger.new_id("limit"), created_at=ctx.now, modified_at=ctx.now, **values)
    ctx.ledger.add(row)
    return {"noun": "limit", "row": row_of(row)}


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """A lower count ends nothing that runs; a higher one counts from this turn on. The name stays: steps use it."""
    values = checked("limit", event.values, EDITABLE)
    _check(values)
    for limit_id in event.ids:
        limit = ctx.limit(limit_id)
        check_version("limit", limit, event.version)
        ctx.ledger.set(limit, **values)
    return {"noun": "limit", "rows": [row_of(ctx.limit(limit_id)) for limit_id in event.ids]}


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """A limit that no step names."""
    deleted = []
    for limit_id in event.ids:
        limit = ctx.limit(limit_id)
        user = next((step for step in ctx.farm.steps.values() if limit.name in step.limits), None)
        if user is not None:
            job = ctx.farm.jobs[user.job_id]
            raise WrongState(
                f"Limit {limit.name} is named by step {user.name} of job {job.name}.",
                hint=f"step set {job.id}/{user.name} limits=   or   limit set {limit.name} count={MOST}",
            )
        ctx.ledger.remove(limit)
        deleted.append({"id": limit.id, "name": limit.name})
    return {"noun": "limit", "deleted": deleted}


def _check(values: dict[str, Any]) -> None:
    if not 0 <= values.get("count", 0) <= MOST:
        raise Invalid(f"limit count is 0 to {MOST}, not {values['count']}.")
