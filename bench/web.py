"""Two hundred open pages on a farm of 100,000 tasks with 500 changes a second: what the gateway and the master pay.

python -m bench.web work PORT RATE      workers that end RATE tasks a second; until their stdin ends
python -m bench.web pages PORT COUNT    pages that listen, until stdin ends; then how late what carries a time was
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import random
import subprocess
import sys
import time
from collections import deque
from itertools import count
from typing import Any

from bench.farm import Broken, Farm, Line, cpu, farm, free_port, resident
from bench.fleet import allow_files, hello
from bench.table import Report, Row, share

PAGES, CHANGES, TASKS, SECONDS = 200, 500, 100_000, 20.0
WORKERS, TASK_SECONDS = 10, 2.0
TOPICS = ["*", "task.states", "worker.load", "job.progress", "channel.values"]
MARK = '"description":"sent '


def web(report: Report, quick: bool) -> None:
    """The same load on the master without and with pages; then how late an event reaches a page."""
    pages, seconds = (20, 4.0) if quick else (PAGES, SECONDS)
    allow_files()
    with farm() as made:
        master = made.master()
        gateway, port = _gateway(made)
        ask = Line(made.port)
        for name in ("noisy", "quiet"):
            ask.ask("job.create", name=name, function="noop", frames=f"1-{TASKS // 2}")
        ask.ask("job.run", job="noisy")
        pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        work = made.python("work", "-m", "bench.web", "work", str(made.port), str(CHANGES / 2), **pipe)
        time.sleep(3.0)
        rate, alone, _ = _watch(ask, master.pid, gateway.pid, seconds)
        before = made.late()
        report.note(f"{rate:,.0f} changes a second while no page is open: master {alone:.1f} % of a core")
        crowd = made.python("pages", "-m", "bench.web", "pages", str(port), str(pages), **pipe)
        assert crowd.stdout is not None
        if crowd.stdout.readline() != b"open\n":
            raise Broken(f"The pages do not open: {made.said('pages')}{made.said('web')}")
        time.sleep(2.0)
        rate, beside, mine = _watch(ask, master.pid, gateway.pid, seconds)
        what = f"{pages} pages, {rate:,.0f} changes a second"
        report.ceiling(f"processor of the gateway, {what}", mine, "% of a core", 30.0)
        report.ceiling("processor of the master, more than without pages", beside - alone, "% of a core", 5.0)
        report.late("no page open", before)
        report.late(what, made.late())
        report.add(Row("memory of the gateway", f"{resident(gateway.pid) / 2**20:.0f} MiB"))
        heard = _ended(crowd)
        found = heard["late"]
        report.ceiling("from the asking of a change to all pages, p95", share(found, 0.95), "ms", 150.0)
        report.note(
            f"of {len(found):,} that pages heard: p50 {share(found, 0.5):.0f} ms, p99 {share(found, 0.99):.0f} ms"
        )
        report.note(f"each page was sent {heard['texts']:.1f} texts, {heard['bytes'] / 1000:.1f} kB a second")
        ask.close()
        _end(work)


def _gateway(made: Farm) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    words = ["--listen", f"127.0.0.1:{port}", "--master", f"127.0.0.1:{made.port}"]
    process = made.python("web", "-m", "brender.web", *words, "--data", str(made.directory / "web"))
    end = time.monotonic() + 20
    while b"http://" not in made.said("web").encode():
        if process.poll() is not None or time.monotonic() > end:
            raise Broken(f"The gateway does not start: {made.said('web')}")
        time.sleep(0.05)
    return process, port


def _watch(ask: Line, master: int, gateway: int, seconds: float) -> tuple[float, float, float]:
    """Changes of tasks a second, and the processors of master and gateway; five changes a second carry their time."""
    if not any(row["name"] == "clock" for row in ask.ask("project.list")["projects"]):
        ask.ask("project.add", name="clock")
    began, used = time.monotonic(), (cpu(master), cpu(gateway))
    done = ask.ask("job.show", job="noisy")["progress"]["done"]
    while time.monotonic() - began < seconds:
        ask.ask("project.set", project="clock", values={"description": f"sent {time.monotonic()!r} "})
        time.sleep(0.2)
    took = time.monotonic() - began
    done = ask.ask("job.show", job="noisy")["progress"]["done"] - done
    return 2 * done / took, (cpu(master) - used[0]) / took * 100, (cpu(gateway) - used[1]) / took * 100


def _end(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    said = process.stdout.read()
    process.wait(30)
    return said


def _ended(crowd: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What the pages print at their end: `late` in milliseconds, `texts` and `bytes` of a page a second."""
    heard: dict[str, Any] = json.loads(_end(crowd))
    if not heard["late"]:
        raise Broken("No page heard of a change.")
    return heard


# ---- the workers: a process of its own


def work(port: int, rate: float) -> None:
    """Ten workers whose tasks take two seconds, with as many slots as that takes."""
    import gevent
    from gevent.fileobject import FileObjectThread

    slots = max(1, round(rate * TASK_SECONDS / WORKERS))
    greenlets = [gevent.spawn(_work, port, number, slots) for number in range(WORKERS)]
    FileObjectThread(sys.stdin.buffer).read()
    gevent.killall(greenlets)


def _work(port: int, number: int, slots: int) -> None:
    import gevent
    from gevent.socket import create_connection

    from brender.core.orders import Recall, Run
    from brender.wire.packed import FrameReader, frame

    link = create_connection(("127.0.0.1", port))
    said = hello(number)
    said["params"]["slots"] = slots
    link.sendall(frame([said]))
    reader, running, waiting = FrameReader(), list[tuple[float, int]](), deque[int]()
    numbers = count(1)

    def turn() -> None:
        """Twenty times a second: end what is due, begin what a slot is free for. The first ones end one by one."""
        first = 0
        while True:
            gevent.sleep(0.05)
            now, ended, began = time.monotonic(), [], []
            while running and running[0][0] <= now:
                ended.append([heapq.heappop(running)[1], "success0", TASK_SECONDS, 0, None, "", next(numbers)])
            while waiting and len(running) < slots:
                first += 1
                length = TASK_SECONDS * min(first, slots) / slots
                began.append([waiting.popleft(), 1])
                heapq.heappush(running, (now + length, began[-1][0]))
            messages = [{"method": "worker.results", "params": {"results": ended}}] * bool(ended)
            messages += [{"method": "worker.started", "params": {"attempts": began}}] * bool(began)
            if messages:
                link.sendall(frame(messages))

    turning = gevent.spawn(turn)
    with contextlib.suppress(OSError):
        while data := link.recv(1 << 16):
            for message in reader.feed(data):
                if message.method == "run":
                    waiting.extend(attempt for attempt, _ in message.params_as(Run).tasks)
                elif message.method == "recall":
                    back = [one for one in message.params_as(Recall).attempts if one in waiting]
                    for one in back:
                        waiting.remove(one)
                    link.sendall(frame([{"method": "worker.returned", "params": {"attempts": back}}]))
    turning.kill()


# ---- the pages: a process of their own


async def pages(port: int, most: int) -> None:
    """Open the pages as a browser does; note how old each change is that carries its time."""
    from websockets.asyncio.client import connect

    found: list[float] = []
    ready = texts = size = 0
    everybody = asyncio.Event()

    async def page() -> None:
        nonlocal ready, texts, size
        place = f"127.0.0.1:{port}"
        async with connect(f"ws://{place}/ws", origin=f"http://{place}", max_size=None, compression=None) as link:  # type: ignore[arg-type]
            await _call(link, 1, "session.hello", {"name": "bench"})
            mirror = await _call(link, 2, "farm.mirror", {})
            await _call(link, 3, "farm.subscribe", {"topics": TOPICS, "since": mirror["seq"]})
            ready += 1
            if ready == most:
                everybody.set()
            asking = asyncio.create_task(_ask_on(link))
            async for text in link:
                texts, size = texts + 1, size + len(text)
                at = text.find(MARK)  # type: ignore[arg-type]
                if at >= 0 and everybody.is_set():
                    sent = float(text[at + len(MARK) : text.index(" ", at + len(MARK))])  # type: ignore[arg-type]
                    found.append((time.monotonic() - sent) * 1000)
            asking.cancel()

    going = [asyncio.create_task(page()) for _ in range(most)]
    await asyncio.wait_for(everybody.wait(), 60)
    print("open", flush=True)
    began, texts, size = time.monotonic(), 0, 0
    await asyncio.to_thread(sys.stdin.read)
    took = time.monotonic() - began
    for one in going:
        one.cancel()
    rates = {"texts": texts / most / took, "bytes": size / most / took}
    print(json.dumps({"late": found, **rates}), flush=True)


async def _ask_on(link: Any) -> None:
    """How the farm is, once a second, as a page asks that shows its sums."""
    while True:
        await asyncio.sleep(random.uniform(0.9, 1.1))
        await link.send(json.dumps({"jsonrpc": "2.0", "id": 9, "method": "farm.status"}))


async def _call(link: Any, number: int, method: str, params: dict[str, Any]) -> Any:
    await link.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
    while True:
        answer = json.loads(await link.recv())
        if isinstance(answer, dict) and answer.get("id") == number:
            return answer["result"]


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(int(sys.argv[2]), float(sys.argv[3]))
    else:
        asyncio.run(pages(int(sys.argv[2]), int(sys.argv[3])))
