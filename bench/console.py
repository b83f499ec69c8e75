"""The prompt under load: how soon a key is seen, and what a hundred people cost the master.

People are real telnet sessions, as Debian's client has them: they answer the offer, name a terminal and look at what
they are shown. They type from one process with a thread each, which waits nearly always.
"""

from __future__ import annotations

import re
import socket
import statistics
import subprocess
import threading
import time

from bench.farm import Broken, Farm, Line, farm, resident
from bench.fleet import allow_files
from bench.table import Report, share

IAC, DO, WILL, SB, SE = 255, 253, 251, 250, 240
ANSWERS = bytes((IAC, DO, 1, IAC, DO, 3, IAC, WILL, 31, IAC, SB, 31, 0, 100, 0, 40, IAC, SE, IAC, WILL, 24))
NAME = bytes((IAC, SB, 24, 0)) + b"xterm" + bytes((IAC, SE))
PROMPT = b"brender>"
READY = b"\x1b[?2004h"  # the console wants a line
SEQUENCE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
TYPED = "zxhjmptvycZXHJMPTVYC" * 2  # letters that the bar under the line has not
PAUSE = 0.1  # seconds between two keys of one person
LIMIT = 30.0


class Person:
    """Somebody at a terminal of 100 by 40."""

    def __init__(self, port: int) -> None:
        self._link = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def arrive(self) -> float:
        """Negotiate as telnet does; seconds from the first answer to the prompt."""
        self._until(bytes((IAC, DO, 24)))
        began = time.monotonic()
        self._link.sendall(ANSWERS)
        self._until(bytes((IAC, SB, 24, 1, IAC, SE)))
        self._link.sendall(NAME)
        self._until(PROMPT)
        return time.monotonic() - began

    def key(self, char: str) -> float:
        """Milliseconds from a key to its echo."""
        wanted = char.encode()
        began = time.monotonic()
        self._link.sendall(wanted)
        seen = b""
        while wanted not in SEQUENCE.sub(b"", seen):
            seen += self._more()
        return (time.monotonic() - began) * 1000

    def begin(self, text: str) -> None:
        """Type the beginning of a line, and look at it."""
        self._link.sendall(text.encode())
        self._quiet()

    def line(self, text: str) -> float:
        """Milliseconds from Enter to the end of the first screen of the answer, or to the prompt below a short one."""
        self.begin(text)
        began = time.monotonic()
        self._link.sendall(b"\r\0")
        seen = b""
        while b" lines (" not in seen and READY not in seen:
            seen += self._more()
        took = (time.monotonic() - began) * 1000
        if b" lines (" in seen:
            self._link.sendall(b"q")
            self._until(READY)
        self._quiet()
        return took

    def close(self) -> None:
        self._link.close()

    def _quiet(self) -> None:
        """Pass over what comes until nothing has come for a moment."""
        self._link.settimeout(0.15)
        try:
            while self._more():
                pass
        except TimeoutError:
            pass
        self._link.settimeout(LIMIT)

    def _until(self, wanted: bytes) -> None:
        seen = b""
        while wanted not in seen:
            seen += self._more()

    def _more(self) -> bytes:
        data = self._link.recv(1 << 16)
        if not data:
            raise Broken("The prompt was closed.")
        return data


def console(report: Report, quick: bool) -> None:
    """Five people type on a busy farm; a hundred come at once and stay; a list of 1,000 rows."""
    typed, crowd, lists = (2, 20, 5) if quick else (6, 100, 30)
    allow_files()
    _keys(report, typed)
    _crowd(report, crowd)
    _lists(report, lists)


def _busy(made: Farm) -> Line:
    """A worker of two slots with no end of no-op tasks: the master and the worker use what there is."""
    made.worker(2)
    line = Line(made.port)
    line.ask("job.create", name="busy", function="noop", frames="1-1000000", run=True)
    return line


def _keys(report: Report, rounds: int) -> None:
    with farm() as made:
        made.master()
        people = [Person(made.port) for _ in range(5)]
        for person in people:
            person.arrive()
        idle = _typing(people, 1)
        line = _busy(made)
        before = line.ask("farm.status")["progress"]["done"]
        began = time.monotonic()
        busy = _typing(people, rounds)
        rate = (line.ask("farm.status")["progress"]["done"] - before) / (time.monotonic() - began)
        report.ceiling(f"key echo, 5 people typing, busy farm, p95 of {len(busy)}", share(busy, 0.95), "ms", 20.0)
        figures = f"key echo p50 {statistics.median(busy):.1f}, p99 {share(busy, 0.99):.1f} ms"
        report.note(f"{figures} while the farm ended {rate:,.0f} no-op tasks/s")
        report.note(f"on an idle farm p50 {statistics.median(idle):.1f}, p95 {share(idle, 0.95):.1f} ms")
        late = made.late()
        report.note(f"the master's tick meanwhile: p99 {late['p99_ms']:.1f}, worst {late['worst_ms']:.1f} ms late")
        for person in people:
            person.close()


def _typing(people: list[Person], rounds: int) -> list[float]:
    """All type at once; milliseconds of every key."""
    found: list[float] = []

    def type_on(person: Person) -> None:
        for _ in range(rounds):
            person.begin("echo ")
            for char in TYPED:
                found.append(person.key(char))
                time.sleep(PAUSE)
            person.line("\x15session test")

    threads = [threading.Thread(target=type_on, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _crowd(report: Report, count: int) -> None:
    with farm() as made:
        master = made.master()
        first = Person(made.port)
        waited = first.arrive()
        warm = [Person(made.port) for _ in range(10)]
        for person in warm:
            person.arrive()
        before, worst = resident(master.pid), made.late()["worst_ms"]
        people = [Person(made.port) for _ in range(count)]
        took = _arriving(people)
        late = made.late()
        report.late(f"{count} telnet sessions connect at once", late)
        time.sleep(1.0)
        each = (resident(master.pid) - before) / count / 1024
        report.ceiling(f"memory of the master, each of {count} telnet sessions", each, "KB", 30.0)
        report.note(
            f"the first person waits {waited * 1000:.0f} ms for the prompt after the offer (the console starts)"
        )
        report.note(
            f"of {count} at once the last has a prompt after {max(took):.2f} s; worst tick before them {worst:.1f} ms"
        )
        for person in (first, *warm, *people):
            person.close()


def _arriving(people: list[Person]) -> list[float]:
    found: list[float] = []
    threads = [threading.Thread(target=lambda one: found.append(one.arrive()), args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) != len(people):
        raise Broken(f"Only {len(found)} of {len(people)} came to a prompt.")
    return found


def _lists(report: Report, count: int) -> None:
    with farm() as made:
        made.master()
        load: subprocess.Popen[bytes] = made.python(
            "load", "-m", "bench.fleet", str(made.port), "1000", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert load.stdout is not None
        if load.stdout.readline() != b"welcome 1000\n":
            raise Broken(made.said("load"))
        person = Person(made.port)
        person.arrive()
        took = [person.line("worker list limit=1000") for _ in range(count)]
        report.ceiling(f"`worker list limit=1000` at the prompt, p95 of {count}", share(took, 0.95), "ms", 100.0)
        report.note(f"1,000 rows at the prompt: p50 {statistics.median(took):.0f} ms to the first screen")
        person.close()
