"""The rows of brender/core/rows as peewee tables: the newest schema (upgrades.py has its history).

peewee makes the schema, the queries of reports and (later) PostgreSQL's dialect; the hot path uses `upsert_sql` on the
raw connection. It must not know how a farm is loaded or when it is saved.
"""

from __future__ import annotations

import uuid
from typing import Any

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    DoubleField,
    IntegerField,
    JSONField,
    Model,
    TextField,
)

from brender import alarms, inventory
from brender.core.rows import TABLES
from brender.upgrades import SCHEMA, transaction

APPLICATION = 0x42524E44  # "BRND" in the file's header: `file farm.db` and we know whose it is

# The literal text is the predicate of a partial index: a query uses that index only if it repeats it exactly.
FAILED = SQL("state IN ('error', 'terminated', 'killed', 'lost')")


class _Table(Model):
    class Meta:
        legacy_table_names = False


class WorkerRow(_Table):
    id = BigIntegerField(primary_key=True)
    key = TextField()
    name = TextField()
    mac = TextField()
    hostname = TextField()
    admin_state = TextField()
    presence = TextField()
    warning = TextField()
    slots = IntegerField()
    functions = JSONField()
    tags = JSONField()
    config = JSONField()
    facts = JSONField()
    platform = TextField()
    boot = TextField()
    legacy = BooleanField()
    rehosted_at = DoubleField(null=True)
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "worker"


class ProjectRow(_Table):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    description = TextField()
    weight = DoubleField()
    state = TextField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "project"


class LimitRow(_Table):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    count = IntegerField()
    description = TextField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "limit"


class PresetRow(_Table):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    params = JSONField()
    description = TextField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "preset"


class ScheduleRow(_Table):
    id = BigIntegerField(primary_key=True)
    uuid = TextField()
    name = TextField()
    kind = TextField()
    seconds = DoubleField()
    offset = DoubleField()
    timestamp = DoubleField()
    expr = TextField()
    tz = TextField()
    method = TextField()
    params = JSONField()
    project = TextField()
    owner = TextField()
    role = TextField()
    misfire = TextField()
    overlap = TextField()
    state = TextField()
    then = TextField()
    queued = BooleanField()
    next_at = DoubleField(null=True)
    last_at = DoubleField(null=True)
    last_result = JSONField()
    runs = IntegerField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "schedule"


class ScheduleRunRow(_Table):
    """No foreign key: a schedule may be gone while what became of it is history."""

    id = BigIntegerField(primary_key=True)
    schedule_id = BigIntegerField()
    name = TextField()
    command = TextField()
    due_at = DoubleField()
    fired_at = DoubleField(null=True)
    ended_at = DoubleField(null=True)
    outcome = TextField()
    said = TextField()
    code = IntegerField(null=True)
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "schedule_run"


class JobRow(_Table):
    id = BigIntegerField(primary_key=True)
    project_id = BigIntegerField(index=True)
    name = TextField()
    priority = IntegerField()
    desired = TextField()
    paused = BooleanField()
    state = TextField()
    run = IntegerField()
    tags = JSONField()
    submitter = TextField()
    after = JSONField()
    start_at = DoubleField(null=True)
    most_workers = IntegerField()
    most_tasks = IntegerField()
    failures = JSONField()
    created_at = DoubleField()
    started_at = DoubleField(null=True)
    ended_at = DoubleField(null=True)
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "job"


class StepRow(_Table):
    id = BigIntegerField(primary_key=True)
    job_id = BigIntegerField(index=True)
    name = TextField()
    place = IntegerField()
    exec = TextField()
    function = TextField()
    params = JSONField()
    frames = TextField()
    chunk = IntegerField()
    order = TextField()
    after = JSONField()
    limits = JSONField()
    needs = JSONField()
    retries = IntegerField()
    timeout = DoubleField(null=True)
    stalled_after = DoubleField(null=True)
    stop_stalled = BooleanField()
    run = IntegerField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "step"


class AttemptRow(_Table):
    """No foreign keys: a worker may be deleted while what it once did stays history."""

    id = BigIntegerField(primary_key=True)
    step_id = BigIntegerField()
    task = IntegerField()
    run = IntegerField()
    number = IntegerField()
    worker_id = BigIntegerField()
    state = TextField()
    exit_code = IntegerField(null=True)
    signal = IntegerField(null=True)
    pid = BigIntegerField(null=True)
    reason = TextField()
    assigned_at = DoubleField()
    started_at = DoubleField(null=True)
    ended_at = DoubleField(null=True)
    spent = BooleanField()
    memory_mb = IntegerField()

    class Meta:
        table_name = "attempt"
        indexes = ((("step_id", "task"), False),)


AttemptRow.add_index(AttemptRow.index(AttemptRow.ended_at, name="attempt_failed", where=FAILED))


class FarmRow(_Table):
    """One row: who this farm is, and how many masters have led it."""

    id = IntegerField(primary_key=True)
    epoch = BigIntegerField()
    farm_id = TextField()

    class Meta:
        table_name = "farm"


class SequenceRow(_Table):
    """The highest id each table ever had: an id must not come back when its row is deleted (it is a fence)."""

    name = TextField(primary_key=True)
    last = BigIntegerField()

    class Meta:
        table_name = "sequence"


class EventRow(_Table):
    """The event log: what happened, to what, by whom. Appended outside the farm's own transactions."""

    id = BigIntegerField(primary_key=True)
    at = DoubleField(index=True)
    topic = TextField()
    by = TextField()
    subject = TextField()
    subject_id = BigIntegerField()
    data = JSONField()

    class Meta:
        table_name = "event"
        indexes = ((("subject", "subject_id"), False),)


MIRRORED: dict[str, type[Model]] = {
    "worker": WorkerRow,
    "project": ProjectRow,
    "limit": LimitRow,
    "preset": PresetRow,
    "device": inventory.DeviceRow,
    "key": inventory.KeyRow,
    "channel": inventory.ChannelRow,
    "schedule": ScheduleRow,
    "schedule_run": ScheduleRunRow,
    "job": JobRow,
    "step": StepRow,
    "attempt": AttemptRow,
    "alarm_rule": alarms.AlarmRuleRow,
    "alarm": alarms.AlarmRow,
    "logger": alarms.LoggerRow,
    "record": alarms.RecordRow,
    "delivery": alarms.DeliveryRow,
}
ALL: tuple[type[Model], ...] = (*MIRRORED.values(), FarmRow, SequenceRow, EventRow)
COLUMNS: dict[str, tuple[str, ...]] = {table: kind.__struct_fields__ for table, kind in TABLES.items()}
# Where in a row's values JSON text goes: lists and dicts have no column type of their own.
JSON_AT: dict[str, tuple[int, ...]] = {
    table: tuple(i for i, name in enumerate(names) if isinstance(MIRRORED[table]._meta.fields[name], JSONField))
    for table, names in COLUMNS.items()
}
# Columns that no put changes after the first: left out of the update so that their index is not written again.
_FIXED = {"attempt": ("id", "step_id", "task")}


def upsert_sql(table: str) -> str:
    """One statement that puts many whole rows; its one parameter is a JSON list of rows in column order.

    Not `executemany`: that takes and gives back the GIL for every row, and under a busy hub waits 5 ms each time
    (measured: 1,000 rows in 62 ms p50, 790 ms at worst; this way 19 and 37).
    """
    names = COLUMNS[table]
    fixed = _FIXED.get(table, ("id",))
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f"value->>{i}" for i in range(len(names)))
    updates = ", ".join(f'"{name}"=excluded."{name}"' for name in names if name not in fixed)
    return (
        f'INSERT INTO "{table}" ({columns}) SELECT {values} FROM json_each(?) WHERE true '
        f"ON CONFLICT(id) DO UPDATE SET {updates}"
    )


def create(database: Any) -> None:
    """Make the newest schema in an empty database, in one transaction."""
    connection = database.connection()
    with database.bind_ctx(ALL), transaction(connection):
        database.create_tables(ALL, safe=False)
        FarmRow.insert(id=1, epoch=0, farm_id=uuid.uuid4().hex).execute()
        SequenceRow.insert_many([{"name": table, "last": 0} for table in TABLES]).execute()
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
