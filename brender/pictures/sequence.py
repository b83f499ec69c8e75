"""The frames of a folder: which there are, which are missing, which is the last. It must not know what is in them."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from brender.core import frames as frames_
from brender.errors import Invalid
from brender.worker.blender import EXTENSIONS

ENDINGS: Final = (*sorted(set(EXTENSIONS.values())), "jpeg", "tiff")
PATTERN: Final = "frame_####"
MANIFEST: Final = ".brender/manifest.jsonl"  # of a folder of frames: a line for each, with its scene's rate
MANIFEST_BYTES: Final = 1 << 20  # of its end
MOST_NAMED: Final = 12


class Sequence(NamedTuple):
    """Numbers and files in order; `missing` are numbers without a file that were asked for or lie between."""

    folder: Path
    frames: list[int]
    paths: list[Path]
    missing: list[int]

    def in_words(self) -> str:
        return f", without {_named(self.missing)}" if self.missing else ""


def sequence(folder: Path, pattern: str = "", words: str = "", holes: bool = False) -> Sequence:
    """The frames of a pattern such as `frame_####` (or `frame_####.exr`); `words` is a range, empty for all there are.

    Missing frames are Invalid, by their numbers, unless `holes` allows them; no frame at all always is.
    """
    found = _files(folder, pattern or PATTERN)
    if words:
        wanted = list(frames_.parse(words))
    else:
        wanted = sorted(found)
        if len(wanted) > 1:
            # Frames 1-100x5 have no holes: the commonest step is the step.
            gaps = [after - before for before, after in pairwise(wanted)]
            step = max(set(gaps), key=lambda gap: (gaps.count(gap), -gap))
            wanted = sorted({*wanted, *range(wanted[0], wanted[-1], step)})
    missing = [frame for frame in wanted if frame not in found]
    frames = [frame for frame in wanted if frame in found]
    if not frames:
        raise Invalid(f"{folder} has no frames called {pattern or PATTERN}.", hint="Give source, pattern and range.")
    if missing and not holes:
        raise Invalid(f"{folder} lacks {_named(missing)}.", hint="Render them, or allow holes=true.")
    return Sequence(folder, frames, [found[frame] for frame in frames], missing)


def rate_of(found: Sequence) -> float:
    """Frames a second of the scene that the newest of these frames is of, by their folder's manifest; 0: not told.

    The lines are data of whoever writes there: what does not fit is passed over.
    """
    names = {path.name for path in found.paths}
    try:
        with open(os.open(found.folder / MANIFEST, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MANIFEST_BYTES))
            lines = file.read(MANIFEST_BYTES).splitlines()
    except OSError:
        return 0.0
    for line in reversed(lines):
        try:
            entry = json.loads(line)
            rate = float(entry["fps"]) if entry["file"] in names else 0.0
        except (ValueError, LookupError, TypeError):
            continue
        if 0.1 <= rate <= 1000:
            return rate
    return 0.0


def copy_last(found: Sequence, output: Path | None) -> tuple[int, Path]:
    """The frame with the highest number, copied to a name that stays: `<folder>/last_frame.<ending>` or `output`."""
    frame, path = max(zip(found.frames, found.paths, strict=True))
    target = output or found.folder / f"last_frame{path.suffix}"
    if target.suffix.lower() != path.suffix.lower():
        raise Invalid(f"{target.name} should end in {path.suffix}, as the frame does.", hint="Nothing is converted.")
    with unfinished(target) as part:
        shutil.copyfile(path, part)
    return frame, target


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A name to write to; the file gets its own name when the block ends well, and is gone when it does not."""
    if not target.parent.is_dir():
        raise Invalid(f"There is no folder {target.parent}.", hint="Make it, or choose another output.")
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def ending(output: Path, allowed: tuple[str, ...]) -> str:
    """The file's ending in small letters; Invalid when it is none of those."""
    found = output.suffix.lower()
    if found not in allowed:
        raise Invalid(f"{output.name} should end in {' or '.join(allowed)}.", hint="Give output such a name.")
    return found


def _files(folder: Path, pattern: str) -> dict[int, Path]:
    number = _matcher(pattern)
    found: dict[int, Path] = {}
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise Invalid(f"Folder {folder} cannot be read: {error.strerror}.") from None
    for name in names:
        frame = number(name)
        if frame is None or not (folder / name).is_file():
            continue
        if frame in found:
            other = found[frame].name
            raise Invalid(f"Frame {frame} is both {other} and {name}.", hint="Say which, for example frame_####.exr.")
        found[frame] = folder / name
    return found


def _matcher(pattern: str) -> Callable[[str], int | None]:
    parts = re.split("(#+)", pattern)
    if len(parts) != 3 or "/" in pattern:
        raise Invalid(f"pattern {pattern!r} needs one group of # for the number.", hint="For example frame_####.")
    before, hashes, after = parts
    known = "." in after and after.rpartition(".")[2].lower() in ENDINGS
    tail = re.escape(after) + ("" if known else rf"\.(?:{'|'.join(ENDINGS)})")
    # A number that is longer than its group is written in full, a negative one has its sign inside the width.
    shape = re.compile(rf"{re.escape(before)}(-?\d+){tail}", re.IGNORECASE)

    def number(name: str) -> int | None:
        match = shape.fullmatch(name)
        if match is None or f"{int(match[1]):0{len(hashes)}d}" != match[1]:
            return None
        return int(match[1])

    return number


def _named(frames: list[int]) -> str:
    told = ", ".join(map(str, frames[:MOST_NAMED]))
    more = f" and {len(frames) - MOST_NAMED} more" if len(frames) > MOST_NAMED else ""
    return f"frame{'s' * (len(frames) > 1)} {told}{more}"
