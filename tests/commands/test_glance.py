"""The farm at a glance: sums that agree with what the farm keeps, however large it is."""

from __future__ import annotations

from brender.commands import COMMANDS, farm
from brender.commands.calls import Call, Who
from brender.core.farm import Farm

from . import world


def test_the_sums_are_those_of_the_farm() -> None:
    stage = world.stage()
    found = world.ask(stage, "farm glance")
    status = world.ask(stage, "farm status")
    assert found["workers"] == {"known": 3, "online": status["workers"]["online"], "enabled": 2}
    assert found["running"] + found["queued"] == status["progress"]["live"] + status["progress"]["ready"]
    assert found["failed"] == status["progress"]["failed"]


def test_what_was_sent_to_a_worker_and_has_not_begun_is_queued() -> None:
    """A slot's next task waits there; it is not one that runs."""
    stage = world.stage()
    world.ask(stage, "job run effects")
    found = world.ask(stage, "farm glance")
    assert stage.farm.attempts
    assert (found["running"], found["queued"]) == (0, 2)


def test_an_empty_farm_has_a_glance_too() -> None:
    empty = Call(farm=Farm(), who=Who("anna", "admin"), table=COMMANDS)
    assert farm.glance(empty) == {
        "workers": {"known": 0, "online": 0, "enabled": 0},
        "running": 0,
        "queued": 0,
        "failed": 0,
        "warnings": 0,
        "alarms": 0,
    }


def test_it_is_one_line_in_words() -> None:
    assert world.shown(world.stage(), "farm glance") == [
        "2 of 3 workers online, 2 enabled; no tasks running, 0 queued, 0 failed."
    ]


def test_an_alarm_counts_until_somebody_has_taken_it() -> None:
    """A worker that stays lost is an alarm of the farm's own rules."""
    stage = world.stage()
    assert world.ask(stage, "farm glance")["alarms"] == 0
    stage.wait(16)
    assert world.shown(stage, "farm glance")[0].endswith("0 failed; 1 alarm.")
    world.ask(stage, "alarm ack all")
    assert world.ask(stage, "farm glance")["alarms"] == 0
