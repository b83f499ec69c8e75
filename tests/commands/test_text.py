"""What people read: it fits the window, is harmless to a terminal, and says what to do next."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.commands import TABLE
from brender.commands.calls import Act
from brender.commands.layout import Column, columns, cut, wrap
from brender.commands.text import WRITERS, render
from brender.core import events as ev
from brender.errors import BrenderError
from brender.wire.screen import width

from . import world
from .test_selection import failed_shot

READING = [
    "clients", "worker show all", "project list", "project show film", "jobs", "status film/shot", "job show film/shot",
    "steps effects", "step show film/shot", "task list film/shot", "task show film/shot 0", "why film/shot",
    "why render-01", "why film/shot 0", "farm status", "save", "who", "help", "help job",
    "help job create", "echo hello",
]  # fmt: skip


def test_every_command_that_people_give_is_answered_in_words() -> None:
    """Data as it is would be for programs; `project delete` only ever refuses (SP-20)."""
    assert [row.name for row in TABLE if row.spoken and row.name not in WRITERS] == ["project.delete"]


@pytest.mark.parametrize("room", [40, 80, 200])
@pytest.mark.parametrize("line", READING)
def test_every_listing_fits_the_window(line: str, room: int) -> None:
    stage = failed_shot()
    stage.do(ev.Update("worker", [1], {"name": "a" * 200, "tags": ["tag" * 20] * 10, "warning": "漢字" * 80}))
    stage.do(ev.Update("job", [2], {"name": "Ä" * 255}))
    line = line.replace("render-01", "a" * 200).replace("effects", "2")
    for shown in world.shown(stage, line, room):
        assert width(shown) <= room, shown


def test_foreign_text_cannot_command_a_terminal() -> None:
    """CONTRACT S23: control characters, bidi marks and escapes become visible."""
    stage = world.stage()
    stage.do(ev.Update("worker", [1], {"warning": "\x1b[2J\x9b31m\u202eevil\n\x07", "tags": ["\x1b]52;c;x\x07"]}))
    for line in ("clients", "worker show 1"):
        text = "\n".join(world.shown(stage, line, 300))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
        assert "\\x1b[2J" in text


def test_an_empty_farm_says_what_to_do_next() -> None:
    stage = world.Stage()
    assert "brender client" in " ".join(world.shown(stage, "clients"))
    assert "job create" in " ".join(world.shown(stage, "jobs"))
    assert "project add" in " ".join(world.shown(stage, "project list"))
    assert "brender client" in " ".join(world.shown(stage, "farm status"))


def test_the_facts_of_a_worker_are_those_a_person_reads() -> None:
    """What other lists show, what is empty, and what only programs need stay in the JSON."""
    stage = world.stage()
    devices = [{"name": "gpu0", "driver": "nvidia", "config": {"index": 0}, "keys": {"gpu": "%"}}]
    stage.farm.workers[1].facts = {"gpus": 1, "blender": "", "devices": devices, "daemon": {"pid": 7}}
    text = " ".join(world.shown(stage, "worker show 1", 200))
    assert "gpus=1" in text
    assert not any(word in text for word in ("blender", "driver", "pid"))


def test_changing_commands_answer_in_one_line_that_begins_with_ok() -> None:
    stage = world.stage()
    for line in (
        "enable all",
        "disable render-01",
        "worker set 1 tags=x",
        "worker add new mac=aa:bb:cc:dd:ee:ff",
        "worker delete new",
        "project add side",
        "project archive side",
        "create one function=noop --run",
        "job priority one 90",
        "pause one",
        "resume one",
        "stop one",
        "step add effects third function=noop",
        "step delete effects/third",
        "delete effects",
    ):
        assert world.shown(stage, line, 200)[0].startswith("OK "), line


def test_a_long_list_says_how_many_more_there_are() -> None:
    stage = world.stage()
    stage.job({"name": "a", "frames": "1-1000"}, name="long", run=False)
    lines = world.shown(stage, "task list long")
    assert len(lines) == 202
    assert lines[-1] == "1 to 200 of 1000 tasks. 800 more: the same with offset=200"


def test_the_clients_table_reads_well() -> None:
    lines = world.shown(world.stage(), "clients")
    assert lines[0].split() == ["id", "name", "state", "presence", "doing", "slots", "mac", "tags"]
    assert lines[1].split() == ["1", "render-01", "enabled", "online", "idle", "0/2", "000000000001", "gpu"]
    assert lines[-1] == "3 workers."


def test_a_failed_job_says_how_to_look_and_how_to_go_on() -> None:
    lines = world.shown(failed_shot(), "status film/shot")
    assert lines[0] == "job shot (id 1, project film) is error, run 1"
    assert lines[-1] == "What failed: task list 1 failed. Again: job requeue 1"


@given(
    st.sampled_from(TABLE),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda one: st.lists(one) | st.dictionaries(st.text(max_size=5), one),
    ),
)
def test_data_of_another_shape_is_shown_and_never_fails(row: object, data: object) -> None:
    assert isinstance(render(row.name, data, (80, 24)), str)  # type: ignore[attr-defined]


@given(st.text(max_size=80), st.integers(20, 100))
def test_cut_and_wrap_never_pass_the_room(text: str, room: int) -> None:
    assert width(cut(text, room)) <= room
    assert all(width(line) <= room for line in wrap(text, room))
    assert "".join("".join(wrap(text, room)).split()) == "".join(text.split())


def test_columns_give_way_where_they_may_and_the_last_are_left_out() -> None:
    spec = (Column("id", "id", right=True), Column("name", "name", shrinks=True, least=4), Column("no", "no"))
    rows = [{"id": 1, "name": "x" * 50, "no": ""}, {"id": 22, "name": "y", "no": None}]
    assert columns(spec, rows, 24) == ["id  name", " 1  " + "x" * 19 + "…", "22  y"]


def test_reading_commands_have_words_of_their_own() -> None:
    """Nobody is shown raw JSON, except where JSON is what was asked for."""
    stage = failed_shot()
    for line in READING:
        assert not world.shown(stage, line)[0].startswith("{"), line
    row, params = world.COMMANDS.resolve(shlex.split("subscribe"))
    assert isinstance(world.COMMANDS.run(world.call(stage), row, params), Act)
    with pytest.raises(BrenderError):
        world.ask(stage, "why nobody")


def test_columns_that_are_equally_wide_give_way_evenly() -> None:
    """S23: a long name of a job in a project of the same name leaves room for both."""
    spec = (Column("name", "name", shrinks=True), Column("project", "project", shrinks=True), Column("state", "state"))
    rows = [{"name": "n" * 128, "project": "p" * 128, "state": "running"}]
    for room in range(40, 280):
        head, line = columns(spec, rows, room)
        assert width(line) == min(room, 128 + 2 + 128 + 2 + 7)
        assert abs(head.index("project") - (head.index("state") - head.index("project"))) <= 1
