"""Commands about alarms and their rules: what is wrong, who looks after it, when somebody is to be told."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands.calls import Call, Lookup
from brender.commands.kinds import SPAN, Arg, Attributes, Kind, Others
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id
from brender.commands.workers import Limit, Offset
from brender.core import events
from brender.core.farm import Farm
from brender.core.lifecycle import CONDITIONS, LEVELS
from brender.core.rows import Alarm, AlarmRule
from brender.core.rules.alarm_rules import matching
from brender.core.sources import CHANNEL, SOURCES
from brender.errors import Invalid, NotFound, nearest

State = Literal["pending", "firing", "acknowledged", "skipped"]
MOST = 1000
_SPAN = re.compile(r"[0-9.]+[smhd]", re.IGNORECASE)
ATTRIBUTES = (
    "source",
    "selector",
    "condition",
    "threshold",
    "lasting",
    "clear",
    "level",
    "logger",
    "runbook",
    "enabled",
)


CHOICES: dict[str, tuple[str, ...]] = {"source": (CHANNEL, *SOURCES), "condition": CONDITIONS, "level": LEVELS}
WHAT = {
    "source": "channel when left out, or something that happens on the farm",
    "selector": "globs over names, and label=glob; all when left out",
    "condition": "of channels",
    "threshold": "the value at which it begins; of absent: so many seconds without a sample",
    "for": "how long it must be so, such as 10s",
    "clear": "the value at which it is over",
    "level": "of the line that tells it; WARNING when left out",
    "logger": "which tells it; farm when left out",
    "runbook": "what to do then, or where that is written",
    "enabled": "false switches it off",
}


class RuleValues(Attributes):
    """Attributes of a rule; `for` is what people write for `lasting`, and it is a stretch of time."""

    def parse(self, call: Call, value: Any, others: Others) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, given in value.items():
            if name == "for":
                found["lasting"] = SPAN.parse(call, given, others)
            elif name == "threshold" and isinstance(given, str) and _SPAN.fullmatch(given):
                found[name] = SPAN.parse(call, given, others)  # of absent
            else:
                found[name] = self.read(name, given)
        return found

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        key, equals, _ = prefix.partition("=")
        if equals:
            return starting(prefix, [f"{key}={word}" for word in CHOICES.get(key, ())])
        return starting(prefix, [f"{name}=" for name in (*self.names, "for")])

    def described(self) -> list[dict[str, Any]]:
        names = ["for" if name == "lasting" else name for name in self.names]
        usual = {one["name"]: one for one in super().described()}
        return [
            {
                "name": name,
                "about": WHAT.get(name) or usual[name]["about"],
                "choices": list(CHOICES[name]) if name in CHOICES else usual.get(name, {}).get("choices", []),
            }
            for name in names
        ]


NEW_RULE_VALUES = RuleValues("alarm rule", AlarmRule, ATTRIBUTES)
RULE_VALUES = RuleValues("alarm rule", AlarmRule, ("name", *ATTRIBUTES))


class RuleRef(Kind):
    """One rule, by name or id."""

    wire = str | int
    expects = "a rule's name or id"

    def parse(self, call: Call, value: Any, others: Others) -> AlarmRule:
        found = call.farm.alarm_rule_named(str(value)) or call.farm.alarm_rules.get(as_id(value) or 0)
        if found is None:
            names = [rule.name for rule in call.farm.alarm_rules.values()]
            raise NotFound(f"There is no alarm rule {value!r}.", hint=nearest(str(value), names) or "alarm rule list")
        return found

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [rule.name for rule in call.farm.alarm_rules.values()])


class AlarmRefs(Kind):
    """Some alarms that are not over: by id, by what they are about, or `all` that fire."""

    wire = str | int | list[str | int]
    expects = "an alarm's id, what it is about, or all"
    many = True
    required = True

    def parse(self, call: Call, value: Any, others: Others) -> list[Alarm]:
        words = value if isinstance(value, list) else [value]
        if not words:
            raise Invalid("No alarm selected. Name one by its id, or use 'all'.", hint="alarm list")
        found: dict[int, Alarm] = {}
        for word in words:
            for alarm in _alarms(call.farm, word):
                found[alarm.id] = alarm
        return [found[number] for number in sorted(found)]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        live = call.farm.alarms.values()
        return starting(prefix, [*(str(alarm.id) for alarm in live), *(alarm.about for alarm in live), "all"])


def _alarms(farm: Farm, word: str | int) -> list[Alarm]:
    live = list(farm.alarms.values())
    number = as_id(word)
    found = [alarm for alarm in live if alarm.id == number or alarm.about == word]
    if word == "all":
        return [alarm for alarm in live if alarm.state != "pending"]
    if not found:
        raise NotFound(f"There is no alarm {word!r}, or it is over.", hint="alarm list, or alarm history")
    return found


One = Annotated[AlarmRule, RuleRef(), Arg(text="which rule")]
Some = Annotated[list[Alarm], AlarmRefs(), Arg(text="which alarms")]


# ---- rules


def rules(call: Call, *, limit: Limit = 200, offset: Offset = 0) -> dict[str, Any]:
    """List alarm rules: what each looks at, how many things that is now, and what has come of it."""
    rows = list(call.farm.alarm_rules.values())
    shown = [_rule(call.farm, rule) for rule in rows[offset : offset + limit]]
    return {"rules": shown, "total": len(rows), "offset": offset}


def show_rule(call: Call, rule: One) -> dict[str, Any]:
    """Show an alarm rule and the alarms it has raised that are not over."""
    mine = [alarm for alarm in call.farm.alarms.values() if alarm.rule_id == rule.id]
    return {**asdict(rule), **_rule(call.farm, rule), "alarms": [line(call.farm, alarm) for alarm in mine]}


def _rule(farm: Farm, rule: AlarmRule) -> dict[str, Any]:
    live = [alarm.state for alarm in farm.alarms.values() if alarm.rule_id == rule.id]
    return {
        **asdict(rule),
        "for": rule.lasting,
        "matches": matching(farm, rule),
        "pending": live.count("pending"),
        "firing": len(live) - live.count("pending"),
    }


def add(
    call: Call,
    name: Annotated[str, Arg(text="what it is called")],
    values: Annotated[
        dict[str, Any] | None,
        NEW_RULE_VALUES,
        Arg(text="source, selector, condition, threshold, for, clear, level, logger, runbook, enabled"),
    ] = None,
) -> events.Event:
    """Make an alarm rule.

    On channels (source=channel): condition is above, below, change, absent (threshold: seconds without a sample) or
    rate (by so much a second; a negative threshold means falls). selector holds globs over names, and label=glob.
    On the farm: source is worker.lost, worker.twin, disk.low (a worker's), master.disk, job.failed, job.ended,
    task.stalled or task.immortal.
    """
    return events.Create("alarm_rule", {"name": name, **(values or {})}, call.who.name)


def change(
    call: Call,
    rule: One,
    values: Annotated[
        dict[str, Any], RULE_VALUES, Arg(text="what it is to be from now on; enabled=false switches it off")
    ],
    *,
    version: Annotated[int | None, Arg(text="refuse if the row is not at this version")] = None,
) -> events.Event:
    """Change an alarm rule, or switch it off and on."""
    return events.Update("alarm_rule", [rule.id], values, version, call.who.name)


def delete(call: Call, rule: One) -> events.Event:
    """Delete an alarm rule; what it has raised is over without a word."""
    return events.Delete("alarm_rule", [rule.id], call.who.name)


# ---- alarms


def listing(
    call: Call,
    state: Annotated[State | None, Arg(text="only those; left out: all that are not over")] = None,
    *,
    limit: Limit = 200,
    offset: Offset = 0,
) -> dict[str, Any]:
    """List the alarms that are not over, the newest last."""
    farm = call.farm
    found = [alarm for alarm in farm.alarms.values() if state in (None, alarm.state)]
    rows = [line(farm, alarm) for alarm in found[offset : offset + limit]]
    return {"alarms": rows, "total": len(found), "offset": offset, "now": call.now, "rules": len(farm.alarm_rules)}


def line(farm: Farm, alarm: Alarm) -> dict[str, Any]:
    """An alarm with the names of its rule and its worker."""
    rule = farm.alarm_rules.get(alarm.rule_id)
    worker = farm.workers.get(alarm.worker_id)
    return {**asdict(alarm), "rule": rule.name if rule else "", "worker": worker.name if worker else ""}


def show(call: Call, alarms: Some) -> dict[str, Any]:
    """Show alarms: since when, what it is about, who looks after it, what to do."""
    rows = []
    for alarm in alarms:
        rule = call.farm.alarm_rules[alarm.rule_id]
        rows.append({**line(call.farm, alarm), "logger": rule.logger, "runbook": rule.runbook})
    return {"alarms": rows, "now": call.now}


def ack(call: Call, alarms: Some) -> events.Event:
    """Say that you look after alarms: they stay in the list until they are over."""
    return events.AckAlarms([alarm.id for alarm in alarms], call.who.name)


def skip(
    call: Call,
    alarms: Some,
    *,
    for_: Annotated[float | None, SPAN, Arg(text="how long; left out: until it is over")] = None,
) -> events.Event:
    """Silence alarms; one that is still there afterwards is told of again."""
    return events.SkipAlarms([alarm.id for alarm in alarms], for_, call.who.name)


def past(
    call: Call,
    rule: Annotated[AlarmRule | None, RuleRef(), Arg(text="only of this rule")] = None,
    *,
    limit: Annotated[int, Meta(ge=1, le=MOST), Arg(text="so many at the most")] = 50,
    offset: Annotated[int, Meta(ge=0, le=100_000), Arg(text="so many of the newest are passed over")] = 0,
) -> Lookup:
    """List the alarms that are over, the newest first."""
    farm = call.farm
    return Lookup(
        "alarms_of",
        (rule.id if rule else None, limit + offset),
        lambda found: {"alarms": [line(farm, alarm) for alarm in found[offset:]], "total": len(found)},
    )
