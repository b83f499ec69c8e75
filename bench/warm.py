"""One-frame tasks of a light scene: open Blenders against `blender -a`, on one slot and on two, and a process a frame.

The file is our orrery, small, saved with its settings, so that all three render the same. The gap between two frames is
what the open Blender itself waited for its next request, read from the attempts' logs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from bench.farm import ROOT, Broken, Line, child, cpu, farm
from bench.table import Report, Row, share

LIMIT = 900.0  # seconds for one job
SIZE = (400, 225, 5)  # pixels and samples: about 0.3 s a frame on two cores
SMALLER = """
import bpy, sys
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y, scene.cycles.samples = map(int, sys.argv[-4:-1])
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""


def warm(report: Report, quick: bool) -> None:
    """240 frames each for the open Blender and `-a`, and a fifth of them, which is enough, for a process a frame."""
    if shutil.which("blender") is None:
        raise Broken("There is no blender on PATH.")
    count = 60 if quick else 240
    few = max(10, count // 5)
    with farm() as made:
        scene = _scene(made.directory, count)
        made.master()
        # Before and after: what else the machine does then weighs on both sides.
        before, spent = _animation(made.directory, scene, [(1, count)])
        open_, gaps, burnt = _job(made, scene, count, "warm", 1)
        whole = (before + _animation(made.directory, scene, [(1, count)])[0]) / 2
        halves = [(1, count // 2), (count // 2 + 1, count)]
        before, _ = _animation(made.directory, scene, halves)
        pair, _, _ = _job(made, scene, count, "pair", 2)
        apart = (before + _animation(made.directory, scene, halves)[0]) / 2
        cold, _, _ = _job(made, scene, few, "cold", 1, "--cold")
    each, ratio = cold / few, open_ / whole
    what = f"{count} one-frame tasks, one slot"
    report.add(
        Row(f"{what}; blender -a", f"{open_:.1f} s", f"{whole:.1f} s", f"{ratio:.2f}", "≤ 1.0 × its time", ratio <= 1)
    )
    what = f"{count} one-frame tasks, two slots; two blender -a of half each"
    ratio = pair / apart
    report.add(Row(what, f"{pair:.1f} s", f"{apart:.1f} s", f"{ratio:.2f}", "≤ 1.0 × its time", ratio <= 1))
    what, times = f"{count} one-frame tasks, one slot", each / (open_ / count)
    report.add(
        Row(
            f"{what}; a process a frame",
            f"{open_ / count * 1000:.0f} ms each",
            f"{each * 1000:.0f} ms each",
            f"{times:.2f}",
            "≥ 4 × faster",
            times >= 4,
        )
    )
    report.ceiling(f"idle gap between frames, p50 of {len(gaps)}", share(gaps, 0.5), "ms", 5)
    report.note(f"processor time for the {count} frames: open Blender {burnt:.1f} s, blender -a {spent:.1f} s")
    report.note(f"idle gap between frames: p99 {share(gaps, 0.99):.1f} ms, worst {max(gaps):.1f} ms")


def _scene(directory: Path, frames: int) -> Path:
    big, small = directory / "orrery.blend", directory / "small.blend"
    script = directory / "smaller.py"
    script.write_text(SMALLER)
    orrery = str(ROOT / "brender" / "scenes" / "orrery.py")
    start = ["blender", "-b", "--factory-startup"]
    for words in (
        [*start, "-P", orrery, "--", str(big), str(frames)],
        [*start, str(big), "-P", str(script), "--", *map(str, SIZE), str(small)],
    ):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return small


def _animation(directory: Path, scene: Path, parts: list[tuple[int, int]]) -> tuple[float, float]:
    """Seconds of one Blender a part, all at once, on the wall and of the processor; cores are shared out evenly."""
    words = ["blender", "-b", "--factory-startup", str(scene), "-o", str(directory / "a" / "####")]
    words += ["-t", str(max(1, len(os.sched_getaffinity(0)) // len(parts)))]
    begin, before = time.monotonic(), os.times()
    running = [
        subprocess.Popen([*words, "-s", str(first), "-e", str(last), "-a"], stdout=subprocess.DEVNULL)
        for first, last in parts
    ]
    if any(one.wait() for one in running):
        raise Broken("blender -a failed.")
    took, after = time.monotonic() - begin, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return took, spent


def _job(made: Any, scene: Path, frames: int, name: str, slots: int, *more: str) -> tuple[float, list[float], float]:
    """Seconds from the submit to the end of all its frames, the gaps in ms, and the processor time of its processes."""
    worker = made.worker(slots, None, *more)
    line = Line(made.port, LIMIT)
    line.ask("farm.subscribe", topics=["job.ended"])
    params = {"blend": str(scene), "output": str(made.directory / name)}
    begin = time.monotonic()
    asked = line.send("job.create", name=name, function="blender", params=params, frames=f"1-{frames}", run=True)
    line.until_ended(line.wait(asked)["jobs"][0]["id"])
    took = time.monotonic() - begin
    line.close()
    burnt = _processor(child(worker.pid))
    made.end(worker)
    found = len(list((made.directory / name).glob("*.png")))
    if found != frames:
        raise Broken(f"{found} of {frames} frames are there: {made.said('worker1')}")
    return took, _gaps(made.directory / "worker1" / "logs"), burnt


def _processor(guardian: int) -> float:
    """Seconds of processor time of all that a guardian started, running or ended."""
    running = Path(f"/proc/{guardian}/task/{guardian}/children").read_text().split()
    return cpu(guardian, children=True) + sum(cpu(int(pid)) for pid in running)


def _gaps(logs: Path) -> list[float]:
    """Milliseconds that an open Blender waited before each request but its first."""
    found: list[float] = []
    for log in logs.glob("*.log"):
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith('brender: {"event": "taken"'):
                told = json.loads(line.removeprefix("brender: "))
                found += [told["idle"] * 1000] if told["place"] > 1 else []
    return found
