"""What a farm has only so much of, such as licences."""

from __future__ import annotations

from typing import Any

from brender.api.rows import Row, Rows


class Limit(Row):
    """So many tasks that name it may run at once."""

    noun = "limit"

    @property
    def total(self) -> int:
        """How many there are."""
        return int(self["count"])

    @property
    def used(self) -> int:
        """How many are in use."""
        return int(self["used"])

    def set(self, *, version: int | None = None, **values: Any) -> None:
        """Change count or description. Raises Conflict when it is not at that version any more."""
        self._set({"limit": self.id}, values, version)

    def delete(self) -> None:
        """Delete it; no step may name it."""
        self.farm.ask("limit.delete", {"limit": self.id})


class Limits(Rows[Limit]):
    """The limits of the farm."""

    noun = "limit"
    _row = Limit

    def add(self, name: str, count: int, *, description: str = "") -> Limit:
        """Make one. Raises Exists."""
        values = {"description": description} if description else {}
        answer = self.farm.ask("limit.add", {"name": name, "count": count, "values": values})
        return Limit(self.farm, answer["row"])
