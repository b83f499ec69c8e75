"""What a rule may use: the farm to read, the ledger to write, a list of orders and a list of notices to append to."""

from __future__ import annotations

from typing import Any, TypeVar

from brender.config import Settings
from brender.core.farm import Farm
from brender.core.ledger import Ledger
from brender.core.load import Load
from brender.core.orders import Order
from brender.core.rows import (
    Alarm,
    AlarmRule,
    Channel,
    Delivery,
    Device,
    Job,
    Key,
    Limit,
    Preset,
    Project,
    Schedule,
    Step,
    Worker,
)
from brender.errors import NotFound

T = TypeVar("T")


class Context:
    """One per core; orders and notices are emptied each turn."""

    def __init__(self, farm: Farm, ledger: Ledger, settings: Settings) -> None:
        self.farm = farm
        self.ledger = ledger
        self.settings = settings
        self.orders: list[tuple[int, Order]] = []
        self.notices: list[tuple[str, dict[str, Any]]] = []

    @property
    def now(self) -> float:
        """Seconds since the epoch, the same for the whole turn."""
        return self.farm.now

    @property
    def wall(self) -> float:
        """What the clock on the wall shows now, in seconds since the epoch."""
        return self.farm.wall

    def order(self, session: int | None, order: Order) -> None:
        """Ask the worker at that session for something; to a worker that is away nothing is sent."""
        if session is not None:
            self.orders.append((session, order))

    def notice(self, topic: str, **data: Any) -> None:
        """Tell subscribers."""
        self.notices.append((topic, data))

    def worker(self, worker_id: int) -> Worker:
        return _found(self.farm.workers, "worker", worker_id)

    def project(self, project_id: int) -> Project:
        return _found(self.farm.projects, "project", project_id)

    def limit(self, limit_id: int) -> Limit:
        return _found(self.farm.limits, "limit", limit_id)

    def preset(self, preset_id: int) -> Preset:
        return _found(self.farm.presets, "preset", preset_id)

    def device(self, device_id: int) -> Device:
        return _found(self.farm.devices, "device", device_id)

    def key(self, key_id: int) -> Key:
        return _found(self.farm.keys, "key", key_id)

    def channel(self, channel_id: int) -> Channel:
        return _found(self.farm.channels, "channel", channel_id)

    def schedule(self, schedule_id: int) -> Schedule:
        return _found(self.farm.schedules, "schedule", schedule_id)

    def job(self, job_id: int) -> Job:
        return _found(self.farm.jobs, "job", job_id)

    def step(self, step_id: int) -> Step:
        return _found(self.farm.steps, "step", step_id)

    def alarm_rule(self, rule_id: int) -> AlarmRule:
        return _found(self.farm.alarm_rules, "alarm rule", rule_id)

    def alarm(self, alarm_id: int) -> Alarm:
        return _found(self.farm.alarms, "alarm", alarm_id)

    def delivery(self, delivery_id: int) -> Delivery:
        return _found(self.farm.deliveries, "delivery", delivery_id)

    def load_at(self, session: int) -> tuple[Worker, Load] | None:
        """The worker that speaks over this session, or None when a newer session took over."""
        worker_id = self.farm.sessions.get(session)
        if worker_id is None:
            return None
        return self.farm.workers[worker_id], self.farm.loads[worker_id]


def _found(rows: dict[int, T], noun: str, row_id: int) -> T:
    row = rows.get(row_id)
    if row is None:
        raise NotFound(f"There is no {noun} {row_id}.", hint=f"See {noun} list.")
    return row
