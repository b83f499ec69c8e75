"""`python -m bench [NAME…] [--quick]`: every figure brender promises, measured here and now, beside its peers.

Everything is on loopback, bounded in count and time, and gone afterwards. Exit code 1 only when a part could not be
measured: whether a target is met is in the table, since it depends on the machine and on what else it does.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from bench import (
    api,
    backlog,
    channels,
    commandline,
    console,
    costs,
    ends,
    fleet,
    latency,
    page,
    placement,
    plots,
    readings,
    schedules,
    stops,
    throughput,
    warm,
    web,
)
from bench.farm import PLACE
from bench.table import Report, machine

PARTS: dict[str, Callable[[Report, bool], None]] = {
    "durable": throughput.durable,
    "process": throughput.processes,
    "start": latency.start,
    "queue": backlog.queue,
    "restart": backlog.restart,
    "fleet": fleet.fleet,
    "cli": commandline.commandline,
    "placement": placement.placement,
    "stops": stops.stops,
    "ends": ends.ends,
    "costs": costs.costs,
    "warm": warm.warm,
    "api": api.api,
    "readings": readings.readings,
    "channels": channels.channels,
    "console": console.console,
    "schedules": schedules.schedules,
    "web": web.web,
    "page": page.page,
    "heap": page.heap,
    "plots": plots.plots,
}


def main() -> int:
    """Run the parts named, or all; print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"parts to run: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small counts: does it run, not how fast")
    given = parser.parse_args()
    for name in given.names:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}; they are {', '.join(PARTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report, broken = Report(), 0
    with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE) as directory:
        print(machine(Path(directory)), flush=True)
    for name in given.names or PARTS:
        begin = time.monotonic()
        print(f"{name}:", flush=True)
        try:
            PARTS[name](report, given.quick)
        except Exception:
            broken += 1
            traceback.print_exc()
            report.note(f"{name} could not be measured")
        print(f"    {time.monotonic() - begin:.0f} s", flush=True)
    report.show()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
