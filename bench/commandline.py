"""What a person waits for in a shell: `brender worker list` of a thousand workers, help, Tab; from fork to exit.

Each is a real process on a real farm with a thousand connected workers. The median counts: the machine has other work.
"""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.farm import Broken, Farm, cpu, farm
from bench.fleet import allow_files, welcomed
from bench.table import Report, Row

PROGRAM = Path(sys.executable).with_name("brender")
LINE = "brender worker list node0"
ASKS = (
    ("`worker list` of {count} workers, piped", ("worker", "list", "limit={count}"), False, 400.0),
    ("`worker list` of {count} workers, at a terminal in colour", ("worker", "list", "limit={count}"), True, 400.0),
    ("`worker list --json-lines` of {count} workers", ("worker", "list", "--json-lines"), False, 400.0),
    ("`worker list`, the first 200", ("worker", "list"), True, 400.0),
    ("`worker list --help`, no farm", ("worker", "list", "--help"), False, 400.0),
    ("Tab after `worker list node0`", ("completion", "answer", "bash", LINE, ""), False, 400.0),
)


def commandline(report: Report, quick: bool) -> None:
    """Milliseconds of wall time, Python's start included, for what people type most."""
    count, times = (100, 3) if quick else (1000, 15)
    allow_files()
    with farm() as made:
        made.master()
        words = ("-m", "bench.fleet", str(made.port), str(count))
        load = made.python("load", *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        welcomed(made, load, count)
        for what, asked, seen, most in ASKS:
            line = [word.format(count=count) for word in asked]
            before = cpu(os.getpid(), children=True)
            took = [_timed(made, line, seen) for _ in range(times)]
            used = (cpu(os.getpid(), children=True) - before) / times * 1000
            said = f"{what.format(count=count)}, p50 of {times}"
            report.ceiling(said, statistics.median(took), "ms", most)
            report.add(Row("    of it on the processor, both modes", f"{used:.0f} ms"))
        bare = [_milliseconds([sys.executable, "-c", "pass"], dict(os.environ), False) for _ in range(times)]
        report.note(f"Python alone starts and ends in {statistics.median(bare):.0f} ms")
        report.late("all of that", made.late())


def _timed(made: Farm, words: Sequence[str], seen: bool) -> float:
    environ = {**os.environ, "BRENDER_MASTER": f"127.0.0.1:{made.port}", "TERM": "xterm", "COLUMNS": "120"}
    return _milliseconds([str(PROGRAM), *words], environ, seen)


def _milliseconds(argv: list[str], environ: dict[str, str], seen: bool) -> float:
    """From the start of a process to the end of its output, through a pipe or a terminal. Raises Broken if it fails."""
    ours, theirs = pty.openpty() if seen else os.pipe()
    begin = time.perf_counter()
    process = subprocess.Popen(argv, env=environ, stdout=theirs, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    os.close(theirs)
    said = bytearray()
    try:
        while data := os.read(ours, 1 << 16):
            said += data
    except OSError:  # the terminal's other end is closed
        pass
    code = process.wait()
    took = (time.perf_counter() - begin) * 1000
    os.close(ours)
    if code:
        raise Broken(f"{' '.join(argv)} ended with {code}: {said[-400:].decode(errors='replace')}")
    return took
