"""Who and what this machine is: its MAC, names, cores, memory. It reads /sys and the kernel, and decides nothing else.

The identity is chosen once and kept in the data folder: a dock, a VPN or a new Wi-Fi stick does not make a new worker.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import socket
from pathlib import Path
from typing import Any, NamedTuple

ARPHRD_ETHER = 1
LEAST_DISK = 2 << 30
LEAST_DISK_PART = 0.05


class Nic(NamedTuple):
    """One network interface as sysfs shows it."""

    name: str
    mac: str  # 12 lower-case hexadecimal digits
    order: int  # the kernel's ifindex
    physical: bool
    wireless: bool


class Identity(NamedTuple):
    """`key` is the worker's identity on the farm: brender_<mac>, and the name where daemons share a machine."""

    mac: str
    hostname: str
    name: str
    key: str


def read_nics(root: Path = Path("/sys/class/net")) -> list[Nic]:
    """All Ethernet-like interfaces with an address; empty where there is no sysfs."""
    found = []
    for folder in sorted(root.glob("*")):
        try:
            kind = int((folder / "type").read_text())
            mac = (folder / "address").read_text().strip().replace(":", "").lower()
            index = int((folder / "ifindex").read_text())
        except (OSError, ValueError):
            continue
        if kind == ARPHRD_ETHER and len(mac) == 12 and int(mac, 16):
            wireless = (folder / "wireless").exists() or (folder / "phy80211").exists()
            found.append(Nic(folder.name, mac, index, (folder / "device").exists(), wireless))
    return found


def choose_mac(nics: list[Nic], node: int, random_mac: int) -> str:
    """Physical before anything, wired before wireless, then the lowest index (RM-02); 12 digits with leading zeros.

    `node` is what the platform believes (uuid.getnode); a random one has the multicast bit and does not count. Then
    `random_mac` is made a locally administered address.
    """
    physical = [nic for nic in nics if nic.physical]
    if physical:
        return min(physical, key=lambda nic: (nic.wireless, nic.order)).mac
    if node and not node >> 40 & 1:
        return f"{node:012x}"
    return f"{(random_mac & ~(1 << 40)) | (2 << 40):012x}"


def identity(data: Path, name: str = "") -> Identity:
    """The machine's identity, from the data folder or chosen now and kept there. `name` is what the owner calls it."""
    file = data / "identity.json"
    hostname = socket.gethostname()
    try:
        mac = str(json.loads(file.read_text())["mac"])
        if len(mac) != 12 or int(mac, 16) == 0:
            raise ValueError(mac)
    except (OSError, ValueError, KeyError, TypeError):
        import uuid  # slow to import, needed once in a machine's life

        mac = choose_mac(read_nics(), uuid.getnode(), secrets.randbits(48))
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"mac": mac, "hostname": hostname}) + "\n")
        os.replace(fresh, file)
    own = f"_{name}" if name and name != hostname else ""
    return Identity(mac, hostname, name or hostname, f"brender_{mac}{own}")


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def facts() -> dict[str, Any]:
    """What a person wants to know of the machine; memory in MiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return {"cores": cores(), "memory_mb": memory, "python": platform.python_version()}


def system() -> str:
    """Operating system, its release and the processor, for the worker's row."""
    kernel = os.uname()
    return f"{kernel.sysname} {kernel.release} {kernel.machine}"


def disk_warning(data: Path) -> str:
    """What to tell people when the data folder's disk is nearly full, else nothing."""
    disk = shutil.disk_usage(data)
    if disk.free >= LEAST_DISK and disk.free >= LEAST_DISK_PART * disk.total:
        return ""
    return f"only {disk.free >> 20} MiB free in {data}"
