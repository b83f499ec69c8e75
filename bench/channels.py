"""Ten thousand channels on one connection, and a thousand that lose their manager: real daemons, real samples."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

from bench.farm import Broken, Line, cpu, farm, resident
from bench.table import Report, Row
from brender.core import events as ev
from brender.core.engine import Core
from brender.core.farm import Farm

LIMIT = 60.0  # seconds
A_LIST = 500  # channels of one request, which is one turn of the farm
HOSTED = ("--channels", "hosted")


def channels(report: Report, quick: bool) -> None:
    """Issue 5: 10,000 channels on one connection per manager; moving 1,000 floating ones after a death within 2 s."""
    _chosen(report, 200 if quick else 2000)
    many, moving, seconds = (1000, 100, 3.0) if quick else (10_000, 1000, 20.0)
    _many(report, many, seconds)
    for managers in (2, 4):
        _moves(report, moving, managers)


def _chosen(report: Report, managers: int) -> None:
    """Every worker is a manager: the turn that places as many channels as one turn does, in a large farm."""
    core, channels = Core(Farm()), [{"name": f"c{number}", "type": "easy"} for number in range(250)]
    for number in range(1, managers + 1):
        name, config = f"m{number}", {"roles": ["manager"]}
        core.turn([ev.Hello(number, name, name, name, name, slots=0, config=config)], 1.0)
    core.turn([ev.AddChannels(channels)], 2.0)
    census = core.farm.hosting.census
    assert census is not None
    core.turn([ev.Counted(session, census.number, 0) for session in range(2, managers + 1)], 2.5)
    begin = time.perf_counter()
    core.turn([ev.Counted(1, census.number, 0)], 2.5)
    took = 1000 * (time.perf_counter() - begin)
    if {channel.state for channel in core.farm.channels.values()} != {"starting"}:
        raise Broken("Not all channels are placed.")
    report.ceiling(f"turn that gives 250 channels to {managers} managers", took, "ms", 50.0)


def _many(report: Report, count: int, seconds: float) -> None:
    """One manager with so many channels, each measured once a second."""
    with farm() as made:
        master = made.master()
        worker = made.worker(0, None, *HOSTED)
        line = Line(made.port)
        report.add(Row(f"{count} channels added until all log", f"{_added(line, count):.2f} s"))
        report.late(f"{count} channels beginning", made.late())
        before, mine, begin = cpu(master.pid), cpu(worker.pid), time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - begin
        used, spent = cpu(master.pid) - before, cpu(worker.pid) - mine
        report.add(Row(f"master, {count} samples/s of one manager", f"{100 * used / took:.0f} % of a core"))
        report.add(Row(f"manager, {count} channels at 1 Hz", f"{100 * spent / took:.0f} % of a core"))
        report.add(Row("memory of that manager", f"{resident(worker.pid) / 2**20:.0f} MiB"))
        report.late("all of that", made.late())
        fresh = line.ask("channel.list", channels=["all"], limit=10_000)["channels"]
        ages = sorted(row["age"] if row["age"] is not None else LIMIT for row in fresh)
        report.ceiling("oldest last value of all channels", ages[-1], "s", 5.0)
        line.ask("channel.delete", channels=["c00007"])
        _until(lambda: line.ask("manager.list")["managers"][0]["logging"] == count - 1)
        line.close()


def _added(line: Line, count: int) -> float:
    begin = time.monotonic()
    rows = [{"name": f"c{number:05}", "type": "custom", "params": {"period": 1}} for number in range(count)]
    for at in range(0, count, A_LIST):
        line.ask("channel.add", channels=rows[at : at + A_LIST])
    _until(lambda: sum(row["logging"] for row in line.ask("manager.list")["managers"]) == count)
    return time.monotonic() - begin


def _moves(report: Report, count: int, managers: int) -> None:
    """One of these managers has so many floating channels and is killed; the others have as many each."""
    with farm() as made:
        made.master()
        daemons: dict[int, subprocess.Popen[bytes]] = {}
        for _ in range(managers):
            process = made.worker(0, None, *HOSTED)
            daemons[process.pid] = process
        line = Line(made.port)
        _until(
            lambda: (
                len([row for row in line.ask("manager.list")["managers"] if row["presence"] == "online"]) == managers
            )
        )
        _added(line, count * managers)
        victim = line.ask("manager.list")["managers"][0]
        if victim["channels"] != count:
            raise Broken(f"{victim['name']} has {victim['channels']} channels, not {count}.")
        daemons[victim["pid"]].kill()
        begin = time.monotonic()
        _until(lambda: _all_log(line, victim["id"], count * managers))
        took = time.monotonic() - begin
        report.ceiling(f"{count} channels of a killed manager log at {managers - 1} others", took, "s", 2.0)
        counts = [row["channels"] for row in line.ask("manager.list")["managers"] if row["id"] != victim["id"]]
        if max(counts) - min(counts) > 1:
            raise Broken(f"The others have {counts}.")
        report.late(f"{count} moving", made.late())
        line.close()


def _all_log(line: Line, victim: int, count: int) -> bool:
    rows: list[dict[str, Any]] = line.ask("manager.list")["managers"]
    return sum(row["logging"] for row in rows if row["id"] != victim) == count


def _until(question: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not question():
        if time.monotonic() > end:
            raise Broken("It does not come to that.")
        time.sleep(0.01)
