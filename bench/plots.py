"""A page that shows three of ten thousand channels, each measured once a second: what gateway and page pay for them.

The same page then hears all of them, as a table does that is sorted by what is measured: beside it stands what the
choice saves. It must not know how values travel.
"""

from __future__ import annotations

import re
import subprocess
import time
from typing import Any

from bench.channels import HOSTED, _added
from bench.farm import Line, cpu, farm
from bench.page import _browser
from bench.table import Report, Row

SHOWN = 3
ALL = "() => import(new URL('measured.js', document.baseURI)).then((found) => { globalThis.stop = found.followAll(); })"


def plots(report: Report, quick: bool) -> None:
    """Issue 6: values are told to those who show them."""
    count, seconds = (500, 3.0) if quick else (10_000, 20.0)
    with farm() as made:
        master = made.master()
        made.worker(0, None, *HOSTED)
        line = Line(made.port)
        _added(line, count)
        words = ["--listen", "127.0.0.1:0", "--master", f"127.0.0.1:{made.port}", "--data", str(made.directory / "web")]
        gateway = made.python("web", "-m", "brender.web", *words, stdout=subprocess.PIPE)
        assert gateway.stdout is not None
        found = re.search(r"http://[\d.:]+/", gateway.stdout.readline().decode())
        assert found
        ids = ",".join(str(row["id"]) for row in line.ask("channel.list", limit=SHOWN)["channels"])
        with _browser() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            heard: list[int] = [0]
            page.on("websocket", lambda socket: socket.on("framereceived", lambda text: _count(heard, text)))
            page.goto(f"{found[0]}#/channels/{ids}?range=15m")
            page.locator('.picture[aria-busy="false"] canvas').wait_for()
            chosen = _watch(page, heard, (gateway.pid, master.pid), seconds)
            page.evaluate(ALL)
            everything = _watch(page, heard, (gateway.pid, master.pid), seconds)
        what = ("gateway", "master", "page's main thread")
        for name, mine, of in zip(what, chosen, everything, strict=False):
            report.add(
                Row(f"{name}, {SHOWN} of {count:,} channels shown", f"{mine:.1f} % of a core ({of:.1f} % for all)")
            )
        report.ceiling(f"told of {count:,} channels, {SHOWN} shown", chosen[3], "kB/s", 1.0)
        report.note(f"to hear all of them is {everything[3]:.0f} kB a second")
        line.close()


def _count(heard: list[int], text: str | bytes) -> None:
    heard[0] += len(text) if "channel.values" in str(text[:200]) else 0


def _watch(page: Any, heard: list[int], pids: tuple[int, int], seconds: float) -> tuple[float, float, float, float]:
    """Percent of a core of gateway, master and the page, and kB of values a second."""
    page.wait_for_timeout(3000)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before, busy, size, begin = [cpu(pid) for pid in pids], _busy(session), heard[0], time.monotonic()
    page.wait_for_timeout(1000 * seconds)
    took = time.monotonic() - begin
    gateway, master = (100 * (cpu(pid) - old) / took for pid, old in zip(pids, before, strict=True))
    return gateway, master, 100 * (_busy(session) - busy) / took, (heard[0] - size) / took / 1000


def _busy(session: Any) -> float:
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])
