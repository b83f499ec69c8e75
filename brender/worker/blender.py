"""What a Blender task is: its typed parameters, the argv that renders it, and the meaning of the lines it prints.

Pure: it must not know files, processes or the clock. `daemon/runner.py` is the script inside Blender,
`daemon/frames.py` touches the disk, `outputs.py` judges what was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from brender.errors import InvalidParams, nearest
from brender.worker import pattern as pattern_

EXTENSIONS: Final = {
    "PNG": "png",
    "JPEG": "jpg",
    "TIFF": "tif",
    "OPEN_EXR": "exr",
    "OPEN_EXR_MULTILAYER": "exr",
}
DEPTHS: Final = {  # bits a channel that a format can hold
    "PNG": (8, 16),
    "JPEG": (8,),
    "TIFF": (8, 16),
    "OPEN_EXR": (16, 32),
    "OPEN_EXR_MULTILAYER": (16, 32),
}
PART_FOLDER: Final = ".brender"
Path = Annotated[str, msgspec.Meta(min_length=2, max_length=4096, pattern=r"\A(/|[A-Za-z]:[\\/])[^\x00]*\Z")]
Pattern = Annotated[str, msgspec.Meta(max_length=128, pattern=r"\A[^/\\.\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*\Z")]
DataName = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"\A[^\x00]*\Z")]
Pixels = Annotated[int, msgspec.Meta(ge=4, le=65536)]
Tiles = Annotated[str, msgspec.Meta(pattern=r"\A[1-9]\d?x[1-9]\d?\Z")]


class Program(msgspec.Struct, frozen=True):
    """A renderer on this machine: a Blender binary, or a Python that has the bpy wheel."""

    kind: Literal["blender", "bpy"]
    path: str
    runner: str


class BlenderJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of a Blender step. None means: as the .blend says.

    `blend` and `output` are absolute; `percentage` is of the resolution; frames come from the step, not from here.
    With `still` that one frame is rendered in parts, `tiles` of its picture (columns x rows) or ranges of its samples,
    and the step's frames are the numbers of the parts, from 1.
    """

    blend: Path
    output: Path
    pattern: Pattern = "frame_####"
    format: Literal["PNG", "JPEG", "TIFF", "OPEN_EXR", "OPEN_EXR_MULTILAYER"] | None = None
    color_depth: Literal[8, 16, 32] | None = None
    quality: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    engine: Literal["CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH"] | None = None
    samples: Annotated[int, msgspec.Meta(ge=1, le=65536)] | None = None
    denoise: bool | None = None
    percentage: Annotated[int, msgspec.Meta(ge=1, le=400)] | None = None
    resolution_x: Pixels | None = None
    resolution_y: Pixels | None = None
    camera: DataName | None = None
    scene: DataName | None = None
    view_layer: DataName | None = None
    existing: Literal["render", "skip"] = "render"
    still: Annotated[int, msgspec.Meta(ge=-1048574, le=1048574)] | None = None
    tiles: Tiles | None = None
    sample_parts: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None


def read_params(given: Mapping[str, Any]) -> BlenderJob:
    """Foreign parameters → a BlenderJob; InvalidParams names the key and the rule."""
    try:
        job = msgspec.convert(dict(given), BlenderJob)
    except msgspec.ValidationError as error:
        known = BlenderJob.__struct_fields__
        unknown = next((key for key in given if key not in known), "")
        hint = nearest(str(unknown), known) if unknown else ""
        raise InvalidParams(f"Blender parameters: {error}.", hint=hint or f"Known keys: {', '.join(known)}.") from None
    for name in ("blend", "output"):
        # A step out of the folder that somebody agreed to is refused by text here and by O_NOFOLLOW later.
        if ".." in re.split(r"[\\/]", getattr(job, name)):
            raise InvalidParams(f"Blender parameters: {name} may not contain '..'.", hint="Give the plain path.")
    pattern_.check(job.pattern, _own_words(job))
    _check_depth(job)
    _check_parts(job)
    return job


def _check_depth(job: BlenderJob) -> None:
    depth = job.color_depth
    if depth is not None and job.format is not None and depth not in DEPTHS[job.format]:
        held = " or ".join(map(str, DEPTHS[job.format]))
        raise InvalidParams(f"Blender parameters: color_depth of {job.format} is {held} bits, not {depth}.")


def _check_parts(job: BlenderJob) -> None:
    """A still is in parts of one kind, and there are parts only of a still."""
    if job.tiles is not None and job.sample_parts is not None:
        raise InvalidParams(
            "Blender parameters: tiles and sample_parts are two ways to cut one still.", hint="Give one of them."
        )
    if (job.still is None) != (job.tiles is None and job.sample_parts is None):
        raise InvalidParams(
            "Blender parameters: a still in parts takes still and one of tiles, sample_parts.",
            hint='For example {"still": 7, "tiles": "2x2"}; a plain frame needs none of them.',
        )


def parts_of(job: BlenderJob) -> int:
    """How many parts a still is cut into, 0 for a step whose frames are frames."""
    if job.tiles is not None:
        columns, _, rows = job.tiles.partition("x")
        return int(columns) * int(rows)
    return job.sample_parts or 0


def named(params: BlenderJob, job: str, step: str) -> BlenderJob:
    """The same with the words of this job and step, and of its own scene, camera and layer, in its pattern."""
    own = {token: getattr(params, key) or "" for token, key in pattern_.OF_PARAMS.items()}
    return msgspec.structs.replace(params, pattern=pattern_.filled(params.pattern, {"job": job, "step": step, **own}))


def _own_words(job: BlenderJob) -> dict[str, str | None]:
    return {key: getattr(job, key) for key in pattern_.OF_PARAMS.values()}


def part_prefix(params: BlenderJob, attempt: str) -> str:
    """Where an attempt's unfinished frames live: `<output>/.brender/<attempt>`. The attempt makes it unique."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", attempt):
        raise InvalidParams(f"attempt {attempt!r} cannot be part of a file name", hint="Use letters, digits, . _ -")
    return f"{params.output.rstrip('/')}/{PART_FOLDER}/{attempt}"


def part_name(params: BlenderJob, attempt: str, frame: int, file_format: str) -> str:
    """The unfinished file of one frame, as the runner inside Blender names it too."""
    return f"{part_prefix(params, attempt)}.{frame}.part.{EXTENSIONS[file_format]}"


def final_name(params: BlenderJob, frame: int, file_format: str) -> str:
    """The finished file of one frame: `<output>/frame_0007.png`; a negative frame is -007, as Blender writes it."""

    def number(group: re.Match[str]) -> str:
        return f"{frame:0{len(group[0])}d}"

    return f"{params.output.rstrip('/')}/{re.sub('#+', number, params.pattern)}.{EXTENSIONS[file_format]}"


def request(params: BlenderJob, frames: Sequence[int], prefix: str, threads: int = 0) -> dict[str, Any]:
    """What the runner is asked: render `frames` to `<prefix>.<frame>.part.<ext>`; `threads` 0 means all cores."""
    return {
        "blend": params.blend,
        "frames": list(frames),
        "prefix": prefix,
        "threads": threads,
        **{key: getattr(params, key) for key in OVERRIDES if getattr(params, key) is not None},
    }


def command(program: Program, params: BlenderJob, frames: Sequence[int], prefix: str, threads: int = 0) -> list[str]:
    """The argv of a process that answers one request and ends."""
    return _closed(program, msgspec.json.encode(request(params, frames, prefix, threads)).decode())


def serve(program: Program) -> list[str]:
    """The argv of a process that answers requests from its stdin, one a line, until that ends (warm.py)."""
    return _closed(program, "serve")


def _closed(program: Program, word: str) -> list[str]:
    """Blender obeys its arguments in order, so what closes it (-Y: no scripts from the file, factory settings: no
    scripts of a user) stands first, and no path is an argument of its own: a file called `-P x.py` stays a name.
    """
    if program.kind == "bpy":
        return [program.path, "-I", program.runner, "--", word]
    closed = ["-b", "-Y", "--factory-startup", "--python-exit-code", "9"]
    return [program.path, *closed, "-P", program.runner, "--", word]


OVERRIDES: Final = (
    "format",
    "color_depth",
    "quality",
    "engine",
    "samples",
    "denoise",
    "percentage",
    "resolution_x",
    "resolution_y",
    "camera",
    "scene",
    "view_layer",
    "still",
    "tiles",
    "sample_parts",
)


class Rendered(msgspec.Struct, frozen=True):
    """The runner says that one frame lies in its part file. Width and height in pixels, the scene's frames a second."""

    frame: int
    seconds: float
    width: int
    height: int
    format: str
    fps: float = 0.0


class Progress(msgspec.Struct, frozen=True):
    """Where a render stands. Unknown figures are None; `fraction` is of the whole chunk, 0 to 1."""

    frame: int | None
    done: int
    total: int
    sample: int | None = None
    samples: int | None = None
    memory_mb: float | None = None
    remaining_s: float | None = None

    @property
    def fraction(self) -> float:
        inside = self.sample / self.samples if self.sample is not None and self.samples else 0.0
        return min(1.0, (self.done + min(inside, 1.0)) / self.total) if self.total else 1.0


# 3.4-4.x «Fra:7 Mem:20.1M (Peak 20.9M) | Time:00:02.56 | Remaining:00:01.2 | ... | Sample 3/16»,
# 5.x «00:02.123  render  | Fra: 7 | Remaining: 00:01.20 | Mem: 20M | Sample 3/16», EEVEE «Rendering 3 / 64 samples».
_FRAME = re.compile(r"\bFra: ?(-?\d+)\b")
_SAMPLE = re.compile(r"\bSample (\d+)/(\d+)|\bRendering (\d+) / (\d+) samples")
_MEMORY = re.compile(r"\bMem: ?([\d.]+)([KMG])")
_REMAINING = re.compile(r"\bRemaining: ?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_PREFIX = re.compile(r"^\d\d:\d\d(?::\d\d)?\.\d+\s+[\w.]+\s+\|\s*(?:(?:ERROR|FATAL|WARNING)[: ]*)?")
_REASONS = (
    re.compile(r"^(?:RuntimeError: )?Error: (.+)$"),
    re.compile(r"^(?:Fatal|FATAL)[: ]+(.+)$"),
    re.compile(r"^(Cannot (?:read|render|open|write|find|locate).+)$"),
    re.compile(r"^((?:Unable|Failed|Could not|System is out of).+)$"),
    re.compile(r"^((?:MemoryError|ImportError|ModuleNotFoundError|OSError|RuntimeError|Malloc returns null).*)$"),
    re.compile(r"^.*?((?:CUDA|OptiX|HIP|OpenCL|Metal) error.*)$"),
    re.compile(r"^(.*error while loading shared libraries.*)$"),
)
_SIGNALS = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}
_UNITS = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}
_REASON_CHARS = 500


class _Event(msgspec.Struct):
    event: str
    frame: int | None = None
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    format: str = ""
    fps: float = 0.0
    text: str = ""


class BlenderLines:
    """Fed the log of one run line by line; knows its progress, its frames, its notices and why it failed.

    Give it `exit_code` as Popen has it (negative: a signal) when asking for the reason.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.frame: int | None = None
        self.samples: int | None = None  # of a pixel, as it said last
        self.rendered: list[Rendered] = []
        self.notices: list[str] = []
        self._failed = ""
        self._last_error = ""

    def feed(self, line: str) -> Progress | Rendered | None:
        """One line without its newline → news, or None when the line says nothing new."""
        if line.startswith("brender: {"):
            return self._event(line[len("brender: ") :])
        text = _PREFIX.sub("", line).strip()
        for pattern in _REASONS:
            found = pattern.match(text)
            if found:
                self._last_error = found[1][:_REASON_CHARS]
                return None
        frame = _FRAME.search(text)
        return self._stats(int(frame[1]), text) if frame else None

    def reason(self, exit_code: int) -> str:
        """Why it failed, in Blender's own words where it has any; empty when it ended well."""
        if self._failed:
            return self._failed
        where = f" at frame {self.frame}" if self.frame is not None else " before the first frame"
        told = f": {self._last_error}" if self._last_error else ""
        if exit_code < 0:
            return f"Blender was ended by {_SIGNALS.get(-exit_code, f'signal {-exit_code}')}{where}{told}"
        if exit_code:
            return self._last_error or f"Blender ended with exit code {exit_code}{where} and gave no reason"
        if len(self.rendered) < self.total:
            return f"Blender ended well but rendered {len(self.rendered)} of {self.total} frames{told}"
        return ""

    def _stats(self, frame: int, text: str) -> Progress:
        self.frame = frame
        sample = _SAMPLE.search(text)
        memory = _MEMORY.search(text)
        left = _REMAINING.search(text)
        samples = int(sample[2] or sample[4]) if sample else None
        self.samples = samples or self.samples
        return Progress(
            frame,
            len(self.rendered),
            self.total,
            int(sample[1] or sample[3]) if sample else None,
            samples,
            float(memory[1]) * _UNITS[memory[2]] if memory else None,
            int(left[1] or 0) * 3600 + int(left[2]) * 60 + float(left[3]) if left else None,
        )

    def _event(self, text: str) -> Progress | Rendered | None:
        # The log may carry foreign text, so a line that only looks like ours is dropped, never an error.
        try:
            event = msgspec.json.decode(text, type=_Event)
        except msgspec.DecodeError:
            return None
        if event.event == "frame" and event.frame is not None and event.format in EXTENSIONS:
            done = Rendered(event.frame, event.seconds, event.width, event.height, event.format, event.fps)
            self.rendered.append(done)
            return done
        if event.event == "begin":
            self.frame = event.frame
            return Progress(event.frame, len(self.rendered), self.total)
        if event.event == "stats" and event.frame is not None:
            return self._stats(event.frame, event.text)
        if event.event == "notice":
            self.notices.append(event.text[:_REASON_CHARS])
        if event.event == "failed":
            self._failed = event.text.strip()[:_REASON_CHARS]
        return None
