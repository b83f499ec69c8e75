"""What a line would touch, before it is entered (rpc.touches): which rows, how many, and whether it takes away."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import msgspec
import pytest
from core.builders import Stage

from brender.commands import COMMANDS, TABLE
from brender.core import events as ev
from brender.core.lifecycle import TaskState
from brender.errors import BrenderError, Forbidden, InvalidParams, NotFound, WrongState

from . import world


def touches(stage: Stage, line: str, **caller: Any) -> dict[str, Any]:
    row, read = COMMANDS.read("rpc.touches", {"line": line})
    found = COMMANDS.run(world.call(stage, **caller), row, read)
    return msgspec.json.decode(msgspec.json.encode(found))


def tree(*workflows: dict[str, Any]) -> str:
    return f"'{json.dumps({'project': {'name': 'film', 'workflows': list(workflows)}})}'"


@pytest.mark.parametrize(
    ("line", "destructive", "noun", "names"),
    [
        ("worker disable all", True, "worker", ["render-01", "render-02", "weaver"]),
        ("disable tag=gpu", True, "worker", ["render-01"]),
        ("worker enable all", False, "worker", ["render-01", "render-02", "weaver"]),
        ("worker delete weaver", True, "worker", ["weaver"]),
        ("worker list", False, "", []),
        ("job delete all", True, "job", ["film/shot", "film/effects", "advert/shot"]),
        ("job delete effects -t bake", True, "step", ["film/effects/bake"]),
        ("job pause effects", False, "job", ["film/effects"]),
        ("job priority effects 80", False, "job", ["film/effects"]),
        ("job run effects sim", False, "step", ["film/effects/sim"]),
        ("step delete effects/sim", True, "step", ["film/effects/sim"]),
        ("task kill film/shot/render 1-2", True, "task", ["film/shot/render 1", "film/shot/render 2"]),
        ("task retry film/shot/render 1", False, "task", ["film/shot/render 1"]),
        ("task retry film/shot/render 1 --again", True, "task", ["film/shot/render 1"]),
        ("project archive advert", True, "project", ["advert"]),
        ("project add short", False, "project", ["short"]),
        (f"job recreate -j {tree({'name': 'shot'}, {'name': 'brand-new'})}", True, "job", ["film/shot"]),
        (f"job create -j {tree({'name': 'shot'}, {'name': 'x'})}", False, "job", ["film/shot", "film/x"]),
        (
            f"job delete -j {tree({'name': 'effects', 'tasks': [{'name': 'sim'}]})}",
            True,
            "step",
            ["film/effects/sim"],
        ),
        ("job stop-all", True, "job", []),
        ("quit", False, "", []),
        ("", False, "", []),
    ],
)
def test_a_line_is_told_with_what_it_would_touch(line: str, destructive: bool, noun: str, names: list[str]) -> None:
    assert touches(world.stage(), line) == {
        "destructive": destructive,
        "noun": noun,
        "count": len(names),
        "names": names,
    }


def test_of_many_things_the_first_twenty_are_named() -> None:
    stage = world.stage()
    stage.job({"name": "many", "frames": "1-1000"}, name="many", run=False)

    found = touches(stage, "task kill many all")
    assert found["count"] == 1000 and found["names"][-1] == "film/many/many 19" and len(found["names"]) == 20


def test_undo_touches_what_was_changed_last() -> None:
    stage = world.stage()
    assert touches(stage, "quit")["count"] == 0
    with pytest.raises(WrongState, match="nothing to undo"):
        touches(stage, "undo")
    world.ask(stage, "disable online")

    assert touches(stage, "undo") == {
        "destructive": False,
        "noun": "worker",
        "count": 1,
        "names": ["render-01"],
    }


def test_stop_all_touches_the_jobs_that_go() -> None:
    stage = world.stage()
    stage.job({"name": "a"}, name="going")

    assert touches(stage, "kill-all")["names"] == ["film/going"]


def test_retry_without_numbers_touches_what_has_failed() -> None:
    stage = world.stage()
    step = stage.farm.step_named(1, "render")
    assert step is not None
    stage.farm.tasks[step.id].put(2, TaskState.ERROR)

    assert touches(stage, "task retry film/shot/render")["names"] == ["film/shot/render 2"]


def test_requeue_touches_what_has_failed_in_any_step_and_with_again_the_successes_too() -> None:
    stage = world.stage()
    effects = stage.farm.jobs[2]
    for name, state in (("sim", TaskState.SUCCESS), ("bake", TaskState.ERROR)):
        stage.farm.tasks[stage.step(effects, name).id].put(0, state)

    assert touches(stage, "job requeue effects")["names"] == ["film/effects/bake 0"]
    assert touches(stage, "job requeue effects") | {"destructive": True, "count": 2} == (
        touches(stage, "job requeue effects --again") | {"names": ["film/effects/bake 0"]}
    )


def test_a_line_that_would_be_refused_is_refused_here() -> None:
    stage = world.stage()
    with pytest.raises(NotFound, match="no worker 'nobody'"):
        touches(stage, "worker delete nobody")
    with pytest.raises(Forbidden):
        touches(stage, "worker disable all", role="viewer")
    with pytest.raises(InvalidParams, match="split into words"):
        touches(stage, "worker disable 'render-01")


def test_a_method_with_params_may_stand_for_the_line() -> None:
    """For the page, which has no lines."""
    stage = world.stage()
    asked = {"method": "worker.disable", "params": {"workers": ["online"]}}
    row, read = COMMANDS.read("rpc.touches", asked)

    assert COMMANDS.run(world.call(stage), row, read)["count"] == 2


@pytest.mark.parametrize("row", [row for row in TABLE if row.spoken], ids=lambda row: row.name)
def test_asking_changes_nothing(row: Any) -> None:
    stage = world.stage()
    before = copy.deepcopy(stage.farm)
    with contextlib.suppress(BrenderError):
        touches(stage, row.example)
    assert stage.farm.same_as(before)


def test_whatever_deletes_or_ends_is_marked() -> None:
    """And the API's description says so to programs."""
    taking = ("delete", "disable", "kill", "stop", "stop_all", "archive", "recreate")
    marked = {row.name for row in TABLE if row.destructive}
    assert {row.name for row in TABLE if row.verb in taking and row.noun not in ("legacy", "project")} <= marked
    described = {one["name"]: one for one in world.ask(world.stage(), "rpc discover")["methods"]}
    assert {name for name, one in described.items() if one["x-destructive"]} == marked
    assert described["task.retry"]["x-destructive-with"] == "again"


def test_every_event_that_a_command_makes_is_known() -> None:
    """A new event of people must say what it touches."""
    told = {"Create", "Update", "Delete", "SetAdmin", "SubmitTree", "UpdateTree", "DeleteTree", "RunJob", "StopJob"}
    told |= {"Undo", "RetryJob", "StopAll", "PauseJob", "UnblockJob", "RetryTasks", "KillTasks", "SetWaiting"}
    told |= {"AddChannels", "SwitchChannels", "MoveChannels", "SetGroups"}
    told |= {"Reload"}  # nobody's command: what somebody has done already
    told |= {"SetCalendar", "PauseSchedule", "RunSchedule", "StopSchedules"}
    told |= {"AckAlarms", "SkipAlarms", "ConfigLogger", "WriteLog", "FlushLog"}
    told |= {"RetryDeliveries", "DropDeliveries"}
    asked = {kind.__name__ for kind in ev.Event.__subclasses__() if "by" in kind.__struct_fields__}
    assert asked == told
