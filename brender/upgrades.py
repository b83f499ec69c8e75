"""How an older farm.db becomes one of today, step by step; each step is history and stays as it is.

It must not know rows: models.py has the newest schema, and a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from brender import inventory

SCHEMA = 9

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


def runs(connection: Any) -> None:
    """Schema 9: what became of schedules, and when a manager's channels changed. The text here is history: fixed."""
    connection.execute('ALTER TABLE "worker" ADD COLUMN "rehosted_at" REAL')
    connection.execute(
        'CREATE TABLE "schedule_run" ("id" INTEGER NOT NULL PRIMARY KEY, "schedule_id" INTEGER NOT NULL, '
        '"name" TEXT NOT NULL, "command" TEXT NOT NULL, "due_at" REAL NOT NULL, "fired_at" REAL, "ended_at" REAL, '
        '"outcome" TEXT NOT NULL, "said" TEXT NOT NULL, "code" INTEGER, "created_at" REAL NOT NULL, '
        '"modified_at" REAL NOT NULL, "version" INTEGER NOT NULL)'
    )
    connection.execute("INSERT INTO sequence (name, last) VALUES ('schedule_run', 0)")


# Schema number -> what brings a raw connection there from the number before. Forward only, one transaction each.
UPGRADES: dict[int, Upgrade] = {
    2: placement,
    3: presets,
    4: stalls,
    5: memory,
    6: inventory.upgrade,
    7: schedules,
    8: alarms,
    9: runs,
}


def upgrade(connection: Any, found: int, upgrades: Mapping[int, Upgrade]) -> None:
    """Run every schema step after `found`, each in its own transaction with its number (F42)."""
    for number in sorted(step for step in upgrades if step > found):
        with transaction(connection):
            upgrades[number](connection)
            connection.execute(f"PRAGMA user_version = {number}")


@contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """All or nothing. SQLite may have rolled back by itself already: asking again would hide why."""
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.intransaction:
            connection.execute("ROLLBACK")
        raise
