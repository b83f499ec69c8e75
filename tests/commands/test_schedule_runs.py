"""What became of schedules, in words and as data; the agenda of days that are over."""

from __future__ import annotations

import pytest
from core.builders import Stage, at_once

from brender.commands import COMMANDS
from brender.core import events as ev
from brender.errors import NotFound

from . import world
from .clocks import NOON, at_noon, fire, make


@pytest.fixture
def stage() -> Stage:
    return at_noon()


def test_what_became_of_a_schedule_is_told_run_by_run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.localtime", lambda at: __import__("time").gmtime(at))
    row = make(stage, "repeat-every 1h name=hourly disable render-01")
    assert world.shown(stage, "schedule history hourly") == ["hourly was not due yet."]
    fire(stage, row)
    stage.now += 7200.0
    stage.turn(ev.Fire(row.id, stage.now, "worker disable render-01"))
    found = world.ask(stage, "schedule history hourly")
    assert [(run["outcome"], run["command"]) for run in found["runs"]] == [
        ("missed", "worker disable render-01"),
        ("ok", "worker disable render-01"),
    ]
    assert (found["runs"][1]["due_at"], found["runs"][1]["fired_at"]) == (NOON + 3600, NOON + 3600)
    assert [" ".join(line.split()) for line in world.shown(stage, "schedule history")] == [
        "run due schedule took outcome said",
        "2 today 14:00 hourly missed nobody could run it in time",
        "1 today 13:00 hourly 0.0 s ok OK 1 worker disabled: render-01.",
        "2 runs.",
    ]
    shown = world.shown(stage, "schedule show hourly")
    assert [" ".join(line.split()) for line in shown[-2:]] == [
        "2 today 14:00 missed nobody could run it in time",
        "1 today 13:00 0.0 s ok OK 1 worker disabled: render-01.",
    ]
    assert [run["run"] for run in world.ask(stage, "schedule history offset=1 limit=1")["runs"]] == [1]
    world.ask(stage, "schedule remove hourly")
    assert world.ask(stage, "schedule history")["total"] == 2
    with pytest.raises(NotFound):
        world.ask(stage, "schedule history hourly")


def test_an_agenda_of_days_that_are_over_tells_what_became_of_them(stage: Stage) -> None:
    row = make(stage, "repeat-every 6h name=hourly disable render-01")
    for _ in range(8):
        fire(stage, row)
    stage.now = row.next_at or 0.0
    stage.turn(ev.Fire(row.id, stage.now, "x"), ev.ScheduleEnded(row.id, 9, "error", "No.", 1003))
    found = world.ask(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 each=2")
    assert [(run["due_at"] - NOON, run["outcome"], run["more"]) for run in found["past"]] == [
        (6 * 3600, "ok", 0), (24 * 3600, "ok", 0), (30 * 3600, "ok", 2), (48 * 3600, "ok", 0), (54 * 3600, "error", 2),
    ]  # fmt: skip
    assert [one["at"] - NOON for one in found["occurrences"]] == []
    lines = world.shown(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 each=2")
    assert lines[0] == "Fri 15 Jan 2027"
    assert lines[-1].endswith("hourly: x: error; 2 runs more that day")
    cut = world.ask(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 limit=2")
    assert ([run["due_at"] - NOON for run in cut["past"]], cut["past_cut"]) == (
        [48 * 3600, 54 * 3600],
        NOON + 48 * 3600,
    )
    assert world.shown(stage, "schedule agenda 2027-01-15T00:00 2027-01-18 limit=2")[0].startswith(
        "There is more before"
    )


def test_a_calendar_tells_which_way_its_edge_went(stage: Stage) -> None:
    world.ask(stage, "worker calendar render-01 'Fri 13:00-14:00'")
    row = next(one for one in stage.farm.schedules.values() if one.kind == "calendar")
    fire(stage, row)
    fire(stage, row)
    assert [run.command for run in stage.farm.schedule_runs.values()] == [
        "worker disable render-01",  # it is outside now
        "worker enable render-01",
    ]


def test_an_agenda_draws_no_window_of_a_calendar_before_it_was_made(stage: Stage) -> None:
    world.ask(stage, "worker calendar render-01 'Mon-Sun 00:00-23:00'")
    found = world.ask(stage, "schedule agenda 2027-01-14 2027-01-16T06:00")
    assert [list(one) for one in found["calendars"][0]["spans"]] == [
        [NOON, NOON + 11 * 3600],
        [NOON + 12 * 3600, NOON + 18 * 3600],
    ]
    assert world.ask(stage, "schedule agenda 2027-01-13 2027-01-14")["calendars"] == []


def test_a_long_agenda_is_made_in_short_steps(stage: Stage) -> None:
    """A thousand occurrences are tens of milliseconds: never in one piece (issue 5: 50 ms a tick)."""
    for minute in range(60):
        make(stage, f"cron '{minute} * * * *' tz=Australia/Lord_Howe farm save")
    row, params = COMMANDS.resolve(["schedule", "agenda", "each=1000"])
    act = COMMANDS.run(world.call(stage), row, params)
    assert sum(1 for _ in act.steps) >= 1000


def test_a_schedule_that_is_removed_while_an_agenda_is_made_is_left_out(stage: Stage) -> None:
    make(stage, "repeat-every 1h name=goes farm save")
    make(stage, "repeat-every 1h name=stays farm save")
    row, params = COMMANDS.resolve(["schedule", "agenda"])
    steps = COMMANDS.run(world.call(stage), row, params).steps
    next(steps)
    world.ask(stage, "schedule remove goes")
    assert {one["name"] for one in at_once(steps)["occurrences"]} == {"stays"}
