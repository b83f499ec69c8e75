"""Watched lists through a real hub, store and port: told again when they differ, and nothing is asked without cause."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from gevent import socket
from parts import LIMIT_S, Farm, Line

from brender.core import events as ev
from brender.errors import BY_CODE
from brender.hub.watches import MOST_OF_SESSION


@pytest.fixture
def farm(farm: Farm) -> Farm:
    """With three machines that are away."""
    for number in range(1, 4):
        hello = ev.Hello(1000 + number, f"brender_{number:012x}", f"{number:012x}", f"box-{number}", slots=1)
        farm.core.turn([hello, ev.Disconnected(1000 + number, bye=True)], farm.farm.now)
    return farm


@pytest.fixture
def other(farm: Farm) -> Line:
    return farm.line()


def states(answer: dict[str, Any]) -> list[str]:
    return [row["state"] for row in answer["workers"]]


def test_a_list_is_answered_at_once_and_told_again_when_it_differs(line: Line, other: Line) -> None:
    """The answer is the command's own; each event carries the whole new one."""
    plain = line.ask("worker.list")
    assert line.ask("rpc.watch", method="worker.list") == plain
    other.ask("worker.disable", workers=["box-2"])

    event = line.event()
    assert (event["topic"], event["data"]["name"], event["data"]["method"]) == ("rpc.watched", *["worker.list"] * 2)
    assert states(event["data"]["data"]) == ["enabled", "disabled", "enabled"]


def test_what_does_not_change_the_answer_is_not_told(farm: Farm, line: Line, other: Line) -> None:
    """It is asked again, for something has happened, and the answer is the same."""
    line.ask("rpc.watch", method="worker.list", params={"workers": ["box-1"]}, name="mine")
    rounds = farm.hub.watches.rounds
    other.ask("worker.disable", workers=["box-2"])
    with gevent.Timeout(LIMIT_S):
        while farm.hub.watches.rounds == rounds:
            other.ask("session.test")
    other.ask("worker.disable", workers=["box-1"])

    event = line.event()["data"]
    assert (event["name"], states(event["data"])) == ("mine", ["disabled"])


def test_nothing_is_asked_where_nothing_happens(farm: Farm, line: Line, other: Line) -> None:
    """No polling: reads and ticks of the clock are no cause."""
    line.ask("rpc.watch", method="worker.list")
    other.ask("project.add", name="film")
    watches = farm.hub.watches
    with gevent.Timeout(LIMIT_S):
        while watches._wake.is_set() or not watches.rounds:
            other.ask("session.test")
    rounds = watches.rounds
    for _ in range(1500):  # for longer than a round and its pause
        other.ask("farm.status")
    farm.hub._ticked = 0.0
    other.ask("session.test")

    assert (watches.rounds, watches._wake.is_set()) == (rounds, False)


def test_many_changes_at_once_are_told_together_and_the_last_state_is_told(
    line: Line, other: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brender.hub.watches.PERIOD", 1.0)  # so that a slow machine, too, makes many in so long
    line.ask("rpc.watch", method="worker.list")
    for turn in range(51):
        other.send("worker.disable" if turn % 2 == 0 else "worker.enable", workers=["all"])
    told = 0
    while True:
        event = line.event()["data"]
        told += 1
        if states(event["data"]) == ["disabled"] * 3 and other.ask("session.test"):
            break

    assert told < 25
    while line.ask("rpc.watch", method="worker.list", name="after")["workers"][0]["state"] != "disabled":
        continue


def test_what_moves_all_the_time_is_no_change(farm: Farm, line: Line, other: Line) -> None:
    """`farm status` holds the time the master is up."""
    other.ask("session.test")  # it is counted from its first word on
    first = line.ask("rpc.watch", method="farm.status")
    rounds = farm.hub.watches.rounds
    farm.hub.watches.touched()
    with gevent.Timeout(LIMIT_S):
        while farm.hub.watches.rounds == rounds:
            other.ask("session.test")
    other.ask("project.add", name="film")

    event = line.event()["data"]["data"]
    assert event["projects"] == first["projects"] + 1


def test_a_watch_ends_by_its_name_by_unsubscribing_and_with_its_session(farm: Farm, line: Line, other: Line) -> None:
    for name in ("one", "two", "three"):
        line.ask("rpc.watch", method="worker.list", name=name)
    other.ask("rpc.watch", method="worker.list")
    line.ask("rpc.watch", method="project.list", name="two")
    assert sorted(one.act.name for one in farm.hub.watches._all) == ["one", "three", "two", "worker.list"]

    assert line.ask("rpc.unwatch", name="two") == {"names": ["two"]}
    assert line.ask("rpc.unwatch", name="two") == {"names": []}
    line.ask("farm.unsubscribe", topics=["job.*"])
    assert len(farm.hub.watches._all) == 3
    line.ask("farm.unsubscribe", topics=["rpc.watched"])
    assert [one.act.name for one in farm.hub.watches._all] == ["worker.list"]
    other.sock.shutdown(socket.SHUT_RDWR)
    with gevent.Timeout(LIMIT_S):
        while farm.hub.watches._all:
            line.ask("session.test")


def test_a_watch_whose_thing_is_deleted_says_so_and_ends(farm: Farm, line: Line, other: Line) -> None:
    other.ask("job.create", name="shot", function="noop")
    line.ask("rpc.watch", method="job.status", params={"job": "shot"})
    other.ask("job.delete", jobs=["shot"])

    event = line.event()["data"]
    assert (event["name"], event["error"]["code"]) == ("job.status", 1003)
    assert BY_CODE[1003] and farm.hub.watches._all == []


def test_what_changes_something_waits_or_is_too_long_is_not_watched(line: Line) -> None:
    for method in ("worker.disable", "task.log", "job.watch", "rpc.watch", "farm.subscribe", "job.history"):
        refused = line.ask("rpc.watch", method=method, params={})
        assert refused["code"] == 1006 and "cannot be watched" in refused["message"], method
    assert "1000 rows" in line.ask("rpc.watch", method="worker.list", params={"limit": 1001})["message"]
    assert line.ask("rpc.watch", method="worker.list", params={"workers": ["nobody"]})["code"] == 1003
    assert line.ask("rpc.watch", method="worker.lst")["code"] == -32601


def test_a_session_watches_few_things_at_once(line: Line) -> None:
    for number in range(MOST_OF_SESSION):
        line.ask("rpc.watch", method="worker.list", name=str(number))
    assert line.ask("rpc.watch", method="worker.list", name="more")["code"] == 1007
    assert "workers" in line.ask("rpc.watch", method="worker.list", name="0")


def test_who_does_not_read_is_passed_over_and_holds_no_memory(
    farm: Farm, other: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the newest answer matters: however much happens meanwhile, it is not asked before there is room."""
    monkeypatch.setattr("brender.hub.links.STUCK", LIMIT_S)
    slow = farm.line(receive=4096)
    for number in range(8):
        other.ask("project.add", name=f"p{number}", values={"description": "x" * 60_000})
    slow.ask("rpc.watch", method="project.list")
    link = farm.hub.watches._all[0].link
    link._most_unsent = 100_000
    link._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with gevent.Timeout(LIMIT_S):
        while link.has_room:
            other.ask("project.set", project="p0", values={"description": f"{farm.hub.turns}" + "x" * 60_000})
    unsent, rounds = link._unsent_bytes, farm.hub.watches.rounds
    other.ask("project.set", project="p0", values={"description": "the last"})
    with gevent.Timeout(LIMIT_S):
        while farm.hub.watches.rounds < rounds + 2:
            other.ask("session.test")

    assert unsent >= link._unsent_bytes > link._most_unsent
    while slow.event()["data"]["data"]["projects"][0]["description"] != "the last":
        continue
