"""Two thousand workers on one master: real connections and frames, made by one gevent process that has no slots to run.

python -m bench.fleet PORT COUNT [FIRST]    the load alone, numbered from FIRST; it ends when its stdin does
"""

from __future__ import annotations

import contextlib
import random
import resource
import socket
import subprocess
import sys
import time
from typing import Any

from bench.farm import Broken, Farm, cpu, farm
from bench.table import Report, share

PROMPT = b"brender> "
AT_ONCE = 50  # connections being made at a time
LIMIT = 60.0  # seconds until all are welcome
FILES = 8192


def fleet(report: Report, quick: bool) -> None:
    """Processor time of the master for their heartbeats alone, then how fast `clients` answers at the telnet prompt."""
    count, seconds, asks = (200, 5.0, 20) if quick else (2000, 20.0, 200)
    allow_files()
    with farm() as made:
        master = made.master()
        load = made.python(
            "load", "-m", "bench.fleet", str(made.port), str(count), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        welcomed(made, load, count)
        report.late(f"{count} workers arriving", made.late())
        time.sleep(2.0)  # what their arrival left behind
        before, begin = cpu(master.pid), time.monotonic()
        time.sleep(seconds)
        used = (cpu(master.pid) - before) / (time.monotonic() - begin) * 100
        report.ceiling(f"processor of the master, {count} workers idle, {seconds:.0f} s", used, "% of a core", 25.0)
        took = at_the_prompt(made.port, "clients", asks)
        report.ceiling(f"`clients` at the prompt, p99 of {asks}", share(took, 0.99), "ms", 50.0)
        report.note(f"`clients` p50 {share(took, 0.5):.1f} ms; it shows the first 200 of {count} workers")
        report.late("all of that", made.late())


def welcomed(made: Farm, load: subprocess.Popen[bytes], count: int) -> None:
    """Wait until all workers of the load are connected. Raises Broken when one is not."""
    assert load.stdout is not None
    said = load.stdout.readline()
    if said != b"welcome %d\n" % count:
        raise Broken(f"The load says {said!r}: {made.said('load')} {made.said('master')}")


def at_the_prompt(port: int, command: str, count: int) -> list[float]:
    """Milliseconds from Enter to the next prompt, `count` times, typed by somebody whose terminal speaks no telnet."""
    found = []
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as person:
        person.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _ask(person, command)
        for _ in range(count):
            begin = time.monotonic()
            _ask(person, command)
            found.append((time.monotonic() - begin) * 1000)
            time.sleep(0.01)
    return found


def _ask(person: socket.socket, command: str) -> bytes:
    person.sendall(command.encode() + b"\r\n")
    said = b""
    while not said.endswith(PROMPT):
        more = person.recv(1 << 16)
        if not more:
            raise Broken(f"The prompt closed after {said[-200:]!r}.")
        said += more
    return said


def allow_files() -> None:
    """Let this process and its children hold as many connections as the fleet needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


# ---- the load: its own process


def hello(number: int) -> dict[str, Any]:
    """What worker `number` says first."""
    mac = f"{0x020000000000 + number:012x}"
    params = {"key": f"brender_{mac}", "mac": mac, "hostname": f"node{number:04}", "name": f"node{number:04}"}
    more = {"boot": f"{number:016x}", "slots": 2, "functions": ["echo", "noop", "sleep"], "platform": "Linux"}
    return {"jsonrpc": "2.0", "method": "worker.hello", "params": {**params, **more}}


def sail(port: int, count: int, first: int = 0) -> None:
    """Connect all, say hello, then beat until stdin ends."""
    import gevent
    from gevent.event import Event
    from gevent.fileobject import FileObjectThread
    from gevent.lock import BoundedSemaphore

    gate, all_in, welcome = BoundedSemaphore(AT_ONCE), Event(), set[int]()

    def entered(number: int) -> None:
        welcome.add(number)
        if len(welcome) == count:
            all_in.set()

    greenlets = [gevent.spawn(_worker, port, number, gate, entered) for number in range(first, first + count)]
    if not all_in.wait(LIMIT):
        print(f"only {len(welcome)} of {count} were welcome", flush=True)
    print(f"welcome {len(welcome)}", flush=True)
    FileObjectThread(sys.stdin.buffer).read()
    gevent.killall(greenlets)


def _worker(port: int, number: int, gate: Any, entered: Any) -> None:
    import gevent
    from gevent.socket import create_connection

    from brender.core.orders import Welcome
    from brender.wire.packed import FrameReader, frame

    with gate:
        link = create_connection(("127.0.0.1", port))
        link.sendall(frame([hello(number)]))
        reader, pace = FrameReader(), 0.0
        while not pace:
            for message in reader.feed(link.recv(4096)):
                if message.method == "welcome":
                    pace = message.params_as(Welcome).heartbeat
        entered(number)
    listener = gevent.spawn(_listen, link, reader)
    beat = frame([{"jsonrpc": "2.0", "method": "worker.heartbeat", "params": {"warning": ""}}])
    while not listener.dead:
        gevent.sleep(pace * random.uniform(0.8, 1.2))
        link.sendall(beat)


def _listen(link: Any, reader: Any) -> None:
    """Read and forget: there is no work for this fleet."""
    with contextlib.suppress(OSError):
        while data := link.recv(4096):
            reader.feed(data)


if __name__ == "__main__":
    sail(*map(int, sys.argv[1:4]))
