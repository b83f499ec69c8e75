"""Schedules of a farm: when they are due, what is missed, what overlaps, what a stopped or restarted master does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brender.config import Settings
from brender.core import events as ev
from brender.core.farm import Farm
from brender.errors import BrenderError, Busy, Exists, Invalid, NotFound, WrongState

from .clockwork import Clockwork

HOUR, DAY = 3600.0, 86_400.0


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


# ---- the clock is set (CONTRACT F24)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, DAY, -DAY])
def test_a_delay_lasts_as_long_whatever_the_clock_says(stage: Clockwork, seconds: float) -> None:
    once, every = stage.schedule("once_after", seconds=100), stage.schedule("repeat_every", seconds=50)
    stage.go(30)
    begin = stage.now
    stage.set_clock(seconds)
    assert once.next_at == 1_800_000_100.0 + seconds  # the new clock's word for the same moment
    assert [at - begin for at in stage.go(200)] == [20, 70, 70, 120, 170]
    assert every.next_at == 1_800_000_250.0 + seconds


@pytest.mark.parametrize(("seconds", "wait"), [(HOUR - 60, 60), (-HOUR, 2 * HOUR), (-2.5 * HOUR, 3.5 * HOUR)])
def test_a_moment_is_a_moment_of_the_clock_on_the_wall(stage: Clockwork, seconds: float, wait: float) -> None:
    stage.schedule("once_when", timestamp=stage.now + HOUR)
    begin = stage.now
    stage.set_clock(seconds)
    assert [at - begin for at in stage.go(2 * DAY)] == [wait]


@pytest.mark.parametrize(("misfire", "runs"), [("skip", 0), ("run_once", 1)])
@pytest.mark.parametrize("seconds", [HOUR, DAY])
def test_what_a_clock_set_forward_leaves_out_follows_the_misfire_policy(
    stage: Clockwork, seconds: float, misfire: str, runs: int
) -> None:
    row = stage.schedule("cron", expr="30 8 * * *", misfire=misfire)
    stage.set_clock(seconds)
    assert row.runs == runs
    assert row.next_at == 1_800_001_800.0 + DAY + (DAY if seconds > 1800 + DAY else 0)


def test_a_clock_set_back_a_little_runs_nothing_twice_but_what_is_due_every_hour(stage: Clockwork) -> None:
    """As Debian's cron has it, for less than three hours."""
    daily, hourly = stage.schedule("cron", expr="30 8 * * *"), stage.schedule("repeat_o_clock", seconds=HOUR)
    minutely, two = stage.schedule("cron", expr="* * * * *"), stage.schedule("repeat_o_clock", seconds=2 * HOUR)
    stage.go(2 * HOUR)
    assert [row.runs for row in (daily, hourly, minutely, two)] == [1, 2, 120, 1]
    stage.set_clock(-2 * HOUR)
    stage.go(2 * HOUR)
    assert [row.runs for row in (daily, hourly, minutely, two)] == [1, 4, 240, 1]
    stage.go(DAY)
    assert [row.runs for row in (daily, two)] == [2, 13]


def test_a_clock_that_was_wrong_by_days_counts_anew_when_it_is_right(stage: Clockwork) -> None:
    """CONTRACT 1.1 (Chronos): nothing may be silent until a wrong date comes round again."""
    stage.schedule("cron", expr="30 8 * * *")
    stage.schedule("repeat_o_clock", seconds=HOUR)
    stage.set_clock(30 * DAY)
    stage.fired.clear()
    stage.set_clock(-30 * DAY)
    base = 1_800_000_000.0
    assert stage.go(HOUR) == [base + 1800, base + HOUR]


def start_at(stage: Clockwork, now: float) -> None:
    """A master starts at this time: its own clock begins with the one on the wall."""
    stage.farm.now = stage.now = now
    stage.turn(ev.Boot())


def test_what_ran_today_does_not_run_again_when_the_clock_is_set_back_between_two_masters(stage: Clockwork) -> None:
    daily = stage.schedule("cron", expr="30 8 * * *")
    stage.go(HOUR)
    start_at(stage, stage.now - HOUR)
    assert stage.go(12 * HOUR) == []
    start_at(stage, stage.now - 5 * DAY)
    assert len(stage.go(DAY)) == 1
    assert daily.runs == 2


@pytest.mark.parametrize("back", [-2 * HOUR, -30 * DAY])
def test_a_clock_that_was_set_back_while_the_master_was_away_silences_nothing(stage: Clockwork, back: float) -> None:
    """CONTRACT 1.1: a delay is not longer than it ever was; what goes by the clock goes by the new one."""
    rows = [
        stage.schedule("once_after", seconds=100),
        stage.schedule("repeat_every", seconds=60),
        stage.schedule("repeat_o_clock", seconds=60),
        stage.schedule("cron", expr="30 8 * * *"),
        stage.schedule("once_when", timestamp=stage.now + HOUR),
    ]
    start_at(stage, stage.now + back)
    stage.go(110)
    assert [row.runs for row in rows] == [1, 1, 1, 0, 0]
    assert rows[3].next_at == 1_800_001_800.0 + (back if back < -DAY else 0)
    assert rows[4].next_at == 1_800_003_600.0


@given(shift=st.floats(-1.7e9, 1e9), ticks=st.integers(1, 3))
@example(shift=0.1, ticks=3)
@example(shift=1 / 3, ticks=3)
def test_a_rounding_of_the_last_bit_neither_fires_twice_nor_stands_still(shift: float, ticks: int) -> None:
    """What is due by one clock is due by the other, however far it was shifted."""
    stage = Clockwork()
    stage.now = 1_800_000_000.0
    stage.set_clock(shift)
    row = stage.schedule("repeat_o_clock", seconds=1.5, offset=0.1)
    for _ in range(ticks):
        stage.go(row.next_at - stage.farm.shift - stage.now)  # type: ignore[operator]
    assert row.runs == len({one.due for one in stage.fired}) == ticks


def told(stage: Clockwork) -> list[tuple[float, float | None, str]]:
    """What the farm remembers: when each run was due and began, since the beginning, and what became of it."""
    start = 1_800_000_000.0
    return [
        (run.due_at - start, None if run.fired_at is None else run.fired_at - start, run.outcome)
        for run in stage.farm.schedule_runs.values()
    ]


def test_what_became_of_each_moment_is_remembered(stage: Clockwork) -> None:
    row = stage.schedule("repeat_every", seconds=10, name="often")
    stage.go(21)
    stage.held[row.id] = 0
    stage.go(20)  # due at 30 and held until after 40, which is left out
    assert told(stage) == [(10, 10, "ok"), (20, 20, "ok"), (30, 30, "running"), (40, None, "overlapped")]
    stage.end_run(row.id)
    stage.held.clear()
    stage.sleep(600)
    assert told(stage)[2:] == [(30, 30, "ok"), (40, None, "overlapped"), (50, None, "missed")]
    stage.do(ev.RunSchedule(row.id, "anna"))
    stage.look()
    by_hand = list(stage.farm.schedule_runs.values())[-1]
    assert (by_hand.outcome, by_hand.due_at, by_hand.said, by_hand.name) == (
        "ok",
        by_hand.fired_at,
        "OK done.",
        "often",
    )


def test_a_run_outlives_its_schedule_and_a_master_that_starts_says_what_it_does_not_know(stage: Clockwork) -> None:
    gone, kept = (stage.schedule("repeat_every", seconds=10, name=name) for name in ("gone", "kept"))
    stage.held = {gone.id: 0, kept.id: 0}
    stage.go(10.5)
    stage.do(ev.Delete("schedule", [gone.id], "anna"))
    stage.done(gone.id, 1, "error")
    assert [(run.name, run.outcome) for run in stage.farm.schedule_runs.values()] == [
        ("gone", "error"),
        ("kept", "running"),
    ]
    stage.turn(ev.Boot())
    assert [run.outcome for run in stage.farm.schedule_runs.values()] == ["error", "unknown"]


def test_runs_are_kept_for_each_schedule_in_all_and_not_for_ever() -> None:
    """A schedule that runs every second does not drive out what ran at night."""
    stage = Clockwork(Farm(), Settings(kept_runs=40, kept_runs_each=20, kept_runs_for=DAY))
    stage.now = 1_800_000_000.0
    stage.turn(ev.Tick())
    nightly = stage.schedule("once_after", seconds=5, name="nightly")
    often = stage.schedule("repeat_every", seconds=1, name="often")
    stage.go(300)
    assert len(stage.farm.runs_of[often.id]) == 20
    assert len(stage.farm.runs_of[nightly.id]) == 1
    newest = [stage.farm.schedule_runs[one].due_at for one in stage.farm.runs_of[often.id]]
    assert newest == [1_800_000_000.0 + at for at in range(281, 301)]
    for number in range(60):  # many schedules: each has its share
        stage.schedule("once_after", seconds=number + 1)
    stage.do(ev.Delete("schedule", [often.id], "anna"))
    stage.go(100)
    assert len(stage.farm.schedule_runs) == 40
    stage.go(DAY + 1)
    assert (stage.farm.schedule_runs, stage.farm.runs_of) == ({}, {})


def test_a_refused_turn_leaves_the_history_as_it_was(stage: Clockwork) -> None:
    stage.schedule("repeat_every", seconds=10)
    stage.go(35)
    before = told(stage)
    assert isinstance(stage.refused(ev.Fire(99, stage.now)), NotFound)
    assert told(stage) == before
