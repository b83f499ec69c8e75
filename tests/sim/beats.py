"""Schedules of a simulated farm: each run counts up a limit, so what took effect can be held against what is said."""

from __future__ import annotations

from typing import Annotated, Any

from brender.commands.calls import Call
from brender.commands.kinds import Arg
from brender.commands.table import Row, Table
from brender.core import events as ev
from brender.core.journal import Change
from brender.core.rows import TABLES
from brender.errors import NotFound

PATIENCE = 20.0  # seconds for a paused master and a slow disk; a clock is set by more

_FIELDS = {table: {name: at for at, name in enumerate(kind.__struct_fields__)} for table, kind in TABLES.items()}


def once(call: Call, name: Annotated[str, Arg(text="which limit")]) -> ev.Event:
    """Count a limit up by one."""
    limit = call.farm.limit_named(name)
    if limit is None:
        raise NotFound(f"There is no limit {name}.")
    return ev.Update("limit", [limit.id], {"count": limit.count + 1})


COMMANDS = Table((Row("beat.once", once, "operator"),), {})


def makers(name: str, kind: str, period: float, misfire: str) -> list[ev.Event]:
    """What makes a beat; said twice, the second time is refused."""
    values = {"uuid": f"{name}-uuid", "name": name, "kind": kind, "seconds": period, "misfire": misfire}
    values |= {"method": "beat.once", "params": {"name": name}, "role": "admin"}
    return [ev.Create("limit", {"name": name, "count": 0}), ev.Create("schedule", values)]


class Beats:
    """Reads commits: after each, a schedule ran as often as it took effect, and by the clock of that time."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.runs: dict[str, int] = {}
        self.periods: dict[str, float] = {}
        self.set_at = -PATIENCE  # when somebody set the clock last

    def committed(self, changes: list[Change], now: float, wall: float) -> list[str]:
        """The promises that these changes break."""
        broken = []
        for change in changes:
            if change.op != "put" or change.table not in ("limit", "schedule"):
                continue
            row = {name: change.values[at] for name, at in _FIELDS[change.table].items()}
            if change.table == "limit":
                self.counts[row["name"]] = row["count"]
            else:
                broken += self._schedule(row, now, wall)
        return broken + [
            f"schedule {name} is said to have run {runs} times and took effect {self.counts[name]} times"
            for name, runs in self.runs.items()
            if runs != self.counts[name]
        ]

    def _schedule(self, row: dict[str, Any], now: float, wall: float) -> list[str]:
        name, before = row["name"], self.runs.get(row["name"], 0)
        self.runs[name], self.periods[name] = row["runs"], row["seconds"]
        if row["runs"] > before and now - self.set_at > PATIENCE and not 0 <= wall - row["last_at"] <= PATIENCE:
            return [f"schedule {name} ran at {row['last_at']}, the clock on the wall shows {wall}"]
        return []
