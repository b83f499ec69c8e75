"""Open Blenders under a real guardian: what they render, when they stay, what ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gevent.event import Event as Bell
from gevent.socket import wait_read

from brender.daemon.frames import RUNNER, find_program
from brender.daemon.home import Home
from brender.daemon.slots import Slots
from brender.worker.blender import Program, read_params
from brender.worker.functions import Call
from brender.worker.gpus import Gpu
from brender.worker.warm import Terms
from brender.worker.world import Began, Ended, Input, Launch, NotStarted, Orphaned, Published

LIMIT_S = 60.0
ORRERY = Path(RUNNER).parent.parent / "scenes" / "orrery.py"
# Speaks as the runner does; what it does with a request is named by the file it is asked to render.
FAKE = """\
    #!/usr/bin/env python3
    import json, os, sys, time
    def say(event, **facts):
        print("brender: " + json.dumps({"event": event, **facts}), flush=True)
    print("Blender 9.9 (fake)", flush=True)
    megabytes = 100
    for line in sys.stdin:
        ask = json.loads(line)
        kind = os.path.basename(ask["blend"])
        say("taken", request=ask["request"])
        if kind == "crash":
            print("Error: Out of luck", flush=True)
            os.kill(os.getpid(), 11)
        while kind == "hang":
            time.sleep(60)
        if kind == "grow":
            megabytes += 400
        print(len(ask["frames"]), "frames with", sorted(os.environ), "x" * 100_000 if kind == "flood" else "")
        code = {"fail": 4, "broken": 6}.get(kind, 0)
        if code:
            say("failed", text="for this reason")
        sys.stdout.write("half a line ")
        say("done", request=ask["request"], code=code, memory_mb=megabytes, recycle=kind == "broken")
        print("late words", flush=True)
    """
# A camera whose rotation is a constraint on an animated target: after frame_set its last bits differ.
TRACKED = """
import bpy, sys
scene, camera, cube = bpy.context.scene, bpy.data.objects["Camera"], bpy.data.objects["Cube"]
camera.constraints.new("TRACK_TO").target = cube
camera.constraints[0].track_axis, camera.constraints[0].up_axis = "TRACK_NEGATIVE_Z", "UP_Y"
for thing, moves in ((camera, ((1, (7, -7, 5)), (9, (-4, -3, 2)))), (cube, ((1, (0, 0, 0)), (9, (1, 2, 0.5))))):
    for frame, place in moves:
        thing.location = place
        thing.keyframe_insert("location", frame=frame)
scene.frame_current = 7
"""
SMALLER = """
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 2, False
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 48, 32, 100
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""

TWO = (Gpu("nvidia", 0, "GPU-0000-a"), Gpu("nvidia", 1, "GPU-1111-b"))


class Stage:
    """Slots with a listener; every wait has a deadline."""

    def __init__(self, folder: Path, program: Program, terms: Terms) -> None:
        self.folder = folder
        self.told: list[Input] = []
        self._bell = Bell()
        self._last = 0
        self.slots = Slots(Home(folder / "home"), 2, program, self._tell, "127.0.0.1:6000", terms, TWO)
        self.slots.start()

    def _tell(self, inputs: list[Input]) -> None:
        self.told += inputs
        self._bell.set()

    def until(self, found: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not found():
            self._bell.clear()
            assert self._bell.wait(max(0.0, deadline - time.monotonic())), f"not in {LIMIT_S} s: {self.told}"

    def launch(
        self,
        blend: Path | str,
        *frames: int,
        env: dict[str, str] | None = None,
        slot: int = 0,
        gpus: tuple[Gpu, ...] = (),
        **params: object,
    ) -> int:
        """A Blender task; the number of its attempt."""
        self._last += 1
        job = read_params({"blend": str(blend), "output": str(self.folder / "out"), **params})
        about = {"BRENDER_TASK": "3", **(env or {})}
        call = Call("blender", job=job, frames=frames or (1,), env=about)
        self.slots.launch([Launch(self._last, slot, call, gpus)])
        return self._last

    def pid(self, attempt: int) -> int:
        """The process that is at the attempt, or was."""
        found: list[int] = []

        def began() -> bool:
            found[:] = [one.pid for one in self.told if isinstance(one, Began) and one.attempt == attempt]
            return bool(found)

        self.until(began)
        return found[-1]

    def end(self, attempt: int) -> Ended | NotStarted:
        found: list[Ended | NotStarted] = []

        def ended() -> bool:
            found[:] = [one for one in self.told if isinstance(one, Ended | NotStarted) and one.attempt == attempt]
            return bool(found)

        self.until(ended)
        return found[0]

    def end_well(self, attempt: int) -> None:
        ended = self.end(attempt)
        assert isinstance(ended, Ended) and ended.exit_code == 0, self.slots.logs.tail(attempt)

    def run(self, blend: Path | str, *frames: int, **params: object) -> int:
        """The pid that did it well."""
        attempt = self.launch(blend, *frames, **params)  # type: ignore[arg-type]
        self.end_well(attempt)
        self.slots.over(attempt)
        return self.pid(attempt)

    def frame(self, blend: Path, frame: int, **params: object) -> bytes:
        """The pixels of a frame that was published."""
        attempt = self.launch(blend, frame, **params)  # type: ignore[arg-type]
        self.end_well(attempt)
        self.slots.publish(attempt)
        self.until(lambda: Published(attempt) in self.told)
        self.slots.over(attempt)
        return pixels(self.folder / "out" / f"frame_{frame:04d}.png")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Makes a stage, with the fake Blender where no other program is given."""
    made: list[Stage] = []
    path = tmp_path / "blender"
    path.write_text(textwrap.dedent(FAKE).replace("/usr/bin/env python3", sys.executable))
    path.chmod(0o755)

    def make(program: Program | None = None, **terms: float) -> Stage:
        made.append(Stage(tmp_path, program or Program("blender", str(path), "-"), Terms(**terms)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.slots.close()


def pixels(path: Path) -> bytes:
    """Size and picture of a PNG, without the texts (date, render time) that Blender adds."""
    data, at, found = path.read_bytes(), 8, b""
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in (b"IHDR", b"IDAT"):
            found += data[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def gone(pid: int, limit_s: float = LIMIT_S) -> bool:
    """Whether the process ends in time; timers of the slots go on meanwhile."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        wait_read(fd, timeout=limit_s)
    except TimeoutError:
        return False
    finally:
        os.close(fd)
    return True


# ---- real Blender


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "tracked.py").write_text(TRACKED + SMALLER)
    (folder / "smaller.py").write_text("import bpy, sys\n" + SMALLER)
    made = [folder / "orrery.blend", folder / "tracked.blend"]
    start = ["blender", "-b", "--factory-startup"]
    for words in (
        [*start, "-P", str(ORRERY), "--", str(made[0])],
        [*start, str(made[0]), "-P", str(folder / "smaller.py"), "--", str(made[0])],
        [*start, "-P", str(folder / "tracked.py"), "--", str(made[1])],
    ):
        subprocess.run(words, check=True, capture_output=True)
    return made


def cold(blend: Path, frame: int, folder: Path) -> bytes:
    """The frame as Blender's own command line renders it."""
    words = ["blender", "-b", "--factory-startup", str(blend), "-o", f"{folder}/cold_####", "-f", str(frame)]
    subprocess.run(words, check=True, capture_output=True)
    return pixels(folder / f"cold_{frame:04d}.png")


def test_an_open_blender_renders_every_pixel_as_a_cold_one(
    stage: Callable[..., Stage], scenes: list[Path], tmp_path: Path
) -> None:
    """Issue 3, point 4: whatever it rendered before, with whatever overrides."""
    here = stage(find_program())
    for blend in scenes:
        assert here.frame(blend, 5) == cold(blend, 5, tmp_path)
        half = here.frame(blend, 3, percentage=50, samples=1)
        assert here.frame(blend, 2, format="PNG") == here.frame(blend, 2) == cold(blend, 2, tmp_path)
        assert here.frame(blend, 3, percentage=50, samples=1) == half != here.frame(blend, 3)

    pids = [one.pid for one in here.told if isinstance(one, Began)]
    assert len(pids) == 12 and len(set(pids)) == 2  # one process a file


def test_what_fails_in_an_open_blender_ends_that_attempt_only(stage: Callable[..., Stage], scenes: list[Path]) -> None:
    """A wrong name, a stop, a crash: each with its own reason, and the next frame is rendered."""
    here = stage(find_program())
    first = here.launch(scenes[1], 1, camera="Nobody")
    ended = here.end(first)
    assert isinstance(ended, Ended) and ended.exit_code == 5
    assert ended.reason.startswith("no camera 'Nobody' in scene 'Scene'; it has: Camera")
    assert here.run(scenes[1], 2) == here.pid(first)

    stopped = here.launch(scenes[1], *range(1, 2000))
    here.pid(stopped)
    here.slots.signal(stopped, signal.SIGTERM)
    ended = here.end(stopped)
    assert isinstance(ended, Ended) and ended.signal == signal.SIGTERM

    assert here.run(scenes[1], 3) != here.pid(stopped)


# ---- what keeps one and what ends one


def test_one_process_serves_a_slot_and_each_attempt_has_its_own_log(stage: Callable[..., Stage]) -> None:
    """Garbage around the lines, floods and half lines do no harm; what is of one task is not in its environment."""
    here = stage()
    pids = {here.run("/scenes/a", 1), here.run("/scenes/a", 1, 2, 3), here.run("/scenes/a", *range(30_000))}

    assert len(pids) == 1
    logs = [here.slots.logs.read(attempt).decode() for attempt in (1, 2, 3)]
    assert [log.count('"done"') for log in logs] == [1, 1, 1]
    for log, frames in zip(logs, (1, 3, 30_000), strict=True):
        names = "'BRENDER_ATTEMPT', 'BRENDER_GPUS', 'BRENDER_MASTER', 'BRENDER_SITE', 'CUDA_VISIBLE_DEVICES'"
        assert f"{frames} frames with [{names}" in log
        assert "BRENDER_TASK" not in log


@pytest.mark.parametrize("end", ["changed", "other", "frames", "grow", "broken", "env", "command"])
def test_the_next_task_gets_a_new_process_when_the_old_one_cannot_be_kept(
    stage: Callable[..., Stage], tmp_path: Path, end: str
) -> None:
    """The file's content, the path, N frames, memory, a render that failed, the environment, another function."""
    here = stage(frames=4, slack_mb=1)
    blend = tmp_path / (end if end in ("grow", "broken") else "a")
    blend.write_text("1")
    last = here.launch(blend, env={"GPU": "1"})
    here.end(last)
    assert here.pid(here.launch(blend, env={"GPU": "1"})) == here.pid(last) or end in ("broken",)
    here.end(2)
    if end == "changed":
        blend.write_text("22")
    if end == "frames":
        here.run(blend, 1, 2, env={"GPU": "1"})
    if end == "command":
        here.slots.launch([Launch(100, 0, Call("process", ("true",)))])
        here.end(100)

    third = here.launch("/other" if end == "other" else blend, env={"GPU": "2"} if end == "env" else {"GPU": "1"})
    here.end(third)

    assert here.pid(third) != here.pid(2)
    assert gone(here.pid(2))


def test_a_failure_in_words_keeps_the_process(stage: Callable[..., Stage]) -> None:
    here = stage()
    first = here.launch("/fail")
    assert here.end(first) == Ended(first, exit_code=4, reason="for this reason")
    second = here.launch("/fail")
    here.end(second)
    assert here.pid(first) == here.pid(second)


def test_a_blender_without_work_leaves_after_a_while(stage: Callable[..., Stage]) -> None:
    here = stage(idle_s=0.05)
    assert gone(here.run("/a"))
    here.run("/a")


def test_a_crash_is_of_the_attempt_at_hand(stage: Callable[..., Stage]) -> None:
    """7.3: terminated, with the signal and Blender's last error."""
    here = stage()
    attempt = here.launch("/crash")
    ended = here.end(attempt)
    assert isinstance(ended, Ended) and ended.signal == signal.SIGSEGV
    assert ended.reason == "Blender was ended by SIGSEGV before the first frame: Out of luck"
    assert here.run("/a") != here.pid(attempt)


def test_a_task_that_a_dying_process_never_saw_goes_to_a_new_one(stage: Callable[..., Stage]) -> None:
    """It died between two tasks: no attempt is to blame."""
    here = stage()
    pid = here.run("/a")
    os.kill(pid, signal.SIGSTOP)
    second = here.launch("/a")
    assert here.pid(second) == pid
    os.kill(pid, signal.SIGKILL)

    here.end_well(second)
    assert here.pid(second) != pid


def test_a_stop_climbs_its_ladder_on_the_open_process(stage: Callable[..., Stage]) -> None:
    """7.4: soft, then hard; the signals are of the attempt, so they end the process."""
    here = stage()
    here.run("/a")
    stopped = here.launch("/hang")
    os.kill(here.pid(stopped), 0)
    here.slots.signal(stopped, signal.SIGTERM)
    ended = here.end(stopped)
    assert isinstance(ended, Ended) and ended.signal == signal.SIGTERM
    here.slots.signal(stopped, signal.SIGKILL)  # late: there is nobody any more whom it could hit

    assert here.run("/a") != here.pid(stopped)


def test_when_the_guardian_dies_its_blenders_do_and_a_new_one_serves(stage: Callable[..., Stage]) -> None:
    here = stage()
    hanging = here.launch("/hang")
    pid = here.pid(hanging)
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)

    here.until(lambda: Orphaned([hanging]) in here.told)
    assert gone(pid)
    here.run("/a")


def test_what_cannot_start_says_why(stage: Callable[..., Stage]) -> None:
    here = stage(Program("blender", "/no/blender", "-"))
    attempt = here.launch("/a")
    assert here.end(attempt) == NotStarted(attempt, "/no/blender: no such file or directory")


# ---- GPUs and memory


def test_a_blender_with_another_gpu_is_another_one(stage: Callable[..., Stage]) -> None:
    """Issue 3: it sees its own GPU and no other, and goes on with what it has loaded there."""
    here = stage()
    pids = [here.run("/a", gpus=TWO[:1]), here.run("/a", gpus=TWO[:1]), here.run("/a", gpus=TWO[1:])]
    assert pids[0] == pids[1] != pids[2]
    assert "'BRENDER_GPUS', 'BRENDER_MASTER'" in here.slots.logs.read(1).decode()


def test_a_blender_that_only_waits_gives_up_its_gpu_to_a_task_of_another_slot(stage: Callable[..., Stage]) -> None:
    here = stage()
    waits, stays = here.run("/a", gpus=TWO[:1], slot=0), here.run("/a", gpus=TWO[1:], slot=1)
    assert here.run("/a", gpus=TWO[:1], slot=1) not in (waits, stays)
    assert gone(waits)


def test_when_memory_is_short_the_blenders_without_work_go(stage: Callable[..., Stage]) -> None:
    here = stage()
    idle, busy = here.run("/a", slot=0), here.launch("/hang", slot=1)
    works = here.pid(busy)
    assert (here.slots.close_idle(), gone(idle)) == (1, True)
    assert here.slots.close_idle() == 0 and not gone(works, 0.0)


def test_samples_tell_of_output_and_part_files(stage: Callable[..., Stage], tmp_path: Path) -> None:
    here = stage()
    here.run("/a")
    busy = here.launch("/hang")
    pid = here.pid(busy)
    (tmp_path / "out" / ".brender" / f"{busy}.1.part.png").write_bytes(b"x" * 77)
    (first,) = here.slots.samples([(busy, pid)])
    assert (first.attempt, first.written) == (busy, 77)
    here.slots.write(busy, "four")
    (second,) = here.slots.samples([(busy, pid)])
    assert second.printed >= first.printed + 4
