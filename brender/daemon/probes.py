"""Who and what this machine is: its MAC, names, cores, memory, GPUs, disk. It reads /sys, the kernel and what
nvidia-smi prints, and decides nothing else.

The identity is chosen once and kept in the data folder: a dock, a VPN or a new Wi-Fi stick does not make a new worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from brender.daemon.kin import kill
from brender.worker import gpus

ARPHRD_ETHER = 1
SMI_S = 10.0  # a driver that nobody has woken yet takes seconds
SMI_BYTES = 1 << 16
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


def facts(data: Path, found: Sequence[gpus.Gpu]) -> dict[str, Any]:
    """What a person wants to know of the machine, and what the `needs` of steps are compared with; memory in MiB.

    The disk is that of the work folder, as it is at the daemon's start.
    """
    disk = round(shutil.disk_usage(data).free / (1 << 30), 1)
    python = platform.python_version()
    return {"cores": cores(), "memory_mb": memory_mb(), "disk_gb": disk, **gpus.facts(found), "python": python}


def memory_mb() -> int:
    """All of the machine's."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def available_mb() -> int:
    """What programs can have without anything being swapped out."""
    import psutil

    return int(psutil.virtual_memory().available >> 20)


def find_gpus(kfd: Path = Path("/sys/class/kfd/kfd/topology/nodes")) -> list[gpus.Gpu]:
    """NVIDIA's by the program that comes with their driver, AMD's by the kernel's list of what ROCm can use."""
    return [*_nvidia(), *_amd(kfd)]


def _nvidia() -> list[gpus.Gpu]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    words = [program, f"--query-gpu={','.join(gpus.QUERY)}", "--format=csv,noheader,nounits"]
    return gpus.read_smi(_said(words, SMI_S).decode("utf-8", "replace"))


def _said(words: list[str], limit_s: float) -> bytes:
    """What a program prints until it ends, until the time is over or until it is too much; it is dead then, or hangs
    in the kernel as with a broken driver, which nobody waits for."""
    try:
        child = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except OSError:
        return b""
    assert child.stdout is not None
    said, deadline = b"", time.monotonic() + limit_s
    with child.stdout as pipe:
        while len(said) < SMI_BYTES:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                break
            data = os.read(pipe.fileno(), SMI_BYTES)
            if not data:
                break
            said += data
    kill(os.killpg, child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(1.0)
    return said


def _amd(nodes: Path) -> list[gpus.Gpu]:
    """In the order of the nodes, which is ROCR's: a node with a gpu_id is a GPU, the others are processors."""
    found: list[gpus.Gpu] = []
    for node in sorted(nodes.glob("[0-9]*"), key=lambda path: int(path.name) if path.name.isdigit() else 0):
        try:
            if int((node / "gpu_id").read_text()) == 0:
                continue
            banks = [_pairs(file) for file in node.glob("mem_banks/*/properties")]
            name = (node / "name").read_text().strip()
        except (OSError, ValueError):
            continue
        size = sum(bank.get("size_in_bytes", 0) for bank in banks if bank.get("heap_type") in (1, 2)) >> 20
        found.append(gpus.Gpu("amd", len(found), name=name or "AMD GPU", memory_mb=size))
    return found[: gpus.MOST_GPUS]


def _pairs(file: Path) -> dict[str, int]:
    """Lines of a word and a number."""
    rows = [line.split() for line in file.read_text().splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


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
