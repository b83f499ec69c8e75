"""Words for readings: what was kept, what a channel measured as a line of bars and a table, how the storage is.

Only text.py and text_farm.py call this.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from brender.commands.layout import Column, columns, fields, number, plain, size, span, sparkline, wrap, wrap_after

Data = Any
LATEST = 12  # rows of a table under the bars

POINT_COLUMNS = (
    Column("time", "time"),
    Column("value", "value", right=True, shrinks=True, least=8),
    Column("lowest", "lowest", right=True),
    Column("highest", "highest", right=True),
    Column("samples", "count", right=True),
)


def kept(data: Data, room: int) -> list[str]:
    lines = [f"OK {number(data['saved'], 'reading')} saved."]
    for name, why, count in data["refused"]:
        lines += wrap_after("- ", f"{plain(name)}: {number(count, 'reading')} refused: {plain(why)}", room)
    return lines


def _moment(at: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A moment on this machine's clock; milliseconds where it has some."""
    rest = round(at % 1 * 1000)
    return time.strftime(form, time.localtime(at)) + (f".{rest:03d}" if 0 < rest < 1000 else "")


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return "–" if value is None else plain(value)


def within(data: Data, room: int) -> list[str]:
    times, values = data["times"], data["values"]
    unit = f" in {plain(data['unit'])}" if data["unit"] else ""
    stretch = f"{_moment(data['from'])} to {_moment(data['to'])}"
    if not times:
        return wrap(f"Channel {plain(data['name'])} has no readings from {stretch}.", room)
    what = f"{data['agg']} of each {_step(data['step'])}" if data["step"] else "samples"
    lines = wrap(f"{plain(data['name'])}{unit}, {what}, {stretch}:", room)
    numbers = [(at, value) for at, value in zip(times, values, strict=True) if isinstance(value, (int, float))]
    if numbers:
        begin, end = data["from"], data["to"]
        lines.append(sparkline(numbers, begin, end, room, data["step"]))
        low, high = min(data["lowest"] or _seconds(numbers)), max(data["highest"] or _seconds(numbers))
        lines += wrap(f"lowest {_figure(float(low))}, highest {_figure(float(high))}.", room)
    rows = [_row(data, at) for at in range(max(0, len(times) - LATEST), len(times))]
    lines += columns(POINT_COLUMNS, rows, room)
    said = f"The last {len(rows)} of {number(len(times), 'point')}" if len(rows) < len(times) else number(
        len(times), "point"
    )  # fmt: skip
    return [*lines, *wrap(f"{said}; --json has all as columns.", room)]


def _seconds(pairs: Sequence[tuple[float, float]]) -> list[float]:
    return [value for _, value in pairs]


def _step(seconds: float) -> str:
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _row(data: Data, at: int) -> dict[str, Any]:
    row = {"time": _moment(data["times"][at]), "value": _figure(data["values"][at])}
    if data["counts"]:
        row |= {"lowest": _figure(data["lowest"][at]), "highest": _figure(data["highest"][at])}
        row["count"] = data["counts"][at]
    return row


def storage(data: Data) -> str:
    """How the storage is, in one sentence: for `farm status`."""
    said = f"{plain(data['engine'])}: {number(data['samples'], 'reading')} in {size(data['bytes'])}"
    said += f", {data['rate']:g}/s" if data["rate"] else ""
    said += f", {data['waiting']} since {span(data['lag'])} on their way to the database" if data["waiting"] else ""
    for name, words in (("refusing", "NOTHING IS TAKEN IN"), ("trouble", "the database does not take them")):
        said += f". {words}: {plain(data[name])}" if data[name] else ""
    said += f". A damaged database is now {plain(data['set_aside'])}" if data["set_aside"] else ""
    return said


KIND_COLUMNS = (
    Column("kind", "kind"),
    Column("rows", "samples", right=True),
    Column("size", "size", right=True),
    Column("parts", "parts", right=True),
)


def stats(data: Data, room: int) -> list[str]:
    lines = wrap(storage(data), room)
    rows = [{**sums, "kind": kind, "size": size(sums["bytes"])} for kind, sums in data["kinds"].items()]
    lines += columns(KIND_COLUMNS, rows, room)
    oldest, on_disk = data.get("oldest"), data.get("disk_bytes")
    told = {
        "oldest": "" if oldest is None else _moment(oldest),
        "on disk": "" if on_disk is None else f"{size(on_disk)}, and {size(data['buffer_bytes'])} on their way there",
        "too late": number(data["dropped"], "reading") if data["dropped"] else "",
    }
    return [*lines, *fields(told, told, room)]


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    "reading.put": kept,
    "reading.range": within,
    "reading.stats": stats,
}
