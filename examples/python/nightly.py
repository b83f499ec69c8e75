"""Desktops render at night: lend machines with a tag to the farm in the evening, take them back in the morning.

    0 20 * * 1-5  python nightly.py evening desk
    0 7  * * 1-5  python nightly.py morning desk --minutes 30

In the morning they get no new tasks, and what runs may end. Exit code 0 when nothing runs there any more, 1 when
something still does after so many minutes: it is named.
"""

from __future__ import annotations

import argparse
import sys
import time

import brender


def main() -> int:
    words = argparse.ArgumentParser(description="Lend machines to the farm, or take them back.")
    words.add_argument("when", choices=("evening", "morning"))
    words.add_argument("tag")
    words.add_argument("--minutes", type=float, default=30.0, help="how long tasks may still run in the morning")
    given = words.parse_args()
    which = f"tag={given.tag}"
    with brender.connect() as farm:
        if given.when == "morning":
            return take_back(farm, which, time.monotonic() + given.minutes * 60)
        lent = farm.workers.enable(which)
        print(f"{len(lent['changed'])} lent to the farm, {len(lent['unchanged'])} were already.")
        return 0


def take_back(farm: brender.Farm, which: str, until: float) -> int:
    """Disable them and wait until nothing runs there. It listens before it looks, so that no end is missed."""
    with farm.events("worker.*", "job.*", "step.*") as events:
        farm.workers.disable(which)
        while draining := [worker for worker in farm.workers.select(which) if worker.activity == "draining"]:
            left = until - time.monotonic()
            if left <= 0:
                return still_at_work(draining)
            events.wait(min(left, 10.0))
    print("Nothing runs there any more.")
    return 0


def still_at_work(workers: list[brender.Worker]) -> int:
    for worker in workers:
        tasks = ", ".join(f"{one['job']}/{one['step']}[{one['task']}]" for one in worker["attempts"])
        print(f"{worker.name} is still at work: {tasks}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except brender.BrenderError as error:
        sys.exit(f"{error.message}\n{error.hint}")
