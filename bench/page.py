"""The page in a headless Chromium: bytes, the first useful paint, and frames while a farm of 1,000 machines is at work.

One real worker runs no-op tasks as fast as it can, the others only beat; the page shows the grid of 100,000 tasks.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import time
from typing import Any

from bench.farm import ROOT, Farm, Line, farm
from bench.fleet import allow_files, welcomed
from bench.table import Report, share

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
SERVED = (".html", ".js", ".mjs", ".css", ".svg")
FRAMES = """(ms) => new Promise((done) => {
  const took = [], begin = performance.now();
  let last = begin;
  const frame = (now) => {
    took.push(now - last);
    last = now;
    if (now - begin < ms) requestAnimationFrame(frame);
    else done(took.slice(1));
  };
  requestAnimationFrame(frame);
})"""


def page(report: Report, quick: bool) -> None:
    """Bytes of all files, milliseconds to a page that shows the farm, p95 of frames, and how the heap grows."""
    machines, tasks, seconds = (50, 5000, 5) if quick else (1000, 100_000, 120)
    files = [path for path in (ROOT / "web").rglob("*") if path.suffix in SERVED]
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) / 1024
    report.ceiling("all files of the page, gzipped", size, "KB", 150.0)
    allow_files()
    with farm() as made:
        made.master()
        load = made.python(
            "load", "-m", "bench.fleet", str(made.port), str(machines), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        welcomed(made, load, machines)
        made.worker(4, None, "--tags", "real")
        line = Line(made.port)
        job = line.ask("job.create", name="many", function="noop", frames=f"1-{tasks}", tags="real")["jobs"][0]["id"]
        _look(report, _gateway(made), line, int(job), seconds)
        line.close()


def _gateway(made: Farm) -> str:
    words = [
        "--listen",
        "127.0.0.1:0",
        "--master",
        f"127.0.0.1:{made.port}",
        "--data",
        str(made.directory / "web"),
    ]
    started = made.python("web", "-m", "brender.web", *words, stdout=subprocess.PIPE)
    assert started.stdout is not None
    said = started.stdout.readline().decode()
    found = re.search(r"http://[\d.:]+/", said)
    assert found, said
    return found[0]


def _look(report: Report, place: str, line: Line, job: int, seconds: int) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as made:
        browser = made.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        window = browser.new_page(viewport={"width": 1600, "height": 900})
        window.goto(place)
        window.locator('main[aria-busy="false"]').wait_for()
        painted = window.evaluate("performance.now()")
        report.ceiling("first useful paint", painted, "ms", 1000.0)
        window.goto(f"{place}#/jobs/{job}")
        window.locator(".framegrid canvas").wait_for()
        line.ask("job.run", job=str(job))
        before, begin, first = _done(line, job), time.monotonic(), _heap(window)
        took = window.evaluate(FRAMES, seconds * 1000)
        rate = (_done(line, job) - before) / (time.monotonic() - begin)
        report.ceiling(f"frames during {seconds} s, p95", share(took, 0.95), "ms", 20.0)
        report.note(
            f"{rate:.0f} tasks done a second meanwhile; frames p50 {share(took, 0.5):.1f} ms, max {max(took):.0f} ms"
        )
        report.note(f"heap {first:.1f} MB at the start, {_heap(window):.1f} MB at the end, both after a collection")
        browser.close()


def _done(line: Line, job: int) -> int:
    found: dict[str, Any] = line.ask("job.show", job=str(job))
    return int(found["progress"]["done"])


def _heap(window: Any) -> float:
    """Megabytes of JavaScript that are still reachable."""
    link = window.context.new_cdp_session(window)
    link.send("HeapProfiler.collectGarbage")
    return float(link.send("Runtime.getHeapUsage")["usedSize"]) / 1e6
