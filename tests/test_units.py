"""The systemd units that are shipped: systemd itself reads them, and they say what SP-58 asks for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent / "examples" / "systemd"
PROGRAM = "/opt/brender/bin/brender"


def analyze(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def lines(unit: str) -> list[str]:
    return (UNITS / unit).read_text().splitlines()


@pytest.mark.parametrize(("unit", "most"), [("brender-master.service", 2.0), ("brender-client.service", 5.5)])
def test_systemd_understands_the_units_and_finds_them_closed(tmp_path: Path, unit: str, most: float) -> None:
    """SP-58. Exposure is systemd's own figure, 0 to 10; a worker renders with GPUs and shares, so it is more open."""
    there = tmp_path / unit
    there.write_text((UNITS / unit).read_text().replace(PROGRAM, sys.executable))
    assert analyze("verify", str(there)) == ""
    found = re.search(r"exposure level for \S+: ([\d.]+)", analyze("security", "--offline=yes", str(there)))
    assert found is not None and float(found[1]) <= most


@pytest.mark.parametrize("program", ["master", "client"])
def test_a_unit_starts_again_has_time_to_end_and_goes_last_when_memory_does(program: str) -> None:
    """SP-58: a user of its own, OOMScoreAdjust=-100, Restart=always, TimeoutSec=300."""
    said = lines(f"brender-{program}.service")
    wanted = ("User=brender", "OOMScoreAdjust=-100", "Restart=always", "TimeoutSec=300", "NoNewPrivileges=yes")
    assert [word for word in wanted if word not in said] == []
    assert f"ExecStart={PROGRAM} {program}" in said
