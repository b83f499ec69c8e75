"""Which drivers and channel types there are here beside the built-in ones: of installed packages, and of modules in the
owner's folders.

Names come from the farm, classes only from here: a name that is not known is refused, never imported (CL-33). A module
that cannot be loaded is named and passed over; the others are there (RM-48).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

import msgspec

from brender.errors import BrenderError, Invalid, nearest
from brender.probes import Probe
from brender.worker.sampling import TYPES, Filter

T = TypeVar("T")
GROUP: Final = "brender.probes"
LONGEST_TEXT: Final = 60
TYPE_GROUP: Final = "brender.channel_types"
PATHS: Final = ("BRENDER_CHANNEL_PATH", "CHLCLIENTS_PATH")  # folders, divided as in PATH
BUILT_IN: Final[dict[str, str]] = {
    "host": "brender.probes.machine:Host",
    "cpu": "brender.probes.machine:Cpu",
    "memory": "brender.probes.machine:Memory",
    "swap": "brender.probes.machine:Swap",
    "disk": "brender.probes.machine:Disk",
    "network": "brender.probes.machine:Network",
    "temperatures": "brender.probes.machine:Temperatures",
    "load": "brender.probes.machine:Load",
    "nvidia": "brender.probes.nvidia:Nvidia",
    "render": "brender.probes.local:Render",
    "file": "brender.probes.local:File",
    "command": "brender.probes.local:Command",
    "http": "brender.probes.remote:Http",
    "tcp": "brender.probes.remote:Tcp",
    "prometheus": "brender.probes.remote:Prometheus",
    "licence": "brender.probes.remote:Licence",
}
NEEDS: Final = {"nvidia": "pynvml"}  # an extra; without it the driver is not offered


class Registry:
    """Reads entry points and folders once. `say` is told what cannot be loaded."""

    def __init__(self, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._points: dict[str, EntryPoint | str] = {
            name: where
            for name, where in BUILT_IN.items()
            if name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None
        }
        for point in entry_points(group=GROUP):
            self._points.setdefault(point.name, point)
        self._say = say
        self._classes: dict[str, type[Probe]] = {}
        self.types: dict[str, type[Filter]] = {}  # of plug-ins; the others are brender's own
        for point in entry_points(group=TYPE_GROUP):
            self._add_type(point, say)
        for variable in PATHS:
            for folder in filter(None, environment.get(variable, "").split(os.pathsep)):
                self._read_folder(Path(folder), variable, say)

    def names(self) -> list[str]:
        """The drivers that this machine offers."""
        return sorted({*self._points, *self._classes})

    def find(self, name: str) -> type[Probe]:
        """The class of a driver. Raises Invalid when there is none, or when its package cannot be loaded."""
        found = self._classes.get(name)
        if found is None:
            point = self._points.get(name)
            if point is None:
                known = self.names()
                raise Invalid(f"There is no driver {name!r} here.", hint=nearest(name, known) or ", ".join(known))
            found = self._classes[name] = _load(name, point)
        return found

    def plug_ins(self) -> dict[str, dict[str, Any]]:
        """What there is to know of each driver that is not built in: what it measures, and the JSON schema of its
        config. One that cannot be loaded is named and left out."""
        found: dict[str, dict[str, Any]] = {}
        for name in self.names():
            if name in BUILT_IN:
                continue
            try:
                kind = self.find(name)
                _, components = msgspec.json.schema_components([kind.Config])
            except (BrenderError, TypeError) as error:
                self._say(f"driver {name}: {error}")
                continue
            text = (kind.__doc__ or "").strip().split("\n", 1)[0].rstrip(".")[:LONGEST_TEXT]
            found[name] = {"text": text, "keys": list(kind.keys or ()), "schema": next(iter(components.values()))}
        return found

    def _add_type(self, point: EntryPoint, say: Callable[[str], None]) -> None:
        try:
            found = point.load()
        except (Exception, SystemExit) as error:  # a module may do anything
            say(f"channel type {point.name} is passed over: {type(error).__name__}: {error}")
            return
        if not (isinstance(found, type) and issubclass(found, Filter)):
            say(f"channel type {point.name} is passed over: it is no Filter")
        elif point.name in TYPES:
            say(f"channel type {point.name} of {point.value} is passed over: brender has one of that name")
        else:
            self.types[point.name] = found

    def _read_folder(self, folder: Path, variable: str, say: Callable[[str], None]) -> None:
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".py" and path.name[0] not in "._")
        except OSError as error:
            say(f"{variable}: {folder}: {error.strerror}")
            return
        for path in files:
            try:
                module = _module_of(path)
                self._classes.update(_of_kind(module, Probe, "driver"))
                self.types.update(
                    (name, kind) for name, kind in _of_kind(module, Filter, "name").items() if name not in TYPES
                )
            except (Exception, SystemExit) as error:  # a module may do anything
                say(f"{path} is passed over: {type(error).__name__}: {error}")


def _load(name: str, point: EntryPoint | str) -> type[Probe]:
    try:
        if isinstance(point, str):
            module, _, attribute = point.partition(":")
            found = getattr(importlib.import_module(module), attribute)
        else:
            found = point.load()
    except (Exception, SystemExit) as error:  # a module may do anything
        raise Invalid(f"Driver {name} cannot be loaded: {type(error).__name__}: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, Probe)):
        raise Invalid(f"Driver {name} is no Probe but a {type(found).__name__}.")
    return found


def _module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"brender_channel_path_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{path} is no module.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _of_kind(module: ModuleType, kind: type[T], attribute: str) -> dict[str, type[T]]:
    """The subclasses that a module defines, by that attribute of each, else by its class name in lower case."""
    own = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, kind)]
    return {getattr(one, attribute, one.__name__.lower()): one for one in own if one.__module__ == module.__name__}
