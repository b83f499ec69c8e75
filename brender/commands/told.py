"""What an event of a row says beside the row's own values: what can be done with it, and names that lists show.

The same names stand in the rows of farm.mirror, so a page that lays an event over its row has what a fresh one has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brender.commands import channels, possible, schedules
from brender.commands.table import Table
from brender.core.farm import Farm
from brender.core.rows import Schedule

Values = Mapping[str, Any]


def _alarm(table: Table, farm: Farm, values: Values) -> dict[str, Any]:
    rule, worker = farm.alarm_rules.get(values["rule_id"]), farm.workers.get(values["worker_id"])
    return {"rule": rule.name if rule else "", "worker": worker.name if worker else ""}


def _delivery(table: Table, farm: Farm, values: Values) -> dict[str, Any]:
    logger = farm.loggers.get(values["logger_id"])
    return {"logger": logger.name if logger else ""}


def _schedule(table: Table, farm: Farm, values: Values) -> dict[str, Any]:
    return {"command": schedules.command_of(table, farm, Schedule(**values))}


def _channel(table: Table, farm: Farm, values: Values) -> dict[str, Any]:
    return channels.names_of(farm, values["device_id"], values["key_id"], values["manager_id"])


BESIDE: Mapping[str, Callable[[Table, Farm, Values], dict[str, Any]]] = {
    "alarm": _alarm,
    "channel": _channel,
    "delivery": _delivery,
    "schedule": _schedule,
}


def beside(table: Table, farm: Farm, noun: str, values: Values) -> dict[str, Any]:
    """Names of a row with these values that it has not itself."""
    made = BESIDE.get(noun)
    return {} if made is None else made(table, farm, values)


def tell(table: Table, farm: Farm, notices: list[tuple[str, dict[str, Any]]]) -> None:
    """Write them into the events of rows that have changed. `can` leaves the role out: a page asks its own."""
    for topic, data in notices:
        noun, _, verb = topic.partition(".")
        if verb == "changed" and noun in possible.CAN:
            row = farm.table(noun).get(data["id"])  # what is over may have left memory in the turn that ended it
            more = beside(table, farm, noun, data)
            data |= more | {"can": [] if row is None else possible.by_state(farm, noun, row)}
