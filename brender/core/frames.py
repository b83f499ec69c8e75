"""Frame ranges: `1-100`, `1,5,8-12`, `1-100x2`, `10-1x-1`, `-5--1`, `1-100:8`, and how they are cut into tasks.

A range of a million frames is one arithmetic progression here, never a list. It knows no step and no task state.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import overload

from brender.errors import Invalid

MOST_FRAMES = 1_000_000
MOST_INTERLEAVED = 100_000  # frames of one interleaved range, which is no progression any more
_PART = re.compile(r"\s*(-?\d{1,18})(?:\s*(?:-|\.\.)\s*(-?\d{1,18})(?:\s*([x:])\s*(-?\d{1,18}))?)?\s*")
_FARTHEST = 999_999_999  # the highest number of a frame, above and below 0: more than any renderer takes


class Frames(Sequence[int]):
    """The frames of a step in order, as few progressions; indexable and countable without being expanded."""

    __slots__ = ("_ends", "parts")

    def __init__(self, parts: Sequence[range]) -> None:
        self.parts = tuple(parts)
        self._ends = list(accumulate(len(part) for part in parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        part = bisect_right(self._ends, index)
        before = self._ends[part - 1] if part else 0
        return self.parts[part][index - before]

    def __iter__(self) -> Iterator[int]:
        for part in self.parts:
            yield from part


@lru_cache(maxsize=256)
def parse(text: str) -> Frames:
    """Frames from text; each frame counts once, at its first place.

    Raises Invalid naming the part that does not parse, an empty range, or more than MOST_FRAMES frames.
    """
    parts: list[range] = []
    for word in text.split(","):
        parts += _parts(word, text)
    total = sum(len(part) for part in parts)
    if total > MOST_FRAMES:
        raise Invalid(f"Frames {text!r} are {total} frames; a step holds {MOST_FRAMES} at the most.", hint="Split it.")
    if any(max(abs(part[0]), abs(part[-1])) > _FARTHEST for part in parts):
        raise Invalid(f"Frames {text!r}: a frame's number has up to 9 digits.", hint="Write smaller numbers.")
    if _may_overlap(parts):
        parts = _distinct(parts)
    return Frames(parts)


def _parts(word: str, text: str) -> list[range]:
    match = _PART.fullmatch(word)
    if match is None:
        raise Invalid(
            f"Frames {text!r}: {word.strip()!r} is no frame or range.",
            hint="Write 1-100, 1,5,8-12, 1-100x2, 10-1x-1 or 1-100:8.",
        )
    first = int(match[1])
    last = int(match[2]) if match[2] is not None else first
    step = int(match[4]) if match[4] is not None else 1
    if step == 0:
        raise Invalid(f"Frames {text!r}: a step of 0 never ends.", hint="Write x1, x2, …")
    if match[3] == ":":
        return _interleaved(first, last, step, text)
    found = range(first, last + (1 if step > 0 else -1), step)
    if not found:
        raise Invalid(
            f"Frames {text!r}: {word.strip()!r} holds no frame.",
            hint="Write the smaller number first, or a negative step.",
        )
    return [found]


def _interleaved(first: int, last: int, step: int, text: str) -> list[range]:
    """`1-10:5`: every fifth frame, then every second, then all, each once: 1 6 3 5 7 9 2 4 8 10."""
    if abs(last - first) >= MOST_INTERLEAVED:
        raise Invalid(
            f"Frames {text!r}: an interleaved range has up to {MOST_INTERLEAVED} frames.",
            hint=f"Write {first}-{last} and give the step order=nth:{abs(step)}.",
        )
    if (step > 0) != (last >= first) and last != first:
        raise Invalid(
            f"Frames {text!r}: {first}-{last}:{step} holds no frame.",
            hint="Write the smaller number first, or a negative step.",
        )
    end, sign, stride = last + (1 if step > 0 else -1), 1 if step > 0 else -1, abs(step)
    passes = []
    while stride:
        passes.append(range(first, end, sign * stride))
        stride //= 2
    return _distinct(passes)


def _may_overlap(parts: list[range]) -> bool:
    spans = sorted((min(part[0], part[-1]), max(part[0], part[-1])) for part in parts)
    return any(left[1] >= right[0] for left, right in pairwise(spans))


def _distinct(parts: list[range]) -> list[range]:
    """The same frames without repetition, folded back into few progressions."""
    order = list(dict.fromkeys(frame for part in parts for frame in part))
    folded: list[range] = []
    start = 0
    while start < len(order):
        end = start + 1
        step = order[end] - order[start] if end < len(order) else 1
        while end < len(order) and order[end] - order[end - 1] == step:
            end += 1
        folded.append(range(order[start], order[end - 1] + (1 if step > 0 else -1), step))
        start = end
    return folded


AUTO = 0  # a chunk of this size: a task is one frame, and how many run in one process is decided when they start
AUTO_WORD = "auto"


def task_count(frames: str, chunk: int) -> int:
    """How many tasks a step has: one without frames, else one for each chunk of frames."""
    if not frames:
        return 1
    return -(-len(parse(frames)) // (chunk or 1))


def frames_of(frames: Frames, chunk: int, index: int) -> list[int]:
    """The frames of task `index`: `chunk` of them, fewer in the last task, one where it is AUTO."""
    chunk = chunk or 1
    return frames[index * chunk : min((index + 1) * chunk, len(frames))]


def in_words(numbers: Sequence[int]) -> str:
    """`[1,2,3,7]` as `1-3,7`: how a person would write the frames of one task."""
    words: list[str] = []
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1:
            words.append(str(numbers[start]) if i - start == 1 else f"{numbers[start]}-{numbers[i - 1]}")
            start = i
    return ",".join(words)
