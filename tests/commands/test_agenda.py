"""The agenda: what is due, day by day, in words."""

from __future__ import annotations

import pytest
from core.builders import Stage

from brender.errors import BrenderError

from . import world
from .clocks import NOON, at_noon, make


@pytest.fixture
def stage() -> Stage:
    return at_noon()


def test_an_agenda_is_what_is_due_day_by_day_on_the_clock_that_was_asked_for(stage: Stage) -> None:
    """Issue 6 item 5: a calendar is filled by the farm."""
    make(stage, "cron '0 8 * * Mon-Fri' tz=Europe/Madrid name=office disable tag=gpu")
    make(stage, "repeat-every 3h log info farm hello")
    world.ask(stage, "worker calendar render-01 'Mon-Fri 20:00-08:00' tz=Europe/Madrid")
    make(stage, "once-after 1h name=held enable all")
    world.ask(stage, "schedule pause held")
    found = world.ask(stage, "schedule agenda 2027-01-15T12:00 2027-01-19 tz=Europe/Madrid each=2")
    assert found["from"] == NOON - 3600
    hours = [(one["name"], round((one["at"] - NOON) / 3600, 3), one["again"]) for one in found["occurrences"]]
    assert hours == [
        ("", 3.0, False), ("", 6.0, True), ("", 12.0, False), ("", 15.0, True), ("", 36.0, False), ("", 39.0, True),
        ("", 60.0, False), ("", 63.0, True), ("office", 67.0, False),
    ]  # fmt: skip
    assert set(found["commands"].values()) == {"worker disable tag=gpu", "log info farm hello"}
    (band,) = found["calendars"]
    assert [((a - NOON) / 3600, (b - NOON) / 3600) for a, b in band["spans"]] == [(7, 19), (79, 83)]
    assert (found["cut"], found["left"], found["running"]) == (None, 0, True)


def test_an_agenda_without_room_says_from_when_on_something_is_left_out(stage: Stage) -> None:
    make(stage, "repeat-every 1h log info farm hello")
    found = world.ask(stage, "schedule agenda limit=3")
    assert [one["at"] - NOON for one in found["occurrences"]] == [3600, 7200, 10_800]
    assert found["cut"] == NOON + 4 * 3600
    assert world.shown(stage, "schedule agenda limit=1") == [
        "Fri 15 Jan 2027",
        "  13:00:00  log info farm hello",
        "There is more from Fri 15 Jan 14:00 on: ask for less at once.",
    ]
    assert world.ask(stage, "schedule stop")["running"] is False
    assert world.shown(stage, "schedule agenda") == ["All schedules are stopped: nothing is due."]


@pytest.mark.parametrize(
    "words", ["2027-01-15 2027-01-15", "2027-01-16 2027-01-15", "2027-01-01 2028-01-01", "-5 5", "0 nan"]
)
def test_an_agenda_of_no_stretch_of_time_is_refused(stage: Stage, words: str) -> None:
    with pytest.raises(BrenderError):
        world.ask(stage, f"schedule agenda {words}")


def test_an_agenda_of_a_quiet_farm_says_so(stage: Stage) -> None:
    for row in list(stage.farm.schedules):
        world.ask(stage, f"schedule remove {row}")
    assert world.shown(stage, "schedule agenda") == ["Nothing is due then."]
