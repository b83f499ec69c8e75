"""Probes: what asks a machine, a server or a file for values. A plug-in subclasses `Probe`; nothing else is needed.

    class Scale(Probe):
        Config = ScaleConfig                      # a msgspec Struct: its JSON schema is the driver's
        keys = {"weight": "kg"}                   # key -> unit; None where any key may be named
        def __init__(self, config, surroundings): ...   # open; what is raised here is the channels' error
        def read(self): return {"weight": 12.5}   # numbers, texts, lists of numbers; None is no value now
        def close(self): ...

Found by the entry points `brender.probes`, and as modules of the folders in BRENDER_CHANNEL_PATH (registry.py). Probes
are called in a thread, one call at a time, with a deadline. What decides which values are kept, a channel type, comes
in the same two ways: a subclass of `Filter` with `Params` of its own (worker/sampling.py). This room must not know
channels or gevent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from brender.worker.instruments import Nothing
from brender.worker.sampling import Filter, Parameters

__all__ = ["Filter", "Parameters", "Probe", "Surroundings", "Values"]

Values = dict[str, Any]


def _no_tasks() -> Values:
    return {}


class Surroundings(Struct, frozen=True):
    """What a probe may know of the worker it runs in: where its master is, which programs may be run, its tasks."""

    master: tuple[str, int] = ("127.0.0.1", 6000)
    commands: Path | None = None
    tasks: Callable[[], Values] = _no_tasks


class Probe(ABC):
    """Base of all probes. `quick` ones never wait for anything and are read without a thread."""

    Config: ClassVar[type[Struct]] = Nothing
    keys: ClassVar[Mapping[str, str] | None] = None
    quick: ClassVar[bool] = False
    deadline: float = 10.0  # seconds for one read; then its channels are in error until it returns

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        """Open. Raise whatever says best why it cannot be."""

    @abstractmethod
    def read(self) -> Values:
        """Values by key, all that there are; called again and again, never twice at a time."""

    def close(self) -> None:
        """Let go of what was opened."""
