"""Follows a job from a shell until its run has ended; what a task prints is followed by logs.py.

A live bar at a terminal, a line per change elsewhere. `brender render` and `brender demo` end here too. A master that
restarts while a job is watched is waited for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from brender.api.follow import Status, statuses
from brender.api.link import Master

Shown = Callable[[Status], None]


def watch(master: str, which: dict[str, Any], quiet: bool = False) -> Status:
    """Show how far a job is until its run has ended; returns its last status. `which` are job.watch's params.

    Raises NoMaster, or what the master refuses.
    """
    told = statuses(Master(master), which)
    if quiet:
        return _last(told, lambda _: None)
    return _with_bar(told) if sys.stdout.isatty() else _last(told, _line)


def succeeded(status: Status) -> bool:
    """Whether a run has ended and every task of it is a success."""
    return bool(status["state"] == "success0")


def watch_job(master: str, given: dict[str, Any], as_json: bool) -> int:
    """`brender job watch`: until the job has ended; 0 when all of it is a success, else 1."""
    status = watch(master, given, as_json)
    _say("job.watch", status, as_json)
    return 0 if succeeded(status) else 1


def wait(master: str, job: int, as_json: bool) -> int:
    """`--wait`: until the run has ended; 0 when all of it is a success, else 1.

    A bar at a terminal; elsewhere silence, and one line on stderr for what failed. JSON: the last status.
    """
    seen = sys.stdout.isatty()
    status = watch(master, {"job": job}, quiet=as_json or not seen)
    if as_json or seen:
        _say("job.watch", status, as_json)
    elif not succeeded(status):
        print(f"brender: {_words('job.watch', status)}", file=sys.stderr)
    return 0 if succeeded(status) else 1


def _say(method: str, data: Any, as_json: bool) -> None:
    print(json.dumps(data, indent=2) if as_json else _words(method, data))


def _words(method: str, data: Any) -> str:
    import shutil

    from brender.commands import text

    size = shutil.get_terminal_size()
    return text.render(method, data, (size.columns, size.lines))


def _last(statuses: Iterator[Status], show: Shown) -> Status:
    status: Status = {}
    for status in statuses:
        show(status)
    return status


def _line(status: Status) -> None:
    from brender.commands.layout import plain
    from brender.commands.text_work import progress_words

    print(f"{plain(status['name'])} {progress_words(status)}", flush=True)


def _with_bar(statuses: Iterator[Status]) -> Status:
    from rich import progress as bars

    from brender.commands.layout import plain, span

    words = bars.TextColumn("{task.description}", markup=False), bars.TextColumn("{task.fields[left]}", markup=False)
    columns = words[0], bars.BarColumn(), bars.MofNCompleteColumn(), bars.TimeElapsedColumn(), words[1]
    with bars.Progress(*columns) as progress:
        bar = progress.add_task("", total=None, left="")

        def show(status: Status) -> None:
            sums = status["progress"]
            left = f"about {span(status['remaining'])} left" if status.get("remaining") else ""
            failed = f"{sums['failed']} failed" if sums["failed"] else ""
            said = ", ".join(filter(None, ("paused" if status["paused"] else "", failed, left)))
            name = plain(status["name"])
            done = sums["done"] + sums["failed"]
            progress.update(bar, description=name, total=sums["total"], completed=done, left=said)

        return _last(statuses, show)
