"""Kinds that read the names and values of channels, and what the core takes of them: ids for names, typed parameters.

A parameter is checked here by its type's own terms (worker/sampling.py); where a channel may run is the core's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.commands.calls import Call
from brender.commands.inventory import find
from brender.commands.kinds import Kind, Others, loosely
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id, listed
from brender.core.farm import Farm
from brender.core.rows import Device, Key
from brender.core.rules.managers import is_manager, offered_types
from brender.errors import Invalid, InvalidParams, NotFound, nearest
from brender.worker import instruments, sampling

PARAMETERS = sorted({name for kind in sampling.TYPES.values() for name in kind.__struct_fields__})
OF_ROW = ("short_name", "type", "params", "placement", "labels", "device", "key", "manager")
ABOUT_VALUES = {
    "name": "another name",
    "type": f"which values are kept: {', '.join(sampling.TYPES)}, or a plug-in's; scalar when left out",
    "device": "what is measured at, by name; without one values come by reading put",
    "key": "what is measured there, by name",
    "period": "seconds between two reads",
    "delta": "kept when a value differs by so much",
    "timedelta": "kept so many seconds after the last at the latest",
    "tolerance": "the part of the value that has to change",
    "burst": "seconds after a jump in which all is kept",
    "heartbeat": "seconds after which a value that stays is kept",
    "stale": "seconds without a value until it is stale",
    "short_name": "another word for it",
    "labels": "place:east,rack:7",
    "manager": "the worker that is to host it; whoever has the fewest when left out",
}
OF_NEW = tuple(name for name in ABOUT_VALUES if name != "name")
OF_OLD = tuple(name for name in ABOUT_VALUES if name != "manager")  # a channel is moved, not set


class NewChannels(Kind):
    """Names of channels that are made; a word that is a JSON object holds values for all of them (CHL_ADD)."""

    wire = str | list[str]
    expects = "one or more names, and perhaps a JSON object with values"
    many = True

    def parse(self, call: Call, value: Any, others: Others) -> tuple[list[str], dict[str, Any]]:
        names: list[str] = []
        values: dict[str, Any] = {}
        for word in [value] if isinstance(value, str) else value:
            found = loosely(word) if word.startswith("{") else word
            if isinstance(found, dict):
                values |= found
            elif word.startswith("{"):
                raise InvalidParams(f"{word[:80]} is no JSON.", hint="Put it in single quotes.")
            else:
                names += [word] if word.strip() else []
        return names, values


class ChannelValues(Kind):
    """key=value pairs of a channel: attributes of its row, and parameters of its type."""

    wire = dict[str, Any]
    expects = "key=value"
    loose = True

    def __init__(self, names: tuple[str, ...] = OF_NEW) -> None:
        """`names` are those that a form shows; more may be given."""
        self.names = names

    def described(self) -> list[dict[str, Any]]:
        return [{"name": name, "about": ABOUT_VALUES[name], "choices": []} for name in self.names]

    def parse(self, call: Call, value: Any, others: Others) -> dict[str, Any]:
        plug_in = _of_a_plug_in(call.farm, value.get("type"))
        return {name: _read(name, given, plug_in) for name, given in value.items()}

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        farm = call.farm
        known = [f"device={row.name}" for row in farm.devices.values()] + [
            f"key={row.name}" for row in farm.keys.values()
        ]
        known += [f"type={kind}" for kind in (*sampling.TYPES, *offered_types(farm))]
        return starting(prefix, [*known, *(f"{name}=" for name in (*OF_ROW, *PARAMETERS))])


def _read(name: str, given: Any, plug_in: bool) -> Any:
    """A word as the value it is: names stay words, parameters are numbers, `none` takes a parameter out.

    Of a plug-in's type whatever is nothing of the row is a parameter.
    """
    if not isinstance(given, str):
        return given
    if name in ("params", "labels"):
        found = loosely(given)
        if isinstance(found, dict):
            return found
        if name == "labels":
            pairs = [part.partition(":") for part in given.split(",") if part]
            return {label: text for label, _, text in pairs}
        raise InvalidParams(f"{name}={given[:80]} is no JSON object.")
    if name in PARAMETERS or (plug_in and name not in (*OF_ROW, "name")):
        return None if given.lower() in ("none", "null", "") else loosely(given)
    return given


def row_values(farm: Farm, given: dict[str, Any]) -> dict[str, Any]:
    """What the core takes: ids in place of names, and the parameters of its type together. Raises what a name meets."""
    values: dict[str, Any] = {}
    params: dict[str, Any] = {}
    plug_in = _of_a_plug_in(farm, given.get("type"))
    for name, value in given.items():
        if name in ("device", "key"):
            values[f"{name}_id"] = find(farm, name, value).id if value not in ("", 0, None) else 0
        elif name == "manager":
            values["manager_id"] = _manager_id(farm, value)
        elif name == "params":
            if not isinstance(value, dict):
                raise InvalidParams("params is a JSON object.")
            params |= value
        elif name in (*OF_ROW, "name"):
            values[name] = value
        elif name in PARAMETERS or plug_in:
            params[name] = value
        else:
            known = (*OF_ROW, *PARAMETERS)
            raise InvalidParams(f"A channel has no {name!r} that can be set.", hint=nearest(name, known) or _has(known))
    if params:
        values["params"] = params
    return values


def _of_a_plug_in(farm: Farm, kind: Any) -> bool:
    """Whether some manager has this channel type, and it is none of brender's own."""
    if not isinstance(kind, str) or kind in sampling.TYPES:
        return False
    return any(kind in worker.facts.get("channel_types", ()) for worker in farm.workers.values())


def _has(names: Iterable[str]) -> str:
    return f"It has {', '.join(names)}."


def _manager_id(farm: Farm, value: Any) -> int:
    found = farm.names.get(("worker", 0, value)) if isinstance(value, str) else None
    found = found if found is not None else as_id(value) if isinstance(value, (str, int)) else None
    worker = farm.workers.get(found or 0)
    if worker is None or not is_manager(worker):
        names = [one.name for one in farm.workers.values() if is_manager(one)]
        raise NotFound(
            f"There is no manager {value!r}.",
            hint=nearest(str(value), names) or f"Managers: {listed(names) or 'none'}.",
        )
    return worker.id


def check_params(farm: Farm, kind: str, params: dict[str, Any]) -> None:
    """Raise Invalid where the parameters do not fit the type; None takes one out, so it is no value.

    What those of a plug-in's type are only its managers know.
    """
    if _of_a_plug_in(farm, kind):
        return
    if kind not in sampling.TYPES:
        known = (*sampling.TYPES, *offered_types(farm))
        hint = nearest(kind, known) or f"One of {', '.join(known)}."
        raise Invalid(f"There is no channel type {kind!r}.", hint=hint)
    sampling.read(kind, {name: value for name, value in params.items() if value is not None})


def check_reading(device: Device | None, key: Key | None) -> None:
    """Raise Invalid where a built-in driver measures no such key."""
    if device is not None and key is not None:
        instruments.check_key(device.driver, key.name)


NEW_CHANNELS = NewChannels()
CHANNEL_VALUES = ChannelValues()
CHANNEL_CHANGES = ChannelValues(OF_OLD)
