"""Real Blender, tiny frames: order → argv → part files → check → published, and Blender's own reasons."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from brender.daemon.frames import RUNNER, find_program, prepare, publish, sweep
from brender.errors import Invalid
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


@pytest.fixture(scope="module")
def program() -> Program:
    found = find_program()
    assert found is not None, "install blender, or the wheel: brender's extra `blender`"
    return found


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files: the orrery, one with traps and without a camera, one with Freestyle scripts."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "trap.py").write_text(TRAPPED)
    for script, argument in ((ORRERY, folder / "orrery.blend"), (folder / "trap.py", folder)):
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
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
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


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "OPEN_EXR"])
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
