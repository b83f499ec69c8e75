"""`brender logs -f` over the death of a master: the bytes of a log arrive once each and in order."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from .programs import LIMIT_S, ROOT, Farm, Line, ended

REPEAT = '#!/bin/sh\nexec cat "$1"\n'


class Follower:
    """A shell in which somebody follows a log."""

    def __init__(self, real: Farm, *words: str) -> None:
        argv = [sys.executable, "-m", "brender.cli", "logs", *words, "--master", f"127.0.0.1:{real.port}"]
        self.errors = real.folder / "follower.log"
        with self.errors.open("wb") as log:
            self.child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, cwd=ROOT)
        assert self.child.stdout is not None
        self._output = self.child.stdout
        self.said = b""

    def hears(self, text: bytes) -> None:
        """Read until this is the end of all that was said."""
        while not self.said.endswith(text):
            assert select.select([self._output], [], [], LIMIT_S)[0], (self.said[-300:], self.errors.read_text())
            data = os.read(self._output.fileno(), 1 << 16)
            assert data, (self.said[-300:], self.errors.read_text())
            self.said += data

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        self._output.close()


def start(real: Farm) -> tuple[Line, int]:
    """A task that prints what is written to a pipe, and the pipe's writing end."""
    real.function("repeat", REPEAT)
    line = real.start("one")
    fifo = real.folder / "fifo"
    os.mkfifo(fifo)
    line.ask("job.create", name="talk", function="repeat", params=[str(fifo)], run=True)
    return line, os.open(fifo, os.O_WRONLY)  # opens when the task reads


def test_a_followed_log_goes_on_where_it_stopped_when_the_master_is_killed_and_comes_back(real: Farm) -> None:
    """FIELD 22, F01: twice killed by -9, with words before, while there is no master, and after."""
    line, pipe = start(real)
    wanted = b"begun\n"
    follower = Follower(real, "talk", "0", "-f", "lines=5")
    try:
        os.write(pipe, wanted)
        follower.hears(wanted)
        for number in range(3):
            for when in ("before", "without", "after"):
                if when == "without" and number < 2:
                    assert real.master is not None
                    real.master.kill()
                    assert ended(real.master, LIMIT_S)
                for count in range(40):
                    text = f"{number} {when} {count}: the dwarf's höhle, 洞窟\n".encode()
                    os.write(pipe, text[:-7])  # a letter of three bytes is cut
                    os.write(pipe, text[-7:])
                    wanted += text
                if when == "without" and number < 2:
                    real.start_master()
                    line = real.answers()
            follower.hears(f"{number} after 39: the dwarf's höhle, 洞窟\n".encode())
            assert follower.said == wanted
        os.write(pipe, b"and no newline")
        os.close(pipe)
        follower.hears(b"and no newline")
        assert ended(follower.child, LIMIT_S) and follower.child.returncode == 0, follower.errors.read_text()
        assert follower.said == wanted + b"and no newline"
        assert line.ask("job.watch", job="talk")["state"] == "success0"
    finally:
        follower.close()


def test_a_log_whose_task_ends_while_there_is_no_master_is_read_to_its_end(real: Farm) -> None:
    """FIELD 22: nobody follows any more when the follower is back; the rest is read all the same."""
    _, pipe = start(real)
    follower = Follower(real, "talk", "-f")
    try:
        os.write(pipe, b"first\n")
        follower.hears(b"first\n")
        assert real.master is not None
        real.master.kill()
        real.master.wait()
        os.write(pipe, b"x" * 50_000)
        os.write(pipe, b"\nlast\n")
        os.close(pipe)
        real.start_master()
        follower.hears(b"\nlast\n")
        assert ended(follower.child, LIMIT_S) and follower.child.returncode == 0, follower.errors.read_text()
        assert len(follower.said) == len(b"first\n") + 50_000 + len(b"\nlast\n")
    finally:
        follower.close()


def test_a_log_whose_worker_leaves_is_not_waited_for(real: Farm) -> None:
    """What a task printed on a machine that went away ends there: the person is told at once, not after a minute."""
    _, pipe = start(real)
    follower = Follower(real, "talk", "0", "-f")
    try:
        os.write(pipe, b"first\n")
        follower.hears(b"first\n")
        real.workers["one"].kill()
        assert ended(follower.child, LIMIT_S)
        assert follower.child.returncode == 1
        assert "Worker one" in follower.errors.read_text()
    finally:
        os.close(pipe)
        follower.close()


def test_nothing_is_tried_again_for_a_master_that_was_never_there(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "brender.cli", "logs", "talk", "-f", "--master", "127.0.0.1:1"]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=ROOT)
    assert found.returncode == 3 and "No master answers" in found.stderr
