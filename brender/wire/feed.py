"""The farm's events in a bounded ring, numbered, so that a subscriber can ask for what it missed.

It must not know who subscribes or how a notice is encoded; data is kept by reference and never changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from brender.wire.messages import Notice


def matches(topic: str, globs: Iterable[str]) -> bool:
    """Whether a topic such as `worker.lost` is asked for by one of the globs such as `worker.*`."""
    return any(glob == topic or fnmatchcase(topic, glob) for glob in globs)


class Feed:
    """The last `capacity` notices. `first` is the number of the first one this master will publish.

    Give a `first` above every number of the master's earlier lives, and a subscriber can tell that it must
    reload instead of silently missing what happened between.
    """

    def __init__(self, capacity: int, first: int = 1) -> None:
        self._ring: deque[Notice] = deque(maxlen=capacity)
        self._next = first

    @property
    def last(self) -> int:
        """The number of the newest notice (`first - 1` when there is none): where a new subscriber starts."""
        return self._next - 1

    def publish(self, topic: str, data: Any) -> Notice:
        """Number an event and keep it."""
        notice = Notice(self._next, topic, data)
        self._next += 1
        self._ring.append(notice)
        return notice

    def since(self, seq: int, topics: Iterable[str] = ("*",)) -> list[Notice] | None:
        """What was published after `seq` on these topics, oldest first.

        None when some of it is no longer known, or `seq` was never given out: the subscriber must reload.
        """
        oldest = self._next - len(self._ring)
        if not oldest - 1 <= seq < self._next:
            return None
        globs = tuple(topics)
        newer = islice(self._ring, seq + 1 - oldest, None)
        return [notice for notice in newer if matches(notice.topic, globs)]
