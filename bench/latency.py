"""How long from "submit" to a running process on an idle farm: brender and HyperQueue, one submit at a time, in turns.

The start is the kernel's own word: inotify tells when the program file is opened for exec. Nothing is added to the
program, so the floor is that of a spawn. Both peers start a private copy of /bin/true.
"""

from __future__ import annotations

import ctypes
import os
import select
import threading
import time
from pathlib import Path

from bench.farm import Broken, Line, farm
from bench.peers import HyperQueue, hyperqueue
from bench.table import Report, share
from bench.throughput import functions

OPENED = 0x20  # IN_OPEN
LIMIT = 10.0  # seconds for one start
PAUSE = 0.03  # seconds of idleness before each submit


class Eye:
    """Sees a file being opened."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._fd < 0 or libc.inotify_add_watch(self._fd, os.fsencode(path), OPENED) < 0:
            raise Broken(f"inotify: {os.strerror(ctypes.get_errno())}")

    def clear(self) -> None:
        """Forget what was seen so far."""
        while select.select([self._fd], [], [], 0)[0]:
            os.read(self._fd, 4096)

    def wait(self) -> float:
        """The monotonic time at which the file was opened."""
        if not select.select([self._fd], [], [], LIMIT)[0]:
            raise Broken(f"No process was started within {LIMIT:.0f} s of the submit.")
        return time.monotonic()

    def close(self) -> None:
        os.close(self._fd)


def start(report: Report, quick: bool) -> None:
    """p50 and p99 of the start, and the floor: a spawn of the same file by this process."""
    count = 30 if quick else 300
    ours: list[float] = []
    theirs: list[float] = []
    with farm() as made, hyperqueue(2) as peer:
        folder = functions(made.directory, copied=True)
        made.master()
        made.worker(2, folder)
        line = Line(made.port)
        line.ask("farm.subscribe", topics=["job.ended"])
        program = folder / "true"
        eye = Eye(program)
        peer.run([str(program)], 1)
        for number in range(count):
            ours.append(_of_brender(line, eye, number))
            theirs.append(_of_hyperqueue(peer, eye, program))
        floor = [_of_spawn(eye, program) for _ in range(count)]
        eye.close()
        _rows(report, ours, theirs, floor)
        report.late("single starts", made.late())


def _of_brender(line: Line, eye: Eye, number: int) -> float:
    time.sleep(PAUSE)
    eye.clear()
    begin = time.monotonic()
    asked = line.send("job.create", name=f"start-{number}", function="true", run=True)
    began = eye.wait()
    line.until_ended(line.wait(asked)["jobs"][0]["id"])
    return (began - begin) * 1000


def _of_hyperqueue(peer: HyperQueue, eye: Eye, program: Path) -> float:
    time.sleep(PAUSE)
    eye.clear()
    seen: list[float] = []
    watcher = threading.Thread(target=lambda: seen.append(eye.wait()))
    watcher.start()
    times = peer.run([str(program)], 1)
    watcher.join()
    if not seen:
        raise Broken("HyperQueue started no process.")
    return (seen[0] - times["sent"]) * 1000


def _of_spawn(eye: Eye, program: Path) -> float:
    time.sleep(PAUSE / 10)
    eye.clear()
    begin = time.monotonic()
    child = os.posix_spawn(program, ["true"], {})
    began = eye.wait()
    os.waitpid(child, 0)
    return (began - begin) * 1000


def _rows(report: Report, ours: list[float], theirs: list[float], floor: list[float]) -> None:
    for part, most in ((0.5, 3.0), (0.99, 6.0)):
        name = f"p{part * 100:.0f}"
        peer = f"{share(theirs, part):.2f} ms"
        report.ceiling(f"start of a process, idle farm, {name} of {len(ours)}", share(ours, part), "ms", most, peer)
    report.note(f"the floor, a spawn by this process: p50 {share(floor, 0.5):.2f} ms, p99 {share(floor, 0.99):.2f} ms")
