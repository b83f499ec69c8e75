"""Which processes there are, who descends from whom, and signals that never hit a stranger.

Read from /proc and through pidfds, for the guardian and for the sweep after a guardian's death. It must not
know attempts beyond their token, and imports the standard library only (the guardian starts without
site-packages).
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from typing import NamedTuple

TOKEN = "BRENDER_ATTEMPT"


class Row(NamedTuple):
    """What the kernel says of a process; `start` (ticks since boot) tells it from later ones with its pid."""

    state: str
    ppid: int
    pgid: int
    sid: int
    start: int


def row_of(pid: int) -> Row | None:
    """The row of one process, None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except OSError:
        return None
    part = text[text.rindex(b")") + 2 :].split()
    return Row(part[0].decode(), int(part[1]), int(part[2]), int(part[3]), int(part[19]))


def processes() -> dict[int, Row]:
    """All processes now; costs milliseconds, so only stops and ends look at it, never a plain exit."""
    rows = ((int(name), row_of(int(name))) for name in os.listdir("/proc") if name.isdigit())
    return {pid: row for pid, row in rows if row is not None}


def family(table: dict[int, Row], roots: Iterable[int]) -> set[int]:
    """The roots in the table and all their descendants."""
    below: dict[int, list[int]] = {}
    for pid, row in table.items():
        below.setdefault(row.ppid, []).append(pid)
    found: set[int] = set()
    todo = [pid for pid in roots if pid in table]
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo.extend(below.get(pid, ()))
    return found


def token_of(pid: int) -> str:
    """The attempt token in a process's environment, empty if it has none or may not be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            for item in file.read().split(b"\0"):
                if item.startswith(TOKEN.encode() + b"="):
                    return item[len(TOKEN) + 1 :].decode("utf-8", "backslashreplace")
    except OSError:
        pass
    return ""


def send_signal(pid: int, start: int, signum: int) -> bool:
    """Signals exactly the process that had this pid and start; never one that got the pid later."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        row = row_of(pid)
        if row is None or row.start != start:
            return False
        signal.pidfd_send_signal(fd, signum)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def kill(how: Callable[[int, int], None], pid: int, signum: int) -> None:
    """How: os.kill or os.killpg, only for what is not reaped yet and therefore ours."""
    with contextlib.suppress(OSError):  # it is gone, or runs as another user: nothing more can be done
        how(pid, signum)


def file_at(path: str | int) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
