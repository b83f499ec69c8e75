"""Keys: what is measured, in what unit, and how what a probe says becomes what is kept: (value + add) * mul."""

from __future__ import annotations

from math import isfinite
from typing import Any

from brender.core.context import Context
from brender.core.events import Create, Delete, Update
from brender.core.farm import Farm
from brender.core.lifecycle import KEY_KINDS
from brender.core.rows import Key
from brender.core.rules import channels
from brender.core.rules.rows import check_version, checked, row_of
from brender.errors import Exists, Invalid, WrongState

EDITABLE: dict[str, type] = {"name": str, "unit": str, "description": str, "kind": str, "mul": float, "add": float}


def create(ctx: Context, event: Create) -> dict[str, Any]:
    values = checked("key", event.values, EDITABLE, required=("name",))
    check(ctx.farm, values)
    return {"noun": "key", "row": row_of(channels.make_key(ctx, **values))}


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """Channels of this key begin anew where what is kept changes; no others do."""
    values = checked("key", event.values, EDITABLE)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several keys.", hint="Name one key.")
    for key_id in event.ids:
        key = ctx.key(key_id)
        check_version("key", key, event.version)
        check(ctx.farm, values, key)
        write(ctx, key, values)
    return {"noun": "key", "rows": [row_of(ctx.key(key_id)) for key_id in event.ids]}


def write(ctx: Context, key: Key, values: dict[str, Any]) -> None:
    """Set attributes that were checked, and tell who measures it."""
    before = (key.name, key.mul, key.add)
    ctx.ledger.set(key, **values)
    if (key.name, key.mul, key.add) != before:
        channels.tell_again(ctx, [one for one in ctx.farm.channels.values() if one.key_id == key.id])


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """A key that no channel measures."""
    deleted = []
    for key_id in event.ids:
        key = ctx.key(key_id)
        user = next((one for one in ctx.farm.channels.values() if one.key_id == key_id), None)
        if user is not None:
            raise WrongState(
                f"Key {key.name} is measured by channel {user.name}.", hint=f"channel delete key={key.name}"
            )
        ctx.ledger.remove(key)
        deleted.append({"id": key.id, "name": key.name})
    return {"noun": "key", "deleted": deleted}


def check(farm: Farm, values: dict[str, Any], key: Key | None = None) -> None:
    """Rules for the values of a key. Raises Invalid or Exists."""
    name = values.get("name")
    known = farm.key_named(name) if name else None
    if known is not None and known is not key:
        raise Exists(f"A key named {name!r} exists already.", hint="key list")
    if values.get("kind", "gauge") not in KEY_KINDS:
        raise Invalid(f"key kind is one of {', '.join(KEY_KINDS)}, not {values['kind']!r}.")
    for word in ("mul", "add"):
        if not isfinite(values.get(word, 0.0) or 0.0) or values.get(word, 1.0) is None:
            raise Invalid(f"key {word} is a number, not {values[word]}.")
    if values.get("mul", 1.0) == 0.0:
        raise Invalid("key mul is not 0: every value would be.", hint="1 leaves values as they are.")
