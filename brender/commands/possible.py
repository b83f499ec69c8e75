"""Which commands a row can be given now: `can` of the rows that pages show. The page draws buttons, it decides nothing.

What the state allows is asked of the core, whose rules refuse by the same questions; what the role allows of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brender.commands.calls import Who, may
from brender.commands.table import Table
from brender.core import possible, wakes
from brender.core.farm import Farm

State = Callable[[Farm, Any], bool]


def _always(farm: Farm, row: Any) -> bool:
    return True


#: By noun, each command that takes one row of it, and when that would change something.
CAN: Mapping[str, Mapping[str, State]] = {
    "worker": {
        "worker.enable": lambda farm, row: row.admin_state == "disabled",
        "worker.disable": lambda farm, row: row.admin_state == "enabled",
        "worker.wake": lambda farm, row: wakes.can_wake(row),
        "worker.set": _always,
        "worker.delete": possible.is_away,
    },
    "project": {
        "project.set": _always,
        "project.archive": lambda farm, row: possible.is_active(row),
    },
    "limit": {
        "limit.set": _always,
        "limit.delete": lambda farm, row: not possible.is_named(farm, row),
    },
    "preset": {
        "preset.set": _always,
        "preset.delete": _always,
    },
    "job": {
        "job.run": possible.can_run,
        "job.stop": possible.is_going,
        "job.pause": lambda farm, row: row.desired == "run" and not row.paused,
        "job.resume": lambda farm, row: row.desired == "run" and row.paused,
        "job.requeue": possible.can_requeue,
        "job.unblock": lambda farm, row: bool(row.failures),
        "job.priority": _always,
        "job.set": _always,
        "job.delete": lambda farm, row: not possible.is_going(farm, row),
    },
    "channel": {
        "channel.start": lambda farm, row: row.state == "stopped",
        "channel.stop": lambda farm, row: row.state != "stopped",
        "channel.restart": _always,
        "channel.set": _always,
        "channel.move": _always,
        "channel.delete": _always,
    },
    "schedule": {
        "schedule.run_now": lambda farm, row: not farm.halted,
        "schedule.pause": lambda farm, row: possible.when_over(row) in ("armed", "stopped"),
        "schedule.resume": lambda farm, row: possible.when_over(row) == "paused",
        "schedule.remove": _always,
    },
    "alarm_rule": {
        "alarm_rule.set": _always,
        "alarm_rule.delete": _always,
    },
    "alarm": {
        "alarm.ack": lambda farm, row: possible.has_fired(row) and row.state != "acknowledged",
        "alarm.skip": lambda farm, row: possible.has_fired(row),
    },
    "delivery": {
        "delivery.retry": lambda farm, row: not possible.is_being_sent(row, farm.now),
        "delivery.drop": lambda farm, row: not possible.is_being_sent(row, farm.now),
    },
}


def by_state(farm: Farm, noun: str, row: Any) -> list[str]:
    """The commands that would change something about a row, whoever asks."""
    return [name for name, question in CAN.get(noun, {}).items() if question(farm, row)]


def for_role(table: Table, role: str) -> frozenset[str]:
    """The commands of all nouns that this role may give."""
    return frozenset(name for rows in CAN.values() for name in rows if may(role, table.rows[name].role))


def by(who: Who, allowed: frozenset[str], farm: Farm, noun: str, row: Any) -> list[str]:
    """The commands that this person can give a row; an artist changes only jobs of their own (calls.check_owner)."""
    if noun == "job" and who.role == "artist" and row.submitter != who.name:
        return []
    return [name for name in by_state(farm, noun, row) if name in allowed]
