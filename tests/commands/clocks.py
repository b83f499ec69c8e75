"""A farm at noon, schedules that are made by a line of words, and what becomes of them when they are due."""

from __future__ import annotations

from typing import Any

from core.builders import Stage

from brender.commands import COMMANDS
from brender.commands.calls import Call
from brender.commands.firing import ended, firing
from brender.core import events as ev
from brender.core.rows import Schedule

from . import world

NOON = 1_800_014_400.0  # Friday 15 January 2027, 12:00 UTC


def at_noon() -> Stage:
    """The small farm of world.py, on a Friday."""
    made = world.stage()
    made.now = NOON
    made.turn(ev.Tick())
    return made


def make(stage: Stage, line: str, **caller: Any) -> Schedule:
    answer = world.ask(stage, f"schedule {line}", **caller)
    return stage.farm.schedules[answer["row"]["id"]]


def fire(stage: Stage, row: Schedule) -> dict[str, Any]:
    """What becomes of it when it is due."""
    assert row.next_at is not None
    stage.now = row.next_at
    one = firing(
        stage.farm,
        row.id,
        stage.now,
        stage.core.settings,
        lambda who, project: Call(stage.farm, who, COMMANDS, stage.now, project=project),
    )
    turn = stage.turn(*one.events)
    if one.asks:
        stage.turn(ended(one, turn.answers[-1]))
    elif one.act is not None:
        stage.turn(ended(one, {"act": one.act}))
    return row.last_result


def told(stage: Stage, line: str) -> str:
    """What a person reads, without the ends of lines."""
    return " ".join(" ".join(world.shown(stage, line)).split())
