"""What a step's function takes is judged at the door: nothing is written of a job that no worker could ever run."""

from __future__ import annotations

from typing import Any

import pytest
from core.builders import Stage

from brender.errors import BrenderError
from brender.worker.functions import Catalogue, read_templates

from .world import ask, shown, stage

RESIZE = {"argv": ["/usr/bin/resize", "{size}"], "params": {"size": {"type": "int", "min": 1}, "to": {"default": "x"}}}


def farm_with(*workers: dict[str, Any]) -> Stage:
    """The small farm, and workers with these function files."""
    found = stage()
    for number, listed in enumerate(workers):
        offer = Catalogue({"simple": "/opt/simple"}, read_templates({"functions": listed}), blender=True)
        found.worker(f"maker-{number}", functions=" ".join(offer.names()), config={"takes": offer.takes()})
    return found


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("function=simpel", "Did you mean simple"),
        ("function=fetch", "no worker of the farm has 'fetch'"),
        ("function=noop frames=5-1", "holds no frame"),
        ("function=sleep params='[\"long\"]'", "no number of seconds"),
        ('function=blender frames=1 params=\'{"blend": "/a.blend", "output": "/o", "samples": "many"}\'', "samples"),
        ('function=blender frames=1 params=\'{"blend": "/a.blend", "output": "/o", "sampels": 4}\'', "samples"),
        ('function=blender frames=1 params=\'{"output": "/o"}\'', "blend"),
        ('function=blender params=\'{"blend": "/a.blend", "output": "/o"}\'', "no frames"),
        ('function=movie params=\'{"source": "/a", "output": "/o.mp4", "fps": "fast"}\'', "fps"),
        ("function=resize params='{\"size\": 0}'", "under its least"),
        ("function=resize params='{\"size\": 1.5}'", "parameter size is of type int"),
        ("function=resize params='{}'", "size is missing"),
        ("function=openjd params='[1]'", "brender job submit"),
    ],
)
@pytest.mark.parametrize("door", ["job create new {0}", "step add film/shot more {0}", "step set film/shot {0}"])
def test_what_no_worker_would_take_is_refused_before_anything_is_written(door: str, step: str, said: str) -> None:
    """Issue 3: unknown function, wrong parameter type."""
    farm = farm_with({"resize": RESIZE})
    ask(farm, "step set film/shot frames=")
    before = farm.farm.jobs.copy(), [(one.function, one.params) for one in farm.farm.steps.values()]

    with pytest.raises(BrenderError) as refused:
        ask(farm, door.format(step))

    assert said in refused.value.sentence()
    assert (farm.farm.jobs, [(one.function, one.params) for one in farm.farm.steps.values()]) == before


@pytest.mark.parametrize("verb", ["create", "update", "recreate"])
def test_a_tree_is_judged_task_by_task(verb: str) -> None:
    farm = farm_with({"resize": RESIZE})
    tree = '{"project": {"name": "film", "workflows": [{"name": "shot", "tasks": [%s]}]}}'
    bad = '{"name": "render", "function": "resize", "params": {"size": "big"}}'
    before = ask(farm, "job dump film/shot")

    with pytest.raises(BrenderError, match="parameter size"):
        ask(farm, f"{verb} -j '{tree % bad}'")

    assert ask(farm, "job dump film/shot") == before


def test_what_one_of_the_workers_would_take_is_well_formed() -> None:
    """Machines differ; which of them may run it is a matter of placement."""
    farm = farm_with({"resize": RESIZE}, {"resize": {"argv": ["/r"], "params": {"size": {"type": "str"}}}})
    ask(farm, "job create one function=resize params='{\"size\": 3}'")
    ask(farm, 'job create two function=resize params=\'{"size": "big"}\'')
    ask(farm, "job create three function=simple params='[\"a\", 2]'")
    with pytest.raises(BrenderError, match="parameter size"):
        ask(farm, "job create four function=resize params='{\"size\": true}'")


def test_before_a_worker_has_told_what_it_offers_every_name_passes() -> None:
    farm = Stage()
    ask(farm, "job create early function=fetch params='[1]'")
    with pytest.raises(BrenderError, match="samples"):
        ask(farm, 'job create bad function=blender frames=1 params=\'{"blend": "/a", "output": "/o", "samples": "x"}\'')


def test_functions_are_listed_with_who_offers_them_and_what_they_take() -> None:
    farm = farm_with({"resize": RESIZE})
    rows = {row["name"]: row for row in ask(farm, "function list")["functions"]}
    assert rows["resize"] == {
        "name": "resize", "workers": ["maker-0"], "online": 1, "params": {"size": "int", "to": "str"},
    }  # fmt: skip
    assert (rows["noop"]["workers"], rows["noop"]["online"]) == (["render-01", "render-02", "weaver", "maker-0"], 3)
    assert any("resize" in line and "size to" in line for line in shown(farm, "functions"))
    assert not any("takes" in line for line in shown(farm, "worker show maker-0", 200))
    assert "No worker" in shown(Stage(), "function list")[0]
