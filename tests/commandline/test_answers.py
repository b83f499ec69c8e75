"""Every form of an answer: text, the same at a terminal but for its colour; one document; a line for each row."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from commands import world
from commands.test_selection import failed_shot
from commands.test_text import READING
from hypothesis import given
from hypothesis import strategies as st

from brender.commandline import colours
from brender.commandline.answers import Shown, rows, text_lines
from brender.commands import text
from brender.commands.layout import Column, columns
from brender.core import events as ev

SGR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(method: str, data: Any, **how: str) -> str:
    stream = io.StringIO()
    Shown(**how).show(method, data, stream)
    return stream.getvalue()


@pytest.mark.parametrize("line", READING)
def test_colour_changes_no_character(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONTRACT S23: also of names that hold escape codes, wide letters and right-to-left marks."""
    monkeypatch.setenv("COLUMNS", "90")
    stage = failed_shot()
    stage.do(ev.Update("worker", [2], {"warning": "\x1b[31mred\u202e漢字 OK", "tags": ["[bold]x[/]", "🎬🎬"]}))
    method, data = world.say(stage, line)
    plain, coloured = shown(method, data), shown(method, data, colour="always")
    assert SGR.sub("", coloured) == plain
    assert plain.count("\x1b") == 0 and plain.rstrip("\n") == text.render(method, data, (90, 24))
    if line in ("clients", "jobs", "task list film/shot"):
        assert "\x1b[" in coloured


def test_states_have_the_colours_of_what_they_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    method, data = world.say(world.stage(), "clients")
    said = shown(method, data, colour="always")
    assert "\x1b[32monline" in said and "\x1b[33mdisabled" in said and "\x1b[1;31mlost" in said
    assert "\x1b[1mname" in said.splitlines()[0]
    said = shown(*world.say(failed_shot(), "task list film/shot"), colour="always")
    assert "\x1b[1;31merror13" in said


@given(
    st.lists(
        st.fixed_dictionaries({"state": st.sampled_from(["online", "lost", "odd"]), "name": st.text(max_size=12)}),
        max_size=5,
    ),
    st.integers(20, 90),
)
def test_a_colour_ends_within_its_line(found: list[dict[str, str]], room: int) -> None:
    spec = (Column("state", "state"), Column("name", "name", shrinks=True))
    lines = columns(spec, found, room)
    whole = colours.coloured(lines)
    assert whole.plain == "\n".join(lines)
    for span in whole.spans:
        assert "\n" not in whole.plain[span.start : span.end]
        assert 0 <= span.start <= span.end <= len(whole.plain)


def test_colour_is_for_terminals_only_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert Shown().in_colour(Terminal()) and not Shown().in_colour(io.StringIO())
    assert Shown("text", "always").in_colour(io.StringIO()) and not Shown("text", "never").in_colour(Terminal())
    for term in ("dumb", None):
        monkeypatch.setenv("TERM", term) if term else monkeypatch.delenv("TERM")
        assert not Shown().in_colour(Terminal())


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("clients", 3),
        ("clients limit=1", 1),
        ("jobs", 3),
        ("project list", 2),
        ("task list film/shot", 4),
        ("who", 1),
        ("steps effects", 2),
        ("status film/shot", 1),
        ("farm status", 1),
        ("why film/shot", 1),
        ("disable all", 1),
    ],
)
def test_json_lines_are_a_row_a_line_and_json_is_one_document(line: str, count: int) -> None:
    method, data = world.say(failed_shot(), line)
    said = shown(method, data, form="json-lines").splitlines()
    assert len(said) == count
    assert [json.loads(one) for one in said] == list(rows(method, data))
    assert json.loads(shown(method, data, form="json")) == data


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda one: st.lists(one) | st.dictionaries(st.text(max_size=3), one),
    )
)
def test_an_answer_of_another_shape_is_one_line(data: Any) -> None:
    assert list(rows("worker.enable", data)) == [data]


def test_history_has_its_attempts_and_runs_as_rows() -> None:
    data = {"attempts": [{"attempt": 1}, {"attempt": 2}], "job": "a", "runs": [{"run": 1}], "workers": []}
    assert len(list(rows("task.history", data))) == 2 and len(list(rows("job.history", data))) == 1


def test_the_window_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    method, data = world.say(world.stage(), "clients")
    assert max(map(len, text_lines(method, data))) <= 40


def test_an_event_is_one_line_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"seq": 8, "topic": "job.ended", "data": {"id": 1, "name": "\x1b[2J"}}
    Shown().tell(event)
    Shown("json-lines").tell(event)
    text_said, json_said = capsys.readouterr().out.splitlines()
    assert text_said == "8  job.ended  id=1, name=\\x1b[2J"
    assert json.loads(json_said) == event
