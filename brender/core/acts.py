"""What people did last and may take back: enable, disable, priority, pause, resume, with the values before.

In memory only, and bounded: a master that starts anew knows of none. Data; the rules write it through the ledger.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

Actor = str | int  # the name somebody said hello with, or the number of a session without one

#: The attributes whose every change is stamped, so that whoever takes an act back sees what has changed since.
STAMPED = {"worker": ("admin_state",), "job": ("priority", "paused")}
MOST_OF_ACTOR = 20
MOST_ACTS = 500
MOST_ROWS = 20_000  # of all acts together, some 2 MB


class Was(Struct, frozen=True):
    """One row of an act: its value before and after, and the stamps of that attribute before and after."""

    id: int
    name: str
    old: Any
    new: Any
    before: int
    after: int
    run: int = 0  # of a job


class Act(Struct, frozen=True):
    """One attribute of some rows that an actor changed with one command."""

    actor: Actor
    verb: str
    noun: str
    field: str
    at: float
    rows: tuple[Was, ...]


def newest(acts: tuple[Act, ...], actor: Actor) -> Act | None:
    """What this actor did last."""
    return next((act for act in reversed(acts) if act.actor == actor), None)


def count(acts: tuple[Act, ...], actor: Actor) -> int:
    """How many acts this actor may take back."""
    return sum(act.actor == actor for act in acts)


def without(acts: tuple[Act, ...], gone: Act) -> tuple[Act, ...]:
    """The same but for one."""
    return tuple(act for act in acts if act is not gone)


def plus(acts: tuple[Act, ...], act: Act) -> tuple[Act, ...]:
    """The same and one more; the oldest go where there are too many, of one actor, of all, or of rows."""
    if count(acts, act.actor) >= MOST_OF_ACTOR:
        acts = without(acts, next(one for one in acts if one.actor == act.actor))
    kept = [*acts[1 - MOST_ACTS :], act]
    rows = sum(len(one.rows) for one in kept)
    while rows > MOST_ROWS and len(kept) > 1:
        rows -= len(kept.pop(0).rows)
    return tuple(kept)
