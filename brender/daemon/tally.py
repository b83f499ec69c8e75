"""What the tasks of this worker come to: frames and seconds, for the channels of the driver `render`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import psutil

from brender.worker.world import Turn

MINUTES: Final = 5  # over which frames a minute are counted
MIB: Final = 1 << 20


class Tally:
    """`count` is told every turn of the duty, before what is over is forgotten; `values` is called by a thread.

    `samples` says how many a render took of a pixel, by its attempt.
    """

    def __init__(self, samples: Callable[[int], int | None]) -> None:
        self._samples_of = samples
        self._sizes: dict[int, float] = {}  # frames of an attempt that was launched
        self._done: deque[tuple[float, float]] = deque(maxlen=10_000)
        self._frames = 0.0
        self._last: float | None = None
        self._samples: float | None = None
        self._peak: float | None = None
        self._since = time.monotonic()

    def count(self, turn: Turn) -> None:
        """Launches give the frames, results say which are done."""
        for launch in turn.launch:
            members = launch.members or (launch.attempt,)
            share = max(1, len(launch.call.frames)) / len(members)
            self._sizes.update(dict.fromkeys(members, share))
        for result in turn.keep:
            frames = self._sizes.pop(result.attempt, 1)
            if result.memory_mb:
                self._peak = float(result.memory_mb)
            if result.state == "success0":
                samples = self._samples_of(result.attempt)
                self._samples = float(samples) if samples else self._samples
                self._frames += frames
                self._last = result.seconds / frames
                self._done.append((time.monotonic(), frames))
        for attempt in turn.over:
            if len(self._sizes) > 10_000:
                self._sizes.pop(attempt, None)

    def values(self) -> dict[str, Any]:
        """Frames a minute are of the last minutes, or of its life where that is shorter."""
        now = time.monotonic()
        span = min(now - self._since, MINUTES * 60.0)
        done = sum(frames for at, frames in list(self._done) if now - at <= span)
        return {
            "frames_per_minute": 60.0 * done / max(span, 1.0),
            "frame_seconds": self._last,
            "frames": self._frames,
            "samples": self._samples,
            "task_memory": _memory_of_children() / MIB,
            "peak_memory": self._peak,
        }


def _memory_of_children() -> float:
    """Bytes that all descendants of this process have in memory."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.Error:
            continue  # it has just ended
    return total
