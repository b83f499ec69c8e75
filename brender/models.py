"""The rows of brender/core/farm.py as peewee tables, and the schema's history.

peewee makes the schema, the queries of reports and (later) PostgreSQL's dialect; the hot path uses `upsert_sql` on the
raw connection. It must not know how a farm is loaded or when it is saved.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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

from brender import inventory
from brender.core.farm import TABLES

APPLICATION = 0x42524E44  # "BRND" in the file's header: `file farm.db` and we know whose it is
SCHEMA = 8

Upgrade = Callable[[Any], None]


def placement(connection: Any) -> None:
    """Schema 2: what placement needs (order, dependencies, limits, needs, shares). The text here is history: fixed."""
    for table, column in (
        ("worker", "\"facts\" TEXT NOT NULL DEFAULT '{}'"),
        ("project", '"weight" REAL NOT NULL DEFAULT 1.0'),
        ("job", "\"after\" TEXT NOT NULL DEFAULT '[]'"),
        ("job", '"start_at" REAL'),
        ("job", '"most_workers" INTEGER NOT NULL DEFAULT 0'),
        ("job", '"most_tasks" INTEGER NOT NULL DEFAULT 0'),
        ("job", "\"failures\" TEXT NOT NULL DEFAULT '{}'"),
        ("step", "\"order\" TEXT NOT NULL DEFAULT 'linear'"),
        ("step", "\"after\" TEXT NOT NULL DEFAULT '[]'"),
        ("step", "\"limits\" TEXT NOT NULL DEFAULT '[]'"),
        ("step", "\"needs\" TEXT NOT NULL DEFAULT '{}'"),
    ):
        connection.execute(f'ALTER TABLE "{table}" ADD COLUMN {column}')
    connection.execute(
        'CREATE TABLE "limit" ("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "count" INTEGER NOT NULL, '
        '"description" TEXT NOT NULL, "created_at" REAL NOT NULL, "modified_at" REAL NOT NULL, '
        '"version" INTEGER NOT NULL)'
    )
    connection.execute("INSERT INTO sequence (name, last) VALUES ('limit', 0)")


def presets(connection: Any) -> None:
    """Schema 3: render configs. The text here is history: fixed."""
    connection.execute(
        'CREATE TABLE "preset" ("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, "params" TEXT NOT NULL, '
        '"description" TEXT NOT NULL, "created_at" REAL NOT NULL, "modified_at" REAL NOT NULL, '
        '"version" INTEGER NOT NULL)'
    )
    connection.execute("INSERT INTO sequence (name, last) VALUES ('preset', 0)")


def stalls(connection: Any) -> None:
    """Schema 4: when tasks are taken for stuck. The text here is history: fixed."""
    connection.execute('ALTER TABLE "step" ADD COLUMN "stalled_after" REAL')
    connection.execute('ALTER TABLE "step" ADD COLUMN "stop_stalled" INTEGER NOT NULL DEFAULT 0')


def memory(connection: Any) -> None:
    """Schema 5: what attempts held of memory. The text here is history: fixed."""
    connection.execute('ALTER TABLE "attempt" ADD COLUMN "memory_mb" INTEGER NOT NULL DEFAULT 0')


def schedules(connection: Any) -> None:
    """Schema 7: commands that the clock runs. The text here is history: fixed."""
    connection.execute(
        'CREATE TABLE "schedule" ("id" INTEGER NOT NULL PRIMARY KEY, "uuid" TEXT NOT NULL, "name" TEXT NOT NULL, '
        '"kind" TEXT NOT NULL, "seconds" REAL NOT NULL, "offset" REAL NOT NULL, "timestamp" REAL NOT NULL, '
        '"expr" TEXT NOT NULL, "tz" TEXT NOT NULL, "method" TEXT NOT NULL, "params" TEXT NOT NULL, '
        '"project" TEXT NOT NULL, "owner" TEXT NOT NULL, "role" TEXT NOT NULL, "misfire" TEXT NOT NULL, '
        '"overlap" TEXT NOT NULL, "state" TEXT NOT NULL, "then" TEXT NOT NULL, "queued" INTEGER NOT NULL, '
        '"next_at" REAL, "last_at" REAL, "last_result" TEXT NOT NULL, "runs" INTEGER NOT NULL, '
        '"created_at" REAL NOT NULL, "modified_at" REAL NOT NULL, "version" INTEGER NOT NULL)'
    )
    connection.execute("INSERT INTO sequence (name, last) VALUES ('schedule', 0)")


def alarms(connection: Any) -> None:
    """Schema 8: alarm rules, alarms, loggers, their lines and letters. The text here is history: fixed."""
    common = '"created_at" REAL NOT NULL, "modified_at" REAL NOT NULL, "version" INTEGER NOT NULL'
    for table, columns in {
        "alarm_rule": '"name" TEXT NOT NULL, "source" TEXT NOT NULL, "selector" TEXT NOT NULL, '
        '"condition" TEXT NOT NULL, '
        '"threshold" REAL NOT NULL, "lasting" REAL NOT NULL, "clear" REAL, "level" TEXT NOT NULL, '
        '"logger" TEXT NOT NULL, "runbook" TEXT NOT NULL, "enabled" INTEGER NOT NULL',
        "alarm": '"rule_id" INTEGER NOT NULL, "subject" TEXT NOT NULL, "subject_id" INTEGER NOT NULL, '
        '"about" TEXT NOT NULL, "said" TEXT NOT NULL, "worker_id" INTEGER NOT NULL, "state" TEXT NOT NULL, '
        '"value" REAL, "level" TEXT NOT NULL, "muted" INTEGER NOT NULL, "count" INTEGER NOT NULL, '
        '"since" REAL NOT NULL, "fired_at" REAL, "resolved_at" REAL, "acked_by" TEXT NOT NULL, "skipped_until" REAL',
        "logger": '"name" TEXT NOT NULL, "levels" TEXT NOT NULL, "sinks" TEXT NOT NULL',
        "record": '"logger_id" INTEGER NOT NULL, "level" TEXT NOT NULL, "schedule" TEXT NOT NULL, '
        '"text" TEXT NOT NULL, "host" TEXT NOT NULL, "mac" TEXT NOT NULL, "data" TEXT NOT NULL, '
        '"delivery_id" INTEGER NOT NULL, "state" TEXT NOT NULL',
        "delivery": '"logger_id" INTEGER NOT NULL, "schedule" TEXT NOT NULL, "level" TEXT NOT NULL, '
        '"message_id" TEXT NOT NULL, "state" TEXT NOT NULL, "attempts" INTEGER NOT NULL, "next_at" REAL NOT NULL, '
        '"expires_at" REAL NOT NULL, "holder" TEXT NOT NULL, "done" TEXT NOT NULL, "refused" TEXT NOT NULL, '
        '"error" TEXT NOT NULL, "sent_at" REAL',
    }.items():
        connection.execute(f'CREATE TABLE "{table}" ("id" INTEGER NOT NULL PRIMARY KEY, {columns}, {common})')
        connection.execute("INSERT INTO sequence (name, last) VALUES (?, 0)", (table,))
    for table, state in (("alarm", "resolved"), ("record", "over"), ("delivery", "sent")):
        connection.execute(f'CREATE INDEX "{table}_live" ON "{table}" ("state") WHERE state <> \'{state}\'')


# Schema number -> what brings a raw connection there from the number before. Forward only, one transaction each.
UPGRADES: dict[int, Upgrade] = {
    2: placement,
    3: presets,
    4: stalls,
    5: memory,
    6: inventory.upgrade,
    7: schedules,
    8: alarms,
}

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


class AlarmRuleRow(_Table):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    source = TextField()
    selector = JSONField()
    condition = TextField()
    threshold = DoubleField()
    lasting = DoubleField()
    clear = DoubleField(null=True)
    level = TextField()
    logger = TextField()
    runbook = TextField()
    enabled = BooleanField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "alarm_rule"


class AlarmRow(_Table):
    """No foreign keys: what an alarm was about may be gone while the alarm is history."""

    id = BigIntegerField(primary_key=True)
    rule_id = BigIntegerField()
    subject = TextField()
    subject_id = BigIntegerField()
    about = TextField()
    said = TextField()
    worker_id = BigIntegerField()
    state = TextField()
    value = DoubleField(null=True)
    level = TextField()
    muted = BooleanField()
    count = IntegerField()
    since = DoubleField()
    fired_at = DoubleField(null=True)
    resolved_at = DoubleField(null=True)
    acked_by = TextField()
    skipped_until = DoubleField(null=True)
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "alarm"


class LoggerRow(_Table):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    levels = JSONField()
    sinks = JSONField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "logger"


class RecordRow(_Table):
    id = BigIntegerField(primary_key=True)
    logger_id = BigIntegerField()
    level = TextField()
    schedule = TextField()
    text = TextField()
    host = TextField()
    mac = TextField()
    data = JSONField()
    delivery_id = BigIntegerField()
    state = TextField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "record"


class DeliveryRow(_Table):
    id = BigIntegerField(primary_key=True)
    logger_id = BigIntegerField()
    schedule = TextField()
    level = TextField()
    message_id = TextField()
    state = TextField()
    attempts = IntegerField()
    next_at = DoubleField()
    expires_at = DoubleField()
    holder = TextField()
    done = JSONField()
    refused = JSONField()
    error = TextField()
    sent_at = DoubleField(null=True)
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "delivery"


# Rows that a farm has in memory; the literal text is the predicate of an index and of the load (rebuild.py).
LIVE = {"alarm": "state <> 'resolved'", "record": "state <> 'over'", "delivery": "state <> 'sent'"}
for _model in (AlarmRow, RecordRow, DeliveryRow):
    _name = _model._meta.table_name
    _model.add_index(_model.index(_model.state, name=f"{_name}_live", where=SQL(LIVE[_name])))


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
    "job": JobRow,
    "step": StepRow,
    "attempt": AttemptRow,
    "alarm_rule": AlarmRuleRow,
    "alarm": AlarmRow,
    "logger": LoggerRow,
    "record": RecordRow,
    "delivery": DeliveryRow,
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
    with database.bind_ctx(ALL), _transaction(connection):
        database.create_tables(ALL, safe=False)
        FarmRow.insert(id=1, epoch=0, farm_id=uuid.uuid4().hex).execute()
        SequenceRow.insert_many([{"name": table, "last": 0} for table in TABLES]).execute()
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def upgrade(connection: Any, found: int, upgrades: Mapping[int, Upgrade]) -> None:
    """Run every schema step after `found`, each in its own transaction with its number (F42)."""
    for number in sorted(step for step in upgrades if step > found):
        with _transaction(connection):
            upgrades[number](connection)
            connection.execute(f"PRAGMA user_version = {number}")


@contextmanager
def _transaction(connection: Any) -> Iterator[None]:
    """All or nothing. SQLite may have rolled back by itself already: asking again would hide why."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
