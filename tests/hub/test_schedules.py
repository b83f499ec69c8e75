"""Schedules through a real hub, store and port, on the machine's own clocks: what fires, what survives, what is sent.

Each wait is for an event, with a deadline; when something happens is the bench's question, not a test's.
"""

from __future__ import annotations

import socket as sockets
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event
from parts import LIMIT_S, Farm, Line

from brender.core import events as ev
from brender.core.zones import zone_of
from brender.hub.clock import local_zone
from brender.wire.magic import magic_packet


class Ear(Line):
    """Hears what happens to schedules meanwhile."""

    def __init__(self, address: Any) -> None:
        super().__init__(address)
        self.events: deque[Any] = deque()
        self.ask("farm.subscribe", topics=["schedule.*", "farm.clock_moved", "worker.changed"])

    def passed(self, message: dict[str, Any]) -> None:
        self.events.append(message["params"])

    def until(self, topic: str, **data: Any) -> Any:
        """The data of the next event on a topic with these values."""
        with gevent.Timeout(LIMIT_S):
            while True:
                found = self.events.popleft() if self.events else self.next()["params"]
                if found["topic"] == topic and data.items() <= found["data"].items():
                    return found["data"]

    def make(self, verb: str, *, method: str = "farm.save", **params: Any) -> Any:
        found = self.ask(f"schedule.{verb}", method=method, **params)
        return found.get("row", found)


@pytest.fixture
def ear(farm: Farm) -> Ear:
    return ear_of(farm)


def ear_of(farm: Farm) -> Ear:
    return farm.known(Ear(farm.address))  # type: ignore[no-any-return]


def test_what_is_due_runs_and_the_feed_tells_the_story(ear: Ear) -> None:
    """RM-16, RM-20: begun, done, and what came of it; the caller was answered long before."""
    row = ear.make("once_after", seconds="50ms", method="project.add", params={"name": "film"})
    assert (row["state"], row["runs"]) == ("armed", 0)
    fired = ear.until("schedule.fired", uuid=row["uuid"])
    assert fired["method"] == "project.add" and fired["late"] >= 0
    assert ear.until("schedule.ran", uuid=row["uuid"])["said"] == "OK project film is there (id 1)."
    found = ear.ask("schedule.show", uuid=row["uuid"])
    assert (found["state"], found["runs"], found["last_result"]["outcome"]) == ("done", 1, "ok")


def test_many_that_are_due_at_once_run_one_after_another_each_after_the_one_before(farm: Farm, ear: Ear) -> None:
    """Each finds what the one before it did; more than one slice of the hub takes."""
    moment = farm.core.farm.wall + 3600
    names = [f"p{number:03}" for number in range(150)]
    for name in names:
        ear.make("once_when", timestamp=moment, misfire="run_once", method="project.add", params={"name": name})
    farm.ahead = 3601
    said = [ear.until("schedule.ran")["said"] for _ in names]
    assert said == [f"OK project {name} is there (id {at})." for at, name in enumerate(names, 1)]


def test_one_that_fails_says_so_and_goes_on(ear: Ear) -> None:
    """RM-43."""
    ear.ask("project.add", name="film")
    row = ear.make("repeat_every", seconds=1, method="project.add", params={"name": "film"})
    for _ in range(2):
        ear.ask("schedule.run_now", uuid=row["uuid"])
        assert "exists already" in ear.until("schedule.failed")["said"]
    assert ear.ask("schedule.show", uuid=row["uuid"])["state"] == "armed"


def test_what_refuses_a_schedule_is_logged(
    farm: Farm, ear: Ear, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RM-43: before a turn and in it, and a defect with its traceback."""
    ear.ask("project.add", name="film")
    for method, params in (
        ("project.add", {"name": "film"}),
        ("farm.status", {}),
        ("project.show", {"project": "film"}),
    ):
        ear.make("once_after", seconds=3600, name=method, method=method, params=params)
    ear.ask("project.set", project="film", values={"name": "other"})
    monkeypatch.setattr("brender.commands.farm.progress", lambda _: 1 / 0)
    for name in ("farm.status", "project.show"):
        ear.ask("schedule.run_now", uuid=name)
        ear.until("schedule.failed", name=name)
    assert "There is no project 'film'" in caplog.text
    assert "ZeroDivisionError" in caplog.text and "Traceback" in caplog.text


def test_one_that_asks_the_disk_is_answered_later_and_ends(ear: Ear) -> None:
    ear.ask("job.create", name="j", function="noop")
    row = ear.make("once_after", seconds=0, method="job.history", params={"job": "j"})
    assert ear.until("schedule.ran")["said"].startswith("Job j has not run yet.")
    assert ear.ask("schedule.show", uuid=row["uuid"])["state"] == "done"


def test_a_schedule_that_is_made_while_the_hub_sleeps_till_a_later_one_is_not_late(ear: Ear) -> None:
    ear.make("once_after", seconds=3600)
    row = ear.make("once_after", seconds="20ms")
    ear.until("schedule.ran", uuid=row["uuid"])


def test_schedules_survive_their_master_and_what_was_missed_follows_its_policy(tmp_path: Path) -> None:
    """RM-42, SP-07: a clock that is an hour ahead stands for the hour in which no master was there."""
    farm = Farm(tmp_path)
    ear = ear_of(farm)
    add = {"seconds": 600, "method": "project.add"}
    skip = ear.make("once_after", params={"name": "left out"}, **add)
    once = ear.make("once_after", params={"name": "made up for"}, misfire="run_once", **add)
    later = ear.make("repeat_o_clock", seconds="1w", name="weekly")
    farm.close()

    again = Farm(tmp_path, ahead=3600.0)
    ear = ear_of(again)
    while (states := listed(ear))[once["uuid"]]["state"] == "armed":
        continue  # it is due, and runs in a turn of its own
    projects = [row["name"] for row in ear.ask("project.list")["projects"]]
    again.close()
    assert projects == ["made up for"]
    assert (states[skip["uuid"]]["state"], states[once["uuid"]]["state"]) == ("missed", "done")
    assert states[once["uuid"]]["runs"] == 1
    assert (states[later["uuid"]]["state"], states[later["uuid"]]["name"]) == ("armed", "weekly")


def test_a_clock_that_is_set_is_noticed_and_schedules_follow_it(farm: Farm, ear: Ear) -> None:
    """CONTRACT F24: no delay moves, no worker is lost, what goes by the wall clock goes by the new one."""
    farm.hub._turns.add(ev.Hello(7777, "brender_02000000aaaa", "02000000aaaa", "w"), None)
    ear.until("worker.changed", presence="online")
    delay = ear.make("once_after", seconds=3000)
    moment = ear.make("once_when", timestamp=farm.core.farm.wall + 3000)
    farm.ahead = 3000.5
    assert ear.until("farm.clock_moved")["seconds"] == pytest.approx(3000.5, abs=0.05)
    ear.until("schedule.ran", uuid=moment["uuid"])
    row = ear.ask("schedule.show", uuid=delay["uuid"])
    assert 2900 < row["next_in"] <= 3000 and row["runs"] == 0
    assert row["next_at"] == pytest.approx(delay["next_at"] + 3000.5, abs=0.05)
    assert ear.ask("worker.list")["workers"][0]["presence"] == "online"
    farm.ahead = -86_400.0
    ear.until("farm.clock_moved")
    assert 2900 < ear.ask("schedule.show", uuid=delay["uuid"])["next_in"] <= 3000


def listed(ear: Ear) -> dict[str, Any]:
    return {row["uuid"]: row for row in ear.ask("schedule.list")["schedules"]}


def count_steps(farm: Farm) -> list[None]:
    """One entry for each slice of the hub from now on."""
    steps: list[None] = []
    step = farm.hub.step

    def counted() -> None:
        steps.append(None)
        step()

    farm.hub.step = counted  # type: ignore[method-assign]
    return steps


def test_the_hub_wakes_for_what_is_due_and_not_only_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RM-15: here no tick ever comes."""
    monkeypatch.setattr("brender.hub.hub.TICK", 3600.0)
    farm = Farm(tmp_path)
    ear = ear_of(farm)
    left = {ear.make("once_after", seconds=seconds)["uuid"] for seconds in ("60ms", "20ms")}
    while left:  # the later one is the first where the second is made late
        left.remove(ear.until("schedule.ran")["uuid"])
    farm.close()


def test_nothing_fires_while_the_disk_is_full_and_afterwards_it_does(farm: Farm, ear: Ear) -> None:
    """F06: what cannot be stored does not happen; late by less than a minute it is in time."""
    row = ear.make("once_after", seconds="3s", method="project.add", params={"name": "film"})
    run = farm.writer._store.database.execute_sql
    pages = farm.writer.call(run, "PRAGMA page_count").fetchone()[0]
    farm.writer.call(run, f"PRAGMA max_page_count = {pages}")
    other = ear_of(farm)
    other.send("project.add", name="large", values={"description": "x" * 50_000})
    while not farm.writer.full:
        ear.ask("farm.status")
    while ear.ask("schedule.show", uuid=row["uuid"])["next_in"] > -0.05:
        continue
    assert ear.ask("schedule.show", uuid=row["uuid"])["runs"] == 0
    steps = count_steps(farm)
    gevent.wait(objects=[Event()], timeout=0.2)
    assert len(steps) < 10  # it waits for room and does not spin
    farm.writer.call(run, "PRAGMA max_page_count = 1000000")
    ear.until("schedule.ran", uuid=row["uuid"])


def test_a_calendar_acts_at_once(ear: Ear) -> None:
    ear.ask("worker.add", name="render-07", values={"mac": "bcaec57122fc"})
    distant = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[(datetime.now().weekday() + 3) % 7]
    ear.ask("worker.calendar", workers="render-07", windows=f"{distant} 00:00-00:01")
    assert ear.until("worker.changed", name="render-07", admin_state="disabled")


def test_a_machine_is_woken_by_a_packet_with_its_card(farm: Farm, ear: Ear) -> None:
    """The 102 bytes of the magic packet, to where the worker's config says; here that is loopback."""
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as card:
        card.bind(("127.0.0.1", 0))
        card.settimeout(LIMIT_S)
        port = card.getsockname()[1]
        for name, mac, where in (
            ("render-07", "bcaec57122fc", f"127.0.0.1:{port}"),
            ("lost", "020000000001", "render-07.example:9"),
        ):
            ear.ask("worker.add", name=name, values={"mac": mac, "config": {"wake": where}})
        found = ear.ask("worker.wake", workers="all")
        assert [one["name"] for one in found["woken"]] == ["render-07"]
        assert [one["name"] for one in found["failed"]] == ["lost"]
        assert card.recv(2048) == magic_packet("bcaec57122fc") == b"\xff" * 6 + bytes.fromhex("bcaec57122fc") * 16

        row = ear.make("once_after", seconds=0, method="worker.wake", params={"workers": "render-07"})
        assert ear.until("schedule.ran", uuid=row["uuid"])["said"] == "OK 1 machine told to wake: render-07."
        assert len(card.recv(2048)) == 102


def test_a_mac_that_is_none_makes_no_packet() -> None:
    for mac in ("", "bcaec57122", "bcaec57122fcfc", "xxxxxxxxxxxx"):
        with pytest.raises(ValueError, match=r"fromhex|no MAC"):
            magic_packet(mac)


def test_the_zone_of_the_machine_is_a_name_that_can_be_used() -> None:
    assert zone_of(local_zone())


def test_a_long_agenda_is_answered(ear: Ear) -> None:
    for number in range(60):
        ear.ask("schedule.cron", expr=f"{number} * * * *", tz="Australia/Lord_Howe", method="farm.save")
    found = ear.ask("schedule.agenda", each=1000)
    assert (len(found["occurrences"]), found["cut"] is not None) == (1000, True)
