"""A stage with schedules: time passes as on a hub, and what fires is written down. Runs end at once unless held."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from brender.config import DEFAULT, Settings
from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.rows import Schedule
from brender.core.rules.schedules import verdict

from .builders import Stage

HOUR, DAY = 3600.0, 86_400.0  # seconds


class Fired(Struct):
    """One run that began: at which time of the steady clock, for which occurrence (None: by hand or owed)."""

    at: float
    schedule: int
    due: float | None


class Clockwork(Stage):
    def __init__(self, farm: Farm | None = None, settings: Settings = DEFAULT) -> None:
        self.fired: list[Fired] = []
        self.held: dict[int, int] = {}  # schedules whose runs do not end by themselves -> the run that goes on
        self.number = 0
        super().__init__(farm, settings)

    def schedule(self, kind: str, **values: Any) -> Schedule:
        self.number += 1
        uuid = str(UUID(int=self.number << 96))
        answer = self.do(ev.Create("schedule", {"uuid": uuid, "kind": kind, "method": "farm.save", **values}))
        return self.farm.schedules[answer["row"]["id"]]

    def look(self) -> None:
        """What the hub does when something is due, until nothing is."""
        while found := self.farm.due.by(self.now, 1):
            row = self.farm.schedules[found[0]]
            wanted = verdict(self.farm, row, self.now, self.core.settings)
            due = None if row.queued and row.state != "running" else row.next_at
            assert self.do(ev.Fire(row.id, self.now))["verdict"] == wanted
            if wanted == "run":
                self.fired.append(Fired(self.now, row.id, due))
                if row.id in self.held:
                    self.held[row.id] = row.runs
                else:
                    self.done(row.id, row.runs)

    def end_run(self, schedule: int) -> None:
        """A run that was held ends; whether it fires again at once is seen, too."""
        run, self.held[schedule] = self.held[schedule], 0
        if run:
            self.done(schedule, run)

    def done(self, schedule: int, run: int, outcome: str = "ok") -> None:
        self.do(ev.ScheduleEnded(schedule, run, outcome, "OK done."))

    def go(self, seconds: float) -> list[float]:
        """Time passes, waking at each moment at which something is due; the times since the beginning of what fired."""
        end, seen = self.now + seconds, len(self.fired)
        while (first := self.farm.due.first()) is not None and first <= end:
            self.now = max(self.now, first)
            self.look()
        self.now = end
        self.turn(ev.Tick())
        return [one.at for one in self.fired[seen:]]

    def sleep(self, seconds: float) -> None:
        """The master is stopped for a while: nobody looks."""
        self.now += seconds
        self.turn(ev.Tick())
        self.look()

    def set_clock(self, seconds: float) -> None:
        """Somebody sets the wall clock forward or back; the master notices and looks."""
        self.do(ev.ClockMoved(self.farm.shift + seconds))
        self.look()
