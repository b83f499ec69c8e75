"""What a machine says of itself, through psutil: processors, memory, swap, disk, network, temperatures, load."""

from __future__ import annotations

import os
import socket
import time
from ipaddress import ip_address
from typing import Any

import psutil

from brender.probes import Probe, Surroundings, Values
from brender.worker.instruments import INSTRUMENTS, OfDisk, OfHost, OfNetwork

MIB, GIB = 1 << 20, 1 << 30


class Cpu(Probe):
    """Per cent of all processors since the last time it was asked; the first time says nothing."""

    keys = INSTRUMENTS["cpu"].keys
    quick = True

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._before = psutil.cpu_times()

    def read(self) -> Values:
        before, self._before = self._before, psutil.cpu_times()
        spent = [max(0.0, now - then) for now, then in zip(self._before, before, strict=True)]
        names = self._before._fields
        # Linux counts the time of guests in `user` and `nice` already.
        total = sum(value for name, value in zip(names, spent, strict=True) if not name.startswith("guest"))
        idle = sum(value for name, value in zip(names, spent, strict=True) if name in ("idle", "iowait"))
        return {"cpu": 100.0 * (total - idle) / total if total else None}


class Memory(Probe):
    keys = INSTRUMENTS["memory"].keys
    quick = True

    def read(self) -> Values:
        found = psutil.virtual_memory()
        used = found.total - found.available
        return {"memory": found.percent, "memory_used": used / MIB, "memory_free": found.available / MIB}


class Swap(Probe):
    keys = INSTRUMENTS["swap"].keys
    quick = True

    def read(self) -> Values:
        found = psutil.swap_memory()
        return {"swap": found.percent, "swap_used": found.used / MIB}


class Load(Probe):
    keys = INSTRUMENTS["load"].keys
    quick = True

    def read(self) -> Values:
        return dict(zip(("load", "load5", "load15"), psutil.getloadavg(), strict=True))


class Disk(Probe):
    """A file system of the network may hang, so this one has a thread."""

    Config = OfDisk
    keys = INSTRUMENTS["disk"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._path = config.path

    def read(self) -> Values:
        found = os.statvfs(self._path)
        used = found.f_blocks - found.f_bfree
        room = used + found.f_bavail  # as df: without what is kept for root
        return {"disk": 100.0 * used / room if room else None, "disk_free": found.f_bavail * found.f_frsize / GIB}


class Network(Probe):
    """Bytes a second since the last time it was asked, and the addresses, whose change an alarm may tell (RM-51)."""

    Config = OfNetwork
    keys = INSTRUMENTS["network"].keys
    quick = True

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._interface = config.interface
        self._at, self._before = time.monotonic(), self._bytes()

    def read(self) -> Values:
        at, now = time.monotonic(), self._bytes()
        seconds, before = at - self._at, self._before
        self._at, self._before = at, now
        if seconds <= 0 or now[0] < before[0] or now[1] < before[1]:  # an interface went, and its counters with it
            return {"address": self._addresses()}
        rates = {"received": (now[0] - before[0]) / seconds, "sent": (now[1] - before[1]) / seconds}
        return {**rates, "address": self._addresses()}

    def _addresses(self) -> str:
        """As one text, sorted; those that only this machine or this wire knows are left out."""
        found = psutil.net_if_addrs()
        mine = found.get(self._interface, []) if self._interface else [one for some in found.values() for one in some]
        told = {one.address for one in mine if one.family in (socket.AF_INET, socket.AF_INET6)}
        seen = {one: ip_address(one.partition("%")[0]) for one in told}
        return ", ".join(sorted(one for one, at in seen.items() if not (at.is_link_local or at.is_loopback)))

    def _bytes(self) -> tuple[int, int]:
        found = psutil.net_io_counters(pernic=True)
        if self._interface and self._interface not in found:
            raise LookupError(f"there is no interface {self._interface!r}; there are {', '.join(sorted(found))}")
        names = [self._interface] if self._interface else [name for name in found if name != "lo"]
        return sum(found[name].bytes_recv for name in names), sum(found[name].bytes_sent for name in names)


class Temperatures(Probe):
    """`temperature` is the hottest sensor; each has a key too: its chip, then its label or number."""

    def read(self) -> Values:
        values: Values = {}
        for chip, sensors in _temperatures().items():
            for number, sensor in enumerate(sensors):
                values[f"{chip}.{sensor.label or number}".replace(" ", "_").lower()] = sensor.current
        return {"temperature": max(values.values()), **values} if values else {}


def _temperatures() -> dict[str, list[Any]]:
    ask = getattr(psutil, "sensors_temperatures", None)  # not on every system
    found: dict[str, list[Any]] = ask() if ask is not None else {}
    return found


class Host(Probe):
    """All of these in one device, so that a machine is one row."""

    Config = OfHost
    keys = INSTRUMENTS["host"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._parts: list[Probe] = [
            Cpu(config, surroundings),
            Memory(config, surroundings),
            Swap(config, surroundings),
            Load(config, surroundings),
            Disk(config, surroundings),
            Network(config, surroundings),
            Temperatures(config, surroundings),
        ]

    def read(self) -> Values:
        found: Values = {}
        for part in self._parts:
            found |= part.read()
        return found


def present() -> dict[str, str]:
    """What a machine reports of itself unasked, with units: the most telling keys of `host` that it has."""
    wanted = ["cpu", "memory", "load", "disk"]
    if any(_temperatures().values()):
        wanted.append("temperature")
    return {key: INSTRUMENTS["host"].keys[key] for key in wanted}
