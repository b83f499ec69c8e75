"""Who comes to the doors: a master and a worker as real programs, and peers that speak as people and scripts do.

Every wait has a deadline and ends on bytes or on a process, never on a clock alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LIMIT = 60.0  # seconds after which a wait has failed, on a machine that is slow and busy with other things
ROOT = Path(__file__).resolve().parents[2]


def until(ready: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
    """The first true value of `ready`, asked a hundred times a second."""
    ends = time.monotonic() + limit
    while not (found := ready()):
        assert time.monotonic() < ends, f"in vain: {what}"
        select.select([], [], [], 0.01)
    return found


class Program:
    """A process of ours whose standard output is read line by line; its log goes to a file."""

    def __init__(self, folder: Path, name: str, *words: str, before: Sequence[str] = ()) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", f"brender.{name}", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.output = self.process.stdout

    def line(self) -> str:
        """The next line of output; empty when there will be no more."""
        seen = b""
        while not seen.endswith(b"\n"):
            ready, _, _ = select.select([self.output], [], [], LIMIT)
            assert ready, f"{self.process.args} says nothing; its log: {self.log.read_text()}"
            byte = os.read(self.output.fileno(), 1)
            if not byte:
                break
            seen += byte
        return seen.decode()

    def wait(self) -> int:
        return self.process.wait(LIMIT)

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.terminate()
        return self.wait()

    def end(self) -> None:
        """SIGKILL to all that it started; for teardown."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(LIMIT)
        self.output.close()


class Farm:
    """One master on a free port, its data in a folder, and the workers that were asked for."""

    def __init__(
        self, folder: Path, before: Sequence[str] = (), more: Sequence[str] = (), console: bool = False
    ) -> None:
        """`before` are the words of a program that starts the master in its turn, `more` are the master's own.

        Without a `console` people have the master's own line editor, which is what most of these tests are about.
        """
        self.folder = folder
        self.more = [*more, *([] if console else ["--no-console"])]
        self.data = folder / "master"
        self.programs: list[Program] = []
        self.peers: list[Any] = []
        self.port = 0
        self.master = self.start(before)

    def start(self, before: Sequence[str] = ()) -> Program:
        """Start the master, again on its port where it had one."""
        words = ["--listen", f"127.0.0.1:{self.port}", "--data", str(self.data), *self.more]
        self.master = Program(self.folder, "master", *words, before=before)
        self.programs.append(self.master)
        found = re.search(r"127\.0\.0\.1:(\d+)", self.master.line())
        assert found, self.master.log.read_text()
        self.port = int(found[1])
        return self.master

    def worker(self, name: str = "render-01", slots: int = 2, *more: str) -> Program:
        """Start a worker daemon, with `more` words of its own, and wait until the farm sees it."""
        words = ["--master", f"127.0.0.1:{self.port}", "--data", str(self.folder / name), "--name", name]
        made = Program(self.folder, "client", *words, "--slots", str(slots), *more)
        self.programs.append(made)
        until(lambda: self.workers().get(name, {}).get("presence") == "online", f"{name} is online")
        return made

    def workers(self) -> dict[str, dict[str, Any]]:
        with Json(self.port) as peer:
            return {row["name"]: row for row in peer.call("worker.list", limit=1000)["workers"]}

    def status(self) -> dict[str, Any]:
        with Json(self.port) as peer:
            found: dict[str, Any] = peer.call("farm.status")
        return found

    def memory(self) -> int:
        """Bytes of the master's resident memory."""
        status = Path(f"/proc/{self.master.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def worked(self) -> float:
        """Seconds of processor time that the master has taken, all its threads together."""
        fields = Path(f"/proc/{self.master.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def json(self, **more: Any) -> Json:
        return self._kept(Json(self.port, **more))

    def telnet(self, columns: int = 100, rows: int = 30, terminal: str = "xterm") -> Screen:
        return self._kept(Screen(["telnet", "127.0.0.1", str(self.port)], columns, rows, terminal))

    def _kept(self, peer: Any) -> Any:
        self.peers.append(peer)
        return peer

    def say(self, data: bytes, limit: float = LIMIT) -> bytes:
        """All that comes back for these bytes, after which the peer listens only."""
        with socket.create_connection(("127.0.0.1", self.port), limit) as link:
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            return everything(link)

    def nc(self, text: str, *flags: str) -> bytes:
        """What nc prints when this text is piped into it."""
        argv = ["nc", *flags, "127.0.0.1", str(self.port)]
        return subprocess.run(argv, input=text.encode(), stdout=subprocess.PIPE, timeout=LIMIT, check=False).stdout

    def cli(self, *words: str) -> tuple[int, Any]:
        """Exit code and the JSON document that `brender WORDS --json` prints."""
        argv = [sys.executable, "-m", "brender.cli", *words, "--json", "--master", f"127.0.0.1:{self.port}"]
        ran = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT)
        assert ran.stdout, ran.stderr
        return ran.returncode, json.loads(ran.stdout)

    def hang_up(self) -> None:
        while self.peers:
            self.peers.pop().close()

    def end(self) -> None:
        self.hang_up()
        for program in self.programs:
            program.end()


def everything(link: socket.socket) -> bytes:
    """All bytes until the other side ends."""
    found = b""
    try:
        while data := link.recv(1 << 16):
            found += data
    except ConnectionResetError:
        found += b"<reset>"
    return found


class Json:
    """A client of JSON lines. Events that come between answers are kept in `events`."""

    def __init__(self, port: int, receive: int = 0) -> None:
        self.link = socket.socket()
        if receive:
            self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.link.settimeout(LIMIT)
        self.link.connect(("127.0.0.1", port))
        self.events: list[dict[str, Any]] = []
        self._rest = b""
        self._number = 0

    def __enter__(self) -> Json:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, *documents: Any) -> None:
        """Each document on a line of its own, all in one write."""
        self.link.sendall(b"".join(json.dumps(one).encode() + b"\n" for one in documents))

    def read(self) -> Any:
        """The next line, decoded."""
        while b"\n" not in self._rest:
            data = self.link.recv(1 << 16)
            assert data, f"the master hung up after {self._rest!r}"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        if line.startswith(b"\xff"):  # we were silent for so long that telnet was offered
            line = line.partition(b"\x1b[K")[2]
        return json.loads(line)

    def answer(self, request: int | str) -> Any:
        """The whole answer to a request; events before it are kept."""
        while True:
            found = self.read()
            if isinstance(found, dict) and found.get("method") == "event":
                self.events.append(found["params"])
            elif isinstance(found, dict) and found.get("id") == request:
                return found

    def ask(self, method: str, params: Any = None) -> Any:
        """The whole answer: {"result"} or {"error"}."""
        self._number += 1
        self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params or {}})
        return self.answer(self._number)

    def call(self, method: str, **params: Any) -> Any:
        found = self.ask(method, params)
        assert "result" in found, found
        return found["result"]

    def refused(self, method: str, **params: Any) -> dict[str, Any]:
        error: dict[str, Any] = self.ask(method, params)["error"]
        return error

    def event(self, topic: str = "") -> dict[str, Any]:
        """The next event, or the next on a topic."""
        while True:
            found = self.events.pop(0) if self.events else self.read()["params"]
            if not topic or found["topic"] == topic:
                return found

    def close(self) -> None:
        self.link.close()


class Plain:
    """A peer of plain lines, as nc is."""

    def __init__(self, port: int) -> None:
        self.link = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.text = ""

    def say(self, line: str) -> None:
        self.link.sendall(line.encode() + b"\n")

    def until(self, *words: str) -> str:
        """All that came, once it holds these words in this order."""
        while not _in_order(self.text, words):
            data = self.link.recv(4096)
            assert data, f"in vain: {words}; {self.text}"
            self.text += data.decode()
        found, self.text = self.text, ""
        return found

    def close(self) -> None:
        self.link.close()


def _in_order(text: str, words: tuple[str, ...]) -> bool:
    at = 0
    for word in words:
        at = text.find(word, at) + len(word)
        if at < len(word):
            return False
    return True


class Screen:
    """A program under a pseudo terminal, and what a person would see there."""

    def __init__(self, argv: list[str], columns: int, rows: int, terminal: str = "xterm") -> None:
        self.terminal, program = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            argv,
            stdin=program,
            stdout=program,
            stderr=program,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={"PATH": os.environ["PATH"], "TERM": terminal, "LANG": "C.UTF-8"},
        )
        os.close(program)
        self.raw = b""
        self.ended = False

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def more(self, limit: float) -> bool:
        """Read once; False when nothing came in time or the program has ended."""
        ready, _, _ = select.select([self.terminal], [], [], max(0.0, limit))
        if not ready:
            return False
        try:
            data = os.read(self.terminal, 1 << 16)
        except OSError:  # the terminal's other end is closed
            data = b""
        self.raw += data
        self.ended = not data
        return bool(data)

    @property
    def lines(self) -> list[str]:
        return shown(self.raw.decode("utf-8", "replace"))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait(self, wanted: Callable[[str], Any], what: str, limit: float = LIMIT) -> str:
        """The text on the screen once it is wanted."""
        ends = time.monotonic() + limit
        while not wanted(self.text):
            assert self.more(ends - time.monotonic()), f"in vain: {what}. On the screen:\n{self.text}"
        return self.text

    def see(self, text: str) -> str:
        return self.wait(lambda screen: text in screen, f"to see {text!r}")

    def prompt(self) -> str:
        """Wait until the last line is a prompt with nothing after it."""
        return self.wait(lambda screen: screen.endswith("brender> "), "a prompt")

    def enter(self, line: str) -> list[str]:
        """Enter a line at an empty prompt; the lines between it and the next prompt."""
        before = len(self.lines)
        self.type(line + "\r")
        self.wait(lambda screen: screen.count("\n") >= before and screen.endswith("brender> "), f"after {line!r}")
        return self.lines[before:-1]

    def finish(self) -> int:
        """Read to the end; the program's exit code."""
        while self.more(LIMIT):
            pass
        return self.process.wait(LIMIT)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LIMIT)
        os.close(self.terminal)


def shown(text: str) -> list[str]:
    """The lines a terminal shows for this output: returns, erasing and moving within the line are obeyed."""
    lines: list[str] = []
    row: list[str] = []
    at = 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", text, re.DOTALL):
        if piece == "\n":
            lines.append("".join(row))
            row, at = [], 0
        elif piece == "\r":
            at = 0
        elif piece == "\b":
            at = max(0, at - 1)
        elif piece == "\a":
            continue
        elif piece[0] == "\x1b":
            count = int(re.sub(r"\D", "", piece) or "1")
            if piece[-1] == "K":
                row = row[:at]
            elif piece[-1] == "C":
                at += count
            elif piece[-1] == "D":
                at = max(0, at - count)
            elif piece[-1] == "J":
                lines, row, at = [], [], 0
        else:
            row[len(row) :] = " " * (at - len(row))
            row[at : at + 1] = piece
            at += 1
    return [*lines, "".join(row)]
