"""What a machine says of itself: GPUs by a program that may be broken or hostile, and the kernel's own list."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_client import gone

from brender.daemon import probes, pulse
from brender.worker.gpus import Gpu

NOWHERE = Path("/nowhere")
ROW = "0, GPU-9e8d7c6b-aaaa-bbbb-cccc-ddddeeeeffff, NVIDIA RTX A6000, 49140, 550.54.15"


@pytest.fixture
def smi(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """An nvidia-smi on the PATH: an outside program that stands in for the one of the driver."""

    def write(text: str) -> None:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)

    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path}{os.pathsep}{before}"
    yield write
    os.environ["PATH"] = before


def test_the_gpus_that_nvidia_smi_lists(smi: Callable[[str], None], tmp_path: Path) -> None:
    smi(f'echo "$@" > {tmp_path}/asked; echo "{ROW}"')
    assert probes.find_gpus(NOWHERE) == [
        Gpu("nvidia", 0, "GPU-9e8d7c6b-aaaa-bbbb-cccc-ddddeeeeffff", "NVIDIA RTX A6000", 49140, "550.54.15")
    ]
    asked = "--query-gpu=index,uuid,name,memory.total,driver_version --format=csv,noheader,nounits"
    assert (tmp_path / "asked").read_text().strip() == asked


@pytest.mark.parametrize("text", ["exit 9", "echo No devices were found", "exec yes x", "printf '\\000\\377,,,,'"])
def test_a_driver_that_does_not_answer_well_means_no_gpu(smi: Callable[[str], None], text: str) -> None:
    smi(text)
    assert probes.find_gpus(NOWHERE) == []


def test_a_program_that_hangs_is_left_with_what_it_said(tmp_path: Path) -> None:
    """Also what it started is dead then."""
    script = tmp_path / "hangs"
    script.write_text(f'#!/bin/sh\necho "{ROW}"\nsleep 300 &\necho $! > {tmp_path}/pid\nwait\n')
    script.chmod(0o755)
    said = probes._said([str(script)], 3.0)
    assert said.decode().strip() == ROW
    assert gone(int((tmp_path / "pid").read_text()))
    assert probes._said(["/no/such/program"], 0.5) == b""


def node(root: Path, number: int, gpu_id: int, name: str = "", *sizes: int) -> None:
    folder = root / str(number)
    folder.mkdir(parents=True)
    (folder / "gpu_id").write_text(f"{gpu_id}\n")
    (folder / "name").write_text(f"{name}\n")
    for bank, size in enumerate(sizes):
        (folder / "mem_banks" / str(bank)).mkdir(parents=True)
        text = f"heap_type {1 if gpu_id else 0}\nsize_in_bytes {size}\nflags 0\nwidth 4096\nmem_clk_max 1600\n"
        (folder / "mem_banks" / str(bank) / "properties").write_text(text)


def test_amds_gpus_are_the_nodes_with_a_gpu_id_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """As ROCR counts them; node 0 is the processor, and 10 comes after 2."""
    node(tmp_path, 0, 0, "", 1 << 34)
    node(tmp_path, 10, 7, "", 16 << 30)
    node(tmp_path, 2, 51200, "aldebaran", 64 << 30)
    (tmp_path / "3").mkdir()
    assert probes._amd(tmp_path) == [
        Gpu("amd", 0, name="aldebaran", memory_mb=65536),
        Gpu("amd", 1, name="AMD GPU", memory_mb=16384),
    ]


def test_the_facts_have_what_needs_are_compared_with(tmp_path: Path) -> None:
    said = probes.facts(tmp_path, [Gpu("nvidia", 0, "GPU-1", "card", 24000, "550")])
    assert (said["gpus"], said["gpu_memory_mb"]) == (1, 24000)
    assert said["cores"] >= 1 and said["memory_mb"] >= probes.available_mb() > 0 and said["disk_gb"] > 0


def test_the_processor_time_of_a_tree_counts_what_it_has_waited_for() -> None:
    before = pulse.processor_time([os.getpid()])[os.getpid()]
    deadline = time.process_time() + 0.05
    while time.process_time() < deadline:
        pass
    assert pulse.processor_time([os.getpid()])[os.getpid()] >= before + 0.03


def test_the_bytes_of_part_files_are_those_of_one_attempt(tmp_path: Path) -> None:
    for name, size in (("7.1.part.png", 10), ("7.2.part.png", 5), ("71.1.part.png", 100), ("8", 1)):
        (tmp_path / name).write_bytes(b"x" * size)
    assert pulse.part_bytes(f"{tmp_path}/7") == 15
    assert pulse.part_bytes("/nowhere/7") == 0
