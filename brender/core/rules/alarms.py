"""Alarms: a rule that holds for one thing, from the first sign to the end (REQUIREMENTS 7.2).

ok (no row) -> pending (it is so) -> firing (for as long as the rule says) -> resolved; people acknowledge or skip. One
message at the beginning, one at the end, however often it is so in between (RM-51). Time is the samples' own as far as
they tell it: a batch that comes late is judged as it would have been in time.
"""

from __future__ import annotations

from typing import Any

from brender.core import possible
from brender.core.context import Context
from brender.core.events import AckAlarms, DiskRoom, Readings, SkipAlarms
from brender.core.lifecycle import ALARM_TOLD
from brender.core.rows import Alarm, AlarmRule
from brender.core.rules import loggers
from brender.core.rules.rows import row_of
from brender.core.sources import BY_TOPIC, CHANNEL, SOURCES, Found, again, master_is_low
from brender.core.watch import Sample, selects
from brender.errors import Invalid, WrongState

FARM = "farm"


# ---- channels


def readings(ctx: Context, event: Readings) -> None:
    """Judge samples by the rules of their channels. What is not newer than the last one says nothing new."""
    farm, watch = ctx.farm, ctx.farm.watch
    for channel_id, at, value in event.samples:
        channel, old = farm.channels.get(channel_id), watch.samples.get(channel_id)
        if channel is None or (old is not None and at <= old[0]):
            continue
        watch.samples[channel_id] = (at, value)
        watch.heard[channel_id] = ctx.now
        for rule_id in farm.watched().get(channel_id, ()):
            _judge(ctx, farm.alarm_rules[rule_id], channel, (at, value), old)


def _judge(ctx: Context, rule: AlarmRule, channel: Any, new: Sample, old: Sample | None) -> None:
    """One sample against one rule."""
    alarm = _live(ctx, rule, channel.id)
    verdict = holds(rule, new, old, alarm is not None and alarm.state != "pending")
    if verdict is None:
        return
    if verdict:
        number = new[1] if isinstance(new[1], int | float) else None
        found = Found(channel.id, channel.name, _said(rule, channel, new, old), _host(channel))
        _raise(ctx, rule, CHANNEL, found, min(new[0] - ctx.farm.shift, ctx.now), number)
    elif alarm is not None:
        _end(ctx, rule, alarm)


def holds(rule: AlarmRule, new: Sample, old: Sample | None, raised: bool) -> bool | None:
    """Whether the condition of a rule is true of a sample; None: this sample says nothing of it.

    Once raised it is true until the clear level is reached, so that a value at the threshold does not flutter.
    """
    value, condition = new[1], rule.condition
    if condition == "absent":
        return False
    if condition == "change":
        return None if old is None else _differs(value, old[1], rule.threshold)
    if not isinstance(value, int | float):
        return None
    if condition == "rate":
        if old is None or not isinstance(old[1], int | float):
            return None
        value = (value - old[1]) / (new[0] - old[0])
    limit = rule.threshold if rule.clear is None or not raised else rule.clear
    falling = condition == "below" or (condition == "rate" and rule.threshold < 0)
    return bool(value < limit) if falling else bool(value > limit)


def _differs(new: Any, old: Any, least: float) -> bool:
    if isinstance(new, int | float) and isinstance(old, int | float):
        return abs(new - old) > least
    return bool(new != old)


def _said(rule: AlarmRule, channel: Any, new: Sample, old: Sample | None) -> str:
    value = f"{new[1]:g}" if isinstance(new[1], int | float) else str(new[1])[:200]
    before = "" if old is None else f"{old[1]:g}" if isinstance(old[1], int | float) else str(old[1])[:200]
    if rule.condition == "change":
        return f"{channel.name} changed from {before} to {value}."
    if rule.condition == "rate":
        return f"{channel.name} changes faster than {rule.threshold:g} per second: from {before} to {value}."
    lasting = f" for {rule.lasting:g} s" if rule.lasting else ""
    return f"{channel.name} is {value}: {rule.condition} {rule.threshold:g}{lasting}."


def _host(channel: Any) -> int:
    return int(channel.manager_id)


def _look_for_silence(ctx: Context) -> None:
    """Channels that should speak and do not. Whoever nobody has heard yet has from now on to do so."""
    farm, watch = ctx.farm, ctx.farm.watch
    for channel_id, ids in farm.watched().items():
        heard = watch.heard.setdefault(channel_id, ctx.now)
        channel = farm.channels[channel_id]
        for rule_id in ids:
            rule = farm.alarm_rules[rule_id]
            if rule.condition != "absent":
                continue
            silent = ctx.now - heard
            alarm = _live(ctx, rule, channel_id)
            if silent > rule.threshold and channel.state != "stopped":
                said = f"{channel.name} has said nothing for more than {rule.threshold:g} s."
                _raise(ctx, rule, CHANNEL, Found(channel_id, channel.name, said, _host(channel)), ctx.now, silent)
            elif alarm is not None:
                _end(ctx, rule, alarm)


# ---- what happens on the farm


def look(ctx: Context) -> None:
    """What the notices of this turn mean for the rules; called once a turn, after everything else."""
    farm = ctx.farm
    for topic, data in list(ctx.notices):
        if topic == "worker.online":
            _worker_is_back(ctx, data["id"])
        for name in BY_TOPIC.get(topic, ()):
            rules = [rule for rule in farm.alarm_rules.values() if rule.source == name and rule.enabled]
            found = SOURCES[name].find(farm, data) if rules else None
            if found is not None:
                for rule in rules:
                    _happened(ctx, rule, found)
    if ctx.notices:
        _end_what_is_over(ctx)


def disk_room(ctx: Context, event: DiskRoom) -> None:
    """The master's own disk: told while there is still room to write it down."""
    was = master_is_low(ctx.farm)
    ctx.farm.watch.room = (event.free, event.total)
    if master_is_low(ctx.farm) and not was:
        ctx.notice("farm.disk_low", id=0, free=event.free, total=event.total)


def _close_what_nobody_asks_of(ctx: Context) -> None:
    """Rules that were switched off, or no longer are for a channel."""
    farm = ctx.farm
    for alarm in list(farm.alarms.values()):
        rule = farm.alarm_rules[alarm.rule_id]
        known = farm.watched().get(alarm.subject_id, ())
        if not rule.enabled or (rule.source == CHANNEL and rule.id not in known):
            close(ctx, alarm)


def _happened(ctx: Context, rule: AlarmRule, found: Found) -> None:
    source = SOURCES[rule.source]
    if not selects(rule.selector, found.about, {}):
        return
    if source.holds is None:
        _tell(ctx, rule, rule.level, found.said, found)
        return
    alarm = _live(ctx, rule, found.subject_id)
    if alarm is not None and alarm.said == found.said and alarm.state != "pending":
        return
    _raise(ctx, rule, source.subject, found, ctx.now, None)


def _worker_is_back(ctx: Context, worker_id: int) -> None:
    """Its channels have from now on to speak."""
    for channel in ctx.farm.channels.values():
        if channel.manager_id == worker_id:
            ctx.farm.watch.heard[channel.id] = ctx.now


def _end_what_is_over(ctx: Context) -> None:
    for alarm in list(ctx.farm.alarms.values()):
        rule = ctx.farm.alarm_rules[alarm.rule_id]
        still = SOURCES[rule.source].holds if rule.source != CHANNEL else None
        if still is not None and not still(ctx.farm, alarm.subject_id):
            _end(ctx, rule, alarm)


# ---- time


def recover(ctx: Context) -> None:
    """A master starts. A machine that was just cut off has its time to come back: of one that does not
    rules/workers.py tells. What samples say lasts by their own times, whoever was there to hear.

    The clock may have been set back meanwhile: patience does not begin in the future (F24).
    """
    for alarm in list(ctx.farm.alarms.values()):
        if alarm.state == "pending" and ctx.farm.alarm_rules[alarm.rule_id].source == "worker.lost":
            close(ctx, alarm)
        elif alarm.since > ctx.now:
            ctx.ledger.set(alarm, since=ctx.now)


def tick(ctx: Context) -> None:
    """Silence, patience and silenced alarms; called by every tick."""
    farm = ctx.farm
    if not farm.alarm_rules:
        return
    _look_for_silence(ctx)
    _close_what_nobody_asks_of(ctx)
    _end_what_is_over(ctx)
    for alarm in list(farm.alarms.values()):
        rule = farm.alarm_rules[alarm.rule_id]
        if alarm.state == "pending" and ctx.now - alarm.since >= rule.lasting:
            _fire(ctx, rule, alarm)
        elif alarm.state == "skipped" and alarm.skipped_until is not None and alarm.skipped_until <= ctx.now:
            ctx.ledger.set(alarm, state="firing", skipped_until=None, muted=_is_away(ctx, alarm))
            _announce(ctx, rule, alarm)
        elif alarm.state == "firing" and alarm.muted and not _is_away(ctx, alarm):
            ctx.ledger.set(alarm, muted=False)
            _announce(ctx, rule, alarm)


# ---- the moves


def _live(ctx: Context, rule: AlarmRule, subject_id: int) -> Alarm | None:
    number = ctx.farm.watch.live.get((rule.id, subject_id))
    return None if number is None else ctx.farm.alarms[number]


def _raise(ctx: Context, rule: AlarmRule, subject: str, found: Found, at: float, value: float | None) -> None:
    """The condition is true. What fires already is counted and not told again."""
    alarm = _live(ctx, rule, found.subject_id)
    if alarm is None:
        alarm = Alarm(ctx.ledger.new_id("alarm"), rule.id, subject, found.subject_id, found.about, found.said)
        alarm.worker_id, alarm.value, alarm.level, alarm.since = found.worker_id, value, rule.level, at
        alarm.created_at = alarm.modified_at = ctx.now
        ctx.ledger.add(alarm)
        ctx.ledger.expire("alarm", alarm.id - ctx.settings.kept_alarms)
    elif alarm.state in ALARM_TOLD:
        if subject != CHANNEL:
            ctx.ledger.set(alarm, count=alarm.count + 1, said=found.said)
        return
    if at - alarm.since >= rule.lasting:
        ctx.ledger.set(alarm, said=found.said, value=value)
        _fire(ctx, rule, alarm, found)


def _fire(ctx: Context, rule: AlarmRule, alarm: Alarm, found: Found | None = None) -> None:
    ctx.ledger.set(alarm, state="firing", fired_at=ctx.now, level=rule.level, muted=_is_away(ctx, alarm))
    _announce(ctx, rule, alarm, found)


def _is_away(ctx: Context, alarm: Alarm) -> bool:
    """Inhibition: of a worker that is away one thing is told, that it is away."""
    worker = ctx.farm.workers.get(alarm.worker_id)
    return worker is not None and worker.presence != "online"


def _announce(ctx: Context, rule: AlarmRule, alarm: Alarm, found: Found | None = None) -> None:
    ctx.notice("alarm.fired", **_about(rule, alarm))
    if alarm.muted:
        return
    if found is None and rule.source != CHANNEL:
        found = again(ctx.farm, rule.source, alarm.subject_id)
    _tell(ctx, rule, rule.level, alarm.said, found, alarm)


def _end(ctx: Context, rule: AlarmRule, alarm: Alarm) -> None:
    """The condition is no longer true: a pending alarm never was, another one is history."""
    told = alarm.state != "pending" and not alarm.muted and rule.condition != "change"
    if alarm.state != "pending":
        ctx.notice("alarm.resolved", **{**_about(rule, alarm), "state": "resolved"})
    if told:
        _tell(ctx, rule, "INFO", f"Over: {alarm.said}", None, alarm)
    close(ctx, alarm)


def close(ctx: Context, alarm: Alarm) -> None:
    """End an alarm without a word to anybody."""
    if alarm.state == "pending":
        ctx.ledger.remove(alarm)
        return
    ctx.ledger.set(alarm, state="resolved", resolved_at=ctx.now, skipped_until=None)
    ctx.ledger.retire(alarm)


def _tell(
    ctx: Context, rule: AlarmRule, level: str, text: str, found: Found | None, alarm: Alarm | None = None
) -> None:
    """A line of the rule's logger."""
    worker = ctx.farm.workers.get(alarm.worker_id if alarm else 0)
    if worker is None and alarm is not None and alarm.subject == "worker":
        worker = ctx.farm.workers.get(alarm.subject_id)
    host, mac = (worker.name, worker.mac) if worker else (found.host, found.mac) if found else (FARM, "")
    data: dict[str, Any] = dict(found.data) if found else {}
    data["rule"] = rule.name
    if rule.runbook and level != "INFO":
        data["runbook"] = rule.runbook
    loggers.record(ctx, rule.logger, level, text[: loggers.LONGEST], host=host or FARM, mac=mac, data=data)


def _about(rule: AlarmRule, alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.id,
        "rule": rule.name,
        "about": alarm.about,
        "said": alarm.said,
        "level": rule.level,
        "state": alarm.state,
        "muted": alarm.muted,
        "value": alarm.value,
    }


# ---- people


def acknowledge(ctx: Context, event: AckAlarms) -> dict[str, Any]:
    """Somebody looks after them."""
    return _move(ctx, event.alarms, "acknowledged", acked_by=event.by or "somebody", skipped_until=None)


def skip(ctx: Context, event: SkipAlarms) -> dict[str, Any]:
    """Silence until a time, or until it is over."""
    if event.seconds is not None and event.seconds <= 0:
        raise Invalid("An alarm is skipped for more than 0 s.", hint="alarm skip 3 for=2h")
    until = None if event.seconds is None else ctx.now + event.seconds
    return _move(ctx, event.alarms, "skipped", skipped_until=until)


def _move(ctx: Context, ids: list[int], state: str, **values: Any) -> dict[str, Any]:
    found = [ctx.alarm(number) for number in ids]
    for alarm in found:
        if not possible.has_fired(alarm):
            raise WrongState(f"Alarm {alarm.id} is {alarm.state}: it has not fired.", hint="alarm list")
    for alarm in found:
        if alarm.state != state:
            ctx.ledger.set(alarm, state=state, **values)
        else:
            ctx.ledger.set(alarm, **values)
    return {"noun": "alarm", "rows": [{**row_of(alarm), "name": alarm.about} for alarm in found]}
