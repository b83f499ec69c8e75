"""How often a worker changes its file: two jobs of two projects, two files, four workers, frames of uneven length.

Run it as `python -m bench.files`. It counts what the core orders; every change costs a Blender its start and its file.
"""

from __future__ import annotations

import heapq
import random

from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.farm import Farm
from brender.core.orders import Run

WORKERS, FRAMES = 4, 400
EVERY = (0.0, 0.2, 1.0)  # seconds: results that come within so long make one turn


def play(every: float, seed: int, projects: tuple[str, str] = ("a", "b")) -> tuple[int, dict[str, int]]:
    """Changes of file, and frames that each file had when the first job was done."""
    chance = random.Random(seed)
    core, now = Core(Farm()), 1.0
    queues: dict[int, list[tuple[int, str]]] = {n: [] for n in range(1, WORKERS + 1)}
    busy: list[tuple[float, int, int]] = []
    opened: dict[int, str] = {}
    done = {"/a": 0, "/b": 0}
    at_end: dict[str, int] = {}
    changes = 0

    def hear(turn: Turn) -> None:
        for session, order in turn.orders:
            if isinstance(order, Run):
                assert isinstance(order.step.params, dict)
                queues[session] += [(attempt, order.step.params["blend"]) for attempt, _ in order.tasks]

    hellos = [ev.Hello(n, f"brender_{n}", str(n), f"w{n}", functions=["blender"]) for n in queues]
    core.turn([ev.Boot(), *hellos], now)
    for project, file in zip(projects, done, strict=True):
        step = {"name": "r", "function": "blender", "frames": f"1-{FRAMES}", "params": {"blend": file, "output": "/o"}}
        tree = {"name": project, "workflows": [{"name": file[1:], "tasks": [step]}]}
        hear(core.turn([ev.SubmitTree(tree, run=True)], now))
    running: set[int] = set()
    while sum(done.values()) < 2 * FRAMES:
        for n, queue in queues.items():
            if n not in running and queue:
                changes += opened.get(n, queue[0][1]) != queue[0][1]
                opened[n] = queue[0][1]
                running.add(n)
                heapq.heappush(busy, (now + chance.choice([1.0, 1.0, 1.3, 2.0, 4.0]), n, queue[0][0]))
        first, events = busy[0][0], list[ev.Event]()
        while busy and busy[0][0] <= first + every:
            now, n, attempt = heapq.heappop(busy)
            running.discard(n)
            done[queues[n].pop(0)[1]] += 1
            events += [ev.Heartbeat(n), ev.Results(n, [ev.Result(attempt, "success0", 1.5, 0)])]
        if FRAMES in done.values() and not at_end:
            at_end = dict(done)
        hear(core.turn([*events, *(ev.Heartbeat(n) for n in queues)], now))
    return changes, at_end


def main() -> None:
    """A line for each way results come together."""
    for every in EVERY:
        found = [play(every, seed) for seed in range(5)]
        changes = sorted(one for one, _ in found)
        least = min(min(end.values()) for _, end in found)
        print(
            f"turns of {every:g} s: {changes[2]} changes in {2 * FRAMES} frames ({changes[0]} to {changes[-1]});"
            f" when the first job was done, the other had at least {least} of {FRAMES}"
        )
    print(f"one project: {play(0.2, 0, ('a', 'a'))[0]} changes")


if __name__ == "__main__":
    main()
