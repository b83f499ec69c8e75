"""A farm with a rule and what is told of it, for whoever tries alarms."""

from __future__ import annotations

from typing import Any

from brender.core import events as ev
from brender.core.rows import Alarm

from .builders import Stage


def rule(stage: Stage, name: str = "hot", **values: Any) -> int:
    values = {"condition": "above", "threshold": 85.0, **values}
    return int(stage.do(ev.Create("alarm_rule", {"name": name, **values}))["row"]["id"])


def sample(stage: Stage, channel: int, value: Any, after: float = 1.0) -> list[str]:
    """A sample that comes after so many seconds; the topics that this turn told of alarms."""
    stage.now += after
    turn = stage.turn(ev.Readings([(channel, stage.now, value)]))
    return [topic for topic, _ in turn.notices if topic in ("alarm.fired", "alarm.resolved")]


def alarms(stage: Stage) -> list[Alarm]:
    return list(stage.farm.alarms.values())


def lines(stage: Stage, level: str = "") -> list[str]:
    return [row.text for row in stage.farm.records.values() if level in ("", row.level)]


def quiet() -> Stage:
    """A farm without the rules of its first start."""
    stage = Stage()
    stage.do(ev.Delete("alarm_rule", list(stage.farm.alarm_rules)))
    return stage
