"""Words for alarms, their rules, lines of loggers and letters. Only text.py calls this."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from brender.commands.layout import Column, capital, columns, fields, number, plain, span, wrap

Data = Any

ALARM_COLUMNS = (
    Column("id", "id", right=True),
    Column("state", "shown"),
    Column("level", "level"),
    Column("since", "ago", right=True),
    Column("times", "times", right=True),
    Column("rule", "rule", shrinks=True, least=8),
    Column("what", "said", shrinks=True, least=16),
)


def clock(at: float | None) -> str:
    """A moment on this machine's clock, to the minute."""
    return time.strftime("%m-%d %H:%M", time.localtime(at)) if at else ""


def second(at: float) -> str:
    """A moment on this machine's clock, to the second: which of two lines was first is what a log is read for."""
    return time.strftime("%m-%d %H:%M:%S", time.localtime(at))


def _alarm(row: Data, now: float) -> dict[str, Any]:
    shown = row["state"]
    if row["muted"]:
        shown = f"{shown}, muted"
    elif shown == "skipped" and row["skipped_until"]:
        shown = f"skipped {span(max(0.0, row['skipped_until'] - now))}"
    elif shown == "acknowledged":
        shown = f"by {row['acked_by']}"
    ago = span(max(0.0, now - (row["fired_at"] or row["since"])))
    return {**row, "shown": shown, "ago": ago, "times": row["count"] if row["count"] > 1 else ""}


def alarms(data: Data, room: int) -> list[str]:
    if not data["alarms"]:
        return wrap(f"No alarm: nothing is wrong, as far as {number(data['rules'], 'rule')} can tell.", room)
    rows = [_alarm(row, data["now"]) for row in data["alarms"]]
    said = f"{number(len(rows), 'alarm')}. You look after one: alarm ack ID. Silence it: alarm skip ID for=2h"
    return [*columns(ALARM_COLUMNS, rows, room), *wrap(capital(said), room)]


ALARM_FIELDS = (
    "id", "rule", "about", "said", "state", "level", "value", "worker", "muted", "count", "since", "fired",
    "acked_by", "skipped_until", "logger", "runbook",
)  # fmt: skip


def alarm(data: Data, room: int) -> list[str]:
    lines: list[str] = []
    for row in data["alarms"]:
        shown = {**row, "since": clock(row["since"]), "fired": clock(row["fired_at"])}
        lines += ["", *fields({**shown, "skipped_until": clock(row["skipped_until"])}, ALARM_FIELDS, room)]
    return lines[1:]


PAST_COLUMNS = (
    Column("id", "id", right=True),
    Column("level", "level"),
    Column("fired", "fired"),
    Column("lasted", "lasted", right=True),
    Column("rule", "rule", shrinks=True, least=8),
    Column("what", "said", shrinks=True, least=16),
    Column("by", "acked_by", shrinks=True),
)


def past(data: Data, room: int) -> list[str]:
    rows = []
    for row in data["alarms"]:
        fired, over = row["fired_at"], row["resolved_at"]
        rows.append({**row, "fired": clock(fired), "lasted": span(over - fired) if fired and over else ""})
    if not rows:
        return ["No alarm is over yet."]
    said = f"{number(len(rows), 'alarm')} that {'is' if len(rows) == 1 else 'are'} over."
    return [*columns(PAST_COLUMNS, rows, room), capital(said)]


RULE_COLUMNS = (
    Column("id", "id", right=True),
    Column("name", "name", shrinks=True, least=8),
    Column("level", "level"),
    Column("when", "when", shrinks=True, least=12),
    Column("of", "of", shrinks=True),
    Column("matches", "found", right=True),
    Column("alarms", "firing", right=True),
)


def condition(row: Data) -> str:
    """What a rule looks for, in words."""
    words = [row["condition"] or row["source"]]
    if row["source"] == "channel" and (row["condition"] != "change" or row["threshold"]):
        words.append(f"{row['threshold']:g}" + (" s" if row["condition"] == "absent" else ""))
    if row["lasting"]:
        words.append(f"for {row['lasting']:g} s")
    if row["clear"] is not None:
        words.append(f"until {row['clear']:g}")
    return " ".join(words)


def rules(data: Data, room: int) -> list[str]:
    if not data["rules"]:
        return wrap("There is no alarm rule: nobody is told of anything. Make one: alarm rule add NAME …", room)
    rows = []
    for row in data["rules"]:
        slip = not row["matches"] and row["selector"] != ["*"]
        found = "off" if not row["enabled"] else "nothing" if slip else str(row["matches"])
        rows.append({**row, "when": condition(row), "of": row["selector"], "found": found})
    lines = columns(RULE_COLUMNS, rows, room)
    idle = [row["name"] for row in data["rules"] if row["enabled"] and not row["matches"] and row["selector"] != ["*"]]
    if idle:
        lines += wrap(
            f"{', '.join(plain(name) for name in idle)} {'matches' if len(idle) == 1 else 'match'} nothing that is "
            "there now: is the selector right?",
            room,
        )
    return [*lines, capital(f"{number(len(rows), 'rule')}.")]


RULE_FIELDS = (
    "id", "name", "enabled", "source", "selector", "condition", "threshold", "for", "clear", "level", "logger",
    "runbook", "matches", "version",
)  # fmt: skip


def rule(data: Data, room: int) -> list[str]:
    lines = fields({**data, "for": f"{data['lasting']:g} s" if data["lasting"] else ""}, RULE_FIELDS, room)
    for row in data["alarms"]:
        lines += wrap(f"alarm {row['id']} is {row['state']}: {plain(row['said'])}", room, "  ")
    return lines


def added(data: Data, room: int) -> list[str]:
    row = data["row"]
    said = f"OK alarm rule {plain(row['name'])} is there (id {row['id']}): {plain(condition(row))}, {row['level']}."
    if not data["matches"]:
        said += f" Nothing that is there now matches {plain(row['selector'])}."
    elif row["source"] == "channel":
        said += f" It looks at {number(data['matches'], 'channel')}."
    return wrap(said, room)


def moved(data: Data, room: int) -> list[str]:
    lines = []
    for row in data["rows"]:
        if row["state"] == "acknowledged":
            said = f"is {plain(row['acked_by'])}'s: nobody is told of it again"
        elif row["skipped_until"]:
            said = f"is skipped until {clock(row['skipped_until'])}"
        else:
            said = "is skipped until it is over"
        lines += wrap(f"OK alarm {row['id']} ({plain(row['about'])}) {said}.", room)
    return lines or ["OK nothing fires."]


# ---- log

RECORD_COLUMNS = (
    Column("when", "when"),
    Column("logger", "logger", shrinks=True, least=6),
    Column("level", "level"),
    Column("host", "host", shrinks=True, least=6),
    Column("text", "text", shrinks=True, least=20),
)


def records(data: Data, room: int) -> list[str]:
    lines: list[str] = []
    if data["records"]:
        lines = columns(RECORD_COLUMNS, [{**row, "when": second(row["at"])} for row in data["records"]], room)
    else:
        lines = ["No line is like that."]
    for row in data["loggers"]:
        lines += wrap(_logger(row), room, "  ")
    return lines


def _logger(row: Data) -> str:
    when = ", ".join(f"{level} {schedule}" for level, schedule in row["levels"].items())
    to = f" to {plain(row['sinks'])}" if row["sinks"] else ""
    waits = ", ".join(f"{number(count, 'line')} for {schedule}" for schedule, count in row.get("waiting", {}).items())
    return f"logger {plain(row['name'])}: {when}{to}." + (f" Waiting: {waits}." if waits else "")


def logger(data: Data, room: int) -> list[str]:
    return wrap(f"OK {_logger(data['row'])}", room)


def written(data: Data, room: int) -> list[str]:
    how = {"SILENTLY": "kept and not mailed", "INSTANTANEOUSLY": "mailed at once"}
    what = how.get(data["schedule"], f"mailed with the {data['schedule']} digest")
    return wrap(f"OK line {data['id']} of logger {plain(data['logger'])} is {what}.", room)


def flushed(data: Data, room: int) -> list[str]:
    if not data["deliveries"]:
        return wrap(f"OK nothing waits for {plain(data['schedules'])}, so nothing is sent.", room)
    said = f"OK {number(data['lines'], 'line')} in {number(len(data['deliveries']), 'letter')}. See: delivery list"
    return wrap(said, room)


# ---- deliveries

DELIVERY_COLUMNS = (
    Column("id", "id", right=True),
    Column("state", "state"),
    Column("logger", "logger", shrinks=True, least=6),
    Column("digest", "schedule", shrinks=True, least=8),
    Column("lines", "lines", right=True),
    Column("tried", "attempts", right=True),
    Column("next", "next"),
    Column("sent", "out"),
    Column("why", "why", shrinks=True, least=10),
)


def deliveries(data: Data, room: int) -> list[str]:
    rows = []
    for row in data["deliveries"]:
        refused = "; ".join(f"{who}: {why}" for who, why in row["refused"].items())
        waits = row["state"] in ("queued", "retrying") and row["next_at"] > data["now"]
        soon = f"in {span(row['next_at'] - data['now'])}" if waits else ""
        rows.append({**row, "next": soon, "out": clock(row["sent_at"]), "why": row["error"] or refused})
    if data["sent"]:
        return columns(DELIVERY_COLUMNS, rows, room) if rows else ["No letter was sent yet."]
    lines = columns(DELIVERY_COLUMNS, rows, room) if rows else ["Every letter is sent."]
    if data["asked"] is None:
        said = "Nobody sends letters: no brender notify has asked since the master started."
        lines += wrap(f"{said} Start it: brender up --credentials FILE, or brender notify.", room)
    elif data["asked"] > 120:
        lines += wrap(f"No brender notify has asked for {span(data['asked'])}: is it still running?", room)
    if any(row["state"] == "failed" for row in rows):
        lines += wrap("Send what was given up again: delivery retry failed", room)
    return lines


DELIVERY_FIELDS = (
    "id", "logger", "schedule", "level", "state", "attempts", "next", "holder", "done", "refused", "error",
    "message_id",
)  # fmt: skip


def delivery(data: Data, room: int) -> list[str]:
    lines: list[str] = []
    for row in data["deliveries"]:
        lines += ["", *fields({**row, "next": clock(row["next_at"])}, DELIVERY_FIELDS, room)]
        lines += columns(RECORD_COLUMNS, [{**one, "when": second(one["at"])} for one in row["records"]], room)
    return lines[1:]


def retried(data: Data, room: int) -> list[str]:
    return wrap(f"OK {number(len(data['deliveries']), 'letter')} to be sent now. See: delivery list", room)


def dropped(data: Data, room: int) -> list[str]:
    many = number(len(data["deliveries"]), "letter")
    return wrap(f"OK {many} dropped; what was to be said stays in the log: log list", room)


WRITERS: dict[str, Callable[[Data, int], list[str]]] = {
    "alarm.list": alarms,
    "alarm.show": alarm,
    "alarm.history": past,
    "alarm.ack": moved,
    "alarm.skip": moved,
    "alarm_rule.list": rules,
    "alarm_rule.show": rule,
    "alarm_rule.add": added,
    "log.list": records,
    "log.config": logger,
    "log.flush": flushed,
    **dict.fromkeys(
        [f"log.{verb}" for verb in ("debug", "info", "warning", "error", "alert", "write", "test")], written
    ),
    "delivery.list": deliveries,
    "delivery.show": delivery,
    "delivery.retry": retried,
    "delivery.drop": dropped,
}
