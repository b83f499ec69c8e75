"""The farm's events over connections that break: each once and in order, or a word that some are lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from doors.peers import LIMIT
from doors.peers import Farm as Programs

import brender
from brender.api import events as events_
from brender.api.link import Master

from .teller import Talk, Teller
from .wire import Wire


@pytest.fixture
def tellers() -> Iterator[list[Teller]]:
    made: list[Teller] = []
    yield made
    for one in made:
        one.check()


def events(tellers: list[Teller], *scripts: object, since: int | None = None) -> brender.Events:
    tellers.append(Teller(*scripts))  # type: ignore[arg-type]
    return brender.Events(Master(tellers[-1].address), ["job.*"], since)


def make(farm: brender.Farm, *names: str) -> None:
    for name in names:
        farm.projects.add(name)


def test_events_are_told_from_the_moment_they_were_asked_for(farm: brender.Farm) -> None:
    """Also those that happened before anybody looked."""
    with farm.events("project.created") as heard:
        make(farm, "one", "two")
        first, second = heard.wait(LIMIT), heard.wait(LIMIT)
        assert first is not None and second is not None
        assert (first.topic, first.data["name"], second.data["name"]) == ("project.created", "one", "two")
        assert heard.last == second.seq > first.seq
        assert heard.wait(0) is None


def test_a_number_noted_yesterday_is_a_place_to_go_on_from(farm: brender.Farm) -> None:
    with farm.events("project.created") as heard:
        seen = heard.last
    make(farm, "three", "four")
    with farm.events("project.created", since=seen) as heard:
        assert [next(heard).data["name"] for _ in range(2)] == ["three", "four"]
        assert heard.wait(0) is None


def test_a_number_that_is_not_known_any_more_is_said_first(farm: brender.Farm) -> None:
    with farm.events("project.created", since=17) as heard:
        make(farm, "five")
        lagged, created = next(heard), next(heard)
    assert (lagged.topic, lagged.data, created.data["name"]) == ("farm.lagged", {"lost": None}, "five")


def test_over_a_wire_that_is_cut_again_and_again_no_event_is_lost_or_told_twice(wire: Wire, farm: brender.Farm) -> None:
    """BR-11, issue 4: 300 events, 30 cuts at whatever place the threads happen to be."""
    names = [f"cut-{number}" for number in range(300)]
    heard = brender.Events(Master(wire.address), ["project.created"], None)

    def cut_while_they_are_made() -> None:
        for place in range(0, 300, 10):
            make(farm, *names[place : place + 10])
            wire.wait_for(1 + place // 10)
            wire.cut()

    with ThreadPoolExecutor(1) as pool, heard:
        made = pool.submit(cut_while_they_are_made)
        seen = [next(heard) for _ in names]
        made.result(LIMIT)
        assert heard.wait(0.2) is None
    assert [event.data["name"] for event in seen] == names
    assert [event.seq for event in seen] == sorted({event.seq for event in seen})
    assert wire.accepted >= 30


def test_a_master_that_was_started_anew_is_heard_again_with_a_word_that_some_are_lost(tmp_path: Path) -> None:
    """F01: the numbers of a new life are its own, so nobody can know what was missed."""
    programs = Programs(tmp_path)
    try:
        with brender.connect(f"127.0.0.1:{programs.port}") as farm, farm.events("project.created") as heard:
            make(farm, "before")
            assert next(heard).data["name"] == "before"
            programs.master.process.kill()
            programs.master.wait()
            programs.start()
            assert next(heard).topic == "farm.lagged"
            make(farm, "after")
            assert next(heard).data["name"] == "after"
    finally:
        programs.end()


def test_a_master_that_stays_away_is_given_up_with_the_number_to_go_on_from(wire: Wire) -> None:
    with brender.connect(wire.address, patience=0.3) as farm, farm.events("project.created") as heard:
        last = heard.last
        wire.close()
        with pytest.raises(brender.NoMaster) as caught:
            next(heard)
        assert caught.value.data["since"] == last
        assert heard.wait(0) is None  # and it may be asked again: the master may be back


def test_events_that_come_before_the_answer_are_not_lost(tellers: list[Teller]) -> None:
    """A master tells what is on its way before it answers; `last` does not run ahead of what was given out."""

    def script(talk: Talk) -> None:
        request = talk.asked("farm.subscribe")
        talk.tell(8, "job.started", 1)
        talk.tell(9, "job.ended", 2)
        talk.answer(request, {"topics": [], "seq": 7, "resumed": True})
        talk.over()

    with events(tellers, script) as heard:
        assert heard.last == 7
        assert (next(heard), heard.last) == ((8, "job.started", 1), 8)
        assert (next(heard), heard.last) == ((9, "job.ended", 2), 9)


def test_the_numbers_of_events_of_the_moment_are_no_place_to_resume_from(tellers: list[Teller]) -> None:
    """docs/protocol.md: they carry the number of the newest event, which may still be on its way."""
    since: list[object] = []

    def first(talk: Talk) -> None:
        talk.answer(talk.asked("farm.subscribe"), {"topics": [], "seq": 7, "resumed": True})
        talk.tell(8, "job.started")
        talk.tell(20, "task.progress")

    def second(talk: Talk) -> None:
        request = talk.asked("farm.subscribe")
        since.append(request.params_as(dict)["since"])
        talk.answer(request, {"topics": [], "seq": 8, "resumed": True})
        talk.tell(9, "job.ended")
        talk.over()

    with events(tellers, first, second) as heard:
        assert [next(heard).seq for _ in range(3)] == [8, 20, 9]
    assert since == [8]


def test_in_silence_the_master_is_asked_how_far_its_numbers_are(
    tellers: list[Teller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a topic that is rarely spoken of would be called lost after 10,000 events of others."""
    monkeypatch.setattr(events_, "QUIET", 0.05)
    since: list[object] = []

    def first(talk: Talk) -> None:
        talk.answer(talk.asked("farm.subscribe"), {"topics": [], "seq": 7, "resumed": True})
        again = talk.asked("farm.subscribe")
        assert again.params_as(dict) == {"topics": ["job.*"]}
        talk.answer(again, {"topics": [], "seq": 50_000, "resumed": True})

    def second(talk: Talk) -> None:
        request = talk.asked("farm.subscribe")
        since.append(request.params_as(dict)["since"])
        talk.answer(request, {"topics": [], "seq": 50_000, "resumed": True})
        talk.tell(50_001, "job.ended")
        talk.over()

    with events(tellers, first, second) as heard:
        assert next(heard).seq == 50_001
    assert since == [50_000]


def test_a_master_that_is_stuck_is_left_and_dialled_again(
    tellers: list[Teller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_, "QUIET", 0.05)
    monkeypatch.setattr(events_, "ANSWER", 0.2)

    def stuck(talk: Talk) -> None:
        talk.answer(talk.asked("farm.subscribe"), {"topics": [], "seq": 7, "resumed": True})
        talk.asked("farm.subscribe")
        talk.over()

    def well(talk: Talk) -> None:
        talk.answer(talk.asked("farm.subscribe"), {"topics": [], "seq": 7, "resumed": True})
        talk.tell(8, "job.ended")
        talk.over()

    with events(tellers, stuck, well) as heard:
        assert next(heard).seq == 8


@pytest.mark.parametrize("blocked", [True, False])
def test_closing_ends_the_iteration_also_from_another_thread(
    farm: brender.Farm, blocked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_, "QUIET", 1000.0)  # nothing else wakes it
    heard = farm.events("nothing.*")
    reading = threading.Event()

    def read() -> list[brender.Event]:
        reading.set()
        return list(heard)

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(read)
        if blocked:
            assert reading.wait(LIMIT)
            make(farm, "something")  # a whole turn of the master later it waits for sure
        heard.close()
        assert found.result(LIMIT) == []
    assert heard.wait(1) is None


def test_what_cannot_be_subscribed_to_is_refused_at_once(farm: brender.Farm) -> None:
    with pytest.raises(brender.InvalidParams):
        farm.events("job.*", since=-1)
