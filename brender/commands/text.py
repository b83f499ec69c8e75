"""The only place that makes sentences: `render(method, data, size)` turns what a command answered into lines.

What is not known here is shown as fields, so a new command is readable before anybody wrote words for it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from brender.commands import (
    text_alarms,
    text_channels,
    text_farm,
    text_history,
    text_readings,
    text_schedules,
    text_work,
)
from brender.commands.layout import capital, number, plain, span, wrap
from brender.wire.screen import escape_json

Data = Any
Writer = Callable[[Data, int], list[str]]


def render(method: str, data: Data, size: tuple[int, int] = (80, 24), asked: Sequence[str] = ()) -> str:
    """Lines, joined by newlines, for a window of (columns, rows); never raises for data of another shape.

    `asked` are the words that were answered: a list that goes on says them again with the place to go on from.
    """
    return "\n".join(lines(method, data, size[0], asked))


def lines(method: str, data: Data, room: int, asked: Sequence[str] = ()) -> list[str]:
    """The same one by one, no wider than `room`; those of tables are layout's Lines, for who shows them in colour."""
    writer = WRITERS.get(method)
    if asked and isinstance(data, Mapping) and "offset" in data:
        data = {**data, "again": shlex.join(_without_offset(asked))}
    try:
        return writer(data, room) if writer is not None else _unknown(data, room)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        return _unknown(data, room)  # an older or newer master answers in another shape


def _without_offset(words: Sequence[str]) -> list[str]:
    """The words of a list but for where it began, however that was written."""
    kept: list[str] = []
    for place, word in enumerate(words):
        if not word.startswith(("offset=", "--offset")) and words[place - 1 : place] != ["--offset"]:
            kept.append(word)
    return kept


def _unknown(data: Data, room: int) -> list[str]:
    if data is None:
        return ["OK"]
    return escape_json(json.dumps(data, ensure_ascii=False, indent=2, default=str)).splitlines()


def _names(rows: list[dict[str, Any]], most: int = 20) -> str:
    names = [plain(row.get("name") or row.get("id")) for row in rows[:most]]
    more = f" and {len(rows) - most} more" if len(rows) > most else ""
    return ", ".join(names) + more


def _admin(data: Data, room: int) -> list[str]:
    state, changed, unchanged = data["state"], data["changed"], data["unchanged"]
    if not changed and not unchanged:
        return wrap("OK nothing changed: no worker is like that.", room)
    said = f"OK {number(len(changed), 'worker')} {state}" + (f": {_names(changed)}." if changed else ".")
    if unchanged:
        verb = "was" if len(unchanged) == 1 else "were"
        said += f" {capital(number(len(unchanged), 'worker'))} {verb} {state} already: {_names(unchanged)}."
    return wrap(said, room)


def _created(data: Data, room: int) -> list[str]:
    row = data["row"]
    return wrap(f"OK {data['noun']} {plain(row['name'])} is there (id {row['id']}).", room)


def _updated(data: Data, room: int) -> list[str]:
    rows = data["rows"]
    return wrap(f"OK {number(len(rows), data['noun'])} changed: {_names(rows)}.", room)


def _deleted(data: Data, room: int) -> list[str]:
    rows = data["deleted"]
    if "noun" in data:
        channels = sum(row.get("channels", 0) for row in rows)
        along = f" What they measured of themselves went along: {number(channels, 'channel')}." if channels else ""
        return wrap(f"OK {number(len(rows), data['noun'])} deleted: {_names(rows)}.{along}", room)
    said = ", ".join(
        f"{row['noun']} {plain(row['name'])}" + (f" of {plain(row['job'])}" if "job" in row else "")
        for row in rows[:20]
    )
    more = f" and {len(rows) - 20} more" if len(rows) > 20 else ""
    return wrap(f"OK deleted from project {plain(data['project'])}: {said}{more}.", room)


def _replaced(data: Data, room: int) -> list[str]:
    lines = []
    for job in data["updated"]:
        what = f": {', '.join(plain(name) for name in job['steps'][:20])}" if job["steps"] else ""
        lines.append(f"job {plain(job['name'])} is {f'replaced{what}' if job['changed'] else 'as it was'}.")
    lines[0] = f"OK {lines[0]}"
    return [part for line in lines for part in wrap(line, room)]


def _submitted(data: Data, room: int) -> list[str]:
    lines = [f"OK project {plain(data['project'])} has {number(len(data['jobs']), 'job')} new or extended."]
    if len(data["jobs"]) == 1:
        lines = []
    for job in data["jobs"]:
        made = "is there" if job["created"] else "is extended"
        said = f"job {plain(job['name'])} {made} (id {job['id']}): "
        said += f"{number(job['steps'], 'new step')}, {number(job['tasks'], 'task')}"
        said += f", run {job['run']} started." if job["run"] else f". Start it: job run {job['id']}"
        lines.append(said if lines else f"OK {said}")
    lines = lines or [f"OK project {plain(data['project'])} is there; no jobs were named."]
    return [part for line in lines for part in wrap(line, room)]


def _run(data: Data, room: int) -> list[str]:
    said = f"OK job {plain(data['name'])} runs: run {data['run']}, {number(data['tasks'], 'task')}."
    return wrap(f"{said} Watch it: job watch {data['job']}", room)


def _stop(data: Data, room: int) -> list[str]:
    return wrap(f"OK job {plain(data['name'])} is {data['state']}: {_ending(data)}", room)


def _ending(data: Data) -> str:
    said = f"{number(data['stopping'], 'task')} told to end"
    said += f", {number(data['skipped'], 'task')} will not start." if data["skipped"] else "."
    if data.get("waiting"):
        said += f" {capital(number(data['waiting'], 'task'))} in a stretch that must not be stopped goes on."
    return said


def _stop_all(data: Data, room: int) -> list[str]:
    if not data["jobs"]:
        return ["OK no job was running."]
    return wrap(f"OK {number(len(data['jobs']), 'job')} stopping ({_names(data['jobs'])}): {_ending(data)}", room)


def _waits(data: Data, room: int) -> list[str]:
    if data["limit"] is None:
        return wrap(f"OK it is {data['state']} and may be stopped.", room)
    return wrap(
        f"OK it is {data['state']}: it is not stopped until it says running, for {data['limit']:g} s at most.", room
    )


def _pause(data: Data, room: int) -> list[str]:
    name = plain(data["name"])
    if data["paused"]:
        return wrap(
            f"OK job {name} is paused: what runs goes on, nothing new starts. Go on: job resume {data['job']}", room
        )
    return wrap(f"OK job {name} goes on.", room)


AGAIN = {"enabled": "enabled again", "disabled": "disabled again", True: "paused again", False: "going on"}
SINCE = {"changed": "changed since", "deleted": "deleted since", "ended": "no longer in that run"}


def _undone(data: Data, room: int) -> list[str]:
    act, noun = f"{data['verb']}, {span(data['seconds'])} ago", data["noun"]
    done, left = data["done"], data["left"]
    lines = wrap(f"OK undone: {act}." if done else f"OK nothing was left to undo of {act}.", room)
    if done and data["field"] == "priority":
        has = "has its" if len(done) == 1 else "have their"
        names = ", ".join(f"{plain(row['name'])} ({row['value']})" for row in done[:20])
        more = f" and {len(done) - 20} more" if len(done) > 20 else ""
        lines += wrap(f"{capital(number(len(done), noun))} {has} former priority: {names}{more}.", room)
    else:
        for value in dict.fromkeys(row["value"] for row in done):
            same = [row for row in done if row["value"] == value]
            is_ = "is" if len(same) == 1 else "are"
            lines += wrap(f"{capital(number(len(same), noun))} {is_} {AGAIN[value]}: {_names(same)}.", room)
    for why in dict.fromkeys(row["why"] for row in left):
        lines += wrap(f"Left alone, {SINCE[why]}: {_names([row for row in left if row['why'] == why])}.", room)
    if data["more"]:
        lines += wrap("Undo once more takes back what you did before it.", room)
    return lines


def _unblocked(data: Data, room: int) -> list[str]:
    who = ", ".join(plain(name) for name in data["workers"]) or "no worker was blocked"
    return wrap(f"OK failures of job {plain(data['name'])} are forgotten: {who}.", room)


def _retry(data: Data, room: int) -> list[str]:
    return wrap(f"OK {number(data['tasks'], 'task')} of step {plain(data['name'])} will run again.", room)


def _requeued(data: Data, room: int) -> list[str]:
    return wrap(f"OK {number(data['tasks'], 'task')} of job {plain(data['name'])} will run again.", room)


def _kill(data: Data, room: int) -> list[str]:
    return wrap(f"OK {number(data['tasks'], 'task')} of step {plain(data['name'])} told to end.", room)


def _text(data: Data, room: int) -> list[str]:
    return [plain(data["text"])]


def _selected(data: Data, room: int) -> list[str]:
    return wrap(f"OK project {plain(data['project'])} is the current one.", room)


def _subscribed(data: Data, room: int) -> list[str]:
    if not data.get("topics"):
        return ["OK no more events."]
    said = f"OK events on {plain(data['topics'])}"
    if data.get("seq") is not None:
        said += f", after number {data['seq']}"
    if data.get("resumed") is False:
        said += ". What was missed is no longer known: look again at what matters"
    return wrap(f"{said}.", room)


def _watched(data: Data, room: int) -> list[str]:
    times = {0: "nothing changed", 1: "it changed once"}.get(data["changes"], f"it changed {data['changes']} times")
    return wrap(f"OK {data['method'].replace('.', ' ')} is no longer watched; {times}.", room)


def _unwatched(data: Data, room: int) -> list[str]:
    return wrap(f"OK no longer watched: {plain(data['names'])}." if data["names"] else "OK nothing was watched.", room)


def _done(data: Data, room: int) -> list[str]:
    said = "OK" if not isinstance(data, Mapping) else f"OK {plain(data)}".rstrip()
    return wrap(said, room)


WRITERS: dict[str, Writer] = {
    "worker.enable": _admin,
    "worker.disable": _admin,
    **{f"{noun}.set": _updated for noun in ("worker", "project", "limit", "preset", "job", "step")},
    **{f"{noun}.add": _created for noun in ("worker", "project", "limit", "preset", "step")},
    **{f"{noun}.delete": _deleted for noun in ("worker", "preset", "job", "step")},
    **{f"{noun}.set": _updated for noun in ("channel", "device", "key")},
    **{f"{noun}.add": _created for noun in ("device", "key")},
    **{f"{noun}.delete": _deleted for noun in ("channel", "device", "key")},
    "project.archive": _updated,
    "project.select": _selected,
    "job.create": _submitted,
    "job.recreate": _submitted,
    "job.update": _replaced,
    "job.stop_all": _stop_all,
    "job.run": _run,
    "job.stop": _stop,
    "limit.delete": _deleted,
    "schedule.remove": _deleted,
    "job.unblock": _unblocked,
    "job.requeue": _requeued,
    "job.pause": _pause,
    "job.resume": _pause,
    "job.priority": _updated,
    "task.retry": _retry,
    "task.kill": _kill,
    "task.set_status": _waits,
    "session.undo": _undone,
    "session.hello": _done,
    "session.online": _done,
    "session.type": _done,
    "session.bye": _done,
    "session.echo": _text,
    "session.test": _text,
    "farm.subscribe": _subscribed,
    "farm.unsubscribe": _subscribed,
    "job.dump": lambda data, room: _unknown(data, room),
    "rpc.watch": _watched,
    "channel.watch": lambda data, room: (_watched if "changes" in data else text_channels.channels)(data, room),
    "rpc.unwatch": _unwatched,
    "rpc.discover": lambda data, room: _unknown(data, room),
    "alarm_rule.set": _updated,
    "alarm_rule.delete": _deleted,
    **text_alarms.WRITERS,
    **text_farm.WRITERS,
    **text_work.WRITERS,
    **text_history.WRITERS,
    **text_channels.WRITERS,
    **text_readings.WRITERS,
    **text_schedules.WRITERS,
}
