"""Commands about presets (render configs): the built-in ones, and the farm's own, which people make and change.

A step names one in its parameters, `{"preset": "HD"}`, and gets a copy when it is submitted.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec.structs import asdict

from brender.commands.calls import Call
from brender.commands.kinds import PRESET_VALUES, Arg, Kind, Others
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id
from brender.commands.trees import without_none
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.farm import Farm
from brender.core.rows import Preset
from brender.core.rules.presets import BUILT_IN, names, refuse_built_in
from brender.errors import NotFound, nearest
from brender.worker.blender import read_params

Text = Annotated[str | None, Arg(text="what it is for")]
# A whole step around a preset's parameters, so that they are checked by the rules of a step.
_AROUND = {"blend": "/scene.blend", "output": "/frames", "scene": "S", "camera": "C", "view_layer": "L"}


class PresetName(Kind):
    """One preset by name, a built-in one too; the farm's own also by id."""

    wire = str | int
    expects = "a preset's name"

    def parse(self, call: Call, value: Any, others: Others) -> Any:
        known = list(names(call.farm))
        number = as_id(value)
        if value not in known and number in call.farm.presets:
            value = call.farm.presets[number].name
        if value not in known:
            raise NotFound(f"There is no preset {value!r}.", hint=nearest(str(value), known) or "See preset list.")
        return value

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, names(call.farm), lambda word: _about(call.farm, word))


def _about(farm: Farm, name: str) -> str:
    if name in BUILT_IN:
        return BUILT_IN[name][0]
    found = farm.preset_named(name)
    return found.description if found is not None else ""


class OwnPreset(PresetName):
    """One of the farm's own presets, by name: those may change."""

    def parse(self, call: Call, value: Any, others: Others) -> Preset:
        name = super().parse(call, value, others)
        refuse_built_in(name)
        found = call.farm.preset_named(name)
        assert found is not None
        return found

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [row.name for row in call.farm.presets.values()], lambda word: _about(call.farm, word))


Any_ = Annotated[str, PresetName(), Arg(text="which preset")]
Own = Annotated[Preset, OwnPreset(), Arg(text="which preset")]


def listing(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """List presets: those that every farm has, then the farm's own."""
    chosen = list(names(call.farm))
    rows = [_line(call.farm, name) for name in chosen[offset : offset + limit]]
    return {"presets": rows, "total": len(chosen), "offset": offset}


def show(call: Call, preset: Any_) -> dict[str, Any]:
    """Show the parameters of a preset."""
    row = call.farm.preset_named(preset)
    return {**(asdict(row) if row is not None else {}), **_line(call.farm, preset)}


def _line(farm: Farm, name: str) -> dict[str, Any]:
    row = farm.preset_named(name)
    about, params = (row.description, row.params) if row is not None else BUILT_IN[name]
    return {
        "id": row.id if row is not None else None,
        "name": name,
        "params": params,
        "description": about,
        "built_in": row is None,
        "version": row.version if row is not None else None,
    }


def add(
    call: Call,
    name: Annotated[str, Arg(text="its name, which steps write in params")],
    params: Annotated[dict[str, Any], PRESET_VALUES, Arg(text="engine, samples, percentage, format, view_layer, …")],
    *,
    description: Text = None,
) -> events.Event:
    """Make a preset of parameters of the Blender function; its copies in jobs never change."""
    _check(params)
    return events.Create(
        "preset", {"name": name, "params": without_none(params), "description": description or ""}, call.who.name
    )


def change(
    call: Call,
    preset: Own,
    params: Annotated[dict[str, Any] | None, PRESET_VALUES, Arg(text="samples, percentage, …")] = None,
    *,
    description: Text = None,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change parameters of a preset; `samples=none` takes one out. Jobs that are there stay as they are."""
    _check({**preset.params, **(params or {})})
    values = without_none({"params": params, "description": description})
    return events.Update("preset", [preset.id], values, version, call.who.name)


def delete(call: Call, preset: Own) -> events.Event:
    """Delete a preset; jobs that were made with it stay as they are."""
    return events.Delete("preset", [preset.id], call.who.name)


def _check(params: dict[str, Any]) -> None:
    """By the rules that the worker has for a step. Raises InvalidParams naming the parameter."""
    read_params({**_AROUND, **without_none(params)})
