"""The programs of a farm as real processes: start them, ask the master, kill them, and find what they left behind.

It must not know what a test wants to prove. Every wait is for an event (a line, an answer, a process's end) with a
deadline; whatever belongs to a farm is found by the farm's own folder in its command line, environment or directory.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ports import free_port

from brender.daemon import kin

LIMIT_S = 60.0  # for anything that should take a second, on a machine that is slow and busy with other things
ROOT = Path(__file__).parent.parent.parent
Key = tuple[int, int]  # pid and start: never somebody else's later


class Gone(Exception):
    """The master does not answer (any more)."""


class Silent(AssertionError):
    """The master said nothing for too long."""


class Line:
    """One JSON-RPC connection to a master; `events` collects the topics that came between answers."""

    def __init__(self, port: int) -> None:
        try:
            self._sock = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        except OSError as error:
            raise Gone(str(error)) from None
        self._rest = b""
        self._number = 0
        self.events: list[str] = []
        self.ask("session.hello", name="crash test")

    def send(self, method: str, /, **params: Any) -> int:
        """Ask without waiting; returns the id that its answer will have."""
        self._number += 1
        text = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        self._sock.settimeout(LIMIT_S)
        try:
            self._sock.sendall(text.encode() + b"\n")
        except OSError as error:
            raise Gone(str(error)) from None
        return self._number

    def hear(self, number: int) -> Any:
        """The answer of this id. Gone when the master ends first, AssertionError when it refuses."""
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                return message["result"]
            self.events.append(str(message["params"]["topic"]))

    def ask(self, method: str, /, **params: Any) -> Any:
        return self.hear(self.send(method, **params))

    def until(self, question: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
        """The first truthy answer; asked again after every event of the farm, and when none comes for a second."""
        self.ask("farm.subscribe", topics=["*"])
        deadline = time.monotonic() + limit_s
        while True:
            self.events.clear()
            found = question()
            if found:
                return found
            assert time.monotonic() < deadline, f"never so: {self.ask('farm.status')}"
            if not self.events:
                with suppress(Silent):
                    self._next(1.0)

    def close(self) -> None:
        self._sock.close()

    def _next(self, limit_s: float = LIMIT_S) -> dict[str, Any]:
        end = time.monotonic() + limit_s
        while b"\n" not in self._rest:
            self._sock.settimeout(max(end - time.monotonic(), 0.001))
            try:
                data = self._sock.recv(1 << 16)
            except TimeoutError:
                raise Silent("the master said nothing for too long") from None
            except OSError as error:
                raise Gone(str(error)) from None
            if not data:
                raise Gone("the connection was closed")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line[line.find(b"{") :])  # a telnet is offered to whom this machine slows
        return found


class Farm:
    """A folder, a port, a master and workers. `close` ends everything and returns what should not have been there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.functions = folder / "functions"
        self.functions.mkdir()
        self.port = free_port()
        self.master: subprocess.Popen[bytes] | None = None
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self._lines: list[Line] = []

    def function(self, name: str, text: str) -> None:
        """A program that tasks may run."""
        (self.functions / name).write_text(text)
        (self.functions / name).chmod(0o755)

    def start_master(self) -> subprocess.Popen[bytes]:
        """Start it and return at once."""
        self.master = self.run("master", "--listen", f"127.0.0.1:{self.port}", "--data", str(self.folder / "master"))
        return self.master

    def start_worker(self, name: str, slots: int = 2) -> subprocess.Popen[bytes]:
        """Start it and return at once; its data folder bears its name."""
        words = ["--master", f"127.0.0.1:{self.port}", "--data", str(self.folder / name), "--slots", str(slots)]
        self.workers[name] = self.run("client", *words, "--name", name, "--functions", str(self.functions))
        return self.workers[name]

    def start(self, *workers: str) -> Line:
        """A master and these workers, all online."""
        self.start_master()
        for name in workers:
            self.start_worker(name)
        line = self.answers()
        line.until(lambda: online(line) >= set(workers))
        return line

    def run(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        """One program; what it says is appended to `<program>.log`. Its environment names its data folder, so that
        also children without arguments (the guardian) are known as its own."""
        data = words[words.index("--data") + 1]
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "brender.cli", program, *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=self.folder, env={**os.environ, "PYTHONPATH": str(ROOT), "CRASH_TEST_FOLDER": data},
            )  # fmt: skip

    def answers(self) -> Line:
        """A line to the master, as soon as it answers."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                self._lines.append(Line(self.port))
                return self._lines[-1]
            except Gone as error:
                assert time.monotonic() < deadline, f"no master: {error}\n{self.said('master')}"
                assert self.master is None or not ended(self.master, 0.002), self.said("master")

    def said(self, program: str) -> str:
        """All that the programs of this kind have printed."""
        path = self.folder / f"{program}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def processes(self, mark: Path | None = None) -> dict[Key, str]:
        """All live processes that belong to a folder of the farm, or to the whole farm, with their command lines."""
        return belonging(mark or self.folder)

    def stop(self) -> None:
        """SIGTERM to the master: it must save and end well."""
        assert self.master is not None
        self.master.send_signal(signal.SIGTERM)
        assert ended(self.master, LIMIT_S), "the master does not stop"
        assert self.master.returncode == 0, self.said("master")[-4000:]

    def close(self) -> dict[Key, str]:
        """End the farm's own processes; what of it does not end then by itself is returned, and killed."""
        for line in self._lines:
            line.close()
        for child in [*self.workers.values(), *([self.master] if self.master else [])]:
            child.kill()
            child.wait()
        left = wait_gone(self.processes(), LIMIT_S)
        kill_all(left)
        return left


def online(line: Line) -> set[str]:
    """Names of the workers that are connected."""
    return {row["name"] for row in line.ask("worker.list")["workers"] if row["presence"] == "online"}


def successes(line: Line) -> int:
    """Tasks of the whole farm that are a success."""
    return int(line.ask("farm.status")["tasks"].get("success0", 0))


def lines(path: Path, count: int) -> list[str]:
    """The lines of a file, once it has so many."""
    eventually(lambda: len(path.read_text().splitlines()) >= count)
    return path.read_text().splitlines()


def eventually(question: Callable[[], bool]) -> None:
    """Ask the machine itself, which sends no events, until it is so."""
    deadline = time.monotonic() + LIMIT_S
    while not question():
        assert time.monotonic() < deadline, "it did not come to that in time"
        select.select([], [], [], 0.005)


def ended(child: subprocess.Popen[bytes], limit_s: float) -> bool:
    """Whether a child ends in time; it is reaped then."""
    try:
        child.wait(limit_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def wait_gone(keys: Collection[Key] | dict[Key, str], limit_s: float) -> dict[Key, str]:
    """Wait for the end of processes; those that still live after the limit, with their command lines."""
    deadline = time.monotonic() + limit_s
    names = keys if isinstance(keys, dict) else dict.fromkeys(keys, "")
    left: dict[Key, str] = {}
    for pid, start in names:
        for fd in _pidfd(pid, start):
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                left[pid, start] = names[pid, start]
    return left


def kill_all(keys: Collection[Key]) -> None:
    for pid, start in keys:
        kin.send_signal(pid, start, signal.SIGKILL)


def belonging(folder: Path) -> dict[Key, str]:
    """Live processes with this folder in their command line, environment or as their directory; never this one."""
    found: dict[Key, str] = {}
    mark = os.fsencode(folder)
    for pid, row in kin.processes().items():
        if row.state not in "ZX" and pid != os.getpid() and any(_has(text, mark) for text in _texts(pid)):
            found[pid, row.start] = " ".join(_read(f"/proc/{pid}/cmdline").decode(errors="replace").split("\0"))
    return found


def _has(text: bytes, mark: bytes) -> bool:
    """The folder itself or something in it, not a folder whose name begins alike."""
    return any(rest[:1] in (b"", b"/", b"\0", b" ", b"\n") for rest in text.split(mark)[1:])


def _texts(pid: int) -> Iterator[bytes]:
    yield _read(f"/proc/{pid}/cmdline")
    yield _read(f"/proc/{pid}/environ")
    try:
        yield os.fsencode(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _pidfd(pid: int, start: int) -> Iterator[int]:
    """The process as something to wait for; nothing when it is gone."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        row = kin.row_of(pid)
        if row is not None and row.start == start and row.state not in "ZX":
            yield fd
    finally:
        os.close(fd)
