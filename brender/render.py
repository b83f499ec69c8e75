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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brender.blendfile import frame_range
from brender.caller import NoMaster, conversation
from brender.core.frames import AUTO_WORD
from brender.daemon import frames as farm_frames
from brender.errors import BrenderError, Invalid
from brender.pictures.movie import FILES
from brender.pictures.sequence import ending
from brender.watch import Status, succeeded, watch
from brender.wish import Wish, job_of, script
from brender.worker.blender import EXTENSIONS

RANGE_EXPRESSION = "import bpy; s = bpy.context.scene; print('frames=%d-%d' % (s.frame_start, s.frame_end))"
OPENING_SECONDS = 120.0
# Options that are parameters of the Blender function under the same name.
OVERRIDES = (
    "scene", "camera", "view_layer", "pattern", "existing", "still", "tiles", "sample_parts", "engine", "samples",
    "denoise", "percentage", "format", "color_depth", "quality",
)  # fmt: skip


EXAMPLES = """examples:
  brender render shot.blend
      the scene's own frames and settings into ./shot-frames
  brender render shot.blend --preset preview --movie
      a quarter of the size and few samples, and ./shot.mp4 at the end
  brender render shot.blend --frames 1-100 --existing skip
      go on where an earlier render of the same scene and settings stopped
  brender render shot.blend --view-layer fg --camera Cam --scene Main \\
      --pattern '{scene}_{camera}_{layer}_####' --format OPEN_EXR_MULTILAYER
  brender render shot.blend --still 7 --tiles 2x2
      one frame on four slots; --sample-parts 4 shares its samples instead
  brender render shot.blend --before 'fetch shot=010' --after 'notify anna'
      functions of the workers before and after the frames
More: docs/render.md. Presets: brender preset list.
"""


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(
        prog="brender render",
        usage="brender render SCENE.blend [options]",
        description="Render a .blend on the farm. What is left out is as the scene has it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("blend", type=Path, metavar="SCENE.blend", help="a path that the workers see too")
    _add_what(words.add_argument_group("what").add_argument)
    _add_how(words.add_argument_group("how").add_argument)
    _add_job(words.add_argument_group("the job").add_argument)
    return words


def _add_what(add: Callable[..., object]) -> None:
    add("--frames", metavar="RANGE", help="such as 1-100, 1,5,8-12 or 1-100x2")
    add("--still", type=int, metavar="FRAME", help="one frame, in parts on several slots")
    add("--tiles", metavar="CxR", help="its parts: tiles, columns x rows, such as 2x2")
    add("--sample-parts", type=int, metavar="N", help="or N ranges of its samples (Cycles)")
    add("--scene", metavar="NAME", help="of the file, default the one it was saved in")
    add("--camera", metavar="NAME", help="of the scene")
    add("--view-layer", metavar="NAME", help="only this one")
    add("--output", type=Path, metavar="DIR", help="folder of the frames, default ./SCENE-frames")
    add("--pattern", help="file name, default frame_####; it may hold {job} {step} {scene} {camera} {layer}")
    add("--existing", choices=("render", "skip"), help="skip: leave alone what is rendered already")


def _add_how(add: Callable[..., object]) -> None:
    add("--preset", metavar="NAME", help="HD, UHD, half, preview, final or one of the farm's own")
    add("--engine", help="CYCLES, BLENDER_EEVEE or BLENDER_WORKBENCH")
    add("--samples", type=int, metavar="N", help="a pixel")
    add("--denoise", action=argparse.BooleanOptionalAction, help="with Cycles")
    add("--percentage", type=int, metavar="N", help="of the resolution")
    add("--resolution", type=_resolution, metavar="WxH", help="in pixels, such as 1920x1080")
    add("--format", choices=tuple(EXTENSIONS), metavar="FORMAT", help=", ".join(EXTENSIONS))
    add("--color-depth", type=int, choices=(8, 16, 32), help="bits a channel")
    add("--quality", type=int, metavar="N", help="of JPEG, 1 to 100")


def _add_job(add: Callable[..., object]) -> None:
    add("--chunk", type=_chunk, default=1, metavar="N", help="frames a task, default 1; or auto")
    add("--project", default="default", metavar="NAME", help="its project, made if new")
    add("--priority", type=int, metavar="N", help="0 to 100, default 50")
    add("--before", action="append", default=[], metavar="'FUNCTION …'", help="run it first; again for more")
    add("--after", action="append", default=[], metavar="'FUNCTION …'", help="run it when all is there")
    add("--movie", type=Path, nargs="?", const=Path(), metavar="FILE", help="and a movie, default ./SCENE.mp4")
    add("--movie-codec", choices=tuple(FILES), help="h264 (default), prores in .mov, lossless in .mkv")
    add("--fps", type=float, metavar="N", help="of the movie, default the scene's")
    add("--contact-sheet", type=Path, nargs="?", const=Path(), metavar="FILE", help="and all frames on a sheet")
    add("--watch", action=argparse.BooleanOptionalAction, default=True, help="stay until all is done, default")
    add("--json", action="store_true", help="say nothing but one JSON document at the end")
    add("--master", default=os.environ.get("BRENDER_MASTER", ""), metavar="HOST:PORT")


def _resolution(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, such as 1920x1080")
    return int(found[1]), int(found[2])


def _chunk(text: str) -> int | str:
    """A number or a word; which numbers there are is said by the master."""
    return text if text == AUTO_WORD else int(text)


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
    """Make and start the job; the master's words about it ({"id", "name", "tasks", …}). Raises what is refused.

    Of a still in parts, `still` is the picture that will be made of them; `steps` are the job's.
    """
    below = next(conversation(master, "preset.show", {"preset": wish.preset}))["params"] if wish.preset else {}
    name = f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', wish.blend.stem)}-{time.strftime('%m%d-%H%M%S')}-{os.getpid() % 1000:03}"
    job, still = job_of(wish, name, below)
    tree = {"project": {"name": wish.project, "workflows": [job]}}
    made: dict[str, Any] = next(conversation(master, "job.create", {"json": json.dumps(tree), "run": True}))
    found: dict[str, Any] = made["jobs"][0]
    return {**found, "steps": job["tasks"], "still": still}


def told(master: str, job: dict[str, Any], status: Status, output: Path) -> list[str]:
    """The last words about a job: how many frames, where they are, or why some are not."""
    done, total = status["progress"]["done"], status["progress"]["total"]
    lines = [f"{done} of {total} tasks done. Frames: {output}"]
    if not succeeded(status):
        why = next(conversation(master, "task.list", {"job": job["id"], "state": "failed", "limit": 1}))["tasks"]
        lines += [f"Job {job['name']} is {status['state']}."]
        lines += [f"Task {one['task']} (frames {one['frames']}): {one['reason']}" for one in why if one["reason"]]
        lines += [f"All that failed: brender task list {job['id']} failed. Again: brender job requeue {job['id']}"]
    return lines


def _render(given: argparse.Namespace) -> int:
    wish = _wish(given)
    since = time.time() - 1.0  # clocks of file servers are seldom exact
    job = submit(given.master, wish)
    steps, still = job.pop("steps"), job.pop("still")
    if not given.json:
        what = f"frame {given.still} of {wish.blend} in parts" if still else f"frames {wish.frames} of {wish.blend}"
        print(f"Job {job['name']} (id {job['id']}): {what} in {job['tasks']} tasks.", flush=True)
        _warn(given.master, [step["function"] for step in steps])
    if not given.watch:
        return _say(given.json, {"job": job, "output": str(wish.output)}, [f"Watch it: brender job watch {job['id']}"])
    status = watch(given.master, {"job": job["id"]}, quiet=given.json)
    document: dict[str, Any] = {"job": status, "output": str(wish.output), "frames": _files(wish.output, since)}
    lines = told(given.master, job, status, wish.output)
    for key, words, path in (("still", "Still", still), ("movie", "Movie", wish.movie), ("sheet", "Sheet", wish.sheet)):
        if path is not None and succeeded(status):
            document[key] = str(path)
            lines.append(f"{words}:  {path}")
    _say(given.json, document, lines)
    return 0 if succeeded(status) else 1


def _wish(given: argparse.Namespace) -> Wish:
    """Raises Invalid for what cannot be, before anything is sent."""
    blend = _whole(given.blend)
    if not blend.is_file():
        raise Invalid(f"There is no file {blend}.", hint="Give the path of a .blend.")
    if given.still is not None and given.frames:
        raise Invalid("--still is one frame, --frames are many.", hint="Leave one of them out.")
    overrides = {key: getattr(given, key) for key in OVERRIDES if getattr(given, key) is not None}
    if given.resolution:
        overrides["resolution_x"], overrides["resolution_y"] = given.resolution
    return Wish(
        blend,
        given.frames or (scene_frames(blend) if given.still is None else str(given.still)),
        _whole(given.output or Path(f"{blend.stem}-frames")),
        overrides,
        given.project,
        given.priority,
        given.chunk,
        given.preset or "",
        tuple(map(script, given.before)),
        tuple(map(script, given.after)),
        _movie(given, blend),
        _movie_look(given),
        _beside(given.contact_sheet, f"{blend.stem}-sheet.jpg"),
    )


def _movie(given: argparse.Namespace, blend: Path) -> Path | None:
    """Where the movie goes. Raises Invalid when its codec does not go into a file of that name."""
    endings = FILES[given.movie_codec or "h264"]
    found = _beside(given.movie, f"{blend.stem}{endings[0]}")
    if found is not None:
        ending(found, endings)
    return found


def _movie_look(given: argparse.Namespace) -> dict[str, Any]:
    look = {"codec": given.movie_codec, "fps": given.fps}
    found = {key: value for key, value in look.items() if value is not None}
    if found and given.movie is None:
        raise Invalid("--movie-codec and --fps are of a movie.", hint="Say --movie, too.")
    if not 0.1 <= found.get("fps", 24.0) <= 1000:
        raise Invalid(f"--fps {given.fps:g} is not between 0.1 and 1000.", hint="Without it: as the scene has it.")
    return found


def _beside(path: Path | None, name: str) -> Path | None:
    """Where a movie or a sheet goes; an option without a word means this folder and this name."""
    return None if path is None else _whole(path if path.name else Path(name))


def _whole(path: Path) -> Path:
    """The same file by a path that workers take: from the root, and without `..`, which no parameter may hold.

    Links stay as they are named, since other machines may follow them elsewhere; but `..` behind a link means the
    folder that the link leads to.
    """
    return path.resolve() if ".." in path.parts else path.absolute()


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


def _warn(master: str, functions: list[str]) -> None:
    """A job that nobody can take is no mistake, but whoever waits for it should know."""
    workers = next(conversation(master, "worker.show", {"workers": "all"}))["workers"]
    offered = {name for one in workers if one["presence"] == "online" for name in one["functions"]}
    for name in dict.fromkeys(functions):
        if name not in offered:
            what = "render" if name == "blender" else f"run {name}"
            print(f"No worker that is online can {what}, so the job waits. On such a machine start: brender client")


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
