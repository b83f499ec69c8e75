"""The real daemon on machines that have GPUs, little memory, or tasks that stand still."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_client import LIMIT_S, Farm, script, work

# Stands in for hardware that is not here: an outside program, as the driver brings one.
SMI = """\
#!/bin/sh
echo "0, GPU-00000000-aaaa, NVIDIA RTX A6000, 49140, 550.54.15"
echo "1, GPU-11111111-bbbb, NVIDIA RTX A6000, 49140, 550.54.15"
"""
# Tells what it was given, then waits until somebody writes a byte for it into the pipe.
HOLD = """\
#!/usr/bin/env python3
import json, os, sys
print(json.dumps({name: os.environ[name] for name in os.environ if "VISIBLE" in name or name == "BRENDER_GPUS"}))
sys.stdout.flush()
os.read(os.open(sys.argv[1], os.O_RDONLY), 1)
"""


class Stage(Farm):
    """A master and clients, and the pipe on which tasks wait."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gate = os.open(folder / "gate", os.O_RDWR)  # both ends: nobody waits for the other to open


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Stage]:
    script(tmp_path / "bin", "nvidia-smi", SMI)
    script(tmp_path / "functions", "hold.py", HOLD)
    os.mkfifo(tmp_path / "gate")
    made = Stage(tmp_path)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{before}"
    yield made
    os.environ["PATH"] = before
    made.shut()
    os.close(made.gate)


def client(here: Stage, *more: str, heartbeat: float = 5.0) -> dict[str, Any]:
    here.client("--functions", str(here.folder / "functions"), *more)
    return here.master.accept(heartbeat=heartbeat)


def holding(here: Stage, *attempts: int, needs: dict[str, float] | None = None) -> None:
    here.master.say(work("hold.py", [str(here.folder / "gate")], *attempts, needs=needs or {}))


def began(here: Stage, count: int) -> set[int]:
    found: set[int] = set()
    while len(found) < count:
        found |= {one[0] for one in here.master.wait("worker.started")["attempts"]}
    return found


def given(here: Stage, attempt: int) -> dict[str, str]:
    """What a task that has ended had printed."""
    found: dict[str, str] = json.loads((here.folder / f"data/logs/{attempt}.log").read_text())
    return found


def let_go(here: Stage, count: int) -> None:
    os.write(here.gate, b"x" * count)


def test_a_hello_tells_gpus_disk_and_tags(here: Stage) -> None:
    hello = client(here, "--tags", "gpu,fast")
    said = hello["config"]
    assert (said["gpus"], said["gpu_memory_mb"], said["gpu_driver"]) == (2, 49140, "550.54.15")
    assert said["gpu_names"] == ["NVIDIA RTX A6000"] * 2
    assert said["disk_gb"] > 0 and hello["tags"] == ["gpu", "fast"]


def test_a_worker_that_is_told_to_leave_gpus_alone_tells_of_none(here: Stage) -> None:
    assert client(here, "--no-gpus")["config"]["gpus"] == 0


def test_each_task_has_a_gpu_of_its_own_and_the_third_waits_for_one(here: Stage) -> None:
    """Issue 3: slots pinned by environment."""
    client(here, "--slots", "4")
    holding(here, 1, 2, 3, needs={"gpus": 1})
    holding(here, 4)
    assert began(here, 3) == {1, 2, 4}  # the one without a GPU goes past the one that waits

    let_go(here, 4)
    assert {one[1] for one in here.master.results(4).values()} == {"success0"}

    seen = {attempt: given(here, attempt) for attempt in (1, 2, 3, 4)}
    assert {seen[1]["CUDA_VISIBLE_DEVICES"], seen[2]["CUDA_VISIBLE_DEVICES"]} == {
        "GPU-00000000-aaaa", "GPU-11111111-bbbb"
    }  # fmt: skip
    assert seen[3]["CUDA_VISIBLE_DEVICES"] in ("GPU-00000000-aaaa", "GPU-11111111-bbbb")
    assert seen[1]["BRENDER_GPUS"] == seen[1]["NVIDIA_VISIBLE_DEVICES"] == seen[1]["CUDA_VISIBLE_DEVICES"]
    assert (seen[4]["CUDA_VISIBLE_DEVICES"], seen[4]["BRENDER_GPUS"]) == ("", "")


def test_what_no_gpu_here_could_do_is_an_error_with_its_reason(here: Stage) -> None:
    client(here, "--slots", "2")
    holding(here, 1, needs={"gpus": 3})
    holding(here, 2, needs={"gpus": 1, "gpu_memory_mb": 80000})
    found = here.master.results(2)
    assert found[1][5] == "it needs 3 GPUs, and this machine has 2 such"
    assert found[2][1] == "error" and "80000 MiB" in found[2][5]


def test_under_its_floor_of_memory_a_worker_starts_nothing_and_says_so(here: Stage) -> None:
    client(here, "--memory-floor", "99999999", heartbeat=0.05)
    beat = here.master.wait("worker.heartbeat")
    assert beat["full"] and "99999999 are kept free: no task is started" in beat["warning"]
    holding(here, 1, 2)
    assert here.master.wait("worker.returned") == {"attempts": [1, 2]}


def test_a_task_that_stands_still_is_told_and_ended_and_one_that_works_is_not(here: Stage) -> None:
    """CONTRACT R32."""
    script(here.folder / "functions", "busy.py", "import os, sys\nwhile not os.path.exists(sys.argv[1]): pass\n")
    client(here, "--slots", "2", "--stalled-after", "2", "--stop-stalled", heartbeat=0.1)
    here.master.say(work("busy.py", [str(here.folder / "enough")], 2))
    holding(here, 1)
    assert here.master.wait("worker.stalled") == {"attempts": [[1, 2.0]]}
    (here.folder / "enough").touch()
    found = here.master.results(2)
    assert (found[1][1], found[1][5]) == ("error", "no output and no processor time for 2 s")
    assert found[2][1] == "success0"


def test_a_step_says_itself_when_it_is_stuck_and_is_only_told_of(here: Stage) -> None:
    client(here, heartbeat=0.1)
    here.master.say(work("hold.py", [str(here.folder / "gate")], 1, stalled_after=0.3))
    assert here.master.wait("worker.stalled") == {"attempts": [[1, 0.3]]}
    here.master.close()
    here.master.accept(heartbeat=0.1)
    assert here.master.wait("worker.stalled")["attempts"] == [[1, 0.3]]  # a master that was away hears it again
    let_go(here, 1)
    assert here.master.results(1)[1][1] == "success0"


def test_a_file_that_is_not_understood_starts_nothing(here: Stage) -> None:
    (here.folder / "worker.yml").write_text("slots: 2\nstaled_after: 30m\n")
    child = here.client("--config", str(here.folder / "worker.yml"))
    assert child.wait(LIMIT_S) == 1 and child.stderr is not None
    assert "there is no setting 'staled_after'. Did you mean stalled_after?" in child.stderr.read()
