"""The tutorial on farms of any kind: it asks the farm whether a step is done, and never does one itself."""

from __future__ import annotations

import copy
import shlex
from typing import Any

import pytest
from core.builders import Stage

from brender.commands import COMMANDS
from brender.commands.calls import Lesson, Teach
from brender.commands.text import render
from brender.commands.tutorial import STEPS
from brender.core import events as ev
from brender.wire.screen import width
from brender.wire.words import split

from . import world

FIRST = STEPS[0].title


class Pupil:
    """Somebody at a prompt, with what the hub remembers of them."""

    def __init__(self, stage: Stage, name: str = "anna", role: str = "admin") -> None:
        self.stage, self.name, self.role = stage, name, role
        self.lesson: Lesson | None = None

    def says(self, line: str) -> Any:
        """A line is said; what succeeds is noted, and time passes."""
        self.stage.now += 1.0
        row, params = COMMANDS.resolve(split(line))
        call = world.call(self.stage, name=self.name, role=self.role)
        call.lesson = self.lesson
        found = COMMANDS.run(call, row, params)
        if isinstance(found, Teach):
            self.lesson = found.lesson
            return found.shown
        if self.lesson is not None:
            self.lesson = Lesson(self.lesson.step, self.lesson.began, self.lesson.used | {row.name})
        return self.stage.do(found) if isinstance(found, ev.Event) else found

    def does(self) -> dict[str, Any]:
        """The line of the step that is shown, then tutorial."""
        self.says(self.says("tutorial --again" if self.lesson is None else "tutorial")["line"])
        self.work()
        shown: dict[str, Any] = self.says("tutorial")
        return shown

    def work(self) -> None:
        """Workers do all that they were given."""
        for worker in self.stage.farm.workers:
            while live := self.stage.live(worker):
                self.stage.start(worker, *(one for one in live if one.state == "assigned"))
                for attempt in live:
                    self.stage.end(worker, attempt)


def small() -> Stage:
    stage = Stage()
    stage.worker("render-01", slots=2, functions="noop echo")
    return stage


def test_whoever_types_what_is_shown_comes_to_the_end() -> None:
    pupil = Pupil(small())
    titles = [pupil.says("tutorial")["title"]]
    for _ in range(20):
        shown = pupil.does()
        if shown["finished"]:
            break
        titles.append(shown["title"])
    assert shown["finished"] and list(dict.fromkeys(titles)) == [step.title for step in STEPS]
    assert pupil.stage.farm.jobs == {} and pupil.stage.farm.workers[1].admin_state == "enabled"
    assert pupil.says("tutorial")["title"] == FIRST


@pytest.mark.parametrize("steps", range(len(STEPS)))
def test_a_step_that_is_not_done_is_shown_again_with_what_is_missing(steps: int) -> None:
    """Each step looks at the farm or at what was asked: `tutorial` alone leads nowhere."""
    pupil = Pupil(small())
    shown = pupil.says("tutorial")
    while shown["number"] <= steps:
        shown = pupil.does()
    again = pupil.says("tutorial")
    assert (again["number"], again["passed"], again["line"]) == (steps + 1, [], shown["line"])
    assert again["missing"]


def test_it_changes_nothing_itself() -> None:
    pupil = Pupil(small())
    while not pupil.says("tutorial")["finished"]:
        before = copy.deepcopy(pupil.stage.farm)
        line = pupil.says("tutorial")["line"]
        pupil.says("tutorial --skip")
        assert pupil.stage.farm.same_as(before) and pupil.stage.farm.acts == before.acts
        if pupil.lesson is None:
            break
        pupil.says(line)
        pupil.work()


def test_a_farm_without_workers_says_how_to_start_one() -> None:
    pupil = Pupil(Stage())
    pupil.says("tutorial")
    pupil.says("worker list")
    assert "brender client" in pupil.says("tutorial")["missing"]


def test_on_a_busy_farm_it_takes_free_names_and_an_idle_worker_and_counts_only_ones_own() -> None:
    stage = small()
    stage.worker("it's busy", slots=1, functions="noop")
    stage.job({}, name="hello", submitter="ben")
    stage.do(ev.SetAdmin([1], "disabled", "ben"))
    pupil = Pupil(stage)
    pupil.says("tutorial")
    pupil.says("workers")
    shown = pupil.says("tutorial")
    assert "job create hello-2 " in shown["line"]
    stage.job({}, name="other", submitter="ben")
    assert pupil.says("tutorial")["missing"]
    while shown["title"] != "Disable a worker":
        shown = pupil.says("tutorial --skip")
    assert split(shown["line"]) == ["disable", "it's busy"] and shlex.quote("it's busy") in shown["line"]
    assert not pupil.says("tutorial --skip")["missing"]


def test_whoever_runs_ahead_is_not_sent_back() -> None:
    pupil = Pupil(small())
    pupil.says("tutorial")
    for line in ("workers", "job create mine function=echo frames=1-2 --run"):
        pupil.says(line)
    pupil.work()
    pupil.says("job status mine")
    assert pupil.says("tutorial")["number"] == 5


def test_a_viewer_is_shown_what_a_viewer_may_do() -> None:
    pupil = Pupil(small(), role="viewer")
    assert pupil.says("tutorial")["of"] == 1
    pupil.says("worker list")
    assert pupil.says("tutorial")["finished"]
    artist = Pupil(small(), role="artist")
    assert artist.says("tutorial")["of"] == len(STEPS) - 2


def test_whoever_has_no_name_is_taught_as_well() -> None:
    pupil = Pupil(small(), name="")
    for _ in range(12):
        if pupil.does()["finished"]:
            return
    raise AssertionError(pupil.lesson)


def test_one_may_begin_anew() -> None:
    pupil = Pupil(small())
    pupil.says("tutorial")
    assert pupil.says("tutorial --skip")["number"] == 2
    assert pupil.says("tutorial --again")["number"] == 1


@pytest.mark.parametrize("room", [40, 80])
def test_every_step_fits_the_window(room: int) -> None:
    pupil = Pupil(small())
    pupil.says("tutorial")
    for _ in STEPS:
        shown = pupil.says("tutorial --skip")
        lines = render("session.tutorial", shown, (room, 24)).splitlines()
        assert all(width(line) <= room for line in lines)
        assert shown["finished"] or lines[-1] == "Type that, then: tutorial"
