"""The daemon's data folder: who holds it, and the newest epoch of a master it has seen."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from brender.errors import Conflict, Invalid


class Home:
    """Locked while this object lives, so that two daemons never share an outbox. Raises Conflict or Invalid."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise Invalid(
                f"{path} cannot be used: {error.strerror}.", hint="Give a folder of yours by --data."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._lock)
            raise Conflict(
                f"{path} is in use by the client with pid {pid}.",
                hint="Stop that one, or give this one its own --data and --name.",
                pid=pid,
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)
        self.pid_path = path / "client.pid"  # the lock says whether who wrote it still lives (CL-27)
        self.pid_path.write_text(f"{os.getpid()}\n")

    def close(self) -> None:
        """Gives the folder free; the kernel does the same when the process dies."""
        self.pid_path.unlink(missing_ok=True)
        os.close(self._lock)

    def read_epoch(self) -> int:
        """0 when none was seen yet."""
        try:
            return int((self.path / "epoch").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def write_epoch(self, epoch: int) -> None:
        fresh = self.path / "epoch.new"
        fresh.write_text(f"{epoch}\n")
        os.replace(fresh, self.path / "epoch")

    def work(self, slot: int) -> Path:
        """The folder that the tasks of a slot start in; it is their HOME and TMPDIR too."""
        folder = self.path / "work" / str(slot)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
