"""Tells whoever follows how the farm is at a glance, when that has changed: one count for all, in slices of the hub.

It must not know what is counted. Such words are of the moment: they are not numbered and not kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
from msgspec import Struct

from brender.commands.glance import Counting
from brender.commands.text_farm import glance_words
from brender.core.farm import Farm
from brender.hub.links import Link
from brender.wire.messages import Notice

TOPIC = "farm.glance"
EVERY = 1.0  # seconds between two counts
SHARE = 100  # and at least so many times as long as the last one took
PAUSE = 0.005  # seconds between two slices, so that a count is never a stretch of busy hub

Answer = Callable[[Any], None]


class Looking(Struct, eq=False):
    """A session that follows; `said` is what it was told last."""

    link: Link
    answer: Answer
    said: Any = None


class Glances:
    """All sessions that follow. `seq` is the number of the newest event of the feed."""

    def __init__(self, farm: Farm, seq: Callable[[], int]) -> None:
        self._farm, self._seq = farm, seq
        self._looking: list[Looking] = []
        self._counting: gevent.Greenlet | None = None
        self._sums: dict[str, Any] | None = None

    def begin(self, link: Link, answer: Answer) -> None:
        """Tell this session from now on; `answer` is called when it wants no more."""
        self._looking.append(Looking(link, answer))
        if self._sums is not None:
            self._tell()
        if self._counting is None or self._counting.dead:
            self._counting = gevent.spawn(self._count_while_wanted)

    def end(self, link: Link) -> None:
        """The session wants no more."""
        for one in [one for one in self._looking if one.link is link]:
            self._looking.remove(one)
            one.answer({"left": True})

    def gone(self, link: Link) -> None:
        """A connection has ended."""
        self._looking = [one for one in self._looking if one.link is not link]

    def _count_while_wanted(self) -> None:
        while self._looking:
            spent = self._count()
            self._tell()
            gevent.sleep(max(EVERY, SHARE * spent))
        self._sums = None

    def _count(self) -> float:
        """Count once; returns the seconds of the hub it took."""
        counting, spent, began = Counting(self._farm), 0.0, time.monotonic()
        for _ in counting.slices():
            spent += time.monotonic() - began
            gevent.sleep(PAUSE)
            began = time.monotonic()
        self._sums = counting.sums()
        return spent

    def _tell(self) -> None:
        for one in self._looking:
            if one.said != self._sums and one.link.has_room:
                one.said = self._sums
                person = one.link.conversation.kind in ("telnet", "line")
                data = glance_words(self._sums) if person else self._sums
                one.link.send(one.link.conversation.notice(Notice(self._seq(), TOPIC, data)))
