"""A package of your own: a probe for 1-wire thermometers, and a channel type that keeps the median of several values.

pip install ./examples/plugin            # where the manager runs; then start it anew

device add beds driver=thermometers config={"bus": "/sys/bus/w1/devices"}
key add 28-00000a1b2c3d unit=°C
channel add beds.28-00000a1b2c3d type=median window=5 period=2
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Annotated, Any

from msgspec import Meta, Struct

from brender.probes import Filter, Parameters, Probe, Surroundings, Values


class Bus(Struct, forbid_unknown_fields=True, frozen=True):
    """What can be set of the probe: its JSON schema is made of this."""

    bus: Annotated[str, Meta(pattern=r"^/")] = "/sys/bus/w1/devices"
    offset: Annotated[float, Meta(ge=-10, le=10)] = 0.0  # degrees that all of them are wrong by


class Thermometers(Probe):
    """All thermometers of a 1-wire bus, each a key, in degrees."""

    Config = Bus

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._bus, self._offset = Path(config.bus), config.offset
        if not self._bus.is_dir():
            raise FileNotFoundError(f"there is no bus {self._bus}")

    def read(self) -> Values:
        """The kernel says thousandths of a degree."""
        files = self._bus.glob("28-*/temperature")
        return {file.parent.name: int(file.read_text()) / 1000 + self._offset for file in files}


class Window(Parameters, frozen=True):
    """What can be set of the type, beside what all types have."""

    window: Annotated[int, Meta(ge=1, le=1000)] = 5


class Median(Filter):
    """One value of every `window`: the one in the middle, at the time of the last."""

    Params = Window

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self._size = params.window
        self._values: list[float] = []

    def take(self, at: float, value: Any) -> tuple[tuple[float, Any], ...]:
        """What is no number is passed over."""
        if not isinstance(value, float):
            return ()
        self._values.append(value)
        if len(self._values) < self._size:
            return ()
        found, self._values = median(self._values), []
        return ((at, found),)
