"""Devices, keys and channels as tables, with defaults in the database: people add rows by hand there (RM-34, RM-36).

It must not know when they are read or who is told of a change.
"""

from __future__ import annotations

from typing import Any

import msgspec
from peewee import SQL, BigIntegerField, DoubleField, IntegerField, JSONField, Model, TextField

from brender.core import rows

TABLES = ("device", "key", "channel")


def upgrade(connection: Any) -> None:
    """Schema 6: devices, keys and channels. The text here is history: fixed."""
    row = (
        '"created_at" REAL NOT NULL DEFAULT 0, "modified_at" REAL NOT NULL DEFAULT 0, '
        '"version" INTEGER NOT NULL DEFAULT 1'
    )
    connection.execute(
        'CREATE TABLE "device" ("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, '
        '"worker_id" INTEGER NOT NULL DEFAULT 0, "description" TEXT NOT NULL DEFAULT \'\', '
        "\"vendor_id\" TEXT NOT NULL DEFAULT '', \"product_id\" TEXT NOT NULL DEFAULT '', "
        f"\"driver\" TEXT NOT NULL DEFAULT '', \"config\" TEXT NOT NULL DEFAULT '{{}}', {row})"
    )
    connection.execute(
        'CREATE TABLE "key" ("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, '
        "\"unit\" TEXT NOT NULL DEFAULT '', \"description\" TEXT NOT NULL DEFAULT '', "
        '"kind" TEXT NOT NULL DEFAULT \'gauge\', "mul" REAL NOT NULL DEFAULT 1, "add" REAL NOT NULL DEFAULT 0, '
        f"{row})"
    )
    connection.execute(
        'CREATE TABLE "channel" ("id" INTEGER NOT NULL PRIMARY KEY, "name" TEXT NOT NULL, '
        '"short_name" TEXT NOT NULL DEFAULT \'\', "device_id" INTEGER NOT NULL DEFAULT 0, '
        '"key_id" INTEGER NOT NULL DEFAULT 0, "type" TEXT NOT NULL DEFAULT \'scalar\', '
        "\"params\" TEXT NOT NULL DEFAULT '{}', \"placement\" TEXT NOT NULL DEFAULT 'floating', "
        '"manager_id" INTEGER NOT NULL DEFAULT 0, "group" TEXT NOT NULL DEFAULT \'\', '
        "\"state\" TEXT NOT NULL DEFAULT 'new', \"error\" TEXT NOT NULL DEFAULT '', "
        f'"labels" TEXT NOT NULL DEFAULT \'{{}}\', "started_at" REAL, {row})'
    )
    for table in ("device", "key", "channel"):
        connection.execute("INSERT INTO sequence (name, last) VALUES (?, 0)", (table,))


def _preset(value: str) -> dict[str, Any]:
    """A default of the column: people insert rows of the inventory by hand (RM-34)."""
    return {"constraints": [SQL(f"DEFAULT {value}")]}


class DeviceRow(Model):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    worker_id = BigIntegerField(**_preset("0"))
    description = TextField(**_preset("''"))
    vendor_id = TextField(**_preset("''"))
    product_id = TextField(**_preset("''"))
    driver = TextField(**_preset("''"))
    config = JSONField(**_preset("'{}'"))
    created_at = DoubleField(**_preset("0"))
    modified_at = DoubleField(**_preset("0"))
    version = IntegerField(**_preset("1"))

    class Meta:
        table_name = "device"


class KeyRow(Model):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    unit = TextField(**_preset("''"))
    description = TextField(**_preset("''"))
    kind = TextField(**_preset("'gauge'"))
    mul = DoubleField(**_preset("1"))
    add = DoubleField(**_preset("0"))
    created_at = DoubleField(**_preset("0"))
    modified_at = DoubleField(**_preset("0"))
    version = IntegerField(**_preset("1"))

    class Meta:
        table_name = "key"


class ChannelRow(Model):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    short_name = TextField(**_preset("''"))
    device_id = BigIntegerField(**_preset("0"))
    key_id = BigIntegerField(**_preset("0"))
    type = TextField(**_preset("'scalar'"))
    params = JSONField(**_preset("'{}'"))
    placement = TextField(**_preset("'floating'"))
    manager_id = BigIntegerField(**_preset("0"))
    group = TextField(**_preset("''"))
    state = TextField(**_preset("'new'"))
    error = TextField(**_preset("''"))
    labels = JSONField(**_preset("'{}'"))
    started_at = DoubleField(null=True)
    created_at = DoubleField(**_preset("0"))
    modified_at = DoubleField(**_preset("0"))
    version = IntegerField(**_preset("1"))

    class Meta:
        table_name = "channel"


def read(database: Any) -> tuple[list[tuple[str, Any]], list[tuple[str, int, str]]]:
    """All rows of the inventory as they are in the database, as (table, row); and what is no row, with why."""
    found: list[tuple[str, Any]] = []
    damaged: list[tuple[str, int, str]] = []
    for table in TABLES:
        kind: Any = rows.TABLES[table]
        names = kind.__struct_fields__
        columns = ", ".join(f'"{name}"' for name in names)
        for values in database.execute_sql(f'SELECT {columns} FROM "{table}" ORDER BY id').fetchall():
            fields = dict(zip(names, values, strict=True))
            try:
                for name in ("config", "params", "labels"):
                    if name in fields:
                        fields[name] = msgspec.json.decode(fields[name])
                found.append((table, msgspec.convert(fields, kind, strict=False)))
            except (msgspec.MsgspecError, TypeError) as error:
                damaged.append((table, int(values[0]), f"it is damaged: {error}"))
    return found, damaged
