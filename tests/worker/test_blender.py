"""What a Blender task may say, how it becomes an argv, and what its lines mean."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.errors import InvalidParams
from brender.worker.blender import (
    BlenderJob,
    BlenderLines,
    Program,
    Progress,
    Rendered,
    command,
    final_name,
    named,
    part_name,
    part_prefix,
    parts_of,
    read_params,
)

BINARY = Program("blender", "/usr/bin/blender", "/opt/runner.py")
WHEEL = Program("bpy", "/usr/bin/python3", "/opt/runner.py")
PLAIN = {"blend": "/work/a.blend", "output": "/out"}
names = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=40)


def test_blender_is_closed_before_it_hears_of_the_job() -> None:
    """S20: no scripts from the file, factory settings, and only then our runner."""
    argv = command(BINARY, read_params(PLAIN), [1, 2], "/out/.brender/a7", threads=2)

    assert argv[:7] == ["/usr/bin/blender", "-b", "-Y", "--factory-startup", "--python-exit-code", "9", "-P"]
    assert argv[7:9] == ["/opt/runner.py", "--"]
    assert json.loads(argv[9]) == {
        "blend": "/work/a.blend",
        "frames": [1, 2],
        "prefix": "/out/.brender/a7",
        "threads": 2,
    }


def test_the_wheel_is_run_by_an_isolated_python() -> None:
    assert command(WHEEL, read_params(PLAIN), [1], "/p")[:4] == [
        "/usr/bin/python3",
        "-I",
        "/opt/runner.py",
        "--",
    ]


@given(names, names)
def test_no_name_can_become_an_argument(blend: str, camera: str) -> None:
    """S21: a file called `-P evil.py` stays inside one JSON argument, whatever its characters."""
    params = BlenderJob(blend=f"/{blend}", output="/out", camera=camera)
    argv = command(BINARY, params, [1], "/out/.brender/a")

    assert len(argv) == 10
    assert json.loads(argv[9])["blend"] == f"/{blend}"
    assert json.loads(argv[9])["camera"] == camera


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"blend": "-P evil.py"}, "blend"),
        ({"blend": "a.blend"}, "blend"),
        ({"blend": "/a/../../etc/x"}, "blend"),
        ({"output": "/out/.."}, "output"),
        ({"output": "/o\0ut"}, "output"),
        ({"pattern": "frame"}, "pattern"),
        ({"pattern": "../x_##"}, "pattern"),
        ({"pattern": "a/##"}, "pattern"),
        ({"pattern": "a##\n"}, "pattern"),
        ({"pattern": "##_##"}, "pattern"),
        ({"format": "FFMPEG"}, "format"),
        ({"engine": "POVRAY"}, "engine"),
        ({"samples": 0}, "samples"),
        ({"percentage": 401}, "percentage"),
        ({"resolution_x": 70000}, "resolution_x"),
        ({"python": "import os"}, "python"),
        ({"pattern": "{shot}_##"}, "no token {shot}"),
        ({"pattern": "{camera}_##"}, "names the camera, but camera is not given"),
        ({"pattern": "{layer}_##", "camera": "C"}, "names the layer, but view_layer is not given"),
        ({"view_layer": ""}, "view_layer"),
        ({"color_depth": 12}, "color_depth"),
        ({"format": "JPEG", "color_depth": 16}, "color_depth of JPEG is 8 bits"),
        ({"quality": 0}, "quality"),
        ({"denoise": 1}, "denoise"),
        ({"existing": "keep"}, "existing"),
        ({"still": 7}, "takes still and one of tiles, sample_parts"),
        ({"tiles": "2x2"}, "takes still"),
        ({"still": 7, "tiles": "2x2", "sample_parts": 4}, "two ways"),
        ({"still": 7, "tiles": "0x2"}, "tiles"),
        ({"still": 7, "tiles": "2x2\n"}, "tiles"),
        ({"still": 7, "sample_parts": 0}, "sample_parts"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(change: dict[str, object], word: str) -> None:
    with pytest.raises(InvalidParams, match=re.escape(word)):
        read_params({**PLAIN, **change})


def test_a_mistyped_parameter_has_a_nearest_one() -> None:
    with pytest.raises(InvalidParams) as refused:
        read_params({**PLAIN, "sampels": 3})
    assert "samples" in refused.value.hint


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{job}_{step}_####", "shot-10_frames_0007"),
        ("{scene}.{camera}.{layer}.##", "Main.Cam_1.fg_2.07"),
        ("a{b_##", "a{b_07"),
        ("frame_####", "frame_0007"),
    ],
)
def test_the_words_of_a_pattern_are_known_before_the_file_is_open(pattern: str, name: str) -> None:
    """Issue 3: output pattern with tokens."""
    params = read_params({**PLAIN, "pattern": pattern, "scene": "Main", "camera": "Cam/1", "view_layer": "fg#2"})
    assert final_name(named(params, "shot-10", "frames"), 7, "PNG") == f"/out/{name}.png"


@given(names, names)
def test_no_name_leads_a_frame_out_of_its_folder(job: str, camera: str) -> None:
    """S18: whatever a job or a camera is called, the frame lies in the folder, and another name is another file."""
    params = read_params({**PLAIN, "pattern": "{camera}{job}_####", "camera": camera})
    name = final_name(named(params, job, "s"), 7, "PNG").removeprefix("/out/")
    assert "/" not in name and name.endswith("_0007.png") and not name.startswith(".")
    assert "#" not in name and "\0" not in name and len(name.encode()) <= 255


def test_long_names_are_cut_and_stay_two() -> None:
    params = read_params({**PLAIN, "pattern": "{job}_####"})
    first, second = (final_name(named(params, "é" * 200 + end, "s"), 7, "PNG") for end in "ab")
    assert first != second
    assert len(first.encode()) < 100


@pytest.mark.parametrize(
    ("change", "count"), [({}, 0), ({"still": 7, "tiles": "3x2"}, 6), ({"still": -1, "sample_parts": 4}, 4)]
)
def test_a_still_has_parts(change: dict[str, object], count: int) -> None:
    params = read_params({**PLAIN, **change})
    assert parts_of(params) == count
    asked = json.loads(command(BINARY, params, [1], "/p")[-1])
    assert {key: asked[key] for key in change} == change


@pytest.mark.parametrize(("frame", "name"), [(7, "frame_0007"), (12345, "frame_12345"), (-7, "frame_-007")])
def test_frames_are_numbered_as_blender_numbers_them(frame: int, name: str) -> None:
    assert final_name(read_params(PLAIN), frame, "JPEG") == f"/out/{name}.jpg"


def test_part_names_belong_to_one_attempt() -> None:
    """BR: frames render to a part name that no other attempt shares."""
    params = read_params({**PLAIN, "output": "/out/"})

    assert part_prefix(params, "41.2") == "/out/.brender/41.2"
    assert part_name(params, "41.2", 7, "OPEN_EXR_MULTILAYER") == "/out/.brender/41.2.7.part.exr"
    with pytest.raises(InvalidParams):
        part_prefix(params, "../41")


@pytest.mark.parametrize(
    ("line", "news"),
    [
        (
            "Fra:7 Mem:14.67M (Peak 14.67M) | Time:00:00.12 | Remaining:00:03.60 | Mem:5.21M, Peak:5.21M"
            " | Scene, ViewLayer | Sample 3/64",
            Progress(7, 0, 2, 3, 64, 14.67, 3.6),
        ),
        (
            "Fra:7 Mem:11.4M (Peak 12.5M) | Time:00:02.51 | Rendering 26 / 64 samples",
            Progress(7, 0, 2, 26, 64, 11.4),
        ),
        (
            "Fra:-7 Mem:1.50G (Peak 2G) | Time:01:02:03.51 | Remaining:01:00:03.60 | Mem:5M | Sample 3/64",
            Progress(-7, 0, 2, 3, 64, 1536.0, 3603.6),
        ),
        (
            "00:02.123  render           | Fra: 7 | Remaining: 00:06.01 | Mem: 6M | Sample 1/64",
            Progress(7, 0, 2, 1, 64, 6.0, 6.01),
        ),
        (
            'brender: {"event": "stats", "frame": 7, "text": "Remaining: 00:06.01 | Mem: 6M | Sample 1/64"}',
            Progress(7, 0, 2, 1, 64, 6.0, 6.01),
        ),
        (
            'brender: {"event": "frame", "frame": 7, "seconds": 1.5, "width": 8, "height": 4, "format": "PNG"}',
            Rendered(7, 1.5, 8, 4, "PNG"),
        ),
        ('brender: {"event": "frame", "frame": 7, "format": "../x"}', None),
        ("brender: {broken", None),
        ("Saved: '/tmp/0001.png'", None),
    ],
)
def test_lines_of_every_blender_give_progress(line: str, news: Progress | Rendered | None) -> None:
    """Shapes of Cycles and EEVEE in 3.4, 4.x and 5.0."""
    assert BlenderLines(2).feed(line) == news


def test_progress_counts_finished_frames_and_samples() -> None:
    lines = BlenderLines(4)
    lines.feed('brender: {"event": "frame", "frame": 1, "seconds": 1, "width": 8, "height": 4, "format": "PNG"}')
    news = lines.feed("Fra:2 Mem:1M | Sample 32/64")

    assert isinstance(news, Progress)
    assert news.fraction == 1.5 / 4


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        (
            "Error: Cannot read file '/a.blend': No such file or directory",
            1,
            "Cannot read file '/a.blend': No such",
        ),
        ('00:00.3  blend  | ERROR Cannot read file "/a.blend": x', 1, 'Cannot read file "/a.blend": x'),
        ("RuntimeError: Error: Cannot render, no camera", 1, "Cannot render, no camera"),
        ('brender: {"event": "failed", "text": "Cannot render, no camera"}', 4, "Cannot render, no camera"),
        ("CUDA error: Out of memory in cuMemAlloc", 1, "CUDA error: Out of memory"),
        ("Fra:7 Mem:1M | Sample 1/4", -11, "Blender was ended by SIGSEGV at frame 7"),
        ("hello", -9, "Blender was ended by SIGKILL before the first frame"),
        ("hello", 9, "exit code 9"),
        ("hello", 0, "rendered 0 of 2 frames"),
    ],
)
def test_the_reason_is_blenders_own(line: str, code: int, reason: str) -> None:
    """Issue: a broken .blend, a missing file, no camera: the task errors with Blender's own reason."""
    lines = BlenderLines(2)
    lines.feed(line)

    assert reason in lines.reason(code)


@given(st.lists(st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: "brender: {" + raw.decode("latin-1"))))
def test_no_line_can_break_the_reader(lines: list[str]) -> None:
    reader = BlenderLines(1)
    for line in lines:
        reader.feed(line)
    assert isinstance(reader.reason(1), str)
