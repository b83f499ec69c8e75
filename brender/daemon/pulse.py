"""Signs of life: the processor time of tasks with all they started, and the bytes in their part files.

Read from /proc and the disk, for tasks that are watched only. What they mean is worker/stall.py's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from brender.daemon import kin


def processor_time(pids: Iterable[int]) -> dict[int, float]:
    """Seconds by root: its own, its descendants' and its session's, with those that they have waited for."""
    import psutil  # only where something is watched

    table = kin.processes()
    found: dict[int, float] = {}
    for root in pids:
        total = 0.0
        for pid in kin.family(table, [root]) | {pid for pid, row in table.items() if row.sid == root}:
            with contextlib.suppress(psutil.Error):
                times = psutil.Process(pid).cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        found[root] = total
    return found


def part_bytes(prefix: str) -> int:
    """Of all files whose path begins so; it may block as long as the disk does."""
    path, total = Path(prefix), 0
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(path.name + "."):
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total
