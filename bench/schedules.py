"""How late schedules fire, and how late what they changed is on the disk and seen by a client on the wall clock.

Twenty schedules a second, spread over it, on a farm that idles and on one that runs no-op tasks as fast as it can; a
thousand more are armed and not due. The promise is for the firing; on a busy disk the commit takes what it takes.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from bench.farm import Broken, Farm, Line, farm
from bench.table import Report, share

A_SECOND = 20
ARMED = 1000
TASKS = 5000  # of one job of the busy farm


def schedules(report: Report, quick: bool) -> None:
    """The error of firing, p99, and of what a client sees, idle and busy."""
    seconds = 5 if quick else 30
    with farm() as made:
        made.master()
        made.worker(2)
        line = Line(made.port)
        _arm(line)
        _rows(report, "idle farm", _late(line, seconds), made)
        ended = threading.Event()
        busy = threading.Thread(target=_work, args=(made, ended))
        busy.start()
        _rows(report, "busy farm", _late(line, seconds), made)
        ended.set()
        busy.join()
        _crowd(report, line, 200 if quick else 2000, made)


def _crowd(report: Report, line: Line, count: int, made: Farm) -> None:
    """So many at one moment, and the longest agenda that there is: neither may hold up the hub."""
    at = time.time() + 5 + count / 100
    for _ in range(count):
        line.ask("schedule.once_when", timestamp=at, method="farm.save")
    line.notices.clear()
    while time.time() < at:
        line._read()
    begin, spent = time.time(), []
    for _ in range(5):
        spent.append(time.time())
        line.ask("schedule.agenda", each=1000, limit=1000)
        spent[-1] = (time.time() - spent[-1]) * 1000
    report.note(f"{count} schedules at one moment, then an agenda of 1,000 occurrences in {max(spent):.0f} ms at worst")
    report.late(f"schedules, {count} at once and agendas of {time.time() - begin:.0f} s", made.late())


def _arm(line: Line) -> None:
    """What is due twenty times a second, each time changing a limit of its own, and what only waits."""
    line.ask("farm.subscribe", topics=["limit.changed", "schedule.fired"])
    for number in range(A_SECOND):
        line.ask("limit.add", name=f"l{number}", count=0)
        for period, offset, count in ((2, 0, 1), (2, 1, 2)):
            command = {"method": "limit.set", "params": {"limit": f"l{number}", "values": {"count": count}}}
            line.ask("schedule.repeat_o_clock", seconds=period, offset=offset + number / A_SECOND, **command)
    for number in range(ARMED):
        line.ask("schedule.cron", expr=f"{number % 60} 0 1 1 *", method="farm.save", name=f"waits-{number}")
    line.notices.clear()


def _late(line: Line, seconds: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the moment at which each was due: until it fired, and until a client saw what it did."""
    fired: list[float] = []
    seen: list[float] = []
    begin = time.time()
    while time.time() < begin + seconds:
        event: dict[str, Any] = line._read()["params"]
        at, data = time.time(), event["data"]
        if event["topic"] == "schedule.fired":
            fired.append(data["late"] * 1000)
        else:
            seen.append((at - int(data["name"][1:]) / A_SECOND) % 1.0 * 1000)
    if min(len(fired), len(seen)) < A_SECOND * (seconds - 1):
        raise Broken(f"{len(fired)} schedules fired in {seconds} s, fewer than were due.")
    return fired, seen


def _work(made: Farm, ended: threading.Event) -> None:
    """Jobs one after the other."""
    line = Line(made.port)
    line.ask("farm.subscribe", topics=["job.ended"])
    number = 0
    while not ended.is_set():
        number += 1
        job = line.ask("job.create", name=f"busy-{number}", function="noop", frames=f"1-{TASKS}", run=True)
        line.until_ended(job["jobs"][0]["id"])


def _rows(report: Report, where: str, late: tuple[list[float], list[float]], made: Farm) -> None:
    fired, seen = late
    report.ceiling(f"a schedule fires, {where}, p99 of {len(fired)}", share(fired, 0.99), "ms late", 50.0)
    parts = f"p50 {share(seen, 0.5):.1f} ms, p99 {share(seen, 0.99):.1f} ms, worst {max(seen):.1f} ms"
    report.note(f"{where}: what a schedule did is on the disk and with a client {parts} after it was due")
    report.late(f"schedules, {where}", made.late())
