"""One NVIDIA GPU, through the driver's own library (the extra `nvidia`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pynvml

from brender.errors import BrenderError, NotFound, Unsupported, WrongState
from brender.probes import Probe, Surroundings, Values
from brender.worker.instruments import INSTRUMENTS, OfGpu

MIB = 1 << 20


class Nvidia(Probe):
    """Use in per cent, memory in MiB, degrees, watts; what a card does not say has no value."""

    Config = OfGpu
    keys = INSTRUMENTS["nvidia"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        """Raises Unsupported without a driver that works, NotFound without this card."""
        self._index = config.index
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise Unsupported(
                f"The NVIDIA driver of this machine does not answer: {error}.", hint="Run nvidia-smi there."
            ) from None
        try:
            check_index(config.index, _asked("GPUs", pynvml.nvmlDeviceGetCount))
            self._card = _asked(f"GPU {config.index}", lambda: pynvml.nvmlDeviceGetHandleByIndex(config.index))
        except BrenderError:
            pynvml.nvmlShutdown()
            raise

    def read(self) -> Values:
        card = self._card
        questions: dict[str, Callable[[], float]] = {
            "gpu": lambda: float(pynvml.nvmlDeviceGetUtilizationRates(card).gpu),
            "gpu_memory": lambda: pynvml.nvmlDeviceGetMemoryInfo(card).used / MIB,
            "gpu_temperature": lambda: float(pynvml.nvmlDeviceGetTemperature(card, pynvml.NVML_TEMPERATURE_GPU)),
            "gpu_power": lambda: pynvml.nvmlDeviceGetPowerUsage(card) / 1000.0,
        }
        return {key: said(self._index, key, question) for key, question in questions.items()}

    def close(self) -> None:
        pynvml.nvmlShutdown()


def check_index(index: int, count: int) -> None:
    """Raise NotFound where there is no card of this number."""
    if index < count:
        return
    there = "no NVIDIA GPU" if not count else "1 NVIDIA GPU" if count == 1 else f"{count} NVIDIA GPUs"
    known = "" if not count else ", index 0" if count == 1 else f", index 0 to {count - 1}"
    hint = 'device set NAME config={"index": 0}' if count else "Run nvidia-smi there."
    raise NotFound(f"There is no NVIDIA GPU {index}: the driver of this machine shows {there}{known}.", hint=hint)


def said(index: int, key: str, question: Callable[[], float]) -> float | None:
    """What a card says of a key, None where it never does. Raises WrongState: card, key and the driver's words."""
    try:
        return question()
    except pynvml.NVMLError_NotSupported:
        return None
    except pynvml.NVMLError as error:
        raise WrongState(f"NVIDIA GPU {index} says no {key}: {error}.", hint="Run nvidia-smi there.") from None


def _asked(what: str, question: Callable[[], Any]) -> Any:
    try:
        return question()
    except pynvml.NVMLError as error:
        raise WrongState(f"The NVIDIA driver says nothing of {what}: {error}.", hint="Run nvidia-smi there.") from None


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
