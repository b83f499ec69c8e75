"""The farm's database file: open it safely, load the farm, save what a turn changed, keep the log of SQLite short.

One Store is used by one thread at a time (hub/writer.py gives it one of its own). It must not know rules, sessions or
gevent, and it never answers before the disk has: `save` returns after fsync (CONTRACT D1).
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from peewee import SqliteDatabase

from brender import models
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.disk import (
    DATABASE,
    Lock,
    StoreBlocked,
    StoreBroken,
    StoreRefused,
    check_file_system,
    is_interrupt,
    judge,
    judge_start,
    mounts_here,
    restore_steps,
    sync_directory,
)
from brender.errors import BrenderError
from brender.rebuild import rebuild
from brender.statements import Statement, statements
from brender.upgrades import SCHEMA, UPGRADES, Upgrade, upgrade

_DRIVER: Any = importlib.import_module("peewee").sqlite3  # pysqlite3 where it is installed and newer
# Below this version SQLite may damage a WAL that two connections of one process restart at once (CONTRACT D10).
_SAFE = (3, 51, 3)
MANY_CONNECTIONS = _DRIVER.sqlite_version_info >= _SAFE
PRAGMAS: dict[str, Any] = {
    "busy_timeout": 5000,
    "locking_mode": "NORMAL" if MANY_CONNECTIONS else "EXCLUSIVE",
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "mmap_size": 0,
    "trusted_schema": "OFF",
    "cell_size_check": "ON",
    "temp_store": "MEMORY",
    "journal_size_limit": 64 << 20,
    "wal_autocheckpoint": 0,  # SQLite swallows an I/O error of its own checkpoint: ours are checked
}
_PAGES_A_CHECKPOINT = 1000
_WAL_LIMIT = 64 << 20  # bytes
_CHECK_SECONDS = 2.0  # how long the check at open may take; a farm must not wait minutes for it


class Store:
    """An open database. Make one with `Store.open`."""

    def __init__(self, path: Path, lock: Lock, database: Any) -> None:
        self.path = path
        self.database = database
        self._lock = lock
        self._wal = Path(f"{path}-wal")
        self._connection = database.connection()
        self._seen = _identity(path)
        self._wal_seen: tuple[int, int] | None = None
        self._wal_bytes = 0
        self._pages = 0.0  # written since the last checkpoint, estimated

    @classmethod
    def open(cls, directory: Path, force: bool = False, upgrades: Mapping[int, Upgrade] = UPGRADES) -> Store:
        """Open the farm in a directory, making both if they do not exist.

        Raises StoreRefused (another master, a newer schema, a foreign file, a file system that cannot keep it; the
        last not with `force`), StoreBroken for a damaged file, StoreBlocked for a full disk or a held database.
        """
        path = directory / DATABASE
        lock: Lock | None = None
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if not force:
                check_file_system(directory, mounts_here())
            lock = Lock(directory)
            return cls(path, lock, _opened(path, upgrades))
        except BaseException as error:
            if lock is not None:
                lock.release()
            if isinstance(error, Exception):
                raise judge_start(error, path) from error
            raise

    def load(self) -> Farm:
        """The whole farm, as it was after the last save. Raises StoreBroken when the rows make no sense."""
        try:
            return rebuild(self._connection)
        except BrenderError as error:
            raise StoreBroken(f"{self.path}: {error.message}", hint=restore_steps(self.path)) from error
        except UnicodeDecodeError as error:
            raise StoreBroken(f"{self.path} holds bytes that are no text.", hint=restore_steps(self.path)) from error
        except _DRIVER.Error as error:
            found = judge(error, self.path)
            if found is error:  # the driver's own, such as of text that is no UTF-8 any more
                found = StoreBroken(f"{self.path} is damaged: {error}.", hint=restore_steps(self.path))
            raise found from error

    def commits_of_others(self) -> int:
        """A number that changes when another connection has written (SQLite's data_version)."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def save(self, changes: Iterable[Change]) -> None:
        """Write the changes in one transaction; on return they survive a power cut.

        Of several changes to a row the last one counts. Raises StoreBlocked (nothing written, try again) or
        StoreBroken (nothing certain, stop).
        """
        last = {(change.table, change.id): change for change in changes}
        if not last:
            return
        self._transact(statements(last))
        self._pages += 3 + len(last) / 25  # a guess from measured commits; SQLite tells only when asked to checkpoint
        self._still_there()

    def next_epoch(self) -> int:
        """Begin the reign of a new master: a number higher than any before (fences old leaders)."""
        self._transact([("UPDATE farm SET epoch = epoch + 1", ())])
        self._still_there()
        return int(self._connection.execute("SELECT epoch FROM farm").fetchone()[0])

    @property
    def checkpoint_due(self) -> bool:
        """Whether enough was written for a checkpoint; call it after the answers left: it takes an fsync."""
        return self._pages >= _PAGES_A_CHECKPOINT or self._wal_bytes > _WAL_LIMIT

    def checkpoint(self, truncate: bool = False) -> bool:
        """Bring the WAL's pages home; `truncate` (or a long WAL) also empties it. False: a reader held some back.

        Raises StoreBlocked or StoreBroken: an error here is never swallowed.
        """
        mode = "TRUNCATE" if truncate or self._wal_bytes > _WAL_LIMIT else "PASSIVE"
        try:
            self._connection.execute("PRAGMA busy_timeout = 100")  # a slow reader must not hold up the commits
            try:
                held, in_log, home = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {PRAGMAS['busy_timeout']}")
        except _DRIVER.Error as error:
            raise judge(error, self.path) from error
        self._pages = 0.0
        self._wal_bytes = self._wal.stat().st_size if self._wal.exists() else 0
        return not held and in_log == home

    def version(self) -> dict[str, Any]:
        """What `farm status` says of the database: SQLite's version, driver, journal, connections, bytes."""
        journal = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
        return {
            "sqlite": _DRIVER.sqlite_version,
            "driver": _DRIVER.__name__.partition(".")[0],
            "journal": journal,
            "connections": "many" if MANY_CONNECTIONS else f"one (SQLite before {'.'.join(map(str, _SAFE))})",
            "schema": self._connection.execute("PRAGMA user_version").fetchone()[0],
            "bytes": self.path.stat().st_size,
            "wal_bytes": self._wal_bytes,
        }

    def farm_id(self) -> str:
        """Who this farm is, for as long as its database lives."""
        return str(self._connection.execute("SELECT farm_id FROM farm").fetchone()[0])

    def reader(self) -> Any:
        """A connection for reports, to be used and closed by one other thread; only where MANY_CONNECTIONS."""
        return _connect(self.path, {"query_only": "ON"})

    def close(self) -> None:
        """Empty the WAL, close the file, let another master in. Raises StoreBroken if the disk fails even now."""
        try:
            self.checkpoint(truncate=True)
        except StoreBlocked:
            pass  # the WAL stays and the next start reads it: nothing is lost
        finally:
            self.database.close()
            self._lock.release()

    def _transact(self, work: Iterable[Statement]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in work:
                connection.execute(sql, values)
            connection.execute("COMMIT")
        except BaseException as error:
            # After a full disk SQLite has rolled back by itself already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, Exception):
                raise judge(error, self.path) from error
            raise

    def _still_there(self) -> None:
        """A file that was removed or replaced takes writes and keeps none: find out before anybody is answered."""
        try:
            status = self._wal.stat()
            found = _identity(self.path)
        except OSError:
            found = None
        else:
            self._wal_bytes = status.st_size
            wal = (status.st_dev, status.st_ino)
            self._wal_seen = self._wal_seen or wal
            if wal != self._wal_seen:
                found = None
        if found != self._seen:
            raise StoreBroken(
                f"{self.path} (or its -wal) was removed or replaced while the master was running.",
                hint="Put the file back, or restore a backup, then start the master again.",
            )


def _opened(path: Path, upgrades: Mapping[int, Upgrade]) -> Any:
    if not path.exists():
        _check_orphan(path)
        _create(path)
    _check_header(path)
    database = _connect(path)
    try:
        _check_pages(database, path)
        _upgrade(database, path, upgrades)
    except BaseException:
        database.close()
        raise
    return database


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _connect(path: Path, more: Mapping[str, Any] | None = None) -> Any:
    database: Any = SqliteDatabase(
        str(path), pragmas={**PRAGMAS, **(more or {})}, thread_safe=False, check_same_thread=False
    )
    database.connect()
    mode = database.execute_sql("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        # SQLite says nothing when the disk fails as the mode is changed, so it is asked twice and its answer read.
        database.close()
        raise StoreBroken(f"{path} stays in journal mode {mode}: the disk refused WAL.", hint="Check the disk.")
    return database


def _create(path: Path) -> None:
    """Make the database under another name: so a `farm.db` that is empty is always a damaged one, never a new one."""
    fresh = Path(f"{path}.new")
    for left in path.parent.glob(f"{fresh.name}*"):  # of a start that was cut short
        left.unlink()
    database: Any = SqliteDatabase(str(fresh), pragmas={"synchronous": "FULL"})
    database.connect()
    try:
        models.create(database)
        database.execute_sql("PRAGMA journal_mode = WAL")
    finally:
        database.close()
    fresh.rename(path)
    sync_directory(path.parent)


def _check_orphan(path: Path) -> None:
    """SQLite pours a log that it finds into whatever file has the name: a new one were a mixture of two farms."""
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        raise StoreBroken(
            f"{path} is missing, but its log {log.name} is there.",
            hint=f"Put {path.name} back. If it is lost: mv {log} {log}.damaged (and {path}-shm likewise), "
            f"copy the newest backup to {path}, then start the master again.",
        )


def _check_header(path: Path) -> None:
    """Whose file it is, read from its first bytes: opening a file as a database may already change it."""
    with path.open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        what = "no database" if header else "empty"
        raise StoreBroken(f"{path} is damaged: it is {what}.", hint=restore_steps(path))
    if int.from_bytes(header[68:72], "big") != models.APPLICATION:
        raise StoreRefused(f"{path} is a database of another program.", hint="Give the farm another directory.")


def _check_pages(database: Any, path: Path) -> None:
    """Whether the pages are sound, as far as that is found out in time."""
    connection = database.connection()
    end = time.monotonic() + _CHECK_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > end, 20_000)
    try:
        found = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
    except _DRIVER.Error as error:
        if not is_interrupt(error):
            raise
        found = ["ok"]
    finally:
        connection.set_progress_handler(None, 0)
    if found != ["ok"]:
        raise StoreBroken(f"{path} is damaged: {'; '.join(found)[:400]}.", hint=restore_steps(path))


def _upgrade(database: Any, path: Path, upgrades: Mapping[int, Upgrade]) -> None:
    """Bring an older schema up to date, after a copy of it was made; refuse a newer one."""
    connection = database.connection()
    newest = max(upgrades, default=SCHEMA)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > newest:
        raise StoreRefused(
            f"{path} has schema {found}; this brender knows schemas up to {newest}.",
            hint="Start the newer brender that wrote it, or restore the backup made before its upgrade.",
        )
    if found == newest:
        return
    backup = Path(f"{path}.schema-{found}")
    unfinished = Path(f"{backup}.part")
    unfinished.unlink(missing_ok=True)
    connection.execute("VACUUM INTO ?", (str(unfinished),))
    with unfinished.open("rb") as copy:
        os.fsync(copy.fileno())
    unfinished.rename(backup)
    sync_directory(path.parent)
    upgrade(connection, found, upgrades)


__all__ = ["MANY_CONNECTIONS", "PRAGMAS", "Store", "StoreBlocked", "StoreBroken", "StoreRefused"]
