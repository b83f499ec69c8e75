"""The rows of a farm by table and id, and by name: where whoever has a name or a number finds the row.

It must not know what follows from a row (farm.py keeps the indexes), nor who may change one (ledger.py).
"""

from __future__ import annotations

from typing import Any

from brender.core.rows import (
    TABLE_OF,
    TABLES,
    Alarm,
    AlarmRule,
    Attempt,
    Channel,
    Delivery,
    Device,
    Job,
    Key,
    Limit,
    Logger,
    Preset,
    Project,
    Record,
    Schedule,
    ScheduleRun,
    Step,
    Worker,
)

Named = Worker | Project | Limit | Preset | Device | Key | Channel | Schedule | Job | Step | AlarmRule | Logger
# Where the rows of a table stand in Tables.
_HELD: dict[str, str] = {
    "worker": "workers",
    "project": "projects",
    "limit": "limits",
    "preset": "presets",
    "device": "devices",
    "key": "keys",
    "channel": "channels",
    "schedule": "schedules",
    "schedule_run": "schedule_runs",
    "job": "jobs",
    "step": "steps",
    "attempt": "attempts",
    "alarm_rule": "alarm_rules",
    "alarm": "alarms",
    "logger": "loggers",
    "record": "records",
    "delivery": "deliveries",
}


class Tables:
    """All rows by table and id. What has a name is found by it, under its parent."""

    def __init__(self) -> None:
        self.workers: dict[int, Worker] = {}
        self.projects: dict[int, Project] = {}
        self.limits: dict[int, Limit] = {}
        self.presets: dict[int, Preset] = {}
        self.devices: dict[int, Device] = {}
        self.keys: dict[int, Key] = {}
        self.channels: dict[int, Channel] = {}
        self.schedules: dict[int, Schedule] = {}
        self.schedule_runs: dict[int, ScheduleRun] = {}  # the newest, those that go on among them
        self.jobs: dict[int, Job] = {}
        self.steps: dict[int, Step] = {}
        self.attempts: dict[int, Attempt] = {}  # live ones only; ended ones are rows on the disk
        self.alarm_rules: dict[int, AlarmRule] = {}
        self.alarms: dict[int, Alarm] = {}  # those that are not resolved; resolved ones are rows on the disk
        self.loggers: dict[int, Logger] = {}
        self.records: dict[int, Record] = {}  # those that still have to be delivered
        self.deliveries: dict[int, Delivery] = {}  # those that are not sent
        self.names: dict[tuple[str, int, str], int] = {}  # (table, parent id, name) -> id
        self.next_ids: dict[str, int] = dict.fromkeys(TABLES, 1)

    def table(self, name: str) -> dict[int, Any]:
        """The rows of a table by id."""
        found: dict[int, Any] = getattr(self, _HELD[name])
        return found

    @staticmethod
    def name_key(row: Named) -> tuple[str, int, str]:
        """Where a row's name must be unique: a job in its project, a step in its job, the others in the farm."""
        parent = row.project_id if isinstance(row, Job) else row.job_id if isinstance(row, Step) else 0
        return TABLE_OF[type(row)], parent, row.name or (row.uuid if isinstance(row, Schedule) else "")

    def project_named(self, name: str) -> Project | None:
        found = self.names.get(("project", 0, name))
        return None if found is None else self.projects[found]

    def limit_named(self, name: str) -> Limit | None:
        found = self.names.get(("limit", 0, name))
        return None if found is None else self.limits[found]

    def preset_named(self, name: str) -> Preset | None:
        found = self.names.get(("preset", 0, name))
        return None if found is None else self.presets[found]

    def device_named(self, name: str) -> Device | None:
        found = self.names.get(("device", 0, name))
        return None if found is None else self.devices[found]

    def key_named(self, name: str) -> Key | None:
        found = self.names.get(("key", 0, name))
        return None if found is None else self.keys[found]

    def channel_named(self, name: str) -> Channel | None:
        found = self.names.get(("channel", 0, name))
        return None if found is None else self.channels[found]

    def schedule_named(self, name: str) -> Schedule | None:
        """The schedule of this name or uuid."""
        found = self.names.get(("schedule", 0, name))
        return None if found is None else self.schedules[found]

    def alarm_rule_named(self, name: str) -> AlarmRule | None:
        found = self.names.get(("alarm_rule", 0, name))
        return None if found is None else self.alarm_rules[found]

    def logger_named(self, name: str) -> Logger | None:
        found = self.names.get(("logger", 0, name))
        return None if found is None else self.loggers[found]

    def job_word(self, job: Job, word: str) -> Job | None:
        """The job that another names in `after`: one of its own project, or project/job."""
        found = self.job_named(job.project_id, word)
        if found is None and "/" in word:
            project = self.project_named(word.partition("/")[0])
            found = self.job_named(project.id, word.partition("/")[2]) if project is not None else None
        return found

    def job_named(self, project_id: int, name: str) -> Job | None:
        found = self.names.get(("job", project_id, name))
        return None if found is None else self.jobs[found]

    def step_named(self, job_id: int, name: str) -> Step | None:
        found = self.names.get(("step", job_id, name))
        return None if found is None else self.steps[found]
