"""Calendars of workers as people set them: what counts now, what people's word does to it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from core.builders import Stage

from brender.core import events as ev
from brender.errors import Invalid, InvalidParams, NotFound

from . import world
from .clocks import NOON, at_noon, fire, told


@pytest.fixture
def stage() -> Stage:
    return at_noon()


def calendar(stage: Stage, line: str) -> Any:
    return world.ask(stage, f"worker calendar {line}")


def test_a_calendar_enables_inside_its_windows_and_disables_outside(stage: Stage) -> None:
    """It says at once what its windows say now, then at each edge; noon on a Friday is outside."""
    found = calendar(stage, "render-01,weaver 'Mon-Fri 20:00-08:00; Sat-Sun 00:00-24:00'")
    assert [one["name"] for one in found["workers"]] == ["render-01", "weaver"] and not found["inside"]
    row = stage.farm.schedules[found["row"]["id"]]
    assert row.next_at == NOON
    states = []
    for _ in range(4):
        fire(stage, row)
        states.append((stage.farm.workers[1].admin_state, (stage.now - NOON) / 3600))
    assert states == [("disabled", 0), ("enabled", 8), ("disabled", 60), ("enabled", 80)]
    assert stage.farm.workers[2].admin_state == "disabled"  # render-02 has none


def test_peoples_word_counts_until_the_next_edge(stage: Stage) -> None:
    row = stage.farm.schedules[calendar(stage, "render-01 20:00-08:00")["row"]["id"]]
    fire(stage, row)
    assert world.shown(stage, "worker list render-01")[1].split()[2:4] == ["disabled", "(calendar)"]
    assert "by it the worker is disabled until Fri 20:00" in told(stage, "why render-01")
    world.ask(stage, "enable render-01")
    assert "(calendar)" not in " ".join(world.shown(stage, "worker list render-01"))
    assert "it would be disabled by it, but was enabled by hand until Fri 20:00" in told(stage, "why render-01")
    fire(stage, row)
    world.ask(stage, "disable render-01")
    fire(stage, row)
    assert stage.farm.workers[1].admin_state == "disabled"
    assert "render-01 has the calendar 20:00-08:00 (UTC)" in " ".join(world.shown(stage, "worker show render-01"))


def test_why_a_task_waits_names_the_calendar_that_disabled_its_worker(stage: Stage) -> None:
    fire(stage, stage.farm.schedules[calendar(stage, "all Mon 20:00-21:00")["row"]["id"]])
    stage.do(ev.RunJob(stage.farm.jobs[2].id))
    reasons = " ".join(world.shown(stage, "why effects/sim"))
    assert "render-01 is disabled. render-01 has the calendar Mon 20:00-21:00 (UTC): by it" in " ".join(reasons.split())


def test_a_worker_has_one_calendar_and_may_have_none(stage: Stage) -> None:
    first = calendar(stage, "all 20:00-08:00")["row"]["id"]
    second = calendar(stage, "render-01,render-02 21:00-08:00 tz=Europe/Madrid")["row"]["id"]
    assert stage.farm.schedules[first].params == {"workers": [3]}
    assert [one["name"] for one in calendar(stage, "render-02 none")["workers"]] == ["render-02"]
    assert stage.farm.schedules[second].params == {"workers": [1]}
    assert calendar(stage, "render-02 none")["workers"] == []
    calendar(stage, "weaver none")
    assert list(stage.farm.schedules) == [second]
    assert world.shown(stage, "worker calendar render-02 none") == [
        "OK nothing changed: no such worker has a calendar."
    ]
    assert "OK render-01: no calendar any more" in world.shown(stage, "worker calendar render-01 none")[0]


def test_a_worker_that_is_deleted_leaves_its_calendar(stage: Stage) -> None:
    calendar(stage, "weaver 20:00-08:00")
    stage.do(ev.Delete("worker", [3]))
    assert stage.farm.schedules == {}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("render-01", InvalidParams),
        ("nobody 20:00-08:00", NotFound),
        ("render-01 00:00-24:00", Invalid),
        ("render-01 Mond", Invalid),
        ("render-01 20:00-08:00 tz=Mars", Invalid),
    ],
)
def test_what_is_no_calendar_is_refused_and_changes_nothing(stage: Stage, line: str, error: type) -> None:
    calendar(stage, "render-01 Tue 20:00-21:00")
    with pytest.raises(error):
        calendar(stage, line)
    assert [row.expr for row in stage.farm.schedules.values()] == ["Tue 20:00-21:00"]


def test_a_calendar_of_nobody_is_none(stage: Stage) -> None:
    assert calendar(stage, "offline 20:00-08:00")["row"] is None
    assert stage.farm.schedules == {}


def test_a_calendar_may_be_paused_and_says_at_once_what_counts_when_it_goes_on(stage: Stage) -> None:
    row = stage.farm.schedules[calendar(stage, "render-01 20:00-08:00")["row"]["id"]]
    fire(stage, row)
    world.ask(stage, f"schedule pause {row.id}")
    world.ask(stage, "enable render-01")
    assert "which is paused" in " ".join(world.shown(stage, "why render-01"))
    world.ask(stage, f"schedule resume {row.id}")
    fire(stage, row)
    assert stage.farm.workers[1].admin_state == "disabled"
