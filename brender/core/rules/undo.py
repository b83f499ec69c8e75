"""Taking back what somebody did last: each row gets its former value, unless it has changed since.

An undo is an event as any other, and no act that could be undone itself: the next one takes back what was before.
"""

from __future__ import annotations

from typing import Any

from brender.core.acts import Act, Was, count, newest, without
from brender.core.context import Context
from brender.core.events import Undo
from brender.core.rows import Job, Worker
from brender.core.rules import jobs, workers
from brender.errors import WrongState


def undo(ctx: Context, event: Undo) -> dict[str, Any]:
    """The former values of the newest act's rows; what was deleted, changed or ended since is left alone and named."""
    actor = event.by or event.session
    act = newest(ctx.farm.acts, actor)
    if act is None:
        raise nothing_to_undo()
    ctx.ledger.acts(without(ctx.farm.acts, act))
    done: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for was in act.rows:
        row: Any = ctx.farm.table(act.noun).get(was.id)
        why = _in_the_way(ctx, act, was, row)
        if why:
            left.append({"id": was.id, "name": was.name if row is None else row.name, "why": why})
            continue
        _put_back(ctx, act, was, row)
        done.append({"id": was.id, "name": row.name, "value": was.old})
    return {
        "verb": act.verb,
        "noun": act.noun,
        "field": act.field,
        "seconds": round(ctx.now - act.at, 3),
        "done": done,
        "left": left,
        "more": count(ctx.farm.acts, actor),
    }


def nothing_to_undo() -> WrongState:
    """The refusal for who has done nothing yet."""
    return WrongState(
        "There is nothing to undo.",
        hint="undo takes back your own enable, disable, priority, pause and resume since the master was started.",
    )


def _in_the_way(ctx: Context, act: Act, was: Was, row: Worker | Job | None) -> str:
    """Why a row is left alone; empty if it is not."""
    if row is None:
        return "deleted"
    if ctx.farm.stamps.get((act.noun, was.id, act.field), 0) != was.after:
        return "changed"
    if act.field == "paused" and isinstance(row, Job) and (row.desired != "run" or row.run != was.run):
        return "ended"
    return ""


def _put_back(ctx: Context, act: Act, was: Was, row: Any) -> None:
    """The former value, with all that follows from it, and its former stamp: to what was before, nothing happened."""
    if act.field == "admin_state":
        workers.let_work(ctx, row, was.old)
    elif act.field == "paused":
        jobs.let_start(ctx, row, was.old)
    else:
        ctx.ledger.set(row, **{act.field: was.old})
    ctx.ledger.stamp((act.noun, was.id, act.field), was.before)
