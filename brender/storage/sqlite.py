"""Readings in a SQLite file beside the farm's: `readings.db`. An engine; it must not know what the tables are for.

A damaged file is no reason to stop a farm: `set_aside` keeps it under another name, and the next use makes a new one.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from brender.disk import StoreBroken, StoreRefused, is_interrupt, judge
from brender.storage.engine import Row, Shape, TooSlow
from brender.store import MANY_CONNECTIONS, PRAGMAS

_DRIVER: Any = importlib.import_module("peewee").sqlite3  # as the farm's own (store.py)
APPLICATION = 0x42525244  # "BRRD" in the file's header
VERSION = 1
FILE = "readings.db"
_OURS = {"auto_vacuum": "INCREMENTAL", **PRAGMAS, "cache_size": -32_768}
_LOOK_EVERY = 10_000  # steps of SQLite between two looks at the clock
_PAGES_A_TIDY = 2000
_WAL_LIMIT = 64 << 20  # bytes; then it is emptied, else only written home


class Sqlite:
    """One connection to the file."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: Any = None

    def transaction(self) -> Any:
        return self._within("BEGIN IMMEDIATE", "COMMIT")

    @contextmanager
    def reading(self, seconds: float) -> Iterator[None]:
        end = time.monotonic() + seconds
        connection = self._connection()
        connection.set_progress_handler(lambda: time.monotonic() > end, _LOOK_EVERY)
        try:
            with self._within("BEGIN", "ROLLBACK"):
                yield
        except _DRIVER.Error as error:
            raise self._judge(error) from error
        finally:
            connection.set_progress_handler(None, 0)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        try:
            found: list[Row] = self._connection().execute(sql, values).fetchall()
        except _DRIVER.Error as error:
            raise self._judge(error) from error
        return found

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        try:
            return int(self._connection().execute(sql, values).rowcount)
        except _DRIVER.Error as error:
            raise self._judge(error) from error

    def load(self, table: str, shape: Shape, rows: Iterable[Row]) -> None:
        self._many("INSERT", table, shape, rows)

    def add_missing(self, table: str, shape: Shape, rows: Sequence[Row]) -> int:
        return self._many("INSERT OR IGNORE", table, shape, rows)

    def make(self, shape: Shape) -> None:
        self._make(shape, shape.name)

    def make_parent(self, shape: Shape) -> None:
        """Parts are tables of their own here."""

    def make_part(self, shape: Shape, table: str, first: int, past: int) -> None:
        self._make(shape, table)

    def among(self, column: str, values: Sequence[int]) -> tuple[str, Any]:
        return f"{column} IN (SELECT value FROM json_each(?))", f"[{','.join(map(str, values))}]"

    def size(self) -> int:
        return sum(path.stat().st_size for path in (self.path, self._beside("-wal")) if path.exists())

    def tidy(self, idle: bool) -> None:
        """Pages that are free go back to the file system, some at each call; the log goes home."""
        self.rows(f"PRAGMA incremental_vacuum({_PAGES_A_TIDY})")
        log = self._beside("-wal")
        full = idle or (log.exists() and log.stat().st_size > _WAL_LIMIT)
        self.rows("PRAGMA busy_timeout = 100")  # a slow question must not hold up what waits to be moved
        try:
            self.rows(f"PRAGMA wal_checkpoint({'TRUNCATE' if full else 'PASSIVE'})")
        finally:
            self.rows(f"PRAGMA busy_timeout = {PRAGMAS['busy_timeout']}")

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def set_aside(self, stamp: str) -> str:
        """Rename the file and what belongs to it."""
        self.close()
        target = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        for suffix in ("", "-wal", "-shm"):
            if self._beside(suffix).exists():
                self._beside(suffix).rename(Path(f"{target}{suffix}"))
        return str(target)

    def _beside(self, suffix: str) -> Path:
        return Path(f"{self.path}{suffix}")

    @contextmanager
    def _within(self, begin: str, end: str) -> Iterator[None]:
        self.run(begin)
        try:
            yield
            self.run(end)
        except BaseException:
            # After a full disk SQLite has rolled back by itself already.
            if self._db is not None and self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _many(self, verb: str, table: str, shape: Shape, rows: Iterable[Row]) -> int:
        marks = ", ".join("?" * len(shape.columns))
        sql = f"{verb} INTO {table} ({', '.join(shape.columns)}) VALUES ({marks})"
        try:
            return int(self._connection().executemany(sql, rows).rowcount)
        except _DRIVER.Error as error:
            raise self._judge(error) from error

    def _make(self, shape: Shape, table: str) -> None:
        clustered = " WITHOUT ROWID" if shape.unique else ""
        self.run(f"CREATE TABLE IF NOT EXISTS {table} ({shape.definition('BLOB')}){clustered}")
        if not shape.unique:
            self.run(f"CREATE INDEX IF NOT EXISTS {table}_key ON {table} ({', '.join(shape.key)})")

    def _connection(self) -> Any:
        if self._db is None:
            try:
                self._check_header()
                self._db = self._connect()
            except Exception as error:
                self.close()
                raise judge(error, self.path) from error
        return self._db

    def _connect(self) -> Any:
        db = _DRIVER.connect(str(self.path), isolation_level=None, check_same_thread=False)
        for name, value in _OURS.items():
            db.execute(f"PRAGMA {name} = {value}")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            db.close()
            raise StoreRefused(
                f"{self.path} has schema {found}; this brender knows schemas up to {VERSION}.",
                hint="Start the newer brender that wrote it, or move the file away.",
            )
        if found == 0:
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {VERSION}")
        return db

    def _check_header(self) -> None:
        """Whose file it is, read from its first bytes; one that is not there yet will be made."""
        if not self.path.exists() or not self.path.stat().st_size:
            return
        with self.path.open("rb") as file:
            header = file.read(100)
        if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
            raise StoreBroken(f"{self.path} is damaged: it is no database.")
        if int.from_bytes(header[68:72], "big") not in (0, APPLICATION):
            raise StoreRefused(f"{self.path} is a database of another program.", hint="Move it away.")

    def _judge(self, error: Exception) -> Exception:
        if is_interrupt(error):
            return TooSlow("The question took too long and was given up.", hint="Ask for less time, or a longer step=.")
        return judge(error, self.path)


def engines(path: Path) -> tuple[Sqlite, Sqlite]:
    """One to write with and one to ask with; the same where SQLite is too old for two (CONTRACT D10)."""
    writing = Sqlite(path)
    return writing, Sqlite(path) if MANY_CONNECTIONS else writing
