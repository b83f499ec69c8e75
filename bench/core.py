"""What one task costs the core alone: microseconds from assignment to success, with no wire, disk or clock around it.

Run it as `python -m bench.core`. It says how the cost grows with workers, tasks and the results of one turn.
"""

from __future__ import annotations

import gc
import statistics
import time

from msgspec import Struct

from brender.core import events as ev
from brender.core.engine import Core, Turn
from brender.core.farm import Farm
from brender.core.orders import Run

ROUNDS = 3


class Case(Struct, frozen=True):
    """`report` results of a worker come in one message; `together` messages make one turn."""

    workers: int
    slots: int
    tasks: int
    seconds: float = 0.001  # what a task says it took: short ones are sent many at a time
    report: int = 32
    together: int = 8


CASES = (
    Case(1, 8, 20_000),
    Case(4, 8, 20_000),
    Case(50, 8, 20_000),
    Case(500, 4, 20_000),
    Case(50, 8, 20_000, seconds=60.0, report=1),
    Case(50, 8, 20_000, seconds=60.0, report=1, together=1),
    Case(50, 8, 200_000),
)


def play(case: Case) -> float:
    """Seconds that the core takes for all tasks of a case."""
    core = Core(Farm())
    hellos: list[ev.Event] = [
        ev.Hello(n, f"brender_{n:012x}", f"{n:012x}", f"w{n}", slots=case.slots, functions=["noop"])
        for n in range(1, case.workers + 1)
    ]
    step = {"name": "s", "function": "noop", "frames": f"1-{case.tasks}"}
    tree = {"name": "bench", "workflows": [{"name": "j", "tasks": [step]}]}
    core.turn([ev.Boot(), *hellos], 0.0)
    waiting: dict[int, list[int]] = {n: [] for n in range(1, case.workers + 1)}
    gc.collect()
    begun = time.perf_counter()
    hear(waiting, core.turn([ev.SubmitTree(tree, run=True)], 1.0))
    done = turns = 0
    while done < case.tasks:
        events: list[ev.Event] = []
        for session in sorted(waiting, key=lambda n: -len(waiting[n]))[: case.together]:
            mine = waiting[session][: case.report]
            if mine:
                del waiting[session][: case.report]
                events.append(ev.Results(session, [ev.Result(a, "success0", case.seconds, 0) for a in mine]))
                done += len(mine)
        turns += 1
        hear(waiting, core.turn(events, 1.0 + turns * 0.001))
    return time.perf_counter() - begun


def hear(waiting: dict[int, list[int]], turn: Turn) -> None:
    """The workers' side: remember what was ordered."""
    for session, order in turn.orders:
        if isinstance(order, Run):
            waiting[session] += [attempt for attempt, _ in order.tasks]


def main() -> None:
    """Print a line a case: median and range of the rounds."""
    print(f"{'workers':>8} {'slots':>6} {'tasks':>8} {'task s':>7} {'a report':>9} {'a turn':>7} {'µs/task':>9}")
    for case in CASES:
        costs = [play(case) / case.tasks * 1e6 for _ in range(ROUNDS)]
        spread = f"{statistics.median(costs):9.1f}  ({min(costs):.1f} to {max(costs):.1f})"
        shape = f"{case.workers:8} {case.slots:6} {case.tasks:8} {case.seconds:7g}"
        print(f"{shape} {case.report:9} {case.together:7} {spread}")


if __name__ == "__main__":
    main()
