"""The probe of NVIDIA's cards says what it was asked for, what there is and what to do, whatever the driver answers."""

from __future__ import annotations

import pynvml
import pytest

from brender.errors import BrenderError, NotFound, Unsupported, WrongState
from brender.probes import Surroundings
from brender.probes.nvidia import Nvidia, cards, check_index, said
from brender.worker.instruments import OfGpu

from .contract import ProbeContract


def has_a_card() -> bool:
    return bool(cards())


@pytest.mark.parametrize(
    ("index", "count", "words"),
    [
        (7, 2, ["no NVIDIA GPU 7", "2 NVIDIA GPUs, index 0 to 1", 'config={"index": 0}']),
        (1, 1, ["no NVIDIA GPU 1", "1 NVIDIA GPU, index 0"]),
        (0, 0, ["no NVIDIA GPU 0", "no NVIDIA GPU.", "nvidia-smi"]),
    ],
)
def test_a_card_that_is_not_there_is_named_with_what_there_is(index: int, count: int, words: list[str]) -> None:
    with pytest.raises(NotFound) as refused:
        check_index(index, count)
    assert [word for word in words if word not in refused.value.sentence()] == []
    check_index(0, 1)
    check_index(1, 2)


def test_what_a_card_never_says_has_no_value_and_what_fails_is_named() -> None:
    """Issue 5, bad input: a probe that raises is contained and named, whatever the library calls it."""

    def raises(code: int) -> float:
        raise pynvml.NVMLError(code)

    assert said(0, "gpu_power", lambda: 71.5) == 71.5
    assert said(0, "gpu_power", lambda: raises(pynvml.NVML_ERROR_NOT_SUPPORTED)) is None
    for code in (pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_UNKNOWN, pynvml.NVML_ERROR_NO_PERMISSION):
        with pytest.raises(WrongState, match="NVIDIA GPU 3 says no gpu_power: "):
            said(3, "gpu_power", lambda code=code: raises(code))  # type: ignore[misc]


def test_a_machine_without_a_driver_or_without_this_card_says_so() -> None:
    """True on every machine: none has 4,000 cards, and most have no driver."""
    with pytest.raises(BrenderError) as refused:
        Nvidia(OfGpu(4000), Surroundings())
    assert isinstance(refused.value, NotFound if has_a_card() else Unsupported)
    assert "nvidia-smi" in refused.value.sentence() or "index 0" in refused.value.sentence()


if has_a_card():

    class TestNvidia(ProbeContract):
        driver = "nvidia"
