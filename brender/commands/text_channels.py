"""Words for channels, devices, keys and managers. Only text.py calls this."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from brender.commands.layout import Column, capital, columns, fields, number, plain, span, wrap, wrap_after
from brender.commands.text_farm import more

Data = Any
MARKS = "▁▂▃▄▅▆▇█"

CHANNEL_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=10),
    Column("type", "type"),
    Column("state", "state"),
    Column("manager", "manager", shrinks=True, least=6),
    Column("value", "shown", right=True, shrinks=True, least=8),
    Column("", "unit"),
    Column("age", "old", right=True),
    Column("trend", "marks"),
    Column("error", "error", shrinks=True, least=10),
)


SHOWN = 16  # marks of a trend, so that it has room in 80 columns


def spark(values: list[float]) -> str:
    """A line of marks, one a value, from the least of them to the most."""
    numbers = [value for value in values if isinstance(value, (int, float))]
    if not numbers:
        return ""
    least, most = min(numbers), max(numbers)
    step = (most - least) / (len(MARKS) - 1) or 1.0
    return "".join(MARKS[round((value - least) / step)] for value in numbers)


def value_words(value: Any) -> str:
    """A value in few characters."""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e5 else f"{value:.6g}"
    return plain(value)


def channels(data: Data, room: int) -> list[str]:
    rows = data["channels"]
    if not data["total"]:
        return wrap("No channel is like that. Make one: channel add NAME device=… key=…, or look at device list.", room)
    shown = [_shown(row) for row in rows]
    watched = any(row["marks"] for row in shown)  # who watches wants to see how it goes, in 80 columns too
    spec = [column for column in CHANNEL_COLUMNS if column.key != "type" or not watched]
    return [*columns(spec, shown, room), *wrap(more(data, len(rows), "channel"), room)]


def _shown(row: Data) -> Data:
    age = row.get("age")
    return {
        **row,
        "shown": value_words(row.get("value")),
        "old": "" if age is None else span(age),
        "marks": spark(row.get("trend", [])[-SHOWN:]),
    }


CHANNEL_FIELDS = (
    "id", "name", "short_name", "type", "params", "state", "error", "device", "key", "unit", "value", "old",
    "placement", "manager", "group", "labels", "started", "version",
)  # fmt: skip


def channel(data: Data, room: int) -> list[str]:
    lines: list[str] = []
    for row in data["channels"]:
        old = None if row["age"] is None else f"{span(row['age'])} ago"
        lines += ["", *fields({**row, "old": old, "started": _moment(row["started_at"])}, CHANNEL_FIELDS, room)]
    return lines[1:] if lines else ["No channel is like that."]


def _moment(at: float | None) -> str | None:
    return None if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def added(data: Data, room: int) -> list[str]:
    rows = data["channels"]
    waiting = sum(row["state"] == "new" for row in rows)
    names = ", ".join(plain(row["name"]) for row in rows[:20]) + (
        f" and {len(rows) - 20} more" if len(rows) > 20 else ""
    )
    said = f"OK {number(len(rows), 'channel')} made: {names}."
    if waiting:
        said += (
            f" {capital(number(waiting, 'channel'))} wait{'s' if waiting == 1 else ''} for the manager with the fewest."
        )
    return wrap(said, room)


def switched(data: Data, room: int) -> list[str]:
    word = {"start": "started", "stop": "stopped", "restart": "restarted"}[data["act"]]
    said = f"OK {number(len(data['changed']), 'channel')} {word}."
    if data["unchanged"]:
        said += f" {capital(number(len(data['unchanged']), 'channel'))} had been {word} before."
    return wrap(said, room)


def moved(data: Data, room: int) -> list[str]:
    where = f"to {plain(data['manager'])}" if data["manager"] else "to whoever has the fewest"
    return wrap(f"OK {number(len(data['moved']), 'channel')} moved {where}.", room)


def loaded(data: Data, room: int) -> list[str]:
    lines = wrap(f"OK {number(data['done'], 'line')} run, {number(len(data['refused']), 'line')} refused.", room)
    for one in data["refused"]:
        lines += wrap_after(f"  line {one['line']}: ", plain(one["why"]), room)
    return lines


DEVICE_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=8),
    Column("driver", "driver"),
    Column("worker", "worker", shrinks=True, least=6),
    Column("channels", "channels", right=True),
    Column("config", "config", shrinks=True, least=10),
    Column("ids", "ids"),
    Column("description", "description", shrinks=True, least=11),
)


def devices(data: Data, room: int) -> list[str]:
    if not data["total"]:
        return wrap(
            "There is no device yet. A worker that connects makes its own; others: device add NAME driver=…", room
        )
    rows = [{**row, "ids": ":".join(filter(None, (row["vendor_id"], row["product_id"])))} for row in data["devices"]]
    return [*columns(DEVICE_COLUMNS, rows, room), *wrap(more(data, len(rows), "device"), room)]


DEVICE_FIELDS = (
    "id", "name", "driver", "config", "worker", "description", "vendor_id", "product_id", "channels", "names",
    "version",
)  # fmt: skip


def device(data: Data, room: int) -> list[str]:
    return fields(data, DEVICE_FIELDS, room)


def drivers(data: Data, room: int) -> list[str]:
    lines: list[str] = []
    margin = max(len(row["name"]) for row in data["drivers"]) + 2
    for row in data["drivers"]:
        said = f"{plain(row['text'])} ({number(row['managers'], 'manager')})."
        if row.get("keys"):
            said += f" Keys: {plain(row['keys'])}."
        if row.get("config"):
            said += f" Config: {plain(row['config'])}."
        lines += wrap_after(plain(row["name"]).ljust(margin), said, room)
    return lines


KEY_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=8),
    Column("unit", "unit"),
    Column("kind", "kind"),
    Column("mul", "mul", right=True),
    Column("add", "add", right=True),
    Column("channels", "channels", right=True),
    Column("description", "description", shrinks=True, least=11),
)


def keys(data: Data, room: int) -> list[str]:
    if not data["total"]:
        return ["There is no key yet. Make one: key add NAME unit=…"]
    return [*columns(KEY_COLUMNS, data["keys"], room), *wrap(more(data, len(data["keys"]), "key"), room)]


MANAGER_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=8),
    Column("state", "state"),
    Column("presence", "presence"),
    Column("channels", "channels", right=True),
    Column("logging", "logging", right=True),
    Column("floating", "floating", right=True),
    Column("groups", "groups", shrinks=True, least=6),
    Column("pid", "pid", right=True),
    Column("clock", "clock", right=True),
    Column("changed", "changed"),
)


def managers(data: Data, room: int) -> list[str]:
    if not data["total"]:
        return wrap("No manager has connected yet. On any machine, start: brender client", room)
    rows = [
        {**row, "changed": _moment(row["modified_at"]), "clock": f"{skew:+g} s" if (skew := row["clock_skew"]) else ""}
        for row in data["managers"]
    ]
    return [*columns(MANAGER_COLUMNS, rows, room), *wrap(more(data, len(rows), "manager"), room)]


def groups(data: Data, room: int) -> list[str]:
    return columns((Column("group", "name"), Column("channels", "channels", right=True)), data["groups"], room)


def set_groups(data: Data, room: int) -> list[str]:
    return wrap(f"OK manager {plain(data['manager'])} has the groups {plain(data['groups'])}.", room)


def reloaded(data: Data, room: int) -> list[str]:
    counts = ", ".join(f"{len(data[word])} {word}" for word in ("added", "changed", "deleted", "refused"))
    lines = wrap(f"OK the database was read: {counts}.", room)
    for thing, why in data["refused"]:
        lines += wrap_after(f"  {plain(thing)}: ", plain(why), room)
    return lines


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    "channel.list": channels,
    "channel.show": channel,
    "channel.add": added,
    "channel.start": switched,
    "channel.stop": switched,
    "channel.restart": switched,
    "channel.move": moved,
    "channel.load": loaded,
    "device.list": devices,
    "device.show": device,
    "device.drivers": drivers,
    "key.list": keys,
    "manager.list": managers,
    "manager.channels": channels,
    "manager.groups": groups,
    "manager.group_add": set_groups,
    "manager.group_remove": set_groups,
    "farm.reload": reloaded,
}
