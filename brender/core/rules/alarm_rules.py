"""Alarm rules: made, changed, deleted by people; a farm begins with those of sources.BUILT_IN."""

from __future__ import annotations

import math
from typing import Any

from brender.core.context import Context
from brender.core.events import Create, Delete, Update
from brender.core.farm import Farm
from brender.core.lifecycle import CONDITIONS
from brender.core.rows import AlarmRule
from brender.core.rules.alarms import close
from brender.core.rules.loggers import level_of
from brender.core.rules.rows import check_name, check_version, checked, row_of
from brender.core.sources import BUILT_IN, CHANNEL, MASTER, SOURCES
from brender.core.watch import selects
from brender.errors import Busy, Exists, Invalid, nearest

EDITABLE: dict[str, type] = {
    "name": str,
    "source": str,
    "selector": list,
    "condition": str,
    "threshold": float,
    "lasting": float,
    "clear": float,
    "level": str,
    "logger": str,
    "runbook": str,
    "enabled": bool,
}
LONGEST = 7 * 86400.0  # seconds for which something must be so
MOST_WORDS = 50


def first_start(ctx: Context) -> None:
    """The rules that every farm begins with; who deletes one does not get it back."""
    if ctx.farm.next_ids["alarm_rule"] == 1:
        for name, source, level, lasting in BUILT_IN:
            _add(ctx, AlarmRule(0, name, source, level=level, lasting=lasting))


def create(ctx: Context, event: Create) -> dict[str, Any]:
    """A new rule. It looks at what comes from now on."""
    row = AlarmRule(0, **checked("alarm rule", event.values, EDITABLE, required=("name",)))
    _check(row)
    if ctx.farm.alarm_rule_named(row.name) is not None:
        raise Exists(f"An alarm rule named {row.name!r} exists already.", hint=f"alarm rule set {row.name!r} …")
    if len(ctx.farm.alarm_rules) >= ctx.settings.alarm_rules:
        raise Busy(f"The farm has {ctx.settings.alarm_rules} alarm rules and takes no more.", hint="alarm rule list")
    _add(ctx, row)
    return {"noun": "alarm rule", "row": row_of(row), "matches": matching(ctx.farm, row)}


def _add(ctx: Context, row: AlarmRule) -> None:
    row.id = ctx.ledger.new_id("alarm_rule")
    row.created_at = row.modified_at = ctx.now
    ctx.ledger.add(row)


def update(ctx: Context, event: Update) -> dict[str, Any]:
    """What it says now of alarms that are there already is found out at the next sample or second."""
    values = checked("alarm rule", event.values, EDITABLE)
    if "name" in values and len(event.ids) > 1:
        raise Invalid("One name cannot be given to several rules.", hint="Name one rule.")
    for rule_id in event.ids:
        row = ctx.alarm_rule(rule_id)
        check_version("alarm rule", row, event.version)
        changed = AlarmRule(**{**row_of(row), **values})
        if changed.source != row.source:
            raise Invalid(f"Rule {row.name} is about {row.source}; that stays.", hint="Make another: alarm rule add …")
        _check(changed)
        if changed.name != row.name and ctx.farm.alarm_rule_named(changed.name) is not None:
            raise Exists(f"An alarm rule named {changed.name!r} exists already.", hint="alarm rule list")
        ctx.ledger.set(row, **{name: getattr(changed, name) for name in values})
    return {"noun": "alarm rule", "rows": [row_of(ctx.alarm_rule(rule_id)) for rule_id in event.ids]}


def delete(ctx: Context, event: Delete) -> dict[str, Any]:
    """The rule and what it had raised: those alarms are over, and nobody is told."""
    deleted = []
    for rule_id in event.ids:
        row = ctx.alarm_rule(rule_id)
        for alarm in [one for one in ctx.farm.alarms.values() if one.rule_id == row.id]:
            close(ctx, alarm)
        ctx.ledger.remove(row)
        deleted.append({"id": row.id, "name": row.name})
    return {"noun": "alarm rule", "deleted": deleted}


def _check(row: AlarmRule) -> None:
    """Raises Invalid, and puts the row's words into the shape that is stored."""
    row.level = level_of(row.level)
    check_name("logger", row.logger)
    if row.source != CHANNEL and row.source not in SOURCES:
        known = [CHANNEL, *SOURCES]
        raise Invalid(
            f"There is no source {row.source[:60]!r}.", hint=nearest(row.source, known) or f"One of {', '.join(known)}."
        )
    if len(row.selector) > MOST_WORDS or any(not word or len(word) > 255 for word in row.selector):
        raise Invalid(f"A selector has up to {MOST_WORDS} words of 1 to 255 characters.", hint="selector=gpu*,room=3")
    numbers = (row.threshold, row.lasting, row.clear or 0.0)
    if not all(math.isfinite(one) for one in numbers):
        raise Invalid("threshold, for and clear are numbers, and neither infinite nor NaN.")
    if not 0 <= row.lasting <= LONGEST:
        raise Invalid(f"for is 0 s to 7 days, not {row.lasting:g} s.", hint="for=10s")
    if row.source == CHANNEL:
        _check_condition(row)
    elif row.condition or row.clear is not None or row.threshold:
        raise Invalid(
            f"{row.source} has no value, so no condition, threshold and clear.", hint="Those are of source=channel."
        )
    elif row.lasting and SOURCES[row.source].holds is None:
        raise Invalid(f"{row.source} is over as soon as it happened: it cannot last.", hint="Leave for= out.")


def _check_condition(row: AlarmRule) -> None:
    if row.condition not in CONDITIONS:
        raise Invalid(
            f"condition is {', '.join(CONDITIONS)}, not {row.condition[:40]!r}.", hint="condition=above threshold=85"
        )
    if row.condition in ("change", "absent") and row.clear is not None:
        raise Invalid(f"{row.condition} has no clear level.", hint="Leave clear= out.")
    if row.condition == "change" and (row.lasting or row.threshold < 0):
        raise Invalid("A change is at one moment and has no sign: no for=, threshold 0 or more.")
    if row.condition == "absent" and row.threshold <= 0:
        raise Invalid("absent needs threshold: the seconds without a sample.", hint="condition=absent threshold=60")
    if row.clear is not None and not _clears(row):
        side = "below" if row.condition == "below" or row.threshold < 0 else "above"
        other = "above" if side == "below" else "below"
        raise Invalid(f"clear={row.clear:g} is not {other} the threshold {row.threshold:g}, so it would never be over.")


def _clears(row: AlarmRule) -> bool:
    """Whether the clear level is on the good side of the threshold."""
    assert row.clear is not None
    falling = row.condition == "below" or (row.condition == "rate" and row.threshold < 0)
    return row.clear >= row.threshold if falling else row.clear <= row.threshold


def matching(farm: Farm, row: AlarmRule) -> int:
    """How many channels, workers or jobs of the farm a rule is for at this moment: none may be a slip."""
    if row.source == CHANNEL:
        return sum(selects(row.selector, one.name, one.labels) for one in farm.channels.values())
    subject = SOURCES[row.source].subject
    if subject == "worker":
        return sum(selects(row.selector, one.name, {}) for one in farm.workers.values())
    if subject == "farm":
        return int(selects(row.selector, MASTER, {}))
    names = (f"{farm.projects[job.project_id].name}/{job.name}" for job in farm.jobs.values())
    if subject == "job":
        return sum(selects(row.selector, name, {}) for name in names)
    return len(farm.jobs)
