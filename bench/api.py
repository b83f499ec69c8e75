"""What the Python API costs: its import, a question and its answer, a list of a thousand rows, events.

The import is timed as the interpreter's own processor time with it and without, so that a busy machine does not count.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

import brender
from bench.farm import ROOT, Farm, farm
from bench.table import Report, Row, share

IMPORT_MS = 20.0


def api(report: Report, quick: bool) -> None:
    """Import, connect, ask, list and listen, against a real master of this machine."""
    tries, asks, jobs = (5, 200, 1000) if quick else (30, 5000, 1000)
    bare = _processor("pass", tries)
    report.ceiling("import brender", _processor("import brender", tries) - bare, "ms", IMPORT_MS)
    connected = _processor("import brender; brender.connect", tries) - bare
    report.add(Row("the same and brender.connect loaded", f"{connected:.1f} ms"))
    with farm() as made:
        made.master()
        _conversation(report, made, asks, jobs)


def _conversation(report: Report, made: Farm, asks: int, jobs: int) -> None:
    with brender.connect(f"127.0.0.1:{made.port}") as ours:
        took = []
        for _ in range(asks):
            begin = time.perf_counter()
            ours.call("session.test")
            took.append((time.perf_counter() - begin) * 1000)
        report.add(
            Row(
                f"a question and its answer, p50 and p99 of {asks}",
                f"{share(took, 0.5):.2f} {share(took, 0.99):.2f} ms",
            )
        )
        workflows = [{"name": f"job-{number:04}", "tasks": []} for number in range(jobs)]
        with ours.events("job.created") as events:
            begin = time.perf_counter()
            ours.jobs.submit({"project": {"name": "bench", "workflows": workflows}})
            for _ in range(jobs):
                next(events)
            rate = jobs / (time.perf_counter() - begin)
        report.add(Row(f"{jobs} jobs made and their events heard", f"{rate:,.0f}/s"))
        lists = []
        for _ in range(10):
            begin = time.perf_counter()
            assert len(list(ours.jobs)) == jobs
            lists.append((time.perf_counter() - begin) * 1000)
        report.add(Row(f"list(farm.jobs) of {jobs}, median of 10", f"{statistics.median(lists):.0f} ms"))


def _processor(code: str, tries: int) -> float:
    """Milliseconds of processor time of a Python that runs this: the least of some tries."""
    found = []
    for _ in range(tries):
        before = _spent()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        found.append((_spent() - before) * 1000)
    return min(found)


def _spent() -> float:
    """Seconds of processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
