"""How long a turn and a `why` take on a large farm: 100,000 tasks in 1,000 steps that wait for each other.

First in the core alone, with 500 workers, in processor time, since others use the machine, too; then on a real master,
whose tick must not be late and which is asked `why` over its port all the while.
"""

from __future__ import annotations

import time
from typing import Any

from bench.core import hear
from bench.farm import Broken, Line, farm
from bench.table import Report, Row, share
from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.explain import why_job, why_task, why_worker
from brender.core.farm import Farm

STEPS, FRAMES, WORKERS, SLOTS = 1000, 100, 500, 4
MOST_TURN, MOST_WHY = 100.0, 20.0  # milliseconds (issue 3, Numbers)
WIDE = 8  # slots of each worker of the real farm
LIMIT = 120.0  # seconds


def chain(chunk: int | str = 1, count: int = STEPS) -> list[dict[str, Any]]:
    """Each step after the three before it: whole ones, every tenth frame by frame; orders and limits mixed in."""
    steps = []
    for n in range(count):
        word = ":frame" if n % 10 == 0 else ""
        after = [f"s{m}{word}" for m in range(max(0, n - 30), n - 27) if m >= 0]
        step: dict[str, Any] = {"name": f"s{n}", "function": "noop", "exec": "parallel", "frames": f"1-{FRAMES}"}
        step |= {"chunk": chunk, "after": after, "order": ("linear", "reverse", "binary", "nth:7")[n % 4]}
        steps.append(step | {"limits": ["nuke"]} if n % 7 == 0 else step)
    return steps


def placement(report: Report, quick: bool) -> None:
    """The core with tasks that go one by one and in bundles, then a whole run on a master."""
    for chunk, seconds in ((1, 60.0),) if quick else ((1, 60.0), ("auto", 2.0)):
        what = f"{STEPS * FRAMES:,} tasks in {STEPS:,} steps that wait, {WORKERS} workers, chunk={chunk}"
        turns, whys = play(chunk, seconds)
        report.ceiling(f"{what}: slowest turn of {len(turns)}", max(turns) * 1e3, "ms", MOST_TURN)
        report.ceiling(f"the same: slowest `why` of {len(whys)}", max(whys) * 1e3, "ms", MOST_WHY)
        report.note(f"chunk={chunk}: turns of 512 results, p50 {share(turns, 0.5) * 1e3:.1f} ms of processor time")
    _on_a_master(report, 100 if quick else STEPS)


def play(chunk: int | str, seconds: float) -> tuple[list[float], list[float]]:
    """Play the whole job; seconds of processor time of each turn, the submit and the run first, and of each why."""
    core = Core(Farm())
    turns: list[float] = []

    def turn(*events: ev.Event) -> Turn:
        begun = time.process_time()
        found = core.turn(list(events), 1.0 + len(turns) * 0.01)
        turns.append(time.process_time() - begun)
        assert all(not isinstance(answer, Exception) for answer in found.answers), found.answers
        return found

    turn(ev.Boot(), *(_hello(n) for n in range(1, WORKERS + 1)), ev.Create("limit", {"name": "nuke", "count": 300}))
    waiting: dict[int, list[int]] = {n: [] for n in range(1, WORKERS + 1)}
    turns.clear()
    tree = {"name": "film", "workflows": [{"name": "j", "tasks": chain(chunk)}]}
    hear(waiting, turn(ev.SubmitTree(tree)))
    hear(waiting, turn(ev.RunJob(1)))
    whys = _whys(core.farm)
    while core.farm.jobs[1].desired == "run":
        busy = sorted(waiting, key=lambda n: -len(waiting[n]))[:64]
        results = [ev.Results(n, [ev.Result(a, "success0", seconds, 0) for a in waiting[n][:8]]) for n in busy]
        for n in busy:
            del waiting[n][:8]
        hear(waiting, turn(*results))
        if len(turns) % 100 == 0:
            whys += _whys(core.farm)
    return turns, whys


def _on_a_master(report: Report, steps: int) -> None:
    """Submit it, run it to its end on two workers, and ask why all the while: by the wall clock of who asks."""
    tree = {"project": {"name": "film", "workflows": [{"name": "j", "tasks": chain(1, steps)}]}}
    with farm() as made:
        made.master()
        line, other = Line(made.port, LIMIT), Line(made.port, LIMIT)
        line.ask("limit.add", name="nuke", count=300)
        line.ask("job.create", json=tree)
        asked = (("j", None), (f"j/s{steps - 1}", FRAMES - 1), (f"j/s{steps // 2}", 0))
        whys = [_seconds(other, *one) for one in asked]
        for _ in range(2):
            made.worker(WIDE)
        line.ask("job.run", job="j")
        begin = time.monotonic()
        while other.ask("farm.why", what="j")["state"] in ("new", "running"):
            whys += [_seconds(other, *one) for one in asked]
            time.sleep(0.05)
        took = time.monotonic() - begin
        if (state := line.ask("job.status", job="j")["state"]) != "success0":
            raise Broken(f"The job ended as {state}: {made.said('master')}")
        what = f"{steps * FRAMES:,} tasks in {steps:,} steps that wait, on a master"
        late = made.late()
        text = f"{late['worst_ms']:.1f} ms (p99 {late['p99_ms']:.1f})"
        report.add(Row(f"{what}: worst tick", text, target=f"≤ {MOST_TURN:g} ms", met=late["worst_ms"] <= MOST_TURN))
        report.ceiling(f"the same: `why`, p99 of {len(whys)}", share(whys, 0.99) * 1e3, "ms", MOST_WHY)
        report.note(f"slowest of these why {max(whys) * 1e3:.1f} ms; the run took {took:.1f} s")


def _seconds(line: Line, what: str, task: int | None) -> float:
    begin = time.monotonic()
    line.ask("farm.why", what=what, **({} if task is None else {"task": task}))
    return time.monotonic() - begin


def _hello(n: int) -> ev.Hello:
    return ev.Hello(
        n, f"brender_{n:012x}", f"{n:012x}", f"w{n}", slots=SLOTS, functions=["noop"], config={"bundles": ["noop"]}
    )


def _whys(farm: Farm) -> list[float]:
    """Seconds that each kind of question takes now."""
    found = []
    for ask in (
        lambda: why_job(farm, 1),
        lambda: why_task(farm, STEPS, FRAMES - 1),
        lambda: why_task(farm, STEPS // 2, 0),
        lambda: why_task(farm, 1, 0),
        lambda: why_worker(farm, 1),
        lambda: why_worker(farm, WORKERS),
    ):
        begun = time.process_time()
        ask()
        found.append(time.process_time() - begun)
    return found
