"""Machines that are woken: which of them, where their packet goes, and how that is told."""

from __future__ import annotations

import pytest
from core.builders import Stage

from brender.commands import COMMANDS
from brender.commands.calls import Call, Packet, Wake, Who
from brender.commands.firing import firing
from brender.commands.text import render
from brender.core import events as ev

from . import world
from .clocks import NOON, at_noon, make


@pytest.fixture
def stage() -> Stage:
    return at_noon()


def wake(stage: Stage, line: str) -> Wake:
    found = world.ask(stage, f"worker wake {line}")
    assert isinstance(found, Wake)
    return found


def test_machines_that_are_away_are_woken_where_their_config_says(stage: Stage) -> None:
    stage.do(ev.Create("worker", {"name": "old", "mac": "bc:ae:c5:71:22:fc", "config": {"wake": "10.0.7.255:7"}}))
    found = wake(stage, "all")
    assert found.packets == [
        Packet(3, "weaver", "000000000003", "255.255.255.255:9"),
        Packet(4, "old", "bcaec57122fc", "10.0.7.255:7"),
    ]
    assert [(one["name"], one["reason"]) for one in found.passed] == [
        ("render-01", "it is online"),
        ("render-02", "it is online"),
    ]


def test_when_needed_wakes_what_work_waits_for_and_no_more(stage: Stage) -> None:
    stage.do(ev.SetAdmin([1, 2, 3], "enabled"))
    stage.worker("night-1", slots=2)
    stage.worker("night-2", slots=2)
    other = stage.worker("night-3", slots=2, functions="gpu")
    for worker in (4, 5, other):
        stage.do(ev.Disconnected(stage.session(worker), bye=True))
    assert wake(stage, "offline --when-needed").packets == []
    stage.job({"frames": "1-10"}, name="long")
    waiting = stage.farm.tasks[stage.step(stage.farm.jobs[4]).id].ready()
    assert waiting == 4  # the rest has slots or is on its way to one
    assert [one.name for one in wake(stage, "all --when-needed").packets] == ["weaver"]
    stage.do(ev.SetAdmin([3], "disabled"))
    found = wake(stage, "all --when-needed")
    assert [one.name for one in found.packets] == ["night-1", "night-2"]
    assert {one["name"]: one["reason"] for one in found.passed}["night-3"] == "no work waits for it"
    assert {one["name"]: one["reason"] for one in found.passed}["weaver"] == "it is disabled"
    stage.do(ev.PauseJob(4, True))
    assert wake(stage, "all --when-needed").packets == []


def test_what_has_no_card_that_a_packet_could_name_is_passed_over(stage: Stage) -> None:
    stage.do(ev.LegacyHello(99, "73588229205", "old"))
    stage.do(ev.Disconnected(99))
    assert "is none" in {one["name"]: one["reason"] for one in wake(stage, "all").passed}["old"]


def test_a_wake_is_told_in_words() -> None:
    data = {
        "woken": [{"id": 1, "name": "a"}],
        "failed": [{"id": 2, "name": "b", "reason": "Network is unreachable"}],
        "passed": [{"id": n, "name": f"n{n}", "reason": "it is online"} for n in range(7)],
    }
    assert render("worker.wake", data).splitlines() == [
        "OK 1 machine told to wake: a.",
        "b could not be told: Network is unreachable.",
        "Not n0, n1, n2, n3, n4 and 2 more: it is online.",
    ]


def test_a_wake_may_be_scheduled_and_is_answered_later(stage: Stage) -> None:
    row = make(stage, "repeat-every 1m worker wake all --when-needed")
    one = firing(
        stage.farm, row.id, NOON + 60, stage.core.settings, lambda who, _: Call(stage.farm, who, COMMANDS, NOON)
    )
    assert isinstance(one.act, Wake) and len(one.events) == 1 and not one.asks
    assert Who("anna", "admin", "schedule").role == row.role
