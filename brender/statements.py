"""Changes of rows become SQL statements: many rows each, in an order that keeps references whole. It opens nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from brender import models
from brender.core.journal import Change

Statement = tuple[str, tuple[Any, ...]]

_ROWS_A_STATEMENT = 20_000  # bounds the text of one statement
_PUT = {table: models.upsert_sql(table) for table in models.COLUMNS}
_IDS = "(SELECT value FROM json_each(?))"
# What goes with a row that is deleted: history of a step nobody can name any more is only weight.
_DELETE: dict[str, tuple[str, ...]] = {
    "job": (
        f"DELETE FROM attempt WHERE step_id IN (SELECT id FROM step WHERE job_id IN {_IDS})",
        f"DELETE FROM step WHERE job_id IN {_IDS}",
    ),
    "step": (f"DELETE FROM attempt WHERE step_id IN {_IDS}",),
}

# Rows of these tables go with a deleted row of that one.
_CHILDREN = {"job": ("step", "attempt"), "step": ("attempt",)}
_SEQUENCE = "UPDATE sequence SET last = ? WHERE name = ? AND last < ?"


def statements(last: Mapping[tuple[str, int], Change]) -> list[Statement]:
    """What writes these changes, by table and id: puts, the highest ids of what goes, deletes."""
    puts: defaultdict[str, list[tuple[int, tuple[Any, ...]]]] = defaultdict(list)
    deletes: defaultdict[str, list[int]] = defaultdict(list)
    for (table, row_id), change in last.items():
        if change.op == "put":
            puts[table].append((row_id, change.values))
        else:
            deletes[table].append(row_id)
    return [*_puts(puts), *_sequences(deletes), *_deletes(deletes)]


def _puts(puts: Mapping[str, list[tuple[int, tuple[Any, ...]]]]) -> Iterable[Statement]:
    for table in models.COLUMNS:  # parents before children
        rows = sorted(puts.get(table, ()), key=lambda row: row[0])  # in key order 4 × faster than not
        for at in range(0, len(rows), _ROWS_A_STATEMENT):
            yield _PUT[table], (_as_json(table, [values for _, values in rows[at : at + _ROWS_A_STATEMENT]]),)


def _as_json(table: str, rows: list[tuple[Any, ...]]) -> str:
    try:
        return _encoded(table, rows)
    except (UnicodeError, OverflowError):
        # Half of a surrogate pair or a number past 64 bits, from some foreign text: keep it legible, never die of it.
        return _encoded(table, _storable(rows))


def _encoded(table: str, rows: list[tuple[Any, ...]]) -> str:
    encode = msgspec.json.encode
    json_at = models.JSON_AT[table]
    if not json_at:
        return encode(rows).decode()
    plain = [list(values) for values in rows]
    for values in plain:
        for i in json_at:
            values[i] = encode(values[i]).decode()
    return encode(plain).decode()


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, int):
        return max(-(1 << 63), min(value, (1 << 63) - 1))
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(str(key)): _storable(one) for key, one in value.items()}
    return value


def _deletes(deletes: Mapping[str, list[int]]) -> Iterable[Statement]:
    for table in reversed(models.COLUMNS):  # children before parents
        if ids := deletes.get(table):
            text = json.dumps(ids)
            for sql in (*_DELETE.get(table, ()), f'DELETE FROM "{table}" WHERE id IN {_IDS}'):
                yield sql, (text,)


def _sequences(deletes: Mapping[str, list[int]]) -> Iterable[Statement]:
    """Remember the highest ids before rows go: an id is never given twice, and only a delete can lower the highest.

    Written with the deletes alone, since a submit waits for each statement of its commit.
    """
    gone = {table: max(ids) for table, ids in deletes.items()}
    for table, highest in gone.items():
        yield _SEQUENCE, (highest, table, highest)
        for child in _CHILDREN.get(table, ()):
            yield (
                f'UPDATE sequence SET last = max(last, (SELECT ifnull(max(id), 0) FROM "{child}")) WHERE name = ?',
                (child,),
            )
