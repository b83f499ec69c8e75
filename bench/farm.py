"""A real farm for a while: master and worker daemons as processes, in a temporary directory, on free ports.

Whatever was started is ended when the `with` block is left, however it is left. It measures nothing by itself but
what the kernel knows of a process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PLACE = "/var/tmp"  # a disk; /tmp may be memory, where a sync costs nothing
PULSE = 0.005  # seconds: the tick whose lateness is the hub's stall meter
START_LIMIT = 60.0  # seconds until a started process must answer
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Broken(Exception):
    """A part of the farm did not do what the bench needs: the text says which and what it printed last."""


class Line:
    """A JSON-lines client of the master: blocking, one question at a time, notices kept apart."""

    def __init__(self, port: int, limit: float = START_LIMIT) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=limit)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self.notices: list[dict[str, Any]] = []
        self.ask("farm.status")  # who is silent at first is taken for a person

    def send(self, method: str, /, **params: Any) -> int:
        """Ask without waiting for the answer; returns the id to `wait` for."""
        self._number += 1
        text = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        self._socket.sendall(text.encode() + b"\n")
        return self._number

    def wait(self, number: int) -> Any:
        """The result of a question. Raises Broken for an error or when the master is gone."""
        while True:
            message = self._read()
            if message.get("id") != number:
                self.notices.append(message)
            elif "error" in message:
                raise Broken(f"The master refused: {message['error']}")
            else:
                return message["result"]

    def ask(self, method: str, /, **params: Any) -> Any:
        """Ask and wait."""
        return self.wait(self.send(method, **params))

    def until_ended(self, job: int) -> None:
        """Wait for the event that this job is over; `job.ended` must have been subscribed to before."""
        while not any(_ended(message) == job for message in self.notices):
            self.notices = [self._read()]
        self.notices.clear()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _read(self) -> dict[str, Any]:
        text = self._file.readline()
        if not text:
            raise Broken("The master closed the connection.")
        found: dict[str, Any] = json.loads(text[text.find(b"{") :])  # a telnet is offered to whom this machine slows
        return found


def _ended(message: dict[str, Any]) -> int:
    """The job that a job.ended event is about, else 0."""
    event = message.get("params", {})
    return int(event["data"]["id"]) if event.get("topic") == "job.ended" else 0


class Farm:
    """Processes that end with the block: `with farm() as it: it.master(); it.worker(slots=2)`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._running: list[subprocess.Popen[bytes]] = []

    def python(self, name: str, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start this Python with these arguments in a session of its own; its output goes to a file of that name."""
        with open(self.directory / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, start_new_session=True, **{"stdout": log, "stderr": log, **more}
            )
        self._running.append(process)
        return process

    def master(self) -> subprocess.Popen[bytes]:
        """Start the master and return when it answers."""
        data = str(self.directory / "master")
        words = ("-m", "brender.master", "--listen", f"127.0.0.1:{self.port}", "--data", data, "--pulse", str(PULSE))
        process = self.python("master", *words)
        self.ready(process)
        return process

    def ready(self, process: subprocess.Popen[bytes]) -> None:
        """Return when the master on our port answers a question."""
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            if process.poll() is not None:
                raise Broken(f"The master ended with {process.returncode}: {self.said('master')}")
            with contextlib.suppress(ConnectionError):
                Line(self.port).close()
                return
            time.sleep(0.005)
        raise Broken(f"The master does not answer: {self.said('master')}")

    def worker(self, slots: int, functions: Path | None = None, *more: str) -> subprocess.Popen[bytes]:
        """Start a worker daemon and return when the master calls it online."""
        name = f"worker{len(self._running)}"
        words = ["-m", "brender.client", "--master", f"127.0.0.1:{self.port}", "--slots", str(slots), "--name", name]
        words += ["--data", str(self.directory / name)]
        words += [*(["--functions", str(functions)] if functions else []), *more]
        process = self.python(name, *words)
        line, end = Line(self.port), time.monotonic() + START_LIMIT
        while not line.ask("farm.status")["workers"].get("online"):
            if process.poll() is not None or time.monotonic() > end:
                raise Broken(f"The worker does not come online: {self.said(name)}")
            time.sleep(0.02)
        line.close()
        return process

    def late(self) -> dict[str, float]:
        """How late the master's 5 ms tick was: p50_ms, p99_ms, worst_ms."""
        line = Line(self.port)
        found: dict[str, float] = line.ask("farm.status")["hub"]["late"]
        line.close()
        return found

    def said(self, name: str) -> str:
        """The last words of a process."""
        return (self.directory / f"{name}.log").read_text(errors="replace")[-600:]

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Ask it to end; after ten seconds end it, with all its children."""
        self._running.remove(process)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end_all(self) -> None:
        """Workers first, so that they say goodbye."""
        for process in reversed(list(self._running)):
            self.end(process)


@contextlib.contextmanager
def farm() -> Iterator[Farm]:
    """An empty farm in a new temporary directory; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="brender-bench-", dir=PLACE, ignore_cleanup_errors=True) as directory:
        made = Farm(Path(directory))
        try:
            yield made
        finally:
            made.end_all()


def free_port() -> int:
    """A port on loopback that nobody listens on at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def cpu(pid: int, children: bool = False) -> float:
    """Seconds of processor time that a process has used, its threads included; or that its ended children used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    first = 13 if children else 11
    return (int(fields[first]) + int(fields[first + 1])) / TICKS


def child(pid: int) -> int:
    """The oldest child of a process: of a worker daemon, its guardian."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
