"""One NVIDIA GPU, through the driver's own library (the extra `nvidia`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pynvml

from brender.probes import Probe, Surroundings, Values
from brender.worker.instruments import INSTRUMENTS, OfGpu

MIB = 1 << 20


class Nvidia(Probe):
    """Use in per cent, memory in MiB, degrees, watts; what a card does not say has no value."""

    Config = OfGpu
    keys = INSTRUMENTS["nvidia"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        pynvml.nvmlInit()
        self._card = pynvml.nvmlDeviceGetHandleByIndex(config.index)

    def read(self) -> Values:
        card = self._card
        return {
            "gpu": _asked(lambda: float(pynvml.nvmlDeviceGetUtilizationRates(card).gpu)),
            "gpu_memory": _asked(lambda: pynvml.nvmlDeviceGetMemoryInfo(card).used / MIB),
            "gpu_temperature": _asked(
                lambda: float(pynvml.nvmlDeviceGetTemperature(card, pynvml.NVML_TEMPERATURE_GPU))
            ),
            "gpu_power": _asked(lambda: pynvml.nvmlDeviceGetPowerUsage(card) / 1000.0),
        }

    def close(self) -> None:
        pynvml.nvmlShutdown()


def _asked(question: Callable[[], float]) -> float | None:
    try:
        return question()
    except pynvml.NVMLError_NotSupported:
        return None


def cards() -> list[dict[str, str]]:
    """The GPUs of this machine in the order of their index: name, vendor and product as four hexadecimal digits."""
    found = []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            card = pynvml.nvmlDeviceGetHandleByIndex(index)
            name, pci = pynvml.nvmlDeviceGetName(card), pynvml.nvmlDeviceGetPciInfo(card)
            ids = f"{pci.pciDeviceId:08x}"
            text = name.decode(errors="replace") if isinstance(name, bytes) else name
            found.append({"description": text, "vendor_id": ids[4:], "product_id": ids[:4]})
    except pynvml.NVMLError:
        pass  # what was found so far is there
    finally:
        pynvml.nvmlShutdown()
    return found
