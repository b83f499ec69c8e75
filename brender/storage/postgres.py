"""Readings in PostgreSQL, by URL: months are partitions, many rows go in by COPY. An engine, through psycopg 3.

All is in a schema of its own, so that a database may be shared with other things. It must not know what the tables are
for. A server that is away is tried again at the next use; passwords are never shown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from brender.disk import StoreFull
from brender.errors import Unsupported
from brender.storage.engine import BYTES, REAL, TEXT, WHOLE, Away, Row, Shape, TooSlow

SCHEMA = "brender"
WRITE_SECONDS = 60.0  # no statement of ours takes so long unless something is wrong
# Notice a server that is gone without a word within 15 seconds (CONTRACT 4.5).
_LINK: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "brender storage",
}
_COPIED = {WHOLE: "int8", REAL: "float8", TEXT: "text", BYTES: "bytea"}


class Postgres:
    """One connection to the database."""

    name = "postgresql"

    def __init__(self, url: str, asks_only: bool = False) -> None:
        try:
            import psycopg
        except ImportError:
            raise Unsupported(
                "PostgreSQL needs the library psycopg.", hint="Install it: pip install 'brender[postgres]'"
            ) from None
        self._psycopg = psycopg
        self._url, self._asks_only = url, asks_only
        self._db: Any = None

    def transaction(self) -> Any:
        return self._within(WRITE_SECONDS)

    def reading(self, seconds: float) -> Any:
        return self._within(seconds)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._judged():
            found: list[Row] = self._connection().execute(sql.replace("?", "%s"), values).fetchall()
            return found

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self._judged():
            return int(self._connection().execute(sql.replace("?", "%s"), values).rowcount)

    def load(self, table: str, shape: Shape, rows: Iterable[Row]) -> None:
        names = ", ".join(shape.columns)
        sql = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
        with self._judged(), self._connection().cursor() as cursor, cursor.copy(sql) as copy:
            copy.set_types([_COPIED[kind] for kind in shape.columns.values()])
            for row in rows:
                copy.write_row(row)

    def add_missing(self, table: str, shape: Shape, rows: Sequence[Row]) -> int:
        marks = ", ".join(["%s"] * len(shape.columns))
        sql = f"INSERT INTO {table} ({', '.join(shape.columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        with self._judged(), self._connection().cursor() as cursor:
            cursor.executemany(sql, rows)
            return int(cursor.rowcount)

    def make(self, shape: Shape) -> None:
        self.run(f"CREATE TABLE IF NOT EXISTS {shape.name} ({shape.definition('BYTEA')})")

    def make_parent(self, shape: Shape) -> None:
        self.run(f"CREATE TABLE IF NOT EXISTS {shape.name} ({shape.definition('BYTEA')}) PARTITION BY RANGE (hour)")
        if not shape.unique:
            keys = ", ".join(shape.key)
            self.run(f"CREATE INDEX IF NOT EXISTS {shape.name}_key ON {shape.name} ({keys})")

    def make_part(self, shape: Shape, table: str, first: int, past: int) -> None:
        self.run(f"CREATE TABLE IF NOT EXISTS {table} PARTITION OF {shape.name} FOR VALUES FROM ({first}) TO ({past})")

    def among(self, column: str, values: Sequence[int]) -> tuple[str, Any]:
        return f"{column} = ANY(?)", list(values)

    def size(self) -> int:
        found = self.rows(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r'",
            (SCHEMA,),
        )
        return int(found[0][0])

    def tidy(self, idle: bool) -> None:
        """Its own autovacuum does it."""

    def set_aside(self, stamp: str) -> str:
        """Its server looks after its files: nothing here says of them that they are damaged."""
        self.close()
        return "as it was"

    def close(self) -> None:
        if self._db is not None:
            with suppress(self._psycopg.Error):
                self._db.close()
        self._db = None

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        end = time.monotonic() + seconds
        with self._judged(), self._connection().transaction():
            self._connection().execute("SELECT set_config('statement_timeout', %s, true)", (str(int(seconds * 1000)),))
            yield
            if self._asks_only and time.monotonic() > end:
                raise _too_slow()

    def _connection(self) -> Any:
        if self._db is None or self._db.closed:
            db = self._psycopg.connect(self._url, **_LINK)
            if self._asks_only:
                db.isolation_level = self._psycopg.IsolationLevel.REPEATABLE_READ
                db.read_only = True
            db.autocommit = True
            if not self._asks_only:
                known = db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone()
                if known is None:  # to make one that is there needs a right that not everybody has
                    db.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            db.execute(f"SET search_path = {SCHEMA}")
            self._db = db
        return self._db

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Errors of psycopg as ours; after one of the connection the next use makes a new one."""
        errors = self._psycopg.errors
        try:
            yield
        except errors.QueryCanceled as error:
            raise _too_slow() from error
        except errors.DiskFull as error:
            raise StoreFull(
                "The disk of the PostgreSQL server is full.", hint="Make room there; it goes on by itself."
            ) from error
        except self._psycopg.Error as error:
            if self._db is None or self._db.broken or self._db.closed:
                self.close()
            what = " ".join(str(error).split()) or type(error).__name__
            raise Away(
                f"PostgreSQL does not take the readings: {what[:300]}.",
                hint="They wait on this disk and are moved when it does.",
            ) from error


def _too_slow() -> TooSlow:
    return TooSlow("The question took too long and was given up.", hint="Ask for less time, or a longer step=.")


def engines(url: str) -> tuple[Postgres, Postgres]:
    """One to write with and one to ask with."""
    return Postgres(url), Postgres(url, asks_only=True)
