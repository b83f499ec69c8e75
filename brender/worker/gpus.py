"""A machine's GPUs: which task gets which, and what it must be told so that it sees those and no others.

Pure: names and numbers. It must not know how GPUs are found (daemon/probes.py) or how a process is started.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

MOST_GPUS: Final = 64
NAME_CHARS: Final = 100
QUERY: Final = ("index", "uuid", "name", "memory.total", "driver_version")
_UUID: Final = re.compile(r"GPU-[0-9a-fA-F-]{8,60}")
_DRIVER: Final = re.compile(r"[\w.-]{1,40}")
_SLACK: Final = 1e-9  # three thirds of a GPU are one


class Gpu(Struct, frozen=True):
    """One device. `index` is its maker's own count; memory in MiB, 0 where it does not tell."""

    maker: Literal["nvidia", "amd"]
    index: int
    uuid: str = ""
    name: str = ""
    memory_mb: int = 0
    driver: str = ""


def read_smi(text: str) -> list[Gpu]:
    """`nvidia-smi --query-gpu=<QUERY> --format=csv,noheader,nounits` → GPUs; lines that are no GPU are passed over.

    A machine whose driver does not answer prints a sentence instead of rows, sometimes with exit code 0.
    """
    found: dict[str, Gpu] = {}
    for line in text.splitlines():
        first, _, rest = line.partition(",")
        uuid, _, rest = rest.partition(",")
        name, _, rest = rest.rpartition(",")[0].rpartition(",")
        driver = line.rpartition(",")[2].strip()
        index, uuid, memory = first.strip(), uuid.strip(), rest.strip()
        if not re.fullmatch(r"[0-9]{1,4}", index) or not _UUID.fullmatch(uuid):
            continue
        found[uuid] = Gpu(
            "nvidia",
            int(index),
            uuid,
            "".join(c for c in name.strip() if c.isprintable())[:NAME_CHARS],
            int(memory) if re.fullmatch(r"[0-9]{1,9}", memory) else 0,
            driver if _DRIVER.fullmatch(driver) else "",
        )
    return sorted(found.values(), key=lambda gpu: gpu.index)[:MOST_GPUS]


def facts(gpus: Sequence[Gpu]) -> dict[str, object]:
    """What a hello says of them. `gpu_memory_mb` is of the smallest: what a task may count on, whichever it gets."""
    if not gpus:
        return {"gpus": 0}
    drivers = sorted({gpu.driver for gpu in gpus if gpu.driver})
    return {
        "gpus": len(gpus),
        "gpu_memory_mb": min((gpu.memory_mb for gpu in gpus if gpu.memory_mb), default=0),
        "gpu_names": [gpu.name for gpu in gpus],
        "gpu_driver": ", ".join(drivers),
    }


def environment(gpus: Sequence[Gpu]) -> dict[str, str]:
    """The variables of a task that was given these.

    NVIDIA's by uuid: an index means another card to a program that counts by speed than to one that counts by bus.
    AMD's by ROCR's index alone: HIP counts among what ROCR leaves, so the same index in both would find nothing.
    """
    nvidia = [gpu for gpu in gpus if gpu.maker == "nvidia"]
    amd = [gpu for gpu in gpus if gpu.maker == "amd"]
    uuids = ",".join(gpu.uuid for gpu in nvidia)
    found = {"BRENDER_GPUS": ",".join(gpu.uuid or f"{gpu.maker}:{gpu.index}" for gpu in gpus)}
    # Of the other maker's it sees none: what is not given is not there.
    found |= {"CUDA_VISIBLE_DEVICES": uuids, "NVIDIA_VISIBLE_DEVICES": uuids or "void"}
    if amd:
        found["ROCR_VISIBLE_DEVICES"] = ",".join(str(gpu.index) for gpu in amd)
        found["HIP_VISIBLE_DEVICES"] = ",".join(map(str, range(len(amd))))
    else:
        found |= HIDDEN_AMD
    return found


HIDDEN_AMD: Final = {"ROCR_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "-1"}


class Need(Struct, frozen=True):
    """What one task wants: whole GPUs, or a part of one (under 1); `memory_mb` of each."""

    count: float = 0.0
    memory_mb: float = 0.0

    @property
    def part(self) -> float:
        """Of each GPU it gets."""
        return self.count if self.count < 1 else 1.0


def need_of(needs: Mapping[str, float]) -> Need | None:
    """From a step's `needs`; None for a step that wants no GPU. Memory alone means one GPU."""
    count, memory = needs.get("gpus", 0.0), needs.get("gpu_memory_mb", 0.0)
    if not count > 0 and not memory > 0:
        return None
    return Need(count if 0 < count < 1 else float(max(1, math.ceil(count - _SLACK))), memory)


class Held(Struct):
    """What one attempt has."""

    gpus: tuple[Gpu, ...]
    need: Need


class Gpus:
    """Who has which. No two attempts share a GPU unless their parts of it are 1 or less together.

    A slot gets the GPUs that it had last where it can: its open Blender then goes on with what it has loaded there.
    """

    def __init__(self, gpus: Sequence[Gpu] = ()) -> None:
        self.all = tuple(gpus)
        self._held: dict[int, Held] = {}
        self._last: dict[int, tuple[Gpu, ...]] = {}  # by slot

    def never(self, need: Need) -> str:
        """Why this machine can not give that even when it is idle; empty when it can. One without GPUs says nothing:
        what it runs is not pinned, since its owner wrote its count into its config and knows better."""
        able = sum(_large(gpu, need) for gpu in self.all)
        if not self.all or able >= math.ceil(need.count):
            return ""
        of = f" with {need.memory_mb:g} MiB of memory" if need.memory_mb else ""
        return f"it needs {math.ceil(need.count)} GPUs{of}, and this machine has {able} such"

    def take(self, attempt: int, slot: int, need: Need) -> tuple[Gpu, ...] | None:
        """GPUs for an attempt in a slot; None while too few are free."""
        last = self._last.get(slot, ())
        free = [gpu for gpu in self.all if _large(gpu, need) and self._fits(gpu, need)]
        # Its own from last time, then the fullest (parts together leave whole ones whole), then those no slot knows.
        known = {gpu for other, gpus in self._last.items() if other != slot for gpu in gpus}
        free.sort(key=lambda gpu: (gpu not in last, -self._used(gpu), gpu in known, self.all.index(gpu)))
        count = math.ceil(need.count)
        if len(free) < count:
            return None
        chosen = tuple(sorted(free[:count], key=self.all.index))
        self._held[attempt] = Held(chosen, need)
        self._last[slot] = chosen
        return chosen

    def give_back(self, attempt: int) -> None:
        """Its process is gone."""
        self._held.pop(attempt, None)

    def _fits(self, gpu: Gpu, need: Need) -> bool:
        if self._used(gpu) + need.part > 1 + _SLACK:
            return False
        memory = sum(held.need.memory_mb for held in self._held.values() if gpu in held.gpus)
        return not gpu.memory_mb or memory + need.memory_mb <= gpu.memory_mb

    def _used(self, gpu: Gpu) -> float:
        return sum(held.need.part for held in self._held.values() if gpu in held.gpus)


def _large(gpu: Gpu, need: Need) -> bool:
    return not gpu.memory_mb or need.memory_mb <= gpu.memory_mb


class Pins(Struct, frozen=True):
    """What the processes of one machine are told. `all` are its GPUs, `slots` how many tasks it may run at once."""

    all: tuple[Gpu, ...] = ()
    slots: int = 1

    def dress(self, env: Mapping[str, str], given: Sequence[Gpu]) -> dict[str, str]:
        """A task's environment with its GPUs in it.

        One that was given none sees none where others may be given theirs beside it: on one task's GPU no other
        works. With one slot there is no other, and it sees them all. What its function's owner has set stays.
        """
        if given:
            return {**env, **environment(given)}
        return {**environment(()), **env} if self.all and self.slots > 1 else dict(env)
