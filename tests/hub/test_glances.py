"""The farm at a glance, followed: told at once, told again when it has changed, and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from gevent import socket

from brender.hub import glances, links

from .test_later import LIMIT_S, Farm, Line, Worker

NOTHING = {"workers": {"known": 0, "online": 0, "enabled": 0}, "running": 0, "queued": 0, "failed": 0, "warnings": 0}
Lines = Callable[[], Line]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path / "master")
    with gevent.Timeout(LIMIT_S):
        yield made
    made.close()


@pytest.fixture
def lines(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Lines to a master that counts as often as it can."""
    monkeypatch.setattr(glances, "EVERY", 0.005)
    made: list[Line] = []

    def one() -> Line:
        made.append(Line(farm))
        return made[-1]

    yield one
    for line in made:
        line.lines.close()
        line.sock.close()


def test_who_follows_is_told_now_and_when_it_has_changed(farm: Farm, lines: Lines, tmp_path: Path) -> None:
    """BR-18..20: workers online and enabled, and the sums of tasks."""
    line, other = lines(), lines()
    number = line.send("farm.glance", follow=True)
    assert line.event() == {"seq": farm.hub.feed.last, "topic": "farm.glance", "data": NOTHING}
    other.ask("job.create", name="shot", function="command", frames="1-5", run=True)
    assert line.event()["data"]["queued"] == 5
    worker = Worker(farm, tmp_path)
    while (data := line.event()["data"])["workers"]["online"] != 1:
        continue
    assert data["workers"] == {"known": 1, "online": 1, "enabled": 1}
    other.ask("worker.disable", workers=["all"])
    while line.event()["data"]["workers"]["enabled"]:
        continue
    line.send("session.interrupt")
    while (answer := line.next()).get("id") != number:
        continue
    assert answer["result"] == {"left": True}
    worker.close()


def test_nothing_is_counted_for_nobody(farm: Farm, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "STUCK", 0.05)  # whoever ends its side may still listen for an answer
    line = lines()
    line.send("farm.glance", follow=True)
    line.event()
    line.lines.close()
    line.sock.close()
    counting = farm.hub._later.glances._counting
    assert counting is not None
    counting.join()
    assert counting.dead


def test_a_second_follower_is_told_at_once_what_is_known(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glances, "EVERY", 3600.0)
    first, second = lines(), lines()
    first.send("farm.glance", follow=True)
    first.event()
    second.send("farm.glance", follow=True)
    assert second.event()["data"] == NOTHING


def test_a_person_with_nc_sees_a_line(farm: Farm) -> None:
    with socket.create_connection(farm.address, LIMIT_S) as nc:
        nc.sendall(b"farm glance --follow\n")
        said = b""
        while b"\n" not in said:
            said += nc.recv(1000)
    assert said == b"[farm.glance] 0 of no workers online, 0 enabled; no tasks running, 0 queued, 0 failed\r\n"
