"""The farm at a glance: a few sums that fit a line. Counted in slices, so that a farm of any size never holds the hub.

It reads what the farm keeps per step and per worker, and walks no task.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from brender.commands.states import progress
from brender.core.farm import Farm
from brender.core.lifecycle import TaskState

SLICE = 2000  # steps or workers; a third of a millisecond


class Counting:
    """One count. Between two slices the farm may change: the sums are those of the time about it."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._counts = [0] * len(TaskState)
        self._workers = {"known": 0, "online": 0, "enabled": 0}
        self._warnings = 0

    def slices(self) -> Iterator[None]:
        """Count; it pauses after every slice."""
        steps = iter(list(self._farm.tasks.values()))
        while part := [tasks.counts for tasks in islice(steps, SLICE)]:
            self._counts = [sum(column) for column in zip(self._counts, *part, strict=True)]
            yield
        workers = iter(list(self._farm.workers.values()))
        while machines := list(islice(workers, SLICE)):
            self._workers["known"] += len(machines)
            self._workers["online"] += sum(one.presence == "online" for one in machines)
            self._workers["enabled"] += sum(one.admin_state == "enabled" for one in machines)
            self._warnings += sum(bool(one.warning) for one in machines)
            yield

    def finished(self) -> dict[str, Any]:
        """Count to the end, at once; the sums."""
        for _ in self.slices():
            pass
        return self.sums()

    def sums(self) -> dict[str, Any]:
        """What was counted: workers, tasks that run, wait and have failed, workers with a warning."""
        found = progress(self._counts)
        sent = self._counts[TaskState.ASSIGNED]  # to a worker, which has not started it
        return {
            "workers": dict(self._workers),
            "running": found["live"] - sent,
            "queued": found["ready"] + sent,
            "failed": found["failed"],
            "warnings": self._warnings,
        }
