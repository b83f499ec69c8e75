"""The page in a headless Chromium: bytes, the first useful paint, frames, how late a change is seen, and what it keeps.

A farm of 1,000 machines is at work meanwhile: a fleet that only beats, and workers that end so many tasks a second. The
page shows the grid of all their tasks.
"""

from __future__ import annotations

import gzip
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.farm import ROOT, Farm, Line, farm
from bench.fleet import allow_files, welcomed
from bench.table import Report, share
from bench.web import CHANGES, WORKERS

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
SERVED = (".html", ".js", ".mjs", ".css", ".svg")
OPENED = 5  # times that a page is opened for the first time
ASKED = 0.25  # seconds between changes whose way to the screen is measured
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
PAINTED = """new MutationObserver((_, self) => {
  if (!document.querySelector('main[aria-busy="false"]')) return;
  self.disconnect();
  requestAnimationFrame(() => setTimeout(() => { globalThis.painted = performance.now(); }));
}).observe(document, { subtree: true, childList: true, attributes: true })"""
WHEN = """() => new Promise((done) => {
  const look = () => (globalThis.painted ? done(globalThis.painted) : setTimeout(look, 5));
  look();
})"""
# The last figure of a job is its priority: when does each one stand on the screen?
SEEN = """() => {
  const box = document.querySelector('.figures');
  const now = () => box.lastElementChild.querySelector('b').textContent;
  let last = now();
  globalThis.seen = [];
  new MutationObserver(() => {
    if (now() === last) return;
    const mine = last = now();
    requestAnimationFrame(() => setTimeout(() => globalThis.seen.push([mine, Date.now()])));
  }).observe(box, { subtree: true, childList: true, characterData: true });
}"""


def page(report: Report, quick: bool) -> None:
    """Bytes of all files, milliseconds to a page that shows the farm, p95 of frames and of changes on their way."""
    machines, tasks, seconds = (50, 5000, 5) if quick else (1000, 100_000, 120)
    files = [path for path in (ROOT / "web").rglob("*") if path.suffix in SERVED]
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files) / 1024
    report.ceiling("all files of the page, gzipped", size, "KB", 150.0)
    with _at_work(machines, tasks) as (place, line, job), _browser() as browser:
        _open(report, browser, place)
        window = _before_the_grid(browser, place, job)
        window.evaluate(SEEN)
        done = Rate(line, job)
        late = _late(window, line, job, min(seconds, 40))
        report.ceiling(f"from asking for a change to the screen, p95 of {len(late)}", share(late, 0.95), "ms", 150.0)
        report.note(f"p50 {share(late, 0.5):.0f} ms, most {max(late):.0f} ms")
        took = window.evaluate(FRAMES, seconds * 1000)
        report.ceiling(f"frames during {seconds} s, p95", share(took, 0.95), "ms", 20.0)
        report.note(f"frames p50 {share(took, 0.5):.1f} ms, p99 {share(took, 0.99):.1f} ms, most {max(took):.0f} ms")
        report.floor(f"changes a second meanwhile, {machines} machines, {tasks:,} tasks", done.changes(), "/s", CHANGES)


def heap(report: Report, quick: bool) -> None:
    """What JavaScript keeps while the page is open for ten minutes, each time after a collection."""
    machines, tasks, seconds, pause = (50, 5000, 6, 2) if quick else (1000, 200_000, 600, 60)
    with _at_work(machines, tasks) as (place, line, job), _browser() as browser:
        window = _before_the_grid(browser, place, job)
        done, begin = Rate(line, job), time.monotonic()
        window.wait_for_timeout(pause * 1000)
        kept = [_heap(window)]
        while time.monotonic() - begin < seconds:
            window.wait_for_timeout(pause * 1000)
            kept.append(_heap(window))
        minutes = seconds / 60
        report.ceiling(f"heap after {minutes:g} minutes, more than after the first look", kept[-1] - kept[0], "MB", 1.0)
        report.note(f"every {pause} s, in MB: {', '.join(f'{one:.2f}' for one in kept)}")
        report.note(f"{done.changes():.0f} changes a second meanwhile, {machines} machines, {tasks:,} tasks")


@contextmanager
def _at_work(machines: int, tasks: int) -> Iterator[tuple[str, Line, int]]:
    """The address of a page, a line to the master, and a job whose tasks end all the time."""
    allow_files()
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with farm() as made:
        made.master()
        line = Line(made.port)
        line.ask("job.create", name="many", function="noop", frames=f"1-{tasks}", tags="real")
        job = int(line.ask("job.show", job="many")["id"])
        made.python("work", "-m", "bench.web", "work", str(made.port), str(CHANGES / 2 * 1.06), **pipe)
        _tagged(line)
        load = made.python("load", "-m", "bench.fleet", str(made.port), str(machines), str(WORKERS), **pipe)
        welcomed(made, load, machines)
        place = _gateway(made)
        line.ask("job.run", job=str(job))
        yield place, line, job
        line.close()


def _tagged(line: Line) -> None:
    """The workers that work are the only ones that the job may go to."""
    until = time.monotonic() + 20
    while line.ask("farm.status")["workers"].get("online", 0) < WORKERS:
        assert time.monotonic() < until, "the workers did not come"
        time.sleep(0.05)
    line.ask("worker.set", workers="all", values={"tags": ["real"]})


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


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as made:
        browser = made.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _open(report: Report, browser: Any, place: str) -> None:
    """A page that nobody has had open before, several times; each keeps nothing for the next."""
    took, first = [], []
    for _ in range(OPENED):
        context = browser.new_context(viewport={"width": 1600, "height": 900})
        context.add_init_script(PAINTED)
        window = context.new_page()
        window.goto(place)
        took.append(float(window.evaluate(WHEN)))
        first.append(float(window.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")))
        context.close()
    report.ceiling(f"first useful paint, the middle of {OPENED}", statistics.median(took), "ms", 1000.0)
    report.note(f"{min(took):.0f} to {max(took):.0f} ms; the empty page after {statistics.median(first):.0f} ms")


def _before_the_grid(browser: Any, place: str, job: int) -> Any:
    window = browser.new_page(viewport={"width": 1600, "height": 900})
    window.goto(f"{place}#/jobs/{job}")
    window.locator(".framegrid canvas").wait_for()
    return window


class Rate:
    """How many tasks are done a second, from when it was made."""

    def __init__(self, line: Line, job: int) -> None:
        self._line, self._job = line, job
        self._begin, self._before = time.monotonic(), self._done()

    def changes(self) -> float:
        """A task that begins is one change, and one that ends is another."""
        return 2 * (self._done() - self._before) / (time.monotonic() - self._begin)

    def _done(self) -> int:
        found: dict[str, Any] = self._line.ask("job.show", job=str(self._job))
        return int(found["progress"]["done"])


def _late(window: Any, line: Line, job: int, seconds: float) -> list[float]:
    """Milliseconds from asking for a priority until it stands on the screen."""
    asked: list[tuple[str, float]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        priority = 1 + len(asked) % 99
        asked.append((str(priority), time.time() * 1000))
        line.ask("job.priority", job=str(job), priority=priority)
        window.wait_for_timeout(ASKED * 1000)
    seen: list[tuple[str, float]] = window.evaluate("globalThis.seen")
    at, found = 0, []
    for priority, when in seen:
        while at < len(asked) and asked[at][0] != priority:
            at += 1
        if at < len(asked):
            found.append(when - asked[at][1])
    assert len(found) > len(asked) / 2, f"of {len(asked)} changes {len(found)} were seen"
    return found


def _heap(window: Any) -> float:
    """Megabytes of JavaScript that are still reachable."""
    link = window.context.new_cdp_session(window)
    link.send("HeapProfiler.collectGarbage")
    used = float(link.send("Runtime.getHeapUsage")["usedSize"]) / 1e6
    link.detach()
    return used
