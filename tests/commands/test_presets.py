"""Presets at the prompt: made, shown and used by name; every parameter is judged by the rules of a step."""

from __future__ import annotations

import pytest

from brender.core.rules.presets import BUILT_IN
from brender.errors import BrenderError, NotFound, WrongState
from brender.worker.blender import read_params

from .world import ask, shown, stage


def test_a_preset_is_made_listed_changed_and_deleted() -> None:
    farm = stage()
    ask(farm, "preset add shots engine=CYCLES samples=64 denoise=true color_depth=16 --description 'for the film'")
    assert ask(farm, "preset show shots")["params"] == {
        "engine": "CYCLES", "samples": 64, "denoise": True, "color_depth": 16,
    }  # fmt: skip
    text = "\n".join(shown(farm, "presets"))
    assert "engine=CYCLES samples=64" in text
    assert all(name in text for name in (*BUILT_IN, "for the film"))
    ask(farm, "preset set shots samples=128 denoise=none")
    assert "samples=128" in "\n".join(shown(farm, "preset show shots"))
    assert ask(farm, "preset show shots")["params"] == {"engine": "CYCLES", "samples": 128, "color_depth": 16}
    assert shown(farm, "preset delete shots") == ["OK 1 preset deleted: shots."]
    with pytest.raises(NotFound):
        ask(farm, "preset show shots")


def test_a_job_in_one_line_takes_a_preset() -> None:
    farm = stage()
    line = 'job create new function=blender frames=1-3 params=\'{"preset": "HD", "blend": "/a", "output": "/o"}\''
    ask(farm, line)
    assert ask(farm, "step show new")["params"] == {**BUILT_IN["HD"][1], "blend": "/a", "output": "/o"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("preset add x samples=0", "samples"),
        ("preset add x sampels=64", "Did you mean samples"),
        ("preset add x engine=POVRAY", "engine"),
        ("preset add x blend=/a.blend", "no attribute 'blend'"),
        ("preset add x pattern=frame", "group of #"),
        ("preset add x format=JPEG color_depth=16", "color_depth of JPEG is 8"),
        ("preset add HD samples=3", "every farm has"),
        ("preset show hdd", "Did you mean HD"),
        ("preset add x", "params"),
    ],
)
def test_what_a_step_would_refuse_a_preset_does_too(line: str, said: str) -> None:
    farm = stage()
    with pytest.raises(BrenderError) as refused:
        ask(farm, line)
    assert said in refused.value.sentence()
    assert farm.farm.presets == {}


def test_the_built_in_ones_stay() -> None:
    farm = stage()
    for line in ("preset set HD samples=3", "preset delete HD"):
        with pytest.raises(WrongState, match="stays as it is"):
            ask(farm, line)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_one_is_what_a_step_takes(name: str) -> None:
    assert read_params({"blend": "/a", "output": "/o", **BUILT_IN[name][1]})
