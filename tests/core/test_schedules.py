"""Schedules of a farm: when they are due, what is missed, what overlaps, what a stopped or restarted master does."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core import events as ev
from brender.core.farm import Farm
from brender.errors import BrenderError, Busy, Exists, Invalid, NotFound, WrongState

from .clockwork import DAY, HOUR, Clockwork


@pytest.fixture
def stage(farm: Farm) -> Clockwork:
    made = Clockwork(farm)
    made.now = 1_800_000_000.0  # 15 January 2027, 08:00 UTC
    made.turn(ev.Tick())
    return made


def refused(stage: Clockwork, **values: Any) -> BrenderError:
    filled = {"uuid": "u", "method": "farm.save", **values}
    return stage.refused(ev.Create("schedule", filled))


def test_once_after_fires_once_after_so_long(stage: Clockwork) -> None:
    """RM-20."""
    row = stage.schedule("once_after", seconds=8.5)
    assert stage.go(100) == [1_800_000_008.5]
    assert (row.state, row.next_at, row.runs) == ("done", None, 1)
    assert row.last_result["outcome"] == "ok"


def test_once_o_clock_fires_at_the_next_multiple_and_not_now(stage: Clockwork) -> None:
    """RM-21: it is a full hour; the next one counts."""
    stage.schedule("once_o_clock", seconds=HOUR)
    assert stage.go(3 * HOUR) == [1_800_003_600.0]


def test_once_when_fires_at_its_moment_and_one_that_is_over_is_refused(stage: Clockwork) -> None:
    """RM-22."""
    assert "over" in refused(stage, kind="once_when", timestamp=stage.now).message
    assert "over" in refused(stage, kind="once_when", timestamp=-1.0).message
    assert isinstance(refused(stage, kind="once_when", timestamp=float("inf")), Invalid)
    stage.schedule("once_when", timestamp=1_800_000_090.25)
    assert stage.go(DAY) == [1_800_000_090.25]


def test_repeat_every_stays_on_its_grid_however_late_each_run_is(stage: Clockwork) -> None:
    """RM-23."""
    row = stage.schedule("repeat_every", seconds=10)
    for _ in range(5):
        stage.now += 10.5 if stage.now % 2 else 11.0
        stage.look()
        assert row.next_at is not None and (row.next_at - 1_800_000_000.0) % 10 == 0
        assert 0 < row.next_at - stage.now <= 10
    assert row.runs == 5


def test_repeat_o_clock_fires_at_every_multiple_and_at_its_offset(stage: Clockwork) -> None:
    """RM-24, RM-41."""
    stage.schedule("repeat_o_clock", seconds=HOUR)
    stage.schedule("repeat_o_clock", seconds=HOUR, offset=300.0)
    base = 1_800_000_000.0
    assert stage.go(2 * HOUR) == [base + 300, base + HOUR, base + HOUR + 300, base + 2 * HOUR]


def test_cron_fires_in_its_zone(stage: Clockwork) -> None:
    row = stage.schedule("cron", expr="30 9 * * Mon-Fri", tz="Europe/Madrid")  # it is Friday 09:00 there
    assert stage.go(3 * DAY) == [1_800_001_800.0]
    assert row.next_at == 1_800_001_800.0 + 3 * DAY


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ({"kind": "hourly"}, Invalid, "no kind of schedule"),
        ({"kind": "calendar"}, Invalid, "no kind of schedule"),
        ({"kind": "once_after", "seconds": -1.0}, Invalid, "delay is 0 to"),
        ({"kind": "once_after", "seconds": float("nan")}, Invalid, "delay is 0 to"),
        ({"kind": "repeat_every", "seconds": 0.5}, Invalid, "period is 1 to"),
        ({"kind": "repeat_every", "seconds": 1e10}, Invalid, "period is 1 to"),
        ({"kind": "repeat_o_clock", "seconds": 60.0, "offset": 60.0}, Invalid, "less than its period"),
        ({"kind": "repeat_o_clock", "seconds": 60.0, "offset": -1.0}, Invalid, "less than its period"),
        ({"kind": "cron", "expr": "* * *"}, Invalid, "no cron expression"),
        ({"kind": "cron", "expr": "* * * * *", "tz": "Europe/Madird"}, Invalid, "no time zone"),
        ({"kind": "once_after", "misfire": "perhaps"}, Invalid, "misfire is skip or run_once"),
        ({"kind": "once_after", "overlap": "perhaps"}, Invalid, "overlap is skip or queue"),
        ({"kind": "once_after", "name": "a/b"}, Invalid, "no slash"),
        ({"kind": "once_after", "name": "7"}, Invalid, "bare number"),
        ({"kind": "once_after", "colour": "red"}, BrenderError, "no attribute 'colour'"),
        ({"kind": "once_after", "method": ""}, BrenderError, "needs method"),
    ],
)
def test_what_is_no_schedule_is_refused(stage: Clockwork, values: dict[str, Any], kind: type, said: str) -> None:
    error = refused(stage, **values)
    assert isinstance(error, kind)
    assert said in error.message
    assert stage.farm.schedules == {}


def test_a_zone_that_is_misspelt_is_answered_with_the_nearest(stage: Clockwork) -> None:
    assert "Europe/Madrid" in refused(stage, kind="cron", expr="* * * * *", tz="Europe/Madird").hint


def test_a_name_is_given_once(stage: Clockwork) -> None:
    stage.schedule("once_after", seconds=9, name="nightly")
    assert isinstance(refused(stage, kind="once_after", seconds=9, name="nightly"), Exists)
    assert stage.farm.schedule_named("nightly") is stage.farm.schedules[1]


def test_a_farm_takes_so_many_schedules_and_no_more(stage: Clockwork) -> None:
    for _ in range(stage.core.settings.schedules):
        stage.core.turn([ev.Create("schedule", {"uuid": str(stage.number), "kind": "once_after", "method": "x"})], 0.0)
        stage.number += 1
    assert isinstance(refused(stage, kind="once_after", seconds=9), Busy)


def test_what_is_removed_fires_no_more_and_an_unknown_one_is_refused(stage: Clockwork) -> None:
    """RM-25."""
    row = stage.schedule("repeat_every", seconds=10)
    stage.go(15)
    stage.do(ev.Delete("schedule", [row.id]))
    assert stage.go(100) == []
    assert isinstance(stage.refused(ev.Delete("schedule", [row.id])), NotFound)
    assert stage.farm.due.at == {}


def test_one_that_is_removed_while_it_runs_ends_by_itself(stage: Clockwork) -> None:
    """RM-25; also one that removes itself."""
    row = stage.schedule("repeat_every", seconds=10)
    stage.held[row.id] = 0
    stage.go(10)
    stage.do(ev.Delete("schedule", [row.id]))
    stage.end_run(row.id)
    assert stage.farm.schedules == {}


# ---- late, missed, overlapping


@pytest.mark.parametrize("late", [0.5, 59.0])
def test_what_is_late_by_less_than_a_minute_is_in_time(stage: Clockwork, late: float) -> None:
    row = stage.schedule("cron", expr="30 8 * * *")
    stage.sleep(1800 + late)
    assert row.runs == 1


@pytest.mark.parametrize(("misfire", "runs"), [("skip", 0), ("run_once", 1)])
def test_what_was_missed_follows_its_policy_and_nothing_is_replayed(stage: Clockwork, misfire: str, runs: int) -> None:
    """RM-42: ten days of a daily schedule are one run, or none."""
    row = stage.schedule("cron", expr="30 8 * * *", misfire=misfire)
    stage.sleep(10 * DAY)
    assert (row.runs, row.state) == (runs, "armed")
    assert row.next_at == 1_800_001_800.0 + 10 * DAY
    if not runs:
        assert row.last_result == {"outcome": "missed", "due": 1_800_001_800.0, "at": stage.farm.wall}


@pytest.mark.parametrize(("misfire", "state"), [("skip", "missed"), ("run_once", "done")])
def test_a_moment_that_was_missed_follows_its_policy(stage: Clockwork, misfire: str, state: str) -> None:
    row = stage.schedule("once_when", timestamp=stage.now + 60, misfire=misfire)
    stage.sleep(HOUR)
    assert (row.state, row.next_at) == (state, None)


def test_a_short_period_that_is_due_again_already_was_missed(stage: Clockwork) -> None:
    """RM-42: a stall of three periods leaves out, and the next one is in time."""
    row = stage.schedule("repeat_every", seconds=2)
    stage.sleep(7)
    assert row.runs == 0
    assert stage.go(1) == [1_800_000_008.0]


@pytest.mark.parametrize(("overlap", "runs"), [("skip", 1), ("queue", 2)])
def test_it_never_overlaps_itself(stage: Clockwork, overlap: str, runs: int) -> None:
    """RM-42: what is due while it still runs is left out, or runs once right after."""
    row = stage.schedule("repeat_every", seconds=10, overlap=overlap)
    stage.held[row.id] = 0
    assert len(stage.go(45)) == 1
    assert (row.state, row.queued) == ("running", overlap == "queue")
    stage.end_run(row.id)
    assert len(stage.go(1)) == runs - 1
    assert row.runs == runs
    stage.end_run(row.id)
    assert stage.go(4) == [1_800_000_050.0]


def test_a_run_that_fails_says_so_and_it_goes_on(stage: Clockwork) -> None:
    """RM-43."""
    row = stage.schedule("repeat_every", seconds=10)
    stage.held[row.id] = 0
    stage.go(10)
    turn = stage.turn(ev.ScheduleEnded(row.id, 1, "error", "There is no job 'x'.", 1003))
    assert ("schedule.failed", "There is no job 'x'.") in [(topic, data.get("said")) for topic, data in turn.notices]
    assert (row.state, row.last_result["code"]) == ("armed", 1003)
    assert len(stage.go(10)) == 1


def test_an_end_that_is_not_of_this_run_is_nobodys(stage: Clockwork) -> None:
    row = stage.schedule("repeat_every", seconds=10)
    stage.held[row.id] = 0
    stage.go(10)
    for run in (0, 2):
        stage.done(row.id, run)
        assert row.state == "running"
    stage.done(row.id, 1)
    stage.done(row.id, 1, "error")
    assert row.last_result["outcome"] == "ok"


# ---- people


def test_a_paused_schedule_leaves_out_what_is_due_and_goes_on_on_its_grid(stage: Clockwork) -> None:
    row = stage.schedule("repeat_every", seconds=10)
    stage.go(3)
    stage.do(ev.PauseSchedule(row.id, True))
    assert stage.go(52) == []
    stage.do(ev.PauseSchedule(row.id, False))
    assert stage.go(10) == [1_800_000_060.0]


def test_one_that_is_paused_while_it_runs_is_paused_after_it(stage: Clockwork) -> None:
    row = stage.schedule("repeat_every", seconds=10)
    stage.held[row.id] = 0
    stage.go(10)
    stage.do(ev.PauseSchedule(row.id, True))
    stage.go(25)
    stage.end_run(row.id)
    assert row.state == "paused"
    assert stage.go(100) == []


def test_a_moment_that_passes_during_a_pause_was_missed(stage: Clockwork) -> None:
    row = stage.schedule("once_after", seconds=10)
    stage.do(ev.PauseSchedule(row.id, True))
    stage.go(HOUR)
    stage.do(ev.PauseSchedule(row.id, False))
    stage.go(1)
    assert (row.state, row.runs) == ("missed", 0)


def test_what_is_over_is_neither_paused_nor_resumed(stage: Clockwork) -> None:
    row = stage.schedule("once_after", seconds=1)
    stage.go(2)
    for paused in (True, False):
        error = stage.refused(ev.PauseSchedule(row.id, paused))
        assert isinstance(error, WrongState) and "run-now" in error.hint


@pytest.mark.parametrize("state", ["armed", "paused", "done", "missed"])
def test_a_run_by_hand_is_one_more_and_leaves_the_plan_as_it_is(stage: Clockwork, state: str) -> None:
    row = stage.schedule("once_after" if state in ("done", "missed") else "repeat_every", seconds=100)
    if state == "paused":
        stage.do(ev.PauseSchedule(row.id, True))
    elif state == "done":
        stage.go(100)
    elif state == "missed":
        stage.sleep(HOUR)
    runs, due = row.runs, row.next_at
    stage.do(ev.RunSchedule(row.id))
    assert stage.go(0) == [stage.now]
    assert (row.state, row.runs, row.next_at) == (state, runs + 1, due)


def test_a_run_by_hand_of_what_runs_waits_for_its_end(stage: Clockwork) -> None:
    row = stage.schedule("repeat_every", seconds=100)
    stage.held[row.id] = 0
    stage.go(100)
    stage.do(ev.RunSchedule(row.id))
    assert stage.go(1) == []
    stage.end_run(row.id)
    assert len(stage.go(0)) == 1


def test_a_run_that_is_owed_is_not_forgotten_when_it_is_due_meanwhile(stage: Clockwork) -> None:
    row = stage.schedule("repeat_every", seconds=10)
    stage.held[row.id] = 0
    stage.go(10)
    stage.do(ev.RunSchedule(row.id))
    stage.go(15)
    stage.end_run(row.id)
    assert len(stage.go(0)) == 1


def test_a_moment_that_passes_during_a_paused_run_by_hand_waits_for_the_pause_to_end(stage: Clockwork) -> None:
    row = stage.schedule("once_after", seconds=10, misfire="run_once")
    stage.held[row.id] = 0
    stage.do(ev.RunSchedule(row.id))
    stage.go(1)
    stage.do(ev.PauseSchedule(row.id, True))
    stage.go(20)
    stage.end_run(row.id)
    assert (row.state, row.next_at) == ("paused", 1_800_000_010.0)
    stage.do(ev.PauseSchedule(row.id, False))
    assert len(stage.go(0)) == 1


def test_a_run_that_is_owed_waits_while_all_are_stopped(stage: Clockwork) -> None:
    """RM-18."""
    row = stage.schedule("repeat_every", seconds=10, overlap="queue")
    stage.held[row.id] = 0
    stage.go(20)
    assert row.queued
    stage.do(ev.StopSchedules(True))
    stage.end_run(row.id)
    assert stage.go(100) == []
    stage.do(ev.StopSchedules(False))
    assert stage.go(0) == [stage.now]


def test_a_moment_that_passes_during_a_run_by_hand_is_left_out_or_owed(stage: Clockwork) -> None:
    rows = [stage.schedule("once_after", seconds=10, overlap=overlap) for overlap in ("skip", "queue")]
    for row in rows:
        stage.held[row.id] = 0
        stage.do(ev.RunSchedule(row.id))
    stage.go(20)
    for row in rows:
        stage.end_run(row.id)
    stage.go(1)
    assert [(row.state, row.runs) for row in rows] == [("done", 1), ("running", 2)]


def test_stopped_schedules_stand_still_and_none_is_made(stage: Clockwork) -> None:
    """RM-17, RM-18."""
    rows = [stage.schedule("repeat_every", seconds=10), stage.schedule("repeat_every", seconds=10, misfire="run_once")]
    paused = stage.schedule("repeat_every", seconds=10)
    stage.do(ev.PauseSchedule(paused.id, True))
    stage.held[rows[0].id] = 0
    stage.go(10)
    answer = stage.do(ev.StopSchedules(True))
    assert answer == {"running": False, "changed": True, "schedules": 2, "going": 1}
    stage.end_run(rows[0].id)
    assert stage.go(HOUR) == []
    assert isinstance(refused(stage, kind="once_after", seconds=1), WrongState)
    assert isinstance(stage.refused(ev.RunSchedule(rows[0].id)), WrongState)
    assert isinstance(stage.refused(ev.PauseSchedule(rows[0].id, False)), WrongState)
    assert not stage.do(ev.StopSchedules(True))["changed"]

    assert stage.do(ev.StopSchedules(False))["schedules"] == 2
    stage.look()
    assert [one.schedule for one in stage.fired[2:]] == [rows[1].id]  # what was missed follows its policy
    assert paused.state == "paused"
    stage.schedule("once_after", seconds=1)


@pytest.mark.parametrize("running", [False, True])
def test_a_farm_that_was_stopped_is_stopped_after_a_restart(stage: Clockwork, running: bool) -> None:
    row = stage.schedule("repeat_every", seconds=10)
    if running:
        stage.held[row.id] = 0
        stage.go(10)
    stage.do(ev.StopSchedules(True))
    again = Farm()
    for row in stage.farm.schedules.values():
        again.insert(row, 0.0)
    assert again.halted and again.due.first() is None


# ---- the master starts again


def test_what_ran_when_the_master_was_killed_was_done_and_goes_on(stage: Clockwork) -> None:
    """CONTRACT D4: its command is on the disk with its beginning; only the answer is lost."""
    rows = [stage.schedule("repeat_every", seconds=10), stage.schedule("once_after", seconds=10)]
    for row in rows:
        stage.held[row.id] = 0
    stage.go(10)
    stage.turn(ev.Boot())
    assert [row.state for row in rows] == ["armed", "done"]
    assert {row.last_result["outcome"] for row in rows} == {"unknown"}
    assert len(stage.go(10)) == 1


def test_schedules_that_are_over_stay_for_a_while_and_are_forgotten(stage: Clockwork) -> None:
    """RM-25: never leaks."""
    for _ in range(stage.core.settings.ended_schedules + 20):
        stage.schedule("once_after", seconds=1)
        stage.go(2)
    assert len(stage.farm.schedules) == stage.core.settings.ended_schedules
    assert min(stage.farm.schedules) == 21
