"""Presets (render configs): named parameters of the Blender function, the built-in ones and the farm's own.

A step that names one gets its parameters when it is submitted, so a preset that changes later changes no job.
What the parameters mean is the worker's business: here they are names and plain values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.core.context import Context
from brender.core.events import Create, Delete, Update
from brender.core.farm import Farm
from brender.core.rows import Preset as Row
from brender.core.rules.rows import check_version, checked, row_of
from brender.errors import Exists, Invalid, InvalidParams, NotFound, WrongState, nearest

FUNCTION = "blender"  # the only function that has presets
KEY = "preset"
EDITABLE: dict[str, type] = {"params": dict, "description": str}
# What a file, a folder or one still is called is never the same for two jobs.
OF_A_JOB = ("blend", "output", "still", "tiles", "sample_parts", KEY)

# The presets every farm has: what it is for, and its parameters.
BUILT_IN: dict[str, tuple[str, dict[str, Any]]] = {
    "preview": ("is it moving right? a quarter of the size, few samples", {"percentage": 25, "samples": 16}),
    "half": ("half the size", {"percentage": 50}),
    "HD": ("1920 x 1080", {"resolution_x": 1920, "resolution_y": 1080, "percentage": 100}),
    "UHD": ("3840 x 2160", {"resolution_x": 3840, "resolution_y": 2160, "percentage": 100}),
    "final": ("all of the scene's own size", {"percentage": 100}),
}


def create(ctx: Context, event: Create) -> dict[str, Any]:
    values = checked("preset", event.values, {"name": str, **EDITABLE}, required=("name", "params"))
    _check(values)
    name = values["name"]
    if name in BUILT_IN:
        raise Exists(f"Preset {name} is one that every farm has.", hint="Choose another name.")
    if ctx.farm.preset_named(name) is not None:
        raise Exists(f"A preset named {name!r} exists already.", hint=f"preset set {name} samples=64")
    row = Row(ctx.ledger.new_id("preset"), created_at=ctx.now, modified_at=ctx.now, **values)
    ctx.ledger.add(row)
    return {"noun": "preset", "row": row_of(row)}


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """Parameters that are named change, None takes one out, the others stay. Jobs that are there stay as they are."""
    values = checked("preset", event.values, EDITABLE)
    for preset_id in event.ids:
        preset = ctx.preset(preset_id)
        check_version("preset", preset, event.version)
        merged = {**preset.params, **values.get("params", {})}
        new = {**values, "params": {key: value for key, value in merged.items() if value is not None}}
        _check(new)
        ctx.ledger.set(preset, **new)
    return {"noun": "preset", "rows": [row_of(ctx.preset(preset_id)) for preset_id in event.ids]}


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """Nothing hangs on a preset: steps have copies."""
    deleted = []
    for preset_id in event.ids:
        preset = ctx.preset(preset_id)
        ctx.ledger.remove(preset)
        deleted.append({"id": preset.id, "name": preset.name})
    return {"noun": "preset", "deleted": deleted}


def names(farm: Farm) -> Iterable[str]:
    """All presets by name, the built-in ones first."""
    return (*BUILT_IN, *(row.name for row in farm.presets.values()))


def refuse_built_in(name: str) -> None:
    """Raise WrongState for a preset that stands in the program."""
    if name in BUILT_IN:
        raise WrongState(
            f"Preset {name} is one that every farm has and stays as it is.", hint=f"preset add my-{name} percentage=50"
        )


def expanded(farm: Farm, function: str, params: Any) -> Any:
    """The parameters with those of the preset they name below their own; the same when they name none.

    Raises NotFound with the nearest name, or InvalidParams.
    """
    if function != FUNCTION or not isinstance(params, dict) or KEY not in params:
        return params
    name = params[KEY]
    if not isinstance(name, str):
        raise InvalidParams(f"preset is the name of a preset, not {name!r}.", hint="See preset list.")
    row = farm.preset_named(name)
    if row is None and name not in BUILT_IN:
        known = names(farm)
        raise NotFound(f"There is no preset {name!r}.", hint=nearest(name, known) or f"There are {', '.join(known)}.")
    below = row.params if row is not None else BUILT_IN[name][1]
    return {**below, **{key: value for key, value in params.items() if key != KEY}}


def _check(values: dict[str, Any]) -> None:
    for key in values.get("params", ()):
        if key in OF_A_JOB:
            raise Invalid(f"preset {key} is of one job and cannot be in a preset.", hint="Give it to the step.")
    if "params" in values and not values["params"]:
        raise Invalid("A preset names one parameter or more.", hint="preset add shots engine=CYCLES samples=64")
