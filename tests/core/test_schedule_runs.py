"""What became of each moment at which a schedule was due: remembered, bounded, true after a restart."""

from __future__ import annotations

import pytest

from brender.config import Settings
from brender.core import events as ev
from brender.core.farm import Farm
from brender.errors import NotFound

from .clockwork import Clockwork

DAY = 86_400.0


@pytest.fixture
def stage(farm: Farm) -> Clockwork:
    made = Clockwork(farm)
    made.now = 1_800_000_000.0  # 15 January 2027, 08:00 UTC
    made.turn(ev.Tick())
    return made


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
