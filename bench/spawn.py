"""What a process costs: spawn + reap of /bin/true by every way at hand, and through brender's guardian.

    python bench/spawn.py [COUNT]

Ways run in turn, three rounds, the best of each is printed: other load on the machine only ever makes it slower.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gevent.event import Event as Bell

sys.path.insert(0, str(Path(__file__).parents[1]))

from brender.daemon.process import Event, Exited, Guardian, Launch

ARGV = ["/bin/true"]
ENV = {"PATH": "/usr/bin:/bin", "BRENDER_ATTEMPT": "bench"}
ROUNDS = 3


def by_popen() -> None:
    child = subprocess.Popen(ARGV, env=ENV, cwd="/tmp", start_new_session=True, stdin=subprocess.DEVNULL)
    child.returncode = 0  # reaped by the loop below


def by_posix_spawn() -> None:
    os.posix_spawn(ARGV[0], ARGV, ENV, setsid=True, setsigmask=(), setsigdef=(signal.SIGPIPE,))


def by_fork() -> None:
    if os.fork() == 0:
        os.setsid()
        os.execve(ARGV[0], ARGV, ENV)


def direct(spawn: Callable[[], None], count: int, slots: int) -> float:
    """Processes a second with `slots` alive at once."""
    begin, started, ended = time.perf_counter(), 0, 0
    while ended < count:
        while started < count and started - ended < slots:
            spawn()
            started += 1
        os.wait4(-1, 0)
        ended += 1
    return count / (time.perf_counter() - begin)


class Relay:
    """A daemon that does nothing but start the next task when one ends."""

    def __init__(self, count: int) -> None:
        self.left = self.unended = count
        self.done = Bell()
        self.guardian = Guardian(self.on_event, lambda _attempt, _data: None, lambda _attempts: None)

    def next_in(self, slot: int, slots: int) -> Launch:
        self.left -= 1
        return Launch(self.left * slots + slot, slot, ARGV, ENV, "/tmp", f"bench-{self.left}")

    def on_event(self, events: list[Event]) -> None:
        ends = [event for event in events if isinstance(event, Exited)]
        self.unended -= len(ends)
        starts = ends[: self.left]
        if starts:
            self.guardian.spawn([self.next_in(end.attempt % self.slots, self.slots) for end in starts])
        if self.unended == 0:
            self.done.set()

    def run(self, slots: int) -> tuple[float, float]:
        """Processes a second, and microseconds of the daemon's own CPU for each."""
        self.slots, count = slots, self.left
        self.guardian.start()
        cpu, begin = time.process_time(), time.perf_counter()
        self.guardian.spawn([self.next_in(slot, slots) for slot in range(slots)])
        self.done.wait(120)
        rate, cost = count / (time.perf_counter() - begin), (time.process_time() - cpu) / count * 1e6
        self.guardian.close()
        return rate, cost


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {count} x /bin/true, best of {ROUNDS}")
    print(f"{'way':<26}{'slots':>6}{'per second':>12}{'daemon us each':>16}")
    ways = {"subprocess.Popen": by_popen, "os.posix_spawn": by_posix_spawn, "fork + exec": by_fork}
    for slots in (1, 2, 4):
        rates: dict[str, float] = dict.fromkeys(ways, 0.0)
        relays: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            for name, spawn in ways.items():
                rates[name] = max(rates[name], direct(spawn, count, slots))
            relays.append(Relay(count).run(slots))
        for name, rate in rates.items():
            print(f"{name:<26}{slots:>6}{rate:>12.0f}{'-':>16}")
        rate, cost = max(relays)
        print(f"{'guardian, from the daemon':<26}{slots:>6}{rate:>12.0f}{cost:>16.0f}", flush=True)


if __name__ == "__main__":
    main()
