"""Named settings of renders: those of every farm, and the farm's own."""

from __future__ import annotations

from typing import Any

from brender.api.rows import Row, Rows, given


class Preset(Row):
    """Parameters of the Blender function under one name. A built-in one has neither id nor version."""

    noun = "preset"

    @property
    def params(self) -> dict[str, Any]:
        """What it sets."""
        return dict(self["params"])

    @property
    def built_in(self) -> bool:
        """Whether every farm has it; such a one cannot be changed."""
        return bool(self["built_in"])

    def set(self, *, version: int | None = None, description: str | None = None, **params: Any) -> None:
        """Change parameters; None takes one out. Jobs that are there stay as they are."""
        values = given(preset=self.name, params=params or None, description=description, version=version)
        self.data = {**self.farm.ask("preset.set", values)["rows"][0], "built_in": False}

    def delete(self) -> None:
        """Delete it; jobs that were made with it stay as they are."""
        self.farm.ask("preset.delete", {"preset": self.name})

    def _show(self) -> dict[str, Any]:
        found: dict[str, Any] = self.farm.ask("preset.show", {"preset": self.name})
        return found

    def _identity(self) -> tuple[object, ...]:
        return (type(self), id(self.farm), self.name)

    def __repr__(self) -> str:
        return f"<Preset {self.name}>"


class Presets(Rows[Preset]):
    """The presets of the farm."""

    noun = "preset"
    _row = Preset

    def add(self, name: str, *, description: str = "", **params: Any) -> Preset:
        """Make one of parameters of the Blender function: `farm.presets.add("shots", samples=64)`. Raises Exists."""
        answer = self.farm.ask("preset.add", {"name": name, "params": params, "description": description})
        return Preset(self.farm, {**answer["row"], "built_in": False})
