"""How soon a killed master answers again, and how soon what is killed or asked to end is gone with all it started.

Tests prove that nothing is lost and nothing is left; here is how long that takes (F01, F07, F11, CONTRACT 4.10).
It must not know how anything ends.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path

from bench.farm import Broken, Line, farm
from bench.table import Report, share
from brender.daemon import kin

# Ignores SIGTERM, and leaves a child in a session of its own that does, too.
DEAF = "#!/bin/sh\ntrap '' TERM\nsetsid /bin/sleep 600 &\nwhile :; do /bin/sleep 1; done\n"
SLOTS = 2
LIMIT = 60.0  # seconds for whatever is waited for


def ends(report: Report, quick: bool) -> None:
    """SIGKILL and SIGTERM, to the master and to a worker with tasks that do not obey."""
    count = 3 if quick else 20
    with farm() as made:
        folder = made.directory / "functions"
        folder.mkdir()
        (folder / "deaf").write_text(DEAF)
        (folder / "deaf").chmod(0o755)
        master = made.master()
        found: dict[str, list[float]] = {"back": [], "killed": [], "asked": [], "saved": []}
        for number in range(count):
            Line(made.port).ask("job.create", name=f"noops{number}", function="noop", frames="1-20000", run=True)
            master.kill()
            begin = time.monotonic()
            master.wait()
            master = made.master()
            found["back"].append(time.monotonic() - begin)
            Line(made.port).ask("job.stop", job=f"noops{number}")
        line = Line(made.port)
        line.ask("job.create", name="deaf", function="deaf", frames="1-10000", run=True)
        for number in range(2 * count):
            worker = made.worker(SLOTS, folder, "--name", "one")
            which = "asked" if number % 2 else "killed"
            found[which].append(_gone(line, worker, which == "asked"))
        line.close()
        begin = time.monotonic()
        master.terminate()
        master.wait(LIMIT)
        found["saved"].append(time.monotonic() - begin)
    report.ceiling("first answer after kill -9 of the master, p99", share(found["back"], 0.99), "s", 3.0)
    report.ceiling("all gone after kill -9 of a worker, p99", share(found["killed"], 0.99), "s", 1.0)
    report.ceiling("all gone after SIGTERM to a worker, p99", share(found["asked"], 0.99), "s", 2.0)
    report.ceiling("end of the master after SIGTERM", found["saved"][0], "s", 5.0)


def _gone(line: Line, worker: subprocess.Popen[bytes], asked: bool) -> float:
    """Seconds from the end of a worker whose slots are all busy until nothing that it started lives."""
    end = time.monotonic() + LIMIT
    while line.ask("farm.status")["slots"] != {"total": SLOTS, "used": SLOTS} or len(_below(worker)) < 2 + 2 * SLOTS:
        if time.monotonic() > end:
            raise Broken("The worker does not become busy.")
        time.sleep(0.01)
    fds = [os.pidfd_open(pid) for pid in _below(worker)]
    begin = time.monotonic()
    worker.terminate() if asked else worker.kill()
    for fd in fds:
        if not select.select([fd], [], [], max(0.0, end - time.monotonic()))[0]:
            raise Broken("A process of the worker lives on.")
        os.close(fd)
    took = time.monotonic() - begin
    worker.wait()
    return took


def _below(worker: subprocess.Popen[bytes]) -> list[int]:
    """The worker, its guardian and what stands in its tasks; without the short sleeps, which end by themselves."""
    family = kin.family(kin.processes(), [worker.pid])
    return [pid for pid in family if not _line(pid).startswith(b"/bin/sleep\x001\x00")]


def _line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
