"""`brender render scene.blend`: the shortest way from a file to its frames, from any directory of the machine.

It submits one job with one step, shows a live bar and ends with the paths. `brender demo` ends the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from brender.blendfile import frame_range
from brender.caller import NoMaster, conversation
from brender.daemon import frames as farm_frames
from brender.errors import BrenderError, Invalid
from brender.movie import encode
from brender.watch import Status, succeeded, watch

RANGE_EXPRESSION = "import bpy; s = bpy.context.scene; print('frames=%d-%d' % (s.frame_start, s.frame_end))"
OPENING_SECONDS = 120.0


class Wish(Struct, frozen=True):
    """What to render and where to; `overrides` are parameters of the Blender function, such as engine or samples."""

    blend: Path
    frames: str
    output: Path
    overrides: dict[str, Any] = field(default_factory=dict)
    project: str = "default"
    priority: int | None = None
    chunk: int = 1


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender render", description="Render a .blend on the farm.")
    add = words.add_argument
    add("blend", type=Path, metavar="SCENE.blend", help="a path that the workers see too")
    add("--frames", help="such as 1-100, 1,5,8-12 or 1-100x2; the scene's own range when left out")
    add("--output", type=Path, metavar="DIR", help="where the frames go, default ./SCENE-frames")
    add("--engine", help="CYCLES, BLENDER_EEVEE or BLENDER_WORKBENCH, default the scene's own")
    add("--samples", type=int, help="samples a pixel, default the scene's own")
    add("--percentage", type=int, help="of the scene's resolution")
    add("--format", choices=("PNG", "JPEG", "TIFF", "OPEN_EXR"), help="default the scene's own")
    add("--camera", help="default the scene's own")
    add("--chunk", type=int, default=1, help="frames a task, default 1")
    add("--project", default="default", help="the job's project, made if new")
    add("--priority", type=int, help="0 to 100, default 50")
    add("--watch", action=argparse.BooleanOptionalAction, default=True, help="stay until the last frame, default")
    add("--movie", type=Path, nargs="?", const=Path(), metavar="FILE", help="and a movie, default ./SCENE.mp4")
    add("--json", action="store_true", help="say nothing but one JSON document at the end")
    add("--master", default=os.environ.get("BRENDER_MASTER", ""), metavar="HOST:PORT")
    return words


def main(argv: list[str] | None = None) -> int:
    """0 every frame is there, 1 refused or some failed, 3 no master, 130 Ctrl-C (the job goes on)."""
    given = parser().parse_args(argv)
    try:
        return _render(given)
    except NoMaster as error:
        print(f"brender render: {error}", file=sys.stderr)
        return 3
    except BrenderError as error:
        if given.json:
            print(json.dumps({"error": error.envelope()}, indent=2))
        else:
            print(f"brender render: {error.sentence()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe job goes on without you: brender job list", file=sys.stderr)
        return 130


def submit(master: str, wish: Wish) -> dict[str, Any]:
    """Make and start the job; the master's words about it ({"id", "name", "tasks", …}). Raises what is refused."""
    params = {"blend": str(wish.blend), "output": str(wish.output), **wish.overrides}
    step = {"name": "frames", "function": "blender", "frames": wish.frames, "chunk": wish.chunk, "params": params}
    name = f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', wish.blend.stem)}-{time.strftime('%m%d-%H%M%S')}-{os.getpid() % 1000:03}"
    job = {"name": name, "tasks": [step]} | ({} if wish.priority is None else {"priority": wish.priority})
    tree = {"project": {"name": wish.project, "workflows": [job]}}
    made: dict[str, Any] = next(conversation(master, "job.create", {"json": json.dumps(tree), "run": True}))
    found: dict[str, Any] = made["jobs"][0]
    return found


def told(master: str, job: dict[str, Any], status: Status, output: Path) -> list[str]:
    """The last words about a job: how many frames, where they are, or why some are not."""
    done, total = status["progress"]["done"], status["progress"]["total"]
    lines = [f"{done} of {total} tasks done. Frames: {output}"]
    if not succeeded(status):
        why = next(conversation(master, "task.list", {"job": job["id"], "state": "failed", "limit": 1}))["tasks"]
        lines += [f"Job {job['name']} is {status['state']}."]
        lines += [f"Task {one['task']} (frames {one['frames']}): {one['reason']}" for one in why if one["reason"]]
        lines += [f"All that failed: brender task list {job['id']} failed. Again: brender task retry {job['id']}"]
    return lines


def _render(given: argparse.Namespace) -> int:
    blend = given.blend.absolute()
    if not blend.is_file():
        raise Invalid(f"There is no file {blend}.", hint="Give the path of a .blend.")
    if given.movie is not None and (given.format or "PNG") != "PNG":
        raise Invalid("A movie is made from PNG frames.", hint="Leave --format out.")
    overrides = {key: getattr(given, key) for key in ("engine", "samples", "percentage", "format", "camera")}
    overrides = {key: value for key, value in overrides.items() if value is not None}
    if given.movie is not None:
        overrides["format"] = "PNG"
    output = (given.output or Path(f"{blend.stem}-frames")).absolute()
    frames = given.frames or scene_frames(blend)
    wish = Wish(blend, frames, output, overrides, given.project, given.priority, given.chunk)
    since = time.time() - 1.0  # clocks of file servers are seldom exact
    job = submit(given.master, wish)
    if not given.json:
        print(f"Job {job['name']} (id {job['id']}): frames {frames} of {blend} in {job['tasks']} tasks.", flush=True)
        _warn(given.master)
    if not given.watch:
        return _say(given.json, {"job": job, "output": str(output)}, [f"Watch it: brender job watch {job['id']}"])
    status = watch(given.master, {"job": job["id"]}, quiet=given.json)
    document: dict[str, Any] = {"job": status, "output": str(output), "frames": _files(output, since)}
    lines = told(given.master, job, status, output)
    if succeeded(status) and given.movie is not None:
        movie = given.movie if given.movie.name else Path(f"{blend.stem}.mp4")
        document["movie"] = str(encode(output, movie.absolute()))
        lines.append(f"Movie:  {document['movie']}")
    _say(given.json, document, lines)
    return 0 if succeeded(status) else 1


def scene_frames(blend: Path) -> str:
    """The scene's own range: from the file's first blocks, else from Blender. Raises Invalid: ask for --frames."""
    try:
        found = frame_range(blend)
    except OSError as error:
        raise Invalid(f"{blend} cannot be read: {error.strerror or error}.") from None
    if found is not None:
        return f"{found.first}-{found.last}"
    program = farm_frames.find_program()
    if program is not None and program.kind == "blender":
        words = [program.path, "-b", "-Y", "--factory-startup", str(blend), "--python-expr", RANGE_EXPRESSION]
        try:
            said = subprocess.run(words, capture_output=True, text=True, check=False, timeout=OPENING_SECONDS).stdout
        except (OSError, subprocess.TimeoutExpired):
            said = ""
        for line in said.splitlines():
            if re.fullmatch(r"frames=-?\d+--?\d+", line):
                return line.partition("=")[2]
    raise Invalid(f"Which frames of {blend.name}? Its range could not be read here.", hint="Write --frames 1-100.")


def _warn(master: str) -> None:
    """A job that nobody can take is no mistake, but whoever waits for it should know."""
    workers = next(conversation(master, "worker.show", {"workers": "all"}))["workers"]
    if not any("blender" in one["functions"] for one in workers if one["presence"] == "online"):
        print("No worker that is online can render, so the job waits. On such a machine start: brender client")


def _files(output: Path, since: float) -> list[str]:
    """The frames written since then (seconds since the epoch), as far as this machine sees them."""
    try:
        found = [path for path in output.iterdir() if path.is_file() and path.stat().st_mtime >= since]
    except OSError:
        return []
    return sorted(str(path) for path in found)


def _say(as_json: bool, document: dict[str, Any], lines: list[str]) -> int:
    print(json.dumps(document, indent=2) if as_json else "\n".join(lines), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
