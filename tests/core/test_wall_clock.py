"""The clock on the wall is set: delays stay as long, moments move with it, and nothing runs twice (CONTRACT F24)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brender.core import events as ev
from brender.core.farm import Farm

from .clockwork import DAY, HOUR, Clockwork


@pytest.fixture
def stage(farm: Farm) -> Clockwork:
    made = Clockwork(farm)
    made.now = 1_800_000_000.0  # 15 January 2027, 08:00 UTC
    made.turn(ev.Tick())
    return made


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
