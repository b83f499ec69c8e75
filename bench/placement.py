"""How long a turn and a `why` take on a large farm: 100,000 tasks in 1,000 steps that wait for each other, 500 workers.

Run it as `python -m bench.placement`. In processor time, since others use the machine, too. Exit code 1: over a target.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from bench.core import hear
from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.explain import why_job, why_task, why_worker
from brender.core.farm import Farm

STEPS, FRAMES, WORKERS, SLOTS = 1000, 100, 500, 4
MOST_TURN, MOST_WHY = 0.100, 0.020  # seconds (issue 3, Numbers)


def chain(chunk: int | str = 1) -> list[dict[str, Any]]:
    """Each step after the three before it: whole ones, every tenth frame by frame; orders and limits mixed in."""
    steps = []
    for n in range(STEPS):
        word = ":frame" if n % 10 == 0 else ""
        after = [f"s{m}{word}" for m in range(max(0, n - 30), n - 27) if m >= 0]
        step: dict[str, Any] = {"name": f"s{n}", "function": "noop", "exec": "parallel", "frames": f"1-{FRAMES}"}
        step |= {"chunk": chunk, "after": after, "order": ("linear", "reverse", "binary", "nth:7")[n % 4]}
        steps.append(step | {"limits": ["nuke"]} if n % 7 == 0 else step)
    return steps


def main() -> int:
    """Both ways; 1 when a target is missed."""
    return max(play(1, 60.0), play("auto", 2.0))


def play(chunk: int | str, seconds: float) -> int:
    """Play the whole job; print the slowest turn, the slowest why, and what it was about."""
    print(f"chunk={chunk}:")
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
    tree = {"name": "film", "workflows": [{"name": "j", "tasks": chain(chunk)}]}
    hear(waiting, turn(ev.SubmitTree(tree)))
    submit = turns[-1]
    hear(waiting, turn(ev.RunJob(1)))
    begin, whys = turns[-1], _whys(core.farm)
    first = len(turns)
    while core.farm.jobs[1].desired == "run":
        busy = sorted(waiting, key=lambda n: -len(waiting[n]))[:64]
        results = [ev.Results(n, [ev.Result(a, "success0", seconds, 0) for a in waiting[n][:8]]) for n in busy]
        for n in busy:
            del waiting[n][:8]
        hear(waiting, turn(*results))
        if len(turns) % 100 == 0:
            whys += _whys(core.farm)
    later = sorted(turns[first:])
    print(f"submit {submit * 1e3:.0f} ms, run {begin * 1e3:.0f} ms, {len(later)} turns of 512 results:")
    print(f"  p50 {later[len(later) // 2] * 1e3:.1f} ms, slowest {later[-1] * 1e3:.1f} ms")
    print(f"why: {len(whys)} asked, slowest {max(whys) * 1e3:.1f} ms")
    return int(max(submit, begin, *later) > MOST_TURN or max(whys) > MOST_WHY)


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


if __name__ == "__main__":
    sys.exit(main())
