"""Is this frame worth a look? Black, one colour, broken pixels, unlike its neighbours: warnings, never a verdict.

Nobody knows what a frame should show, so nothing here fails a task; every sentence names the frame, what was seen and
what to do next. Pure: it must not know files; `brender/pictures` measures, `daemon/manifest.py` remembers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

THUMBS: Final = ".brender/thumbs"
THUMB_PIXELS: Final = 320  # the longer side of a thumbnail
# Two steps of an 8-bit picture: dithering makes one of them out of black. A float picture is linear, so it is finer.
FLAT: Final = 2 / 255
FLAT_LINEAR: Final = FLAT / 12.92
NEAR: Final = 3  # frames apart: what is farther off may show anything
SIZES: Final = 6  # how many neighbours make a median, SIZES frames to each side
LEAST_SIZES: Final = 3
TIMES: Final = 3.0  # as many times the median, or a part of it
SMALL: Final = 4096  # bytes: below that a size says little
NOTE_CHARS: Final = 280
AGAIN: Final = "look at it, `task retry … --again` renders it anew"


class Wish(Struct, frozen=True):
    """Asked of the reader of pictures: measure this file and make its thumbnail."""

    output: str
    file: str  # its name in `output`
    thumb: int = THUMB_PIXELS


class Measured(Struct, frozen=True, omit_defaults=True):
    """What the reader saw. `low`, `high`: per channel, colours first; a `problem` means that nothing was seen."""

    width: int = 0
    height: int = 0
    mean: float = 0.0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    nan: int = 0  # pixels that are not a number
    infinite: int = 0
    linear: bool = False
    problem: str = ""


class Near(Struct, frozen=True):
    """What is remembered of a frame, for comparison; `mean` is None where nobody measured it."""

    frame: int
    bytes: int
    mean: float | None = None


def broken(frame: int, seen: Measured) -> str:
    """What no picture may be, also not a part of one; empty when it is whole."""
    if seen.problem:
        return f"frame {frame} could not be looked at ({seen.problem}): open it, `task retry … --again` renders it anew"
    if seen.nan or seen.infinite:
        kinds = [f"{seen.nan} NaN"] * bool(seen.nan) + [f"{seen.infinite} infinite"] * bool(seen.infinite)
        return f"frame {frame} has {' and '.join(kinds)} pixels: look for a division by zero in its materials"
    return ""


def alone(frame: int, seen: Measured) -> str:
    """What is odd about one frame by itself; empty when nothing is."""
    words = broken(frame, seen)
    if words:
        return words
    limit = FLAT_LINEAR if seen.linear else FLAT
    if not seen.high or any(high - low > limit for low, high in zip(seen.low, seen.high, strict=True)):
        return ""
    if max(seen.high[:3]) <= limit:
        return f"frame {frame} is all black: check its camera and lights, then `task retry … --again`"
    return f"frame {frame} is all one colour: check its camera, then `task retry … --again`"


def beside(frames: Iterable[int], known: Iterable[Near]) -> dict[int, str]:
    """Which frames are unlike their neighbours, by size or by brightness; `frames` are the new ones among `known`.

    An old frame may be named too: with its second neighbour it can be judged at last.
    """
    by_frame = {one.frame: one for one in known}
    new = set(frames)
    found = {}
    for frame in sorted(new & by_frame.keys()):
        words = _size(by_frame[frame], by_frame)
        if words:
            found[frame] = words
    beyond = {frame + step for frame in new for step in range(-NEAR, NEAR + 1)}
    for frame in sorted(beyond & by_frame.keys()):
        words = _mean(by_frame[frame], by_frame, new)
        if words:
            found[frame] = words
    return found


def note(words: Sequence[str]) -> str:
    """All warnings of an attempt as one line, cut to what a result carries."""
    kept = list(words)
    while len(kept) > 1 and len(_line(kept, len(words))) > NOTE_CHARS:
        kept.pop()
    return _line(kept, len(words))[:NOTE_CHARS] if kept else ""


def _line(kept: Sequence[str], total: int) -> str:
    more = f"; and {total - len(kept)} more warnings" if total > len(kept) else ""
    return "; ".join(kept) + more


def _size(one: Near, known: Mapping[int, Near]) -> str:
    sides = [one.frame + step for step in range(-SIZES, SIZES + 1) if step]
    sizes = [known[frame].bytes for frame in sorted(sides, key=lambda n: abs(n - one.frame)) if frame in known][:SIZES]
    if len(sizes) < LEAST_SIZES or max(sizes) > 2 * min(sizes):
        return ""
    middle = sorted(sizes)[len(sizes) // 2]
    if abs(one.bytes - middle) < SMALL or middle / TIMES <= one.bytes <= middle * TIMES:
        return ""
    return f"frame {one.frame} has {one.bytes} bytes, its neighbours about {middle}: {AGAIN}"


def _mean(one: Near, known: Mapping[int, Near], new: set[int]) -> str:
    before = next((known[n] for n in range(one.frame - 1, one.frame - 1 - NEAR, -1) if n in known), None)
    after = next((known[n] for n in range(one.frame + 1, one.frame + 1 + NEAR) if n in known), None)
    if before is None or after is None or not {before.frame, one.frame, after.frame} & new:
        return ""
    if before.mean is None or one.mean is None or after.mean is None:
        return ""
    apart = abs(before.mean - after.mean)
    most = max(before.mean, one.mean, after.mean)
    off = abs(one.mean - (before.mean + after.mean) / 2)
    if apart > 0.05 * most or off < 0.25 * most or off < 4 * apart or off < FLAT:
        return ""
    than = "darker" if one.mean < before.mean else "brighter"
    return f"frame {one.frame} is much {than} than frames {before.frame} and {after.frame}: {AGAIN}"
