"""What is shipped for supervisors of processes: systemd and supervisord themselves read it, and it says what SP-58 and
CL-38 ask for.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ports import free_port

from brender.caller import Master, NoMaster, conversation

UNITS = Path(__file__).parent.parent / "examples" / "systemd"
LIMIT_S = 120.0
PROGRAM = "/opt/brender/bin/brender"


def analyze(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def lines(unit: str) -> list[str]:
    return (UNITS / unit).read_text().splitlines()


@pytest.mark.parametrize(
    ("unit", "most"),
    [("brender-master.service", 2.0), ("brender-client.service", 5.5), ("brender-web.service", 2.0)],
)
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


def test_the_page_has_a_unit_that_starts_again() -> None:
    said = lines("brender-web.service")
    assert {"User=brender", "Restart=always", "NoNewPrivileges=yes", f"ExecStart={PROGRAM} web"} <= set(said)


def test_supervisord_starts_a_farm_from_the_file_that_is_linked(tmp_path: Path) -> None:
    """CL-38: ln -s …/brender.conf /etc/supervisor/conf.d/; a master and a worker that finds it, ended in order."""
    me = pwd.getpwuid(os.getuid()).pw_name
    given = (UNITS.parent / "supervisor" / "brender.conf").read_text()
    port = free_port()
    for word, instead in {
        PROGRAM: str(Path(sys.executable).parent / "brender"),
        "/var/lib/brender": str(tmp_path / "home"),
        "user=brender": f"user={me}",
        "127.0.0.1:6000": f"127.0.0.1:{port}",
        "brender master": f"brender master --listen 127.0.0.1:{port}",
        "brender web": "brender web --listen 127.0.0.1:0",
    }.items():
        assert word in given, word
        given = given.replace(word, instead)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "brender.conf").write_text(given)
    (tmp_path / "conf.d" / "brender.conf").symlink_to(tmp_path / "brender.conf")
    head = "[supervisord]\nnodaemon=true\nlogfile=supervisord.log\n[include]\nfiles=conf.d/*.conf\n"
    (tmp_path / "supervisord.conf").write_text(head)
    argv = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", "supervisord.conf"]
    running = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + LIMIT_S
        master = Master(f"127.0.0.1:{port}")
        while not _online(master):
            assert running.poll() is None and time.monotonic() < ends, (tmp_path / "supervisord.log").read_text()
    finally:
        running.terminate()
        assert running.wait(LIMIT_S) == 0
    said = (tmp_path / "supervisord.log").read_text()
    assert {f"stopped: brender-{name} (exit status 0)" in said for name in ("master", "client")} == {True}, said


def _online(master: Master) -> bool:
    try:
        workers = next(conversation(master, "worker.list", {}))["workers"]
    except NoMaster:
        return False
    return [one["presence"] for one in workers] == ["online"]
