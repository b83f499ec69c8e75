"""How long a question waits while fifty tasks that do not obey are being stopped (SP-59).

It must not know how a stop is carried out: it asks the master as anybody would, and takes the time.
"""

from __future__ import annotations

import time

from bench.farm import Broken, Line, farm
from bench.table import Report, share

DEAF = "#!/bin/sh\ntrap '' TERM\nwhile :; do /bin/sleep 1; done\n"
LIMIT = 60.0  # seconds for fifty shells to begin, and again for them to be gone
MOST_MS = 100.0


def stops(report: Report, quick: bool) -> None:
    """The slowest `job.status` from the stop until the last task is killed, 6 to 9 s later."""
    count = 10 if quick else 50
    with farm() as made:
        folder = made.directory / "functions"
        folder.mkdir()
        (folder / "deaf").write_text(DEAF)
        (folder / "deaf").chmod(0o755)
        made.master()
        made.worker(count, folder)
        line = Line(made.port)
        job = line.ask("job.create", name="deaf", function="deaf", frames=f"1-{count}", run=True)["jobs"][0]["id"]
        _until(line, job, "running", count)
        begin = time.monotonic()
        line.ask("job.stop", job=str(job))
        waits = [(time.monotonic() - begin) * 1000]
        while "stopping" in (counts := _counts(line, job, waits)):
            if time.monotonic() > begin + LIMIT:
                raise Broken(f"The tasks do not end: {counts}")
        report.ceiling(f"stop of {count} deaf tasks: slowest of {len(waits)} answers", max(waits), "ms", MOST_MS)
        report.note(f"those answers: p50 {share(waits, 0.5):.2f} ms, p99 {share(waits, 0.99):.2f} ms")
        report.late("that stop", made.late())


def _counts(line: Line, job: int, waits: list[float]) -> dict[str, int]:
    """Tasks by state, and how long that answer took."""
    asked = time.monotonic()
    found: dict[str, int] = line.ask("job.status", job=str(job))["counts"]
    waits.append((time.monotonic() - asked) * 1000)
    return found


def _until(line: Line, job: int, state: str, count: int) -> None:
    end = time.monotonic() + LIMIT
    while (counts := line.ask("job.status", job=str(job))["counts"]).get(state) != count:
        if time.monotonic() > end:
            raise Broken(f"The tasks are not {state}: {counts}")
        time.sleep(0.05)
