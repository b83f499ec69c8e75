"""Noting what somebody does while a rule does it, so that it can be taken back (undo.py)."""

from __future__ import annotations

from typing import Any

from brender.core.acts import Act, Was, plus
from brender.core.context import Context
from brender.core.events import PauseJob, SetAdmin, Update
from brender.core.rows import Job, Worker


class Doing:
    """One act under way: `set` writes an attribute and notes what it was, `done` remembers the act."""

    def __init__(self, ctx: Context, event: SetAdmin | PauseJob | Update, verb: str, noun: str, field: str) -> None:
        self._ctx = ctx
        self._actor = event.by or event.session
        self._verb, self._noun, self._field = verb, noun, field
        self._rows: list[Was] = []

    def set(self, row: Worker | Job, value: Any) -> None:
        """Write the attribute of one row."""
        key = (self._noun, row.id, self._field)
        stamps, old = self._ctx.farm.stamps, getattr(row, self._field)
        before = stamps.get(key, 0)
        self._ctx.ledger.set(row, **{self._field: value})
        if stamps.get(key, 0) != before:
            run = row.run if isinstance(row, Job) else 0
            self._rows.append(Was(row.id, row.name, old, value, before, stamps[key], run))

    def done(self) -> None:
        """Remember the act for whoever did it; what changed nothing, or was nobody's, is no act."""
        if self._rows and self._actor:
            ctx = self._ctx
            act = Act(self._actor, self._verb, self._noun, self._field, ctx.now, tuple(self._rows))
            ctx.ledger.acts(plus(ctx.farm.acts, act))
