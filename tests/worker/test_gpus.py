"""GPUs: what nvidia-smi prints, who gets which, and what a task is told."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.worker.gpus import Gpu, Gpus, Need, Pins, environment, facts, need_of, read_smi

TWO = """\
1, GPU-5a1c0f57-0000-1111-2222-333344445555, NVIDIA GeForce RTX 4090, 24564, 550.54.15
0, GPU-9e8d7c6b-aaaa-bbbb-cccc-ddddeeeeffff, NVIDIA RTX A6000, 49140, 550.54.15
"""


def cards(count: int, memory_mb: int = 24000) -> list[Gpu]:
    return [Gpu("nvidia", n, f"GPU-{n:08d}", f"card {n}", memory_mb, "550") for n in range(count)]


def test_two_cards_as_nvidia_smi_prints_them_stand_in_the_order_of_their_index() -> None:
    found = read_smi(TWO)
    assert [(gpu.index, gpu.name, gpu.memory_mb, gpu.driver) for gpu in found] == [
        (0, "NVIDIA RTX A6000", 49140, "550.54.15"),
        (1, "NVIDIA GeForce RTX 4090", 24564, "550.54.15"),
    ]
    assert facts(found) == {
        "gpus": 2,
        "gpu_memory_mb": 24564,
        "gpu_names": ["NVIDIA RTX A6000", "NVIDIA GeForce RTX 4090"],
        "gpu_driver": "550.54.15",
    }
    assert facts([]) == {"gpus": 0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
        "No devices were found\n",
        "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system\n",
        "0, GPU-1; rm -rf /, x, 1, 2\n",
        "-1, GPU-00000000-1111, x, 1, 2\n",
        "0,,,,\n,,,,\n\0\n",
    ],
)
def test_what_a_broken_driver_prints_is_no_gpu(text: str) -> None:
    assert read_smi(text) == []


def test_a_card_that_does_not_tell_its_memory_is_a_card_all_the_same() -> None:
    """Grace and vGPU guests print [N/A]; a name may hold a comma."""
    (gpu,) = read_smi("0, GPU-00000000-1111, NVIDIA GH200, rev 2, [N/A], [N/A]\r\n")
    assert (gpu.name, gpu.memory_mb, gpu.driver) == ("NVIDIA GH200, rev 2", 0, "")
    assert facts([gpu])["gpu_memory_mb"] == 0


@given(st.text(max_size=300) | st.lists(st.sampled_from([*TWO.splitlines(), "\n", ",", "0", "x" * 400])).map("".join))
def test_no_text_upsets_the_reader(text: str) -> None:
    for gpu in read_smi(text):
        assert gpu.uuid.startswith("GPU-") and len(gpu.name) <= 100 and gpu.name.isprintable()


def test_two_tasks_never_share_a_gpu_and_the_third_waits() -> None:
    gpus = Gpus(cards(2))
    first, second = gpus.take(1, 0, Need(1)), gpus.take(2, 1, Need(1))
    assert first is not None and second is not None and first != second
    assert gpus.take(3, 2, Need(1)) is None
    gpus.give_back(1)
    assert gpus.take(3, 2, Need(1)) == first


def test_a_slot_gets_again_what_it_had() -> None:
    """Its open Blender has its scene there already."""
    gpus = Gpus(cards(3))
    had = {slot: gpus.take(slot, slot, Need(1)) for slot in (2, 0, 1)}
    for slot in (0, 1, 2):
        gpus.give_back(slot)
    assert {slot: gpus.take(10 + slot, slot, Need(1)) for slot in (1, 0, 2)} == had


def test_a_task_may_have_several_or_a_part_of_one() -> None:
    gpus = Gpus(cards(3))
    assert gpus.take(1, 0, Need(0.5)) == gpus.take(2, 1, Need(0.5))  # parts together, so that whole ones stay whole
    assert gpus.take(3, 2, Need(2)) == tuple(cards(3)[1:])
    assert gpus.take(4, 3, Need(0.25)) is None


def test_memory_is_of_each_gpu_and_parts_share_it() -> None:
    small, large = Gpu("nvidia", 0, "a", memory_mb=8000), Gpu("nvidia", 1, "b", memory_mb=48000)
    gpus = Gpus([small, large])
    assert gpus.take(1, 0, Need(0.25, 30000)) == (large,)
    assert gpus.take(2, 1, Need(0.25, 20000)) is None
    assert gpus.take(3, 1, Need(0.25, 18000)) == (large,)
    assert gpus.never(Need(2, 9000)) == "it needs 2 GPUs with 9000 MiB of memory, and this machine has 1 such"
    assert gpus.never(Need(2, 8000)) == gpus.never(Need(0.5)) == ""


def test_a_machine_whose_gpus_nobody_found_pins_nothing_and_refuses_nothing() -> None:
    """Its owner wrote the count into its config."""
    assert Gpus([]).never(Need(4)) == ""
    assert Pins((), 8).dress({"A": "1"}, ()) == {"A": "1"}


def test_what_a_step_says_of_gpus() -> None:
    assert need_of({"memory_mb": 5.0}) is None and need_of({}) is None
    assert need_of({"gpus": 2.0}) == Need(2)
    assert need_of({"gpus": 1.5}) == Need(2)  # no half of a second one
    assert need_of({"gpus": 0.5, "gpu_memory_mb": 4000.0}) == Need(0.5, 4000)
    assert need_of({"gpu_memory_mb": 4000.0}) == Need(1, 4000)


def test_a_task_sees_its_own_and_one_that_was_given_none_sees_none() -> None:
    pins = Pins(tuple(cards(2)), slots=4)
    env = pins.dress({"CUDA_VISIBLE_DEVICES": "0", "A": "1"}, cards(2)[1:])
    assert (env["CUDA_VISIBLE_DEVICES"], env["NVIDIA_VISIBLE_DEVICES"]) == ("GPU-00000001", "GPU-00000001")
    assert (env["BRENDER_GPUS"], env["A"]) == ("GPU-00000001", "1")

    bare = pins.dress({"A": "1"}, ())
    assert (bare["CUDA_VISIBLE_DEVICES"], bare["NVIDIA_VISIBLE_DEVICES"]) == ("", "void")
    assert pins.dress({"CUDA_VISIBLE_DEVICES": "0"}, ())["CUDA_VISIBLE_DEVICES"] == "0"  # its owner's own word
    assert Pins(tuple(cards(2)), slots=1).dress({"A": "1"}, ()) == {"A": "1"}  # there is no other task


def test_amd_is_told_by_rocr_and_hip_counts_what_that_leaves() -> None:
    env = environment([Gpu("amd", 1), Gpu("amd", 3)])
    assert (env["ROCR_VISIBLE_DEVICES"], env["HIP_VISIBLE_DEVICES"]) == ("1,3", "0,1")
    assert (env["CUDA_VISIBLE_DEVICES"], env["BRENDER_GPUS"]) == ("", "amd:1,amd:3")


wants = st.sampled_from([Need(1), Need(2), Need(0.5), Need(1 / 3), Need(0.25, 9000)])


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 5), wants, st.booleans()), max_size=40))
def test_whatever_comes_and_goes_no_gpu_is_given_out_more_than_once(
    count: int, moves: list[tuple[int, Need, bool]]
) -> None:
    gpus, held = Gpus(cards(count)), dict[int, tuple[tuple[Gpu, ...], Need]]()
    for attempt, (slot, need, goes) in enumerate(moves):
        if goes and held:
            gone = min(held)
            gpus.give_back(gone)
            del held[gone]
        given_ = gpus.take(attempt, slot, need)
        if given_ is not None:
            assert len(set(given_)) == math.ceil(need.count)
            held[attempt] = (given_, need)
        for gpu in gpus.all:
            takers = [need for taken, need in held.values() if gpu in taken]
            assert sum(need.part for need in takers) <= 1.0001
            assert sum(need.memory_mb for need in takers) <= gpu.memory_mb
