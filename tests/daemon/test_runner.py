"""Real Blender, tiny frames: order → argv → part files → check → published, and Blender's own reasons."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy
import OpenImageIO as oiio
import pytest

from brender.daemon.frames import RUNNER, find_program, prepare, publish, sweep
from brender.errors import Invalid
from brender.pictures.merge import merge
from brender.pictures.reading import Pixels
from brender.worker.blender import BlenderJob, BlenderLines, Program, Rendered, command, read_params

ORRERY = Path(RUNNER).parent.parent / "scenes" / "orrery.py"
SMALL = {"resolution_x": 16, "resolution_y": 12, "percentage": 100, "samples": 1}
CLOSED = ["-b", "-Y", "--factory-startup", "--python-exit-code", "9"]
# A saved file whose text block and driver would leave a mark in the folder given, if anything ran them.
TRAPPED = """
import bpy, sys
where = sys.argv[-1]
text = bpy.data.texts.new("trap.py")
text.write(f"open({where + '/text'!r}, 'w')")
text.use_module = True
cube = bpy.data.objects["Cube"]
cube.driver_add("location", 0).driver.expression = f"len(str(open({where + '/driver'!r}, 'w')))"
layer = bpy.context.scene.view_layers[0]
layer.freestyle_settings.mode = "SCRIPT"
layer.freestyle_settings.modules.new().script = text
bpy.context.scene.camera = None
bpy.ops.wm.save_as_mainfile(filepath=where + "/trapped.blend")
bpy.context.scene.render.use_freestyle = True
bpy.ops.wm.save_as_mainfile(filepath=where + "/freestyle.blend")
"""
# Two view layers: `fg` has the cube, `bg` has nothing but the grey world.
LAYERED = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.view_layers[0].name = "fg"
empty = scene.view_layers.new("bg")
empty.layer_collection.children[0].exclude = True
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1] + "/layers.blend")
scene.use_nodes = True
inner = bpy.data.node_groups.new("Soft", "CompositorNodeTree")
inner.nodes.new("CompositorNodeBlur")
scene.node_tree.nodes.new("CompositorNodeGroup").node_tree = inner
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1] + "/blurred.blend")
"""


@pytest.fixture(scope="module")
def program() -> Program:
    found = find_program()
    assert found is not None, "install blender, or the wheel: brender's extra `blender`"
    return found


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The orrery, one with traps and without a camera, one with Freestyle scripts, one with two layers, one blurred."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "trap.py").write_text(TRAPPED)
    (folder / "layers.py").write_text(LAYERED)
    made = ((ORRERY, folder / "orrery.blend"), (folder / "trap.py", folder), (folder / "layers.py", folder))
    for script, argument in made:
        subprocess.run(["blender", *CLOSED, "-P", str(script), "--", str(argument)], check=True, capture_output=True)
    return folder


@pytest.fixture
def job(scenes: Path, tmp_path: Path) -> Callable[..., BlenderJob]:
    def make(blend: str = "orrery.blend", **change: object) -> BlenderJob:
        return read_params({"blend": str(scenes / blend), "output": str(tmp_path / "out"), **SMALL, **change})

    return make


def render(program: Program, params: BlenderJob, frames: list[int], attempt: str = "a1") -> tuple[int, BlenderLines]:
    """Run one attempt to its end; its exit code and what its lines told."""
    argv = command(program, params, frames, prepare(params, attempt), threads=1)
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    lines = BlenderLines(len(frames))
    for line in done.stdout.splitlines():
        lines.feed(line)
    return done.returncode, lines


def test_frames_go_from_blender_to_their_final_names(program: Program, job: Callable[..., BlenderJob]) -> None:
    """D6: part names, a check of every byte, then the rename; nothing else stays in the folder."""
    params = job()
    code, lines = render(program, params, [3, 4])

    assert (code, lines.reason(code)) == (0, "")
    assert os.listdir(params.output) == [".brender"]
    outcome = publish(params, "a1", [3, 4], lines.rendered)

    assert outcome.reason == ""
    assert [(one.frame, Path(one.path).name, one.width, one.height) for one in outcome.published] == [
        (3, "frame_0003.png", 16, 12),
        (4, "frame_0004.png", 16, 12),
    ]
    assert sorted(os.listdir(params.output)) == [".brender", "frame_0003.png", "frame_0004.png"]
    assert os.listdir(f"{params.output}/.brender") == []


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "OPEN_EXR", "OPEN_EXR_MULTILAYER"])
def test_every_format_is_published_as_asked(program: Program, job: Callable[..., BlenderJob], kind: str) -> None:
    params = job(format=kind, pattern="##_x")
    code, lines = render(program, params, [1])

    assert publish(params, "a1", [1], lines.rendered).reason == ""
    assert code == 0


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"blend": "nowhere.blend"}, 3, "No such file or directory"),
        ({"blend": "trap.py"}, 3, "File format is not supported"),
        ({"blend": "trapped.blend"}, 4, "Cannot render, no camera"),
        ({"camera": "Sun"}, 5, "no camera 'Sun' in scene 'Orrery'; it has: Camera"),
        ({"scene": "Winter"}, 5, "no scene 'Winter' in the file; it has: Orrery"),
        ({"blend": "freestyle.blend"}, 7, "Python through Freestyle"),
        ({"view_layer": "mg", "blend": "layers.blend"}, 5, "no view layer 'mg' in scene 'Scene'; it has: bg, fg"),
        ({"color_depth": 32}, 5, "PNG has no color depth of 32 bits"),
        ({"still": 1, "tiles": "2x1", "blend": "blurred.blend"}, 7, "node 'Blur' sees more than one tile"),
        ({"still": 7, "sample_parts": 2, "engine": "BLENDER_WORKBENCH"}, 5, "ranges of samples are for Cycles"),
    ],
)
def test_a_failure_tells_blenders_own_reason(
    program: Program, job: Callable[..., BlenderJob], change: dict[str, str], code: int, reason: str
) -> None:
    """Issue: a broken .blend, a missing file, a scene without camera error with Blender's own reason."""
    got, lines = render(program, job(**change), [1])

    assert got == code
    assert reason in lines.reason(got)
    assert lines.rendered == []


def test_no_script_of_a_file_ever_ran(program: Program, job: Callable[..., BlenderJob], scenes: Path) -> None:
    """S20: registered texts and drivers stay asleep, and the log says so."""
    _code, lines = render(program, job(blend="trapped.blend"), [1])

    assert not (scenes / "text").exists()
    assert not (scenes / "driver").exists()
    assert any("scripts in the file were not run" in notice for notice in lines.notices)


def pixels(path: str | Path) -> Pixels:
    picture = oiio.ImageBuf(str(path))
    return numpy.asarray(picture.get_pixels(oiio.FLOAT))


def published(program: Program, params: BlenderJob, frames: list[int]) -> list[Path]:
    """The files of a render that has to end well."""
    code, lines = render(program, params, frames)
    assert (code, lines.reason(code)) == (0, "")
    outcome = publish(params, "a1", frames, lines.rendered)
    assert outcome.reason == ""
    return [Path(one.path) for one in outcome.published]


def test_only_the_wanted_view_layer_is_rendered(program: Program, job: Callable[..., BlenderJob]) -> None:
    """Issue 3: the cube is on fg alone; 16 bits and a quality are taken as asked."""
    seen = {}
    for layer in ("fg", "bg"):
        params = job("layers.blend", view_layer=layer, pattern=f"{layer}_##", color_depth=16, format="PNG")
        (file,) = published(program, params, [1])
        seen[layer] = pixels(file)
        assert oiio.ImageBuf(str(file)).spec().get_int_attribute("oiio:BitsPerSample", 16) == 16
    assert seen["bg"][..., :3].std() < 0.01 < seen["fg"][..., :3].std()


def test_tiles_of_a_still_are_the_still(program: Program, job: Callable[..., BlenderJob], tmp_path: Path) -> None:
    """Issue 3: odd sizes, the frame's own number among the parts, one process for all; not one pixel differs."""
    whole = {"resolution_x": 37, "resolution_y": 23, "samples": 2, "format": "PNG", "denoise": False}
    (one,) = published(program, job(**whole), [4])
    parts = published(program, job(**whole, still=4, tiles="3x2", pattern="part_####"), [1, 2, 3, 4, 5, 6])

    assert [part.name for part in parts] == [f"part_000{number}.png" for number in range(1, 7)]
    merged = merge(parts, tmp_path / "merged.png", tiles="3x2")
    assert numpy.array_equal(pixels(merged), pixels(one))
    assert os.listdir(one.parent / ".brender") == []


def test_ranges_of_samples_are_the_still_on_average(
    program: Program, job: Callable[..., BlenderJob], tmp_path: Path
) -> None:
    """Issue 3: three parts of two samples are six samples; what differs is the order of a sum of floats."""
    whole = {"format": "OPEN_EXR", "color_depth": 32, "denoise": False, "resolution_x": 24}
    (one,) = published(program, job(**{**whole, "samples": 6}), [4])
    parts = published(program, job(**{**whole, "samples": 6}, still=4, sample_parts=3, pattern="part_#"), [1, 2, 3])

    merged = merge(parts, tmp_path / "merged.exr", samples=True)
    assert numpy.abs(pixels(merged) - pixels(one)).max() < 1e-5
    assert numpy.abs(pixels(parts[0]) - pixels(parts[1])).max() > 1e-3


def test_a_still_has_no_more_parts_than_it_has(program: Program, job: Callable[..., BlenderJob]) -> None:
    code, lines = render(program, job(still=4, tiles="2x1"), [3])
    assert "parts 1 to 2, and no part 3" in lines.reason(code)


def fake_part(params: BlenderJob, frame: int, data: bytes) -> Path:
    """A part file as attempt a1 would leave it."""
    prepare(params, "a1")
    part = Path(f"{params.output}/.brender/a1.{frame}.part.png")
    part.write_bytes(data)
    return part


GOOD = (Path(__file__).parent.parent / "data" / "frames" / "blender34.png").read_bytes()
TOLD = [Rendered(1, 0.1, 50, 37, "PNG"), Rendered(2, 0.1, 50, 37, "PNG")]


def test_one_bad_frame_keeps_the_whole_chunk_back(job: Callable[..., BlenderJob]) -> None:
    """F29: a render that says success but left half a file publishes nothing; the sweep leaves nothing."""
    params = job()
    fake_part(params, 1, GOOD)
    Path(f"{params.output}/.brender/a1.2.part.png").write_bytes(GOOD[:-20])
    Path(f"{params.output}/.brender/a1.2.9.part.png").write_bytes(b"of another attempt called a1.2")

    outcome = publish(params, "a1", [1, 2], TOLD)

    assert outcome.published == []
    assert outcome.reason.startswith("frame 2 is not whole: ")
    assert publish(params, "a1", [1, 2, 3], TOLD).reason == "1 of 3 frames were not rendered, the first is 3"
    assert sweep(params, "a1") == 2
    assert os.listdir(f"{params.output}/.brender") == ["a1.2.9.part.png"]
    assert publish(params, "a1", [1], TOLD).reason == "frame 1 is not whole: its file is missing"


def test_links_lead_nowhere(job: Callable[..., BlenderJob], tmp_path: Path) -> None:
    """S18: a link as part, as part folder or as output folder is refused, and its target stays as it was."""
    params = job()
    secret = tmp_path / "secret.png"
    secret.write_bytes(GOOD)
    part = fake_part(params, 1, GOOD)
    part.unlink()
    part.symlink_to(secret)
    assert "symbolic link" in publish(params, "a1", [1], TOLD).reason
    part.unlink()
    os.link(secret, part)
    assert "plain file" in publish(params, "a1", [1], TOLD).reason
    part.unlink()
    part.parent.rmdir()
    part.parent.symlink_to(tmp_path)
    with pytest.raises(Invalid, match="link"):
        prepare(params, "a1")
    (tmp_path / "linked").symlink_to(tmp_path)
    with pytest.raises(Invalid, match="link"):
        prepare(job(output=str(tmp_path / "linked")), "a1")
    assert secret.read_bytes() == GOOD
