"""What `brender render` asks of a farm: its steps, what they are told, and what is refused before anything is sent."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from brender.commands import COMMANDS
from brender.core.rules.presets import BUILT_IN
from brender.errors import BrenderError
from brender.render import EXAMPLES, parser
from brender.wish import Script, Wish, job_of, script
from brender.worker.blender import BlenderJob

PAGE = (Path(__file__).parents[1] / "docs" / "render.md").read_text()
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)) + EXAMPLES.replace("\\\n", "")
LINES = re.findall(r"^ *brender (.+)$", SHELL, re.MULTILINE)
PLACES = {"blend": "/a/shot.blend", "output": "/out"}


def steps(below: dict[str, Any] | None = None, frames: str = "1-9", **wish: Any) -> list[dict[str, Any]]:
    made = job_of(Wish(Path("/a/shot.blend"), frames, Path("/out"), **wish), "shot-1", below or {})
    found: list[dict[str, Any]] = made[0]["tasks"]
    return found


def test_frames_are_one_step_with_the_preset_by_name() -> None:
    """The master writes it out, so that all doors do it the same way."""
    assert steps({"percentage": 25}, preset="preview", overrides={"samples": 4}, chunk=3) == [
        {
            "name": "frames",
            "function": "blender",
            "frames": "1-9",
            "chunk": 3,
            "params": {"preset": "preview", **PLACES, "samples": 4},
        }
    ]


def test_a_pattern_goes_out_with_its_words_and_to_the_movie_too() -> None:
    overrides = {"pattern": "{job}_{camera}_##", "camera": "Cam", "format": "OPEN_EXR"}
    frames, movie, sheet = steps(overrides=overrides, movie=Path("/m.mp4"), sheet=Path("/s.jpg"))

    assert frames["params"]["pattern"] == "shot-1_Cam_##"
    given = {"source": "/out", "pattern": "shot-1_Cam_##.exr", "range": "1-9"}
    assert (movie["function"], movie["params"]) == ("movie", {**given, "output": "/m.mp4"})
    assert (sheet["function"], sheet["params"]) == ("contact_sheet", {**given, "output": "/s.jpg"})
    assert movie["after"] == sheet["after"] == ["frames"]


def test_a_camera_of_the_preset_is_known_to_the_pattern() -> None:
    found = steps({"camera": "Cam"}, preset="front", overrides={"pattern": "{camera}_##"})
    assert found[0]["params"]["pattern"] == "Cam_##"


def test_a_still_is_two_steps_and_its_parts_lie_beside_it() -> None:
    wish = Wish(Path("/a/shot.blend"), "7", Path("/out"), {"still": 7, "tiles": "3x2"})
    job, still = job_of(wish, "shot-1", {})
    parts, merge = job["tasks"]

    assert still == Path("/out/frame_0007.png")
    assert (parts["name"], parts["frames"]) == ("parts", "1-6")
    assert parts["params"] == {
        **PLACES, "still": 7, "tiles": "3x2", "output": "/out/parts", "pattern": "frame_0007_part_####",
        "format": "PNG",
    }  # fmt: skip
    assert merge["after"] == ["parts"]
    assert merge["params"] == {
        "source": "/out/parts", "pattern": "frame_0007_part_####", "count": 6, "output": "/out/frame_0007.png",
        "tiles": "3x2",
    }  # fmt: skip


def test_ranges_of_samples_are_averaged_as_light() -> None:
    parts, merge = steps(overrides={"still": 7, "sample_parts": 4})
    assert (parts["frames"], parts["params"]["format"]) == ("1-4", "OPEN_EXR")
    assert (merge["params"]["samples"], merge["params"]["output"]) == (True, "/out/frame_0007.exr")


def test_scripts_stand_before_and_after() -> None:
    found = steps(before=(Script("fetch", {"shot": 10}),), after=(Script("a", []), Script("b", [1])))
    assert [(one["name"], one["function"]) for one in found] == [
        ("before", "fetch"), ("frames", "blender"), ("after-1", "a"), ("after-2", "b"),
    ]  # fmt: skip
    assert found[0]["params"] == {"shot": 10}


@pytest.mark.parametrize(
    ("words", "function", "params"),
    [
        ("notify", "notify", []),
        ("notify anna 3", "notify", ["anna", 3]),
        ("fetch shot=010 what='a b' deep=true", "fetch", {"shot": "010", "what": "a b", "deep": True}),
    ],
)
def test_a_script_is_a_function_and_its_words(words: str, function: str, params: Any) -> None:
    assert script(words) == Script(function, params)


@pytest.mark.parametrize("words", ["", "a=b", "f 'half", "f a=1 b"])
def test_what_is_no_script_is_refused(words: str) -> None:
    with pytest.raises(BrenderError):
        script(words)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"overrides": {"samples": 0}}, "samples"),
        ({"overrides": {"pattern": "x"}}, "group of #"),
        ({"overrides": {"tiles": "2x2"}}, "takes still"),
        ({"overrides": {"still": 7}}, "one of tiles"),
        ({"overrides": {"still": 7, "tiles": "2x2", "format": "JPEG"}}, "not merged as JPEG"),
        ({"overrides": {"still": 7, "tiles": "2x2"}, "movie": Path("/m.mp4")}, "makes no movie"),
    ],
)
def test_what_no_worker_could_render_is_refused(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(BrenderError, match=said):
        steps(**wish)


@pytest.mark.parametrize("line", LINES)
def test_every_example_of_the_page_and_of_the_help_is_understood(line: str) -> None:
    words = shlex.split(line)
    if words[0] == "render":
        given = parser().parse_args(words[1:])
        assert all(script(one) for one in (*given.before, *given.after))
    else:
        COMMANDS.resolve(words)


def test_the_page_names_every_parameter_and_preset() -> None:
    assert len(LINES) > 15
    assert [name for name in BUILT_IN if f"`{name}`" not in PAGE] == []
    options = {name: f"--{name.replace('_', '-')}" for name in BlenderJob.__struct_fields__ if name != "blend"}
    assert [name for name, option in options.items() if f"`{name}`" not in PAGE and option not in PAGE] == []


def test_the_help_fits_a_terminal() -> None:
    words = [sys.executable, "-m", "brender.cli", "render", "--help"]
    env = {**os.environ, "COLUMNS": "80"}
    said = subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout
    assert max(map(len, said.splitlines())) <= 80
