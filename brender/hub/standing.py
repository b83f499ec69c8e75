"""How far running tasks are: told by workers, kept in memory while they run, passed on to who listens.

Such events are for those who listen now: they are not numbered and not kept, so a busy farm pushes nothing else out of
the feed. A session that reads slowly misses some. It must not know commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

from brender.core.farm import Farm
from brender.hub.links import Link
from brender.wire.feed import matches
from brender.wire.messages import Notice
from brender.wire.progress import Mark, Marks

TOPIC = "task.progress"
NOTE_CHARS = 120


class Standing:
    """`marks` by attempt; only those of live attempts. `seq` is the number of the newest event of the feed."""

    def __init__(self, farm: Farm, links: Mapping[int, Link], seq: Callable[[], int]) -> None:
        self.marks: dict[int, Mark] = {}
        self._farm, self._links, self._seq = farm, links, seq

    def hear(self, link: Link, said: Marks) -> None:
        """What a worker says of its own live attempts; anything else is passed over."""
        worker = self._farm.sessions.get(link.number)
        listeners = [one for one in self._links.values() if one.has_room and matches(TOPIC, one.topics)]
        for mark in said.attempts:
            attempt = self._farm.attempts.get(mark.attempt)
            if attempt is None or attempt.worker_id != worker or not isfinite(mark.fraction):
                continue
            kept = Mark(mark.attempt, min(1.0, max(0.0, mark.fraction)), mark.note[:NOTE_CHARS])
            self.marks[mark.attempt] = kept
            if listeners:
                data = {
                    "attempt": kept.attempt,
                    "step": attempt.step_id,
                    "task": attempt.task,
                    "worker": worker,
                    "fraction": round(kept.fraction, 4),
                    "note": kept.note,
                }
                for one in listeners:
                    one.send(one.conversation.notice(Notice(self._seq(), TOPIC, data)))

    def forget_ended(self) -> None:
        """Every second: what has ended stands nowhere."""
        for attempt in [one for one in self.marks if one not in self._farm.attempts]:
            del self.marks[attempt]
