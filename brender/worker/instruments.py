"""The probes that every brender has, described: what each measures, in which unit, and what can be set of it.

Master and workers read the same page: a device is checked when it is made, not when it is first asked. It must not
know how anything is measured (probes/).
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, field

from brender.errors import Invalid

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=300)]


class Nothing(Struct, forbid_unknown_fields=True, frozen=True):
    """Nothing can be set."""


class OfDisk(Struct, forbid_unknown_fields=True, frozen=True):
    path: str = "/"


class OfNetwork(Struct, forbid_unknown_fields=True, frozen=True):
    interface: str = ""  # all but the loopback


class OfHost(Struct, forbid_unknown_fields=True, frozen=True):
    path: str = "/"
    interface: str = ""


class OfGpu(Struct, forbid_unknown_fields=True, frozen=True):
    index: Annotated[int, Meta(ge=0)] = 0


class OfHttp(Struct, forbid_unknown_fields=True, frozen=True):
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
    timeout: Seconds = 5.0
    find: str = ""  # a text that the answer must hold


class OfTcp(Struct, forbid_unknown_fields=True, frozen=True):
    host: Annotated[str, Meta(min_length=1)]
    port: Port
    timeout: Seconds = 5.0


class OfFile(Struct, forbid_unknown_fields=True, frozen=True):
    path: Annotated[str, Meta(min_length=1)]


class OfCommand(Struct, forbid_unknown_fields=True, frozen=True):
    command: Annotated[str, Meta(pattern=r"^[\w.+-]+$")]  # a file of the worker's folder of channel commands
    arguments: list[str] = field(default_factory=list)
    timeout: Seconds = 5.0


class OfScrape(Struct, forbid_unknown_fields=True, frozen=True):
    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
    timeout: Seconds = 5.0


class OfLicence(Struct, forbid_unknown_fields=True, frozen=True):
    limit: Annotated[str, Meta(min_length=1)]


class Instrument(Struct, frozen=True):
    """One driver. Without `keys` it has whatever its config or what it asks has: any key may be named."""

    text: str
    config: type[Struct]
    keys: dict[str, str] = field(default_factory=dict)  # key -> unit


_CPU = {"cpu": "%"}
_MEMORY = {"memory": "%", "memory_used": "MiB", "memory_free": "MiB"}
_SWAP = {"swap": "%", "swap_used": "MiB"}
_DISK = {"disk": "%", "disk_free": "GiB"}
_NETWORK = {"received": "B/s", "sent": "B/s", "address": ""}
_TEMPERATURES = {"temperature": "°C"}
_LOAD = {"load": "", "load5": "", "load15": ""}
_GPU = {"gpu": "%", "gpu_memory": "MiB", "gpu_temperature": "°C", "gpu_power": "W"}
_RENDER = {
    "frames_per_minute": "1/min",
    "frame_seconds": "s",
    "frames": "",
    "samples": "",
    "task_memory": "MiB",
    "peak_memory": "MiB",
}

INSTRUMENTS: Final[dict[str, Instrument]] = {
    "host": Instrument(
        "all of a machine",
        OfHost,
        {**_CPU, **_MEMORY, **_SWAP, **_LOAD, **_DISK, **_NETWORK, **_TEMPERATURES},
    ),
    "cpu": Instrument("how busy the processors are", Nothing, _CPU),
    "memory": Instrument("memory in use", Nothing, _MEMORY),
    "swap": Instrument("swap in use", Nothing, _SWAP),
    "disk": Instrument("room on a file system", OfDisk, _DISK),
    "network": Instrument("bytes a second, and its addresses", OfNetwork, _NETWORK),
    "temperatures": Instrument("the hottest sensor, and each by name", Nothing),
    "load": Instrument("processes that want a processor", Nothing, _LOAD),
    "nvidia": Instrument("one NVIDIA GPU", OfGpu, _GPU),
    "render": Instrument("the tasks of the worker itself", Nothing, _RENDER),
    "http": Instrument("a web address: up is 1 or 0", OfHttp, {"up": "", "status": "", "seconds": "s", "bytes": "B"}),
    "tcp": Instrument("whether a port answers, and how fast", OfTcp, {"up": "", "seconds": "s"}),
    "file": Instrument(
        "a file or folder: its number, size, age, how many are in it",
        OfFile,
        {"value": "", "exists": "", "size": "B", "age": "s", "count": ""},
    ),
    "command": Instrument("what a program of the worker prints: a number, or lines `key number`", OfCommand),
    "prometheus": Instrument('a page of metrics; a key is `name` or `name{label="value"}`', OfScrape),
    "licence": Instrument("a limit of the farm", OfLicence, {"used": "", "count": "", "free": ""}),
}


def read_config(driver: str, config: dict[str, Any]) -> Any:
    """The config of a device with a built-in driver. Raises Invalid naming what does not fit."""
    return as_config(driver, INSTRUMENTS[driver].config, config)


def as_config(driver: str, kind: type[Struct], config: dict[str, Any]) -> Any:
    """A config as the driver's own type. Raises Invalid."""
    try:
        return msgspec.convert(config, kind)
    except msgspec.ValidationError as error:
        names = ", ".join(kind.__struct_fields__) or "nothing"
        raise Invalid(f"The config does not fit driver {driver}: {error}.", hint=f"It takes {names}.") from None


def check_key(driver: str, key: str) -> None:
    """Raise Invalid where a built-in driver never says anything of this key."""
    known = INSTRUMENTS.get(driver)
    if known is not None and known.keys and key not in known.keys:
        raise Invalid(f"Driver {driver} measures no {key!r}.", hint=f"It has {', '.join(known.keys)}.")
