"""All rows of a farm: the same as the database's, field by field, by what they are about.

Data only, no rule. A table is named here once; whoever has a row finds its table by the row's type.
"""

from __future__ import annotations

from brender.core.rows.alarms import Alarm, AlarmRule, Delivery, Logger, Record
from brender.core.rows.measured import Channel, Device, Key
from brender.core.rows.schedules import Schedule, ScheduleRun
from brender.core.rows.work import Attempt, Job, Limit, Preset, Project, Step, Trouble, Worker

__all__ = [
    "TABLES",
    "TABLE_OF",
    "Alarm",
    "AlarmRule",
    "Attempt",
    "Channel",
    "Delivery",
    "Device",
    "Job",
    "Key",
    "Limit",
    "Logger",
    "Nameless",
    "Preset",
    "Project",
    "Record",
    "Row",
    "Schedule",
    "ScheduleRun",
    "Step",
    "Trouble",
    "Worker",
]

Row = (
    Worker
    | Project
    | Limit
    | Preset
    | Device
    | Key
    | Channel
    | Schedule
    | ScheduleRun
    | Job
    | Step
    | Attempt
    | AlarmRule
    | Alarm
    | Logger
    | Record
    | Delivery
)
Nameless = Attempt | Alarm | Record | Delivery | ScheduleRun
TABLES: dict[str, type[Row]] = {
    "worker": Worker,
    "project": Project,
    "limit": Limit,
    "preset": Preset,
    "device": Device,
    "key": Key,
    "channel": Channel,
    "schedule": Schedule,
    "schedule_run": ScheduleRun,
    "job": Job,
    "step": Step,
    "attempt": Attempt,
    "alarm_rule": AlarmRule,
    "alarm": Alarm,
    "logger": Logger,
    "record": Record,
    "delivery": Delivery,
}
TABLE_OF: dict[type[Row], str] = {kind: table for table, kind in TABLES.items()}
