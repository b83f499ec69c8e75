"""Which drivers there are here: the built-in ones, those of installed packages, and modules of the owner's folders.

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
from typing import Final

from brender.errors import Invalid, nearest
from brender.probes import Probe

GROUP: Final = "brender.probes"
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
        self._classes: dict[str, type[Probe]] = {}
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

    def _read_folder(self, folder: Path, variable: str, say: Callable[[str], None]) -> None:
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix == ".py" and path.name[0] not in "._")
        except OSError as error:
            say(f"{variable}: {folder}: {error.strerror}")
            return
        for path in files:
            try:
                self._classes.update(_probes_of(path))
            except Exception as error:
                say(f"{path} is passed over: {type(error).__name__}: {error}")


def _load(name: str, point: EntryPoint | str) -> type[Probe]:
    try:
        if isinstance(point, str):
            module, _, attribute = point.partition(":")
            found = getattr(importlib.import_module(module), attribute)
        else:
            found = point.load()
    except Exception as error:
        raise Invalid(f"Driver {name} cannot be loaded: {type(error).__name__}: {error}.") from error
    if not (isinstance(found, type) and issubclass(found, Probe)):
        raise Invalid(f"Driver {name} is no Probe but a {type(found).__name__}.")
    return found


def _probes_of(path: Path) -> dict[str, type[Probe]]:
    """The probes that a module defines, by the `driver` of each, else by its class name in lower case."""
    spec = importlib.util.spec_from_file_location(f"brender_channel_path_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{path} is no module.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Probe)]
    return {getattr(one, "driver", one.__name__.lower()): one for one in own if one.__module__ == module.__name__}
