"""The parts of a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from brender.api.rows import Row
from brender.api.tasks import Task, tasks_of


class Step(Row):
    """A part of a job: what runs, on which frames. Beside these properties: `step["params"]`, `["place"]`, …"""

    noun = "step"

    @property
    def path(self) -> str:
        """JOB/STEP with the job's id, which means this step only: what commands take."""
        return f"{self.data['job_id']}/{self.name}"

    @property
    def function(self) -> str:
        """What it runs."""
        return str(self["function"])

    @property
    def frames(self) -> str:
        """Such as 1-100; empty for a step without frames."""
        return str(self["frames"])

    @property
    def state(self) -> str:
        """Of all its tasks together."""
        return str(self["state"])

    def tasks(self, state: str | None = None) -> Iterator[Task]:
        """Its tasks in order: all, or those in one state, such as failed, running or success."""
        return tasks_of(self.farm, self.path, state)

    def task(self, number: int = 0) -> Task:
        """The task of this number (the first is 0). Raises NotFound."""
        return Task(self.farm, self.farm.ask("task.show", {"step": self.path, "task": number}))

    def retry(self, *tasks: int, frames: str = "", again: bool = False) -> int:
        """Run tasks again: all failed ones, or those of some numbers or frames; `again` takes successes, too.

        Returns how many.
        """
        chosen: dict[str, Any] = {"tasks": ",".join(map(str, tasks))} if tasks else {}
        chosen |= {"frames": frames} if frames else {}
        return int(self.farm.ask("task.retry", {"step": self.path, **chosen, "again": again})["tasks"])

    def set(self, *, version: int | None = None, **values: Any) -> None:
        """Change it while its job does not run. Raises Conflict when it is not at that version any more."""
        self._set({"step": self.path}, values, version)

    def delete(self) -> None:
        """Delete it while its job does not run."""
        self.farm.ask("step.delete", {"step": self.path})

    def why(self) -> dict[str, Any]:
        """Why its first waiting task waits: {"subject", "state", "reasons": [{"rule", "text", "next"}, …]}."""
        return self.farm.why(self.path)

    def _show(self) -> dict[str, Any]:
        found: dict[str, Any] = self.farm.ask("step.show", {"step": self.path})
        return found
