"""What Tab offers: in the master's own editor and, with what each word is, to programs with a prompt (rpc.complete)."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from core.builders import Stage
from hypothesis import given
from hypothesis import strategies as st

from brender.commands import COMMANDS, complete
from brender.core import events as ev
from brender.wire.words import split

from . import world

STAGE = world.stage()


def words(line: str, **caller: Any) -> list[str]:
    return [item.text for item in complete(world.call(STAGE, **caller), line, len(line)).items]


def asked(stage: Stage, line: str, cursor: int | None = None, **caller: Any) -> Any:
    """What rpc.complete answers."""
    params = {"line": line} | ({} if cursor is None else {"cursor": cursor})
    row, read = COMMANDS.read("rpc.complete", params)
    return COMMANDS.run(world.call(stage, **caller), row, read)


@given(st.text(max_size=60), st.integers(0, 60))
def test_completion_never_fails_and_starts_before_the_cursor(line: str, cursor: int) -> None:
    at = min(cursor, len(line))
    assert 0 <= complete(world.call(STAGE), line, at).start <= at


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("wo", ["worker", "workers"]),
        ("worker en", ["enable"]),
        ("enable rend", ["render-01", "render-02"]),
        ("enable tag=", ["tag=cpu", "tag=gpu", "tag=slow"]),
        ("job run eff", ["effects"]),
        ("job run -p ad", ["advert"]),
        ("job run effects b", ["bake"]),
        ("job run -w effects -t s", ["sim"]),
        ("job create x func", ["function="]),
        ("step set shot/render ex", ["exec="]),
        ("step set shot/render exec=p", ["exec=parallel"]),
        ("step set shot/render stop_stalled=", ["stop_stalled=false", "stop_stalled=true"]),
        ("job create x function=no", ["function=noop"]),
        ("job create x order=", ["order=binary", "order=linear", "order=nth:", "order=reverse"]),
        ("job create x tags=gpu,s", ["tags=gpu,slow"]),
        ("job set shot tags=", ["tags=cpu", "tags=gpu", "tags=slow"]),
        ("job create x after=eff", ["after=effects"]),
        ("job create x chunk=", ["chunk=auto"]),
        ("preset add mine engine=CY", ["engine=CYCLES"]),
        ("worker add box mac=beef00000001 admin_state=d", ["admin_state=disabled"]),
        ("task set-status effects sim w", ["waiting"]),
        ("help wor", ["worker"]),
        ("watch wor", ["worker", "workers"]),
        ("watch eff", ["effects"]),
        ("watch worker ", ["list", "show"]),
        ("watch job list run", ["running"]),
        ("watch workers rend", ["render-01", "render-02"]),
        ("rpc watch limit ", ["list", "show"]),
        ("watch enable ", []),
        ("help worker dis", ["disable"]),
    ],
)
def test_tab_offers_what_may_stand_there(line: str, wanted: list[str]) -> None:
    assert words(line) == wanted


def test_tab_offers_a_viewer_only_what_a_viewer_may() -> None:
    assert words("worker e", role="viewer") == []
    assert words("enable rend", role="viewer") == []
    assert words("job show sh", role="") == []


NAMES = st.text("ab '\"\\\\-=é漢[{", min_size=1, max_size=8).filter(lambda name: name == name.strip())


@given(st.lists(NAMES, min_size=1, max_size=3, unique=True), st.data())
def test_an_offered_word_put_in_place_means_the_name_it_stands_for(names: list[str], data: Any) -> None:
    """Whatever is in a name, and however much of it is typed, with or without a quote."""
    stage = Stage()
    for name in names:
        stage.do(ev.Create("project", {"name": name}))
    name = data.draw(st.sampled_from(names))
    quoted = shlex.quote(name)
    typed = quoted[: data.draw(st.integers(0, len(quoted)))]
    line = f"project show {typed}"
    found = asked(stage, line)

    lines = [split(line[: found["start"]] + item["text"]) for item in found["items"]]
    means = {COMMANDS.run(world.call(stage), *COMMANDS.resolve(one))["name"] for one in lines}
    assert means <= set(names)
    assert name in means or "\\" in typed


def test_each_word_says_what_it_is() -> None:
    """Descriptions for the console: of commands, things with their state, states, flags and values."""

    def about(line: str) -> dict[str, str]:
        return {item["text"]: item["about"] for item in asked(STAGE, line)["items"]}

    assert about("wor")["worker"] == "the machines"
    assert about("worker en") == {"enable": "Let workers take tasks."}
    assert about("enab") == {"enable": "Let workers take tasks."}
    assert (
        about("enable rend")
        == {
            "render-01": "online, enabled, 0/2 slots taken",
            "render-02": "online, disabled, 0/1 slots taken",
        }
        or about("enable rend")["render-01"] == "online, enabled, 0/2 slots taken"
    )
    assert about("enable on") == {"online": "the online workers"}
    assert about("enable tag=g") == {"tag=gpu": "the workers with the tag gpu"}
    assert about("job run eff") == {"effects": "not run, in film"}
    assert about("job run sho") == {"shot": "2 jobs of this name"}
    assert about("job run advert/") == {"advert/shot": "not run, in advert"}
    assert about("job stop --f") == {"--force": "also what waits and must not be stopped; admins only"}
    assert about("job create x function=no") == {"function=noop": "3 workers"}
    assert about("worker set render-01 war") == {"warning=": "a note that everybody sees"}
    assert about("help wor") == {"worker": "the machines"}
    assert about("job create x prio") == {"priority=": "0 to 100, higher first; 50 when left out"}


def test_every_attribute_of_a_noun_says_what_it_is() -> None:
    for line in ("worker set render-01 ", "worker add x ", "project set film ", "limit set nuke ", "job set shot "):
        said = {item["text"]: item["about"] for item in asked(STAGE, line)["items"] if item["text"].endswith("=")}
        assert said and all(said.values()), said
    assert all(item["about"] for item in asked(STAGE, "step set shot/render ")["items"])


def test_the_cursor_may_stand_inside_the_line() -> None:
    assert asked(STAGE, "worker en render-01", 9) == {
        "start": 7,
        "items": [{"text": "enable", "about": "Let workers take tasks."}],
    }
    assert asked(STAGE, "wo", 99)["start"] == 0


def test_a_line_that_was_pasted_is_not_completed_and_holds_up_nobody() -> None:
    line = "job create -j '" + "x" * 9_000 + "' --r"
    assert asked(STAGE, line) == {"start": len(line), "items": []}
    assert words("job create -j '{}' --r") == ["--run"]


def test_a_name_that_a_terminal_would_obey_is_not_offered() -> None:
    stage = Stage()
    stage.do(ev.Create("project", {"name": "a\u202eb"}))
    stage.do(ev.Create("project", {"name": "ab"}))

    assert [item["text"] for item in asked(stage, "project show a")["items"]] == ["ab"]


def test_at_most_200_words_are_offered_of_however_many_there_are() -> None:
    stage = Stage()
    for number in range(300):
        stage.do(ev.Create("project", {"name": f"p{number}"}))

    assert len(asked(stage, "project show p")["items"]) == 200
