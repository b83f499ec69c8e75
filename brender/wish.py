"""What somebody who types `brender render` wants, and the steps of the job that does it. Pure: values in, a tree out.

Frames are one step; a still in parts is two, `parts` and `merge`. Scripts, movie and contact sheet are functions of the
workers like any other, so they run where the frames are. It must not know the master or how anything is shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from brender.commands.kinds import loosely
from brender.errors import Invalid
from brender.worker.blender import EXTENSIONS, BlenderJob, final_name, named, parts_of, read_params

STEP = "frames"
MERGED = ("PNG", "OPEN_EXR", "OPEN_EXR_MULTILAYER")  # what the function `merge` writes


class Script(Struct, frozen=True):
    """A function before or after the frames, with its parameters."""

    function: str
    params: list[Any] | dict[str, Any]


class Wish(Struct, frozen=True):
    """What to render and where to; `overrides` are parameters of the Blender function, such as engine or samples."""

    blend: Path
    frames: str
    output: Path
    overrides: dict[str, Any] = field(default_factory=dict)
    project: str = "default"
    priority: int | None = None
    chunk: int | str = 1
    preset: str = ""
    before: tuple[Script, ...] = ()
    after: tuple[Script, ...] = ()
    movie: Path | None = None
    movie_look: dict[str, Any] = field(default_factory=dict)  # codec, fps: what the function `movie` takes beside
    sheet: Path | None = None


def script(words: str) -> Script:
    """`FUNCTION key=value …` or `FUNCTION value …`; values are read as JSON where they are. Raises Invalid."""
    try:
        function, *given = shlex.split(words)
    except ValueError:
        function, given = "", []
    if not function or "=" in function:
        raise Invalid(f"{words!r} is no function with its parameters.", hint="For example --after 'notify to=anna'.")
    pairs = [word.partition("=") for word in given]
    if not all(equals for _, equals, _ in pairs):
        if any(equals and key.isidentifier() for key, equals, _ in pairs):
            raise Invalid(f"{words!r} mixes key=value with plain values.", hint="Write all of them one way.")
        return Script(function, [loosely(word) for word in given])
    if not pairs:
        return Script(function, [])
    return Script(function, {key: loosely(value) for key, _, value in pairs})


def job_of(wish: Wish, name: str, below: Mapping[str, Any]) -> tuple[dict[str, Any], Path | None]:
    """The job as spad's tree has it, and where a still goes. `below` are the parameters of the preset.

    Raises InvalidParams or Invalid for what no worker could render.
    """
    own = {"blend": str(wish.blend), "output": str(wish.output), **wish.overrides}
    whole = named(read_params({**below, **own}), name, STEP)
    if "pattern" in own or "pattern" in below:
        own["pattern"] = whole.pattern  # with its words, as movie and merge have to know it too
    count = parts_of(whole)
    made, still = _parts(wish, own, whole, count) if count else ([_frames(wish, own, wish.frames)], None)
    steps = [*_scripts(wish.before, "before"), *made, *_pictures(wish, whole), *_scripts(wish.after, "after")]
    job: dict[str, Any] = {"name": name, "tasks": steps}
    if wish.priority is not None:
        job["priority"] = wish.priority
    return job, still


def _frames(wish: Wish, params: dict[str, Any], frames: str) -> dict[str, Any]:
    if wish.preset:
        params = {"preset": wish.preset, **params}
    return {"name": STEP, "function": "blender", "frames": frames, "chunk": wish.chunk, "params": params}


def _parts(wish: Wish, own: dict[str, Any], whole: BlenderJob, count: int) -> tuple[list[dict[str, Any]], Path]:
    """A still: its parts into a folder of their own, and what makes one picture of them."""
    # An average of samples is one of light, so those parts are kept in linear light.
    kind = whole.format or ("PNG" if whole.tiles else "OPEN_EXR")
    if kind not in MERGED:
        raise Invalid(f"Parts of a still are not merged as {kind}.", hint=f"Choose one of {', '.join(MERGED)}.")
    if wish.movie is not None or wish.sheet is not None:
        raise Invalid("One still makes no movie and no contact sheet.", hint="Leave --movie and --contact-sheet out.")
    assert whole.still is not None
    still = Path(final_name(whole, whole.still, kind))
    folder, pattern = f"{whole.output.rstrip('/')}/parts", f"{still.stem}_part_####"
    params = {**own, "output": folder, "pattern": pattern, "format": kind}
    merge: dict[str, Any] = {"source": folder, "pattern": pattern, "count": count, "output": str(still)}
    merge |= {"tiles": whole.tiles} if whole.tiles else {"samples": True}
    parts = {**_frames(wish, params, f"1-{count}"), "name": "parts"}
    return [parts, {"name": "merge", "function": "merge", "after": ["parts"], "params": merge}], still


def _pictures(wish: Wish, whole: BlenderJob) -> Iterator[dict[str, Any]]:
    """What is made of all frames when they are there."""
    pattern = f"{whole.pattern}.{EXTENSIONS[whole.format]}" if whole.format else whole.pattern
    for function, target in (("movie", wish.movie), ("contact_sheet", wish.sheet)):
        if target is not None:
            given = {"source": whole.output, "pattern": pattern, "range": wish.frames, "output": str(target)}
            given |= wish.movie_look if function == "movie" else {}
            yield {"name": function, "function": function, "after": [STEP], "params": given}


def _scripts(scripts: tuple[Script, ...], when: str) -> Iterator[dict[str, Any]]:
    """Each in a place of its own: the next waits until it has ended well."""
    for number, one in enumerate(scripts, 1):
        name = when if len(scripts) == 1 else f"{when}-{number}"
        yield {"name": name, "function": one.function, "params": one.params}
