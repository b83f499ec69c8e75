"""Which elements of a farm are ready: said in one line of `farm status`."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from brender.commands.elements import elements
from brender.core import events as ev

from . import world


def row(name: str, kind: str) -> dict[str, Any]:
    return {"id": 1, "name": name, "type": kind, "door": "json", "peer": "unix"}


def test_every_element_of_the_architecture_has_a_state() -> None:
    """CL-02."""
    stage = world.stage()
    call = world.call(stage)
    assert elements(call, {}) == {
        "master": "ready",
        "store": "ready",
        "storage": "not running",
        "schedules": "ready",
        "managers": "0 of 0 online",
        "console": "not running",
        "web": "not running",
        "notify": "not running",
    }
    hal = stage.worker("hal", config={"roles": ["manager"]})
    call = replace(world.call(stage), sessions=lambda: [row("web", "program"), row("console", "user")])
    found = elements(call, {"readings": {"refusing": "", "trouble": ""}, "writer": {"full": ""}})
    assert {name for name, state in found.items() if state != "ready"} == {"console", "notify"}
    stage.do(ev.Disconnected(stage.session(hal)))
    stage.do(ev.StopSchedules(True))
    trouble = {"readings": {"refusing": "", "trouble": "PostgreSQL is away"}, "writer": {"full": "The disk is full."}}
    found = elements(call, trouble)
    assert found["storage"] == "PostgreSQL is away" and found["store"] == "The disk is full."
    assert (found["managers"], found["schedules"]) == ("0 of 1 online", "stopped")


def test_a_person_reads_them_in_one_line_each_state_once() -> None:
    text = "\n".join(world.shown(world.stage(), "farm status"))
    assert "elements" in text and "master, store" in text
    assert max(map(len, text.splitlines())) <= 80
