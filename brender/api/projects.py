"""What the work of a farm is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from brender.api.rows import Row, Rows

if TYPE_CHECKING:
    from brender.api.jobs import Job


class Project(Row):
    """A project: it is put away, never deleted."""

    noun = "project"

    @property
    def state(self) -> str:
        """active or archived."""
        return str(self["state"])

    @property
    def description(self) -> str:
        """What it is."""
        return str(self["description"])

    def jobs(self, *which: str) -> Iterator[Job]:
        """Its jobs, newest first: all, or those of some names, globs or states."""
        return self.farm.jobs.select(*which, project=self)

    def set(self, *, version: int | None = None, **values: Any) -> None:
        """Change name, description, weight or state. Raises Conflict when it is not at that version any more."""
        self._set({"project": self.id}, values, version)

    def archive(self) -> None:
        """Put it away: it stays listed, its jobs no longer run. `set(state="active")` takes it out again."""
        self.farm.ask("project.archive", {"project": self.id})
        self.data = {**self.data, "state": "archived"}


class Projects(Rows[Project]):
    """The projects of the farm."""

    noun = "project"
    _row = Project

    def add(self, name: str, **values: Any) -> Project:
        """Make one: description, weight. Raises Exists."""
        answer = self.farm.ask("project.add", {"name": name, "values": values})
        return Project(self.farm, answer["row"])
