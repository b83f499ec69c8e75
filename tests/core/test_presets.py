"""Presets: a step gets a copy when it is submitted, by every door, and nothing changes it afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from brender.core import events as ev
from brender.core.farm import Farm
from brender.core.rules.presets import BUILT_IN
from brender.errors import Conflict, Exists, Invalid, InvalidParams, NotFound

from .builders import Stage

BLEND = {"blend": "/a.blend", "output": "/out"}


@pytest.fixture
def stage(farm: Farm) -> Stage:
    stage = Stage(farm)
    stage.do(ev.Create("preset", {"name": "shots", "params": {"samples": 64, "denoise": True}}))
    return stage


def tree(function: str = "blender", **params: Any) -> dict[str, Any]:
    tasks = [{"name": "frames", "function": function, "frames": "1-3", "params": params}]
    return {"name": "film", "workflows": [{"name": "shot", "tasks": tasks}]}


def params(stage: Stage, name: str = "frames") -> Any:
    return next(step.params for step in stage.farm.steps.values() if step.name == name)


def test_a_tree_that_names_a_preset_gets_its_parameters_below_its_own(stage: Stage) -> None:
    stage.do(ev.SubmitTree(tree(**BLEND, preset="shots", samples=8)))
    assert params(stage) == {**BLEND, "samples": 8, "denoise": True}


def test_a_later_change_of_the_preset_changes_no_job(stage: Stage) -> None:
    stage.do(ev.SubmitTree(tree(**BLEND, preset="shots")))
    stage.do(ev.Update("preset", [1], {"params": {"samples": 128, "denoise": None}}))
    assert stage.farm.presets[1].params == {"samples": 128}
    assert params(stage) == {**BLEND, "samples": 64, "denoise": True}
    stage.do(ev.Delete("preset", [1]))
    assert stage.farm.presets == {}
    assert params(stage) == {**BLEND, "samples": 64, "denoise": True}


def test_every_door_writes_the_preset_out(stage: Stage) -> None:
    """A step that is added, one that is changed, one that is replaced by a tree."""
    stage.do(ev.SubmitTree(tree("noop")))
    job = stage.farm.jobs[1]
    new = {"job": job.id, "name": "more", "function": "blender", "params": {**BLEND, "preset": "HD"}}
    row = stage.do(ev.Create("step", new))["row"]
    assert row["params"] == {**BLEND, **BUILT_IN["HD"][1]}
    changed = stage.do(ev.Update("step", [row["id"]], {"params": {**BLEND, "preset": "half"}}))
    assert changed["rows"][0]["params"] == {**BLEND, "percentage": 50}
    update = stage.do(ev.UpdateTree(tree(**BLEND, preset="preview")))
    assert update["updated"][0]["steps"] == ["frames"]
    assert params(stage) == {**BLEND, "percentage": 25, "samples": 16}
    same = stage.do(ev.UpdateTree(tree(**BLEND, percentage=25, samples=16)))
    assert same["updated"][0]["steps"] == []


@pytest.mark.parametrize("verb", ["tree", "step"])
def test_an_unknown_preset_is_refused_before_anything_is_written(stage: Stage, verb: str) -> None:
    stage.do(ev.SubmitTree({"name": "film", "workflows": [{"name": "old", "tasks": []}]}))
    event: ev.Event = ev.SubmitTree(tree(**BLEND, preset="shot"))
    if verb == "step":
        event = ev.Create("step", {"job": 1, "name": "x", "function": "blender", "params": {**BLEND, "preset": "shot"}})
    error = stage.refused(event)
    assert isinstance(error, NotFound)
    assert "Did you mean shots" in error.hint
    assert (len(stage.farm.jobs), stage.farm.steps) == (1, {})


def test_a_preset_is_a_word(stage: Stage) -> None:
    assert isinstance(stage.refused(ev.SubmitTree(tree(**BLEND, preset=["HD"]))), InvalidParams)


def test_what_another_function_calls_preset_is_its_own_affair(stage: Stage) -> None:
    stage.do(ev.SubmitTree(tree("echo", preset="loud")))
    assert params(stage) == {"preset": "loud"}


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        ({"name": "shots", "params": {"samples": 1}}, Exists, "exists already"),
        ({"name": "HD", "params": {"samples": 1}}, Exists, "every farm has"),
        ({"name": "x", "params": {}}, Invalid, "one parameter or more"),
        ({"name": "x", "params": {"blend": "/a.blend"}}, Invalid, "blend is of one job"),
        ({"name": "x", "params": {"preset": "HD"}}, Invalid, "preset is of one job"),
        ({"name": "x"}, InvalidParams, "needs params"),
        ({"name": "a/b", "params": {"samples": 1}}, Invalid, "no slash"),
    ],
)
def test_what_is_no_preset_is_refused(stage: Stage, values: dict[str, Any], kind: type, said: str) -> None:
    error = stage.refused(ev.Create("preset", values))
    assert isinstance(error, kind)
    assert said in error.sentence()


def test_a_change_can_be_a_compare_and_set_and_leaves_something(stage: Stage) -> None:
    stage.do(ev.Update("preset", [1], {"params": {"percentage": 50}}, version=1))
    assert stage.farm.presets[1].params == {"samples": 64, "denoise": True, "percentage": 50}
    assert isinstance(stage.refused(ev.Update("preset", [1], {"params": {"samples": 1}}, version=1)), Conflict)
    nothing = dict.fromkeys(stage.farm.presets[1].params)
    assert isinstance(stage.refused(ev.Update("preset", [1], {"params": nothing})), Invalid)
