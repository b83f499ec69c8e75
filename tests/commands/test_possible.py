"""`can` of a row and the rules agree: what it names is done, what it leaves out would change nothing or is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from core.builders import Stage
from hypothesis import given
from hypothesis import strategies as st

from brender.commands import COMMANDS, possible
from brender.commands.calls import Who
from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.invariants import check
from brender.errors import BrenderError

from .world import call, stage

ARGUMENTS: dict[str, str] = {
    "worker.set": "tags=other",
    "project.set": "description=other",
    "limit.set": "count=77",
    "preset.set": "samples=77",
    "alarm_rule.set": "runbook=other",
    "channel.set": "period=7",
    "job.priority": "77",
    "job.set": "tags=other",
}
ACTS = (
    "job.run shot", "job.stop shot", "job.pause shot", "job.resume shot", "job.requeue shot", "job.delete effects",
    "job.run effects", "job.stop effects", "worker.enable render-02", "worker.disable render-01",
    "project.archive film", "project.set film state=active", "limit.add nuke 3", "preset.add mine samples=8",
    "step.set shot/s1 limits=nuke", "start", "end", "fail", "channel.add cpu type=easy", "channel.stop cpu",
    "schedule.repeat-every 5m job run shot", "schedule.pause 1", "schedule.stop", "log.alert render water",
    "alarm.ack all", "alarm.skip all", "take",
)  # fmt: skip


def act(stage: Stage, words: str) -> None:
    """One thing that happens to the farm; refusals are fine."""
    for worker in list(stage.farm.workers):
        for attempt in stage.live(worker)[:1]:
            if words == "start" and attempt.state == "assigned":
                stage.start(worker, attempt)
            elif words in ("end", "fail") and stage.farm.loads[worker].session is not None:
                stage.end(worker, attempt, "success0" if words == "end" else "error", exit_code=int(words == "fail"))
    if words == "take":
        stage.do(ev.TakeDelivery("here"))
    if "." in words:
        give(stage, words.replace(".", " ", 1))


def give(stage: Stage, line: str) -> Any:
    """The answer of a command, or the error that it met."""
    try:
        row, params = COMMANDS.resolve(line.split())
        found = COMMANDS.run(call(stage), row, params)
        return stage.do(found) if isinstance(found, ev.Event) else found
    except BrenderError as error:
        return error


def rows(farm: Farm) -> dict[str, Any]:
    """What a person would call changed: rows without the times and versions."""
    found = {}
    for noun in (*possible.CAN, "step"):
        for row_id, row in farm.table(noun).items():
            values = {name: getattr(row, name) for name in row.__struct_fields__}
            found[f"{noun} {row_id}"] = {k: v for k, v in values.items() if k not in ("modified_at", "version")}
    return {**found, "tasks": {step: bytes(tasks.states) for step, tasks in farm.tasks.items()}}


@given(st.lists(st.sampled_from(ACTS), max_size=12))
def test_what_a_row_can_be_given_is_what_the_rules_take(acts: list[str]) -> None:
    """Issue 6 item 8: the page mirrors and never decides."""
    farm = stage()
    for words in acts:
        act(farm, words)
    for noun, commands in possible.CAN.items():
        for row_id, row in list(farm.farm.table(noun).items()):
            able = possible.by_state(farm.farm, noun, row)
            for name in commands:
                tried = copy.deepcopy(farm)
                before = rows(tried.farm)
                word = row.name if noun in ("limit", "preset") else row_id
                answer = give(tried, f"{name.replace('.', ' ')} {word} {ARGUMENTS.get(name, '')}")
                if name in able:
                    assert not isinstance(answer, BrenderError), (name, row_id, answer)
                else:
                    assert isinstance(answer, BrenderError) or rows(tried.farm) == before, (name, row_id, answer)
                assert check(tried.farm) == []


@pytest.mark.parametrize("name", [name for commands in possible.CAN.values() for name in commands])
def test_what_a_row_can_be_given_stands_in_the_table(name: str) -> None:
    assert COMMANDS.rows[name].spoken


def test_an_artist_is_offered_only_their_own_jobs() -> None:
    """calls.check_owner."""
    farm = stage()
    mine = farm.job({}, name="mine", submitter="anna", run=False)
    other = farm.job({}, name="other", submitter="ben", run=False)
    allowed = possible.for_role(COMMANDS, "artist")
    who = Who("anna", "artist")
    assert "job.run" in possible.by(who, allowed, farm.farm, "job", mine)
    assert possible.by(who, allowed, farm.farm, "job", other) == []
    assert possible.by(who, allowed, farm.farm, "worker", farm.farm.workers[1]) == []
