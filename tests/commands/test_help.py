"""Help in every channel: help, help NOUN, help NOUN VERB, a ? at the end; and a slip names what is near, everywhere."""

from __future__ import annotations

import pytest

from brender.commands import COMMANDS, TABLE
from brender.core import events as ev
from brender.errors import BrenderError
from brender.wire.screen import width

from . import world

SPOKEN = [row for row in TABLE if row.spoken]
STAGE = world.stage()
STAGE.do(ev.Create("limit", {"name": "nuke", "count": 1}))


@pytest.mark.parametrize("room", [40, 80, 200])
@pytest.mark.parametrize("about", ["", *COMMANDS.nouns(), *(row.words for row in SPOKEN)])
def test_every_page_of_help_fits_the_window_and_says_what_to_ask_next(about: str, room: int) -> None:
    lines = world.shown(STAGE, f"help {about}", room)
    assert all(width(line) <= room for line in lines)
    assert "help" in " ".join(lines[-8:])


@pytest.mark.parametrize("about", ["", *COMMANDS.nouns(), *(row.words for row in SPOKEN), "enable", "jobs", "watch"])
def test_a_question_mark_at_the_end_asks_the_same_as_help_before_it(about: str) -> None:
    asked = world.shown(STAGE, f"help {about}")
    assert world.shown(STAGE, f"{about} ?") == world.shown(STAGE, f"? {about}") == asked
    if about:
        assert world.shown(STAGE, f"{about} --help") == asked


def test_a_question_mark_after_the_first_arguments_still_explains_the_command() -> None:
    assert world.shown(STAGE, "worker enable render-01 ?") == world.shown(STAGE, "help worker enable")
    assert world.shown(STAGE, "enable all ?") == world.shown(STAGE, "help worker enable")


def test_a_noun_alone_explains_itself() -> None:
    assert world.shown(STAGE, "worker") == world.shown(STAGE, "help worker")


def test_the_first_page_names_every_noun_and_only_what_the_asker_may_do() -> None:
    text = "\n".join(world.shown(STAGE, "help"))
    assert all(f"  {noun.replace('_', ' ')} " in text for noun in COMMANDS.nouns())
    seen = {noun["noun"]: noun["verbs"] for noun in world.ask(STAGE, "help", role="viewer")["nouns"]}
    assert seen["worker"] == ["list", "show", "history", "tail"]


def test_the_page_of_a_command_has_its_usage_its_options_and_an_example() -> None:
    text = "\n".join(world.shown(STAGE, "help task retry"))
    assert text.startswith("task retry <step> [<tasks>]")
    assert "--again" in text and "Example: task retry shot-010" in text and "Role: artist." in text
    assert "(SP-" not in text + "\n".join(world.shown(STAGE, "help job"))


SLIPS = {
    "wroker list": "worker",
    "clinets": "clients",
    "help wroker": "worker",
    "help job staus": "status",
    "worker enabel all": "enable",
    "worker enabel ?": "enable",
    "job stop shot --forc": "force",
    "job create x functon=noop": "function",
    "enable rendr-01": "render-01",
    "enable onlin": "online",
    "enable tag=gup": "gpu",
    "worker set render-01 tgas=x": "tags",
    "job run efects": "effects",
    "job run effects bke": "bake",
    "job list runing": "running",
    "step show effects/bkae": "bake",
    "step set effects/bake retires=1": "retries",
    "task list effects runing": "running",
    "task kill film/shot/render faild": "failed",
    "task set-status effects sim wating": "waiting",
    "project show flim": "film",
    "limit show nuek": "nuke",
    "preset show preveiw": "preview",
    "preset add mine enginee=CYCLES": "engine",
    "farm why efects": "effects",
    "why rendr-01": "render-01",
    "watch worker lst": "list",
    "watch efects": "effects",
}


@pytest.mark.parametrize("line", SLIPS)
def test_a_slip_names_what_is_near(line: str) -> None:
    with pytest.raises(BrenderError) as caught:
        world.ask(STAGE, line)
    assert "Did you mean" in caught.value.hint and SLIPS[line] in caught.value.hint, caught.value.sentence()


def test_a_slip_in_a_method_names_what_is_near() -> None:
    for name, near in (("worker.lst", "worker.list"), ("enabel", "enable"), ("rpc.wach", "rpc.watch")):
        with pytest.raises(BrenderError) as caught:
            COMMANDS.method(name)
        assert near in caught.value.hint
