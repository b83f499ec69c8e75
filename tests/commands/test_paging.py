"""A list that goes on says the line that shows the rest: the same words, with the place to go on from."""

from __future__ import annotations

import re
from typing import Any

import pytest
from core.builders import Stage

from brender.commands import COMMANDS, TABLE
from brender.commands.text import render
from brender.core import events as ev
from brender.wire.words import split

from . import world

LISTS = {
    "worker list": "workers",
    "worker show all": "workers",
    "clients tag='on sale'": "workers",
    "project list": "projects",
    "function list": "functions",
    "limit list": "limits",
    "preset list": "presets",
    "job list 'not run'": "jobs",
    "jobs -p film": "jobs",
    "step list 'long one'": "steps",
    "task list 'long one'": "tasks",
    "who": "sessions",
}


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Thirteen of everything."""
    made = Stage()
    for number in range(13):
        made.worker(f"w{number:02}", functions=f"noop f{number}", tags=["on sale"])
        made.do(ev.Create("project", {"name": f"p{number}"}))
        made.do(ev.Create("limit", {"name": f"l{number}", "count": 1}))
        made.do(ev.Create("preset", {"name": f"s{number}", "params": {"samples": 1}}))
        made.job({}, name=f"j{number}", run=False)
    made.job(*({"name": f"step-{number}", "frames": "1-2"} for number in range(13)), name="long one", run=False)
    return made


def page(stage: Stage, words: list[str]) -> tuple[Any, str]:
    """The data of a line and its text, as a prompt shows it: with what was asked."""
    row, params = COMMANDS.resolve(words)
    call = world.call(stage)
    call.sessions = lambda: [{"id": n, "name": "", "role": "admin", "door": "json", "peer": "x"} for n in range(13)]
    data = COMMANDS.run(call, row, params)
    return data, render(row.name, data, (200, 24), words)


@pytest.mark.parametrize("line", LISTS)
def test_whoever_types_the_last_line_sees_every_row_once(stage: Stage, line: str) -> None:
    key = LISTS[line]
    words = split(f"{line} limit=5")
    rows: list[Any] = []
    total = None
    for _ in range(20):
        data, text = page(stage, words)
        rows += data[key]
        total = data["total"]
        again = re.search(r"\d+ more: (.*)$", text, re.MULTILINE)
        if again is None:
            break
        words = split(again[1])
        assert words[: len(split(line))] == split(line) and "limit=5" in words
    assert len(rows) == total and total >= 13
    assert len({str(row) for row in rows}) == total


def test_the_place_may_have_been_written_as_an_option() -> None:
    data = {"jobs": [], "total": 9, "offset": 3}
    said = render("limit.list", {**data, "limits": [{"name": "x", "count": 1}]}, (80, 24), split("limits --offset 3"))
    assert said.endswith("5 more: limits offset=4")
    assert render("limit.list", {**data, "limits": [{"name": "x"}]}, (80, 24), split("limits --offset=3")).endswith(
        "5 more: limits offset=4"
    )


def test_past_the_end_it_says_so(stage: Stage) -> None:
    assert "None of 13 workers from there." in page(stage, split("worker list offset=50"))[1]


def test_every_list_takes_a_limit_and_an_offset() -> None:
    for row in TABLE:
        if row.verb == "list":
            names = {one.name for one in COMMANDS.signature(row).parameters}
            assert {"limit", "offset"} <= names, row.name


def test_a_job_of_very_many_steps_shows_the_first_and_how_to_see_the_others() -> None:
    stage = Stage()
    job = stage.job(*({} for _ in range(205)), name="huge", run=False)
    lines = world.shown(stage, "job status huge")
    assert f"5 more steps: step list {job.id} offset=200" in lines
    assert "s205" not in " ".join(lines)
