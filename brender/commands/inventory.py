"""Kinds that name devices, keys and managers, and read the values of devices and keys. Used by the commands of these.

Channels have files of their own beside this one. It must not know how a driver reads: worker/instruments.py has terms.
"""

from __future__ import annotations

from typing import Any

import msgspec

from brender.commands.calls import Call
from brender.commands.kinds import Attributes, Kind, Others
from brender.commands.offers import Offer, starting
from brender.commands.selection import WorkerSelector, as_id
from brender.core.farm import Farm
from brender.core.rows import Device, Key, Worker
from brender.core.rules.managers import is_manager
from brender.errors import Invalid, NotFound, nearest
from brender.worker import instruments


def find(farm: Farm, noun: str, word: str | int) -> Any:
    """The row of this name or id. Raises NotFound with the nearest names."""
    rows = farm.table(noun)
    number = farm.names.get((noun, 0, word)) if isinstance(word, str) else None
    if number is None:
        number = as_id(word)
    found = rows.get(number) if number is not None else None
    if found is None:
        names = [row.name for row in rows.values()]
        raise NotFound(f"There is no {noun} {word!r}.", hint=nearest(str(word), names) or f"See {noun} list.")
    return found


class Named(Kind):
    """One row of a noun, by name or id."""

    wire = str | int
    expects = "a name or id"

    def __init__(self, noun: str) -> None:
        self.noun = noun

    def parse(self, call: Call, value: Any, others: Others) -> Any:
        return find(call.farm, self.noun, value)

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [row.name for row in call.farm.table(self.noun).values()])


class ManagerRef(Kind):
    """One worker that hosts channels."""

    wire = str | int
    expects = "a manager's name or id"

    def parse(self, call: Call, value: Any, others: Others) -> Worker:
        found: Worker = WorkerSelector().parse(call, value, others)[0]
        if not is_manager(found):
            raise NotFound(f"Worker {found.name} hosts no channels.", hint="See manager list.")
        return found

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [worker.name for worker in call.farm.workers.values() if is_manager(worker)])


def check_device(farm: Farm, driver: str, config: dict[str, Any]) -> None:
    """Raise Invalid where the config does not fit a built-in driver, or nobody has ever offered the driver."""
    if driver in instruments.INSTRUMENTS:
        instruments.read_config(driver, config)
        return
    offered = {name for worker in farm.workers.values() for name in worker.facts.get("probes", ())}
    if driver and driver not in offered:
        known = sorted({*instruments.INSTRUMENTS, *offered})
        raise Invalid(
            f"No manager has ever offered driver {driver!r}.", hint=nearest(driver, known) or "device drivers"
        )


def schema_of(driver: str) -> dict[str, Any]:
    """The JSON schema of the config of a built-in driver."""
    _, found = msgspec.json.schema_components([instruments.INSTRUMENTS[driver].config])
    return next(iter(found.values()))


class DeviceValues(Attributes):
    """Values of a device; its worker by name."""

    def parse(self, call: Call, value: Any, others: Others) -> dict[str, Any]:
        given = dict(value)
        worker = given.pop("worker", None)
        values = super().parse(call, given, others)
        if worker is not None:
            values["worker_id"] = (
                WorkerSelector().parse(call, worker, others)[0].id if worker not in ("", "none") else 0
            )
        return values


DEVICE = Named("device")
KEY = Named("key")
MANAGER = ManagerRef()
DEVICE_NAMES = ("description", "vendor_id", "product_id", "driver", "config")
NEW_DEVICE_VALUES = DeviceValues("device", Device, DEVICE_NAMES)
DEVICE_VALUES = DeviceValues("device", Device, ("name", *DEVICE_NAMES))
KEY_NAMES = ("unit", "description", "kind", "mul", "add")
NEW_KEY_VALUES = Attributes("key", Key, KEY_NAMES)
KEY_VALUES = Attributes("key", Key, ("name", *KEY_NAMES))
