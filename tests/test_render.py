"""`brender render`, `job watch` and `logs` in a shell, against a real master, a real worker and a real Blender."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ports import free_port

from brender.caller import NoMaster, conversation
from brender.pictures.movie import ffmpeg

LIMIT_S = 120.0
ROOT = Path(__file__).parent.parent
SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.render.resolution_x = scene.render.resolution_y = 16
scene.frame_start, scene.frame_end = 3, 5
scene.render.fps, scene.render.fps_base = 30, 1.001
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1] + "/tiny.blend", compress=False)
scene.camera = None
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1] + "/blind.blend", compress=True)
"""
# Prints, then waits until somebody writes into the pipe in its working directory's parent.
WAITS = """#!/bin/sh
echo begun
read word < "$1" || exit 13
echo "$word"
"""


class Farm:
    """A master and a worker as processes; `close` ends them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        (folder / "functions").mkdir()
        (folder / "functions" / "waits").write_text(WAITS)
        (folder / "functions" / "waits").chmod(0o755)
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, program: str, *words: str) -> None:
        with (self.folder / f"{program}.log").open("ab") as log:
            command = [sys.executable, "-m", "brender.cli", program, "--data", str(self.folder / program), *words]
            self.children[program] = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def start_master(self) -> None:
        self.start("master", "--listen", self.address)

    def until(self, question: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                if question():
                    return
            except NoMaster:
                pass
            assert time.monotonic() < deadline, (self.folder / "master.log").read_text()
            select.select([], [], [], 0.05)

    def ask(self, method: str, **params: object) -> dict[str, object]:
        found: dict[str, object] = next(conversation(self.address, method, params))
        return found

    def shell(self, *words: str) -> subprocess.Popen[str]:
        """A `brender` command in a directory of its own."""
        here = self.folder / "elsewhere"
        here.mkdir(exist_ok=True)
        env = {**os.environ, "BRENDER_MASTER": self.address, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "brender.cli", *words]
        return subprocess.Popen(
            command,
            cwd=here,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """Its exit code and what it said on stdout and stderr."""
        child = self.shell(*words)
        out, err = child.communicate(timeout=LIMIT_S)
        return child.returncode, out, err

    def close(self) -> None:
        for child in self.children.values():
            child.kill()
            child.wait()


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("farm"))
    made.start_master()
    functions = ("--functions", str(made.folder / "functions"))
    made.start("client", "--master", made.address, "--slots", "1", *functions)
    try:
        made.until(lambda: made.ask("farm.status")["workers"].get("online"))  # type: ignore[attr-defined]
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny.blend renders frames 3 to 5; blind.blend has no camera and is compressed."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "make.py").write_text(SCENE)
    words = ["blender", "-b", "--factory-startup", "-P", str(folder / "make.py"), "--", str(folder)]
    subprocess.run(words, check=True, capture_output=True)
    return folder


def video(movie: Path) -> str:
    """What ffmpeg says of the video stream."""
    said = subprocess.run([ffmpeg(), "-hide_banner", "-i", str(movie)], capture_output=True, text=True, check=False)
    return next(line for line in said.stderr.splitlines() if "Video:" in line)


def test_a_scene_is_rendered_from_any_directory_with_its_own_range(farm: Farm, scenes: Path) -> None:
    """FIELD 1, 22: one command, and the end says where everything is."""
    folder = farm.folder / "elsewhere"
    folder.mkdir(exist_ok=True)
    scene = os.path.relpath(scenes / "tiny.blend", folder)  # through `..`, as a shell completes it
    assert ".." in scene
    words = ("--movie", "--project", "film", "--output", "../elsewhere/tiny-frames")
    code, said, wrong = farm.run("render", scene, *words)

    assert (code, wrong) == (0, "")
    assert "frames 3-5 of" in said and "4 of 4 tasks done" in said
    names = sorted(path.name for path in (folder / "tiny-frames").glob("*.png"))
    assert names == ["frame_0003.png", "frame_0004.png", "frame_0005.png"]
    assert (folder / "tiny.mp4").stat().st_size > 0
    assert f"Movie:  {folder / 'tiny.mp4'}" in said
    assert "29.97 fps" in video(folder / "tiny.mp4")
    job = farm.ask("job.list", limit=1)["jobs"][0]["id"]  # type: ignore[index]
    first, last = (farm.ask("task.history", step=f"{job}/frames", task=task)["attempts"][0] for task in (0, 2))
    assert 50 < first["memory_mb"] < 2000 and 50 < last["memory_mb"] < 2000  # MiB of an open Blender


def test_a_movie_may_be_for_the_cut_and_of_another_rate(farm: Farm, scenes: Path) -> None:
    """Issue 3: ProRes, its rate and the tags of its colours. The ending follows the codec."""
    words = ("--frames", "3-4", "--output", "cut", "--movie", "--movie-codec", "prores", "--fps", "12.5")
    code, said, _ = farm.run("render", str(scenes / "tiny.blend"), *words)
    movie = farm.folder / "elsewhere" / "tiny.mov"

    assert code == 0 and f"Movie:  {movie}" in said
    line = video(movie)
    assert all(word in line for word in ("prores (HQ)", "yuv422p10le(tv, bt709", "12.50 fps"))


def test_a_still_is_rendered_in_tiles_between_two_scripts(farm: Farm, scenes: Path) -> None:
    """Issue 3: tiles over several slots, merged when asked; scripts are functions; a preset lies below."""
    words = ("--still", "4", "--tiles", "2x1", "--preset", "half", "--output", "still", "--json")
    scripts = ("--before", "echo first", "--after", "echo last")
    code, said, wrong = farm.run("render", str(scenes / "tiny.blend"), *words, *scripts)
    still = farm.folder / "elsewhere" / "still" / "frame_0004.png"

    assert (code, wrong) == (0, "")
    document = json.loads(said)
    assert (document["still"], document["frames"]) == (str(still), [str(still)])
    listed = farm.ask("step.list", job=document["job"]["id"])["steps"]
    assert [step["name"] for step in listed] == ["before", "parts", "merge", "after"]  # type: ignore[attr-defined]
    assert still.read_bytes()[16:24] == (8).to_bytes(4, "big") * 2  # half of 16 x 16
    assert len(list((still.parent / "parts").glob("frame_0004_part_*.png"))) == 2


def test_what_is_rendered_already_is_left_alone_when_asked(farm: Farm, scenes: Path) -> None:
    """Issue 3: skip by manifest. A name is not enough: other settings are rendered anew."""
    words = ("render", str(scenes / "tiny.blend"), "--frames", "3-5", "--chunk", "2", "--output", "again", "--json")
    folder = farm.folder / "elsewhere" / "again"
    assert farm.run(*words, "--pattern", "frame_####")[0] == 0
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    (folder / "frame_0004.png").unlink()

    code, said, _ = farm.run(*words, "--existing", "skip")
    job = json.loads(said)["job"]["id"]
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.png")}
    assert code == 0
    assert {name for name, time_ in after.items() if before[name] != time_} == {"frame_0004.png"}
    histories = [farm.ask("task.history", step=job, task=task)["attempts"] for task in (0, 1)]
    assert [found[0]["reason"] for found in histories] == [  # type: ignore[index]
        "skipped 1 of 2 frames: already rendered",
        "skipped: already rendered",
    ]

    assert farm.run(*words, "--existing", "skip", "--samples", "2")[0] == 0
    assert all(path.stat().st_mtime_ns != after[path.name] for path in folder.glob("*.png"))


def test_a_render_that_fails_says_blenders_reason_and_fails(farm: Farm, scenes: Path) -> None:
    """FIELD 25. The range of a compressed file is asked of Blender."""
    code, said, _ = farm.run("render", str(scenes / "blind.blend"))

    assert code == 4
    assert "frames 3-5 of" in said and "no camera" in said and "0 of 3 tasks done" in said


def test_for_programs_the_end_is_one_json_document(farm: Farm, scenes: Path) -> None:
    code, said, _ = farm.run("render", str(scenes / "tiny.blend"), "--frames", "4", "--json", "--output", "only")
    document = json.loads(said)

    assert code == 0
    assert document["job"]["state"] == "success0"
    assert document["frames"] == [str(farm.folder / "elsewhere" / "only" / "frame_0004.png")]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere.blend"], 1, "There is no file"),
        (["tiny.blend", "--frames", "zz"], 1, "no frame or range"),
        (["tiny.blend", "--still", "4", "--tiles", "2x2", "--format", "JPEG"], 1, "not merged as JPEG"),
        (["tiny.blend", "--still", "4", "--frames", "4"], 1, "Leave one of them out"),
        (["tiny.blend", "--frames", "4", "--preset", "previw"], 1, "Did you mean preview?"),
        (["tiny.blend", "--frames", "4", "--samples", "0"], 2, "samples"),
        (["tiny.blend", "--frames", "4", "--before", "a=1"], 1, "no function"),
        (["tiny.blend", "--frames", "4", "--movie", "a.mp4", "--movie-codec", "prores"], 1, "end in .mov"),
        (["tiny.blend", "--frames", "4", "--movie", "a.avi"], 1, "end in .mp4"),
        (["tiny.blend", "--frames", "4", "--fps", "25"], 1, "Say --movie"),
        (["tiny.blend", "--frames", "4", "--movie", "--fps", "nan"], 1, "between 0.1 and 1000"),
        (["tiny.blend", "--frames", "4", "--chunk", "0"], 1, "chunk is auto, or 1"),
        (["tiny.blend", "--frames", "1", "--master", "127.0.0.1:1"], 3, "No master answers"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    farm: Farm, scenes: Path, words: list[str], code: int, said: str
) -> None:
    jobs = farm.ask("job.list")["total"]
    answer = farm.run("render", str(scenes / words[0]), *words[1:])

    assert answer[0] == code and said in answer[2]
    assert farm.ask("job.list")["total"] == jobs


def test_a_job_is_watched_and_its_log_followed_over_a_restart_of_the_master(farm: Farm) -> None:
    """FIELD 4: nobody who waits loses what they wait for."""
    pipe = farm.folder / "go"
    os.mkfifo(pipe)
    made = farm.ask("job.create", name="slow", function="waits", params=[str(pipe)], run=True)
    job = str(made["jobs"][0]["id"])  # type: ignore[index]
    with farm.shell("job", "watch", job) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        with farm.shell("logs", "slow", "-f") as following:
            assert following.stdout is not None
            assert following.stdout.readline() == "begun\n"
            farm.children["master"].kill()
            farm.children["master"].wait()
            farm.start_master()
            farm.until(lambda: farm.ask("farm.status")["workers"].get("online"))  # type: ignore[attr-defined]
            pipe.write_text("go on\n")
            assert following.stdout.read() == "go on\n"
            assert following.wait(LIMIT_S) == 0
        assert watching.wait(LIMIT_S) == 0
        assert "Job slow is success0" in watching.stdout.read()

    code, said, _ = farm.run("task", "history", "slow")
    assert code == 0 and "1 attempt of task slow/waits 0." in said
    assert farm.run("logs", "slow", "--lines", "1")[1] == "go on\n"
    assert json.loads(farm.run("logs", "slow", "--json")[1])["text"] == "begun\ngo on\n"


def test_a_watched_job_that_fails_fails_the_watch(farm: Farm) -> None:
    farm.ask("job.create", name="broken", function="waits", params=["/nowhere"], retries=0, run=True)
    code, said, _ = farm.run("job", "watch", "broken")

    assert code == 4
    assert "What failed: task list" in said
