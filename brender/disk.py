"""The directory a farm lives in: who holds it, whether its file system can be trusted, and what a disk's errors mean.

It must not know rows or tables; store.py asks it what an error of SQLite means and who may open the directory.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from pathlib import Path
from typing import ClassVar

from brender.errors import Busy, InternalError, WrongState

DATABASE = "farm.db"
# SQLite's locks and fsync are promises of the file system; over a network they are wishes (F40).
UNSAFE_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse", "9p", "ceph", "afs", "ncpfs")

_BUSY, _LOCKED, _READONLY, _INTERRUPT, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 8, 9, 10, 11, 13, 14, 26
_IOERR_SHMSIZE = 4874  # the shared memory of the WAL is a file as well: no room for it is a full disk
_LEAST_ROOM = 64 << 10  # bytes: a log and its index of 32 KiB


class StoreBlocked(Busy):
    """Nothing was written and nothing is lost: the same save may be tried again."""


class StoreFull(StoreBlocked):
    """The disk is full. Goes on by itself once there is room (F06)."""


class StoreLocked(StoreBlocked):
    """Another program holds the database's write lock."""


class StoreBroken(InternalError):
    """The database cannot be trusted or written any more: the master must stop (exit 75) and be looked at."""

    exit_code: ClassVar[int] = 75


class StoreRefused(WrongState):
    """This master may not open this directory: taken, foreign, newer, or on a file system that cannot keep it."""


def restore_steps(path: Path) -> str:
    """What a person does about a damaged database, in one line."""
    return (
        f"Keep it for a rescue: mv {path} {path}.damaged (and {path}-wal, {path}-shm likewise). "
        f"Then copy the newest backup to {path} and start the master again."
    )


def judge(error: Exception, path: Path) -> Exception:
    """The error of ours that an error of SQLite stands for; errors that are not SQLite's stay what they are."""
    if isinstance(error, OSError):
        return _judge_os(error, path)
    if isinstance(error, UnicodeDecodeError):  # the words of an error, which hold what is damaged
        return StoreBroken(f"{path} is damaged: {error.reason}.", hint=restore_steps(path))
    original = getattr(error, "orig", error)
    extended = getattr(original, "sqlite_errorcode", None)
    if extended is None:
        return error
    code = extended & 0xFF
    what = f"{original} (SQLite {getattr(original, 'sqlite_errorname', code)})"
    if code == _FULL or extended == _IOERR_SHMSIZE:
        return StoreFull(
            f"The disk that holds {path} is full: nothing more is accepted.",
            hint="Make room there; the farm goes on by itself.",
        )
    if code in (_BUSY, _LOCKED):
        return StoreLocked(f"{path} is held by another program: {what}.", hint="End it; the farm goes on by itself.")
    if code in (_CORRUPT, _NOTADB):
        return StoreBroken(f"{path} is damaged: {what}.", hint=restore_steps(path))
    if code in (_IOERR, _READONLY, _CANTOPEN):
        return StoreBroken(
            f"{path} cannot be read or written: {what}.",
            hint=f"Check the disk, the mount and the permissions of {path.parent}, then start the master again.",
        )
    return StoreBroken(f"{path}: {what}.", hint="This is a defect of brender: please report it.")


def judge_start(error: Exception, path: Path) -> Exception:
    """The same of an error at the start, where nothing goes on by itself. Without room for the log SQLite speaks of an
    I/O error; nothing has been promised yet, so here it may be taken for the full disk that it is."""
    found = judge(error, path)
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF
    no_room = code in (_IOERR, _CANTOPEN) and shutil.disk_usage(path.parent).free < _LEAST_ROOM
    if no_room or isinstance(found, StoreFull):
        return StoreFull(f"The disk that holds {path} is full.", hint="Make room there, then start the master again.")
    return found


def _judge_os(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"The disk that holds {path} is full: {error}.", hint="Make room there.")
    return StoreRefused(
        f"{path} cannot be opened: {error}.", hint=f"Check that {path.parent} is a directory this user may write."
    )


def is_interrupt(error: Exception) -> bool:
    """Whether a query was ended by its own time box."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) == _INTERRUPT


class Lock:
    """The flock on `<dir>/lock`: one master a directory. The kernel frees it when its process dies, however it dies."""

    def __init__(self, directory: Path) -> None:
        """Raises StoreRefused naming the process that holds the directory."""
        self._file = (directory / "lock").open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            pid = self._file.read(20).strip() or "unknown"
            self._file.close()
            if not isinstance(error, BlockingIOError):
                raise StoreRefused(f"{directory} cannot be locked: {error.strerror}.") from error
            raise StoreRefused(
                f"A master with pid {pid} already runs on {directory}.",
                hint=f"Connect to that one, stop it (kill {pid}), or give this one another directory.",
                pid=pid,
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let another master in."""
        self._file.close()


def file_system_of(directory: Path, mounts: str) -> str:
    """The type of the file system that holds a directory; `mounts` is the text of /proc/self/mountinfo."""
    best, kind = "", "unknown"
    place = str(directory.resolve())
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4].encode().decode("unicode_escape")
        if (place == point or place.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind


def mounts_here() -> str:
    """What is mounted where, as the kernel tells it; empty on systems without /proc."""
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def check_file_system(directory: Path, mounts: str) -> None:
    """Raises StoreRefused where locks and fsync cannot be relied on."""
    kind = file_system_of(directory, mounts)
    if kind.startswith(UNSAFE_FILE_SYSTEMS):
        raise StoreRefused(
            f"{directory} is on a {kind} file system, which cannot promise that what is written stays written.",
            hint="Use a directory on a local disk, or brender master --force if you know better.",
        )


def sync_directory(directory: Path) -> None:
    """Make a rename in a directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
