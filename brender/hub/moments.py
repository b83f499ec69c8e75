"""What changes too often for the feed: states of tasks, what workers carry, how far jobs are, what channels measure.

For those who listen now, and only to who names the topic: `*` leaves them out. What moved is gathered over turns and
told at most PER_SECOND times a second, encoded once; while nobody listens nothing is gathered. Such events are not
kept: after a reconnect, ask task.grid and farm.mirror anew. It must not decide, and it reads the farm only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

import gevent

from brender.commands import workers
from brender.commands.estimate import Slots
from brender.commands.states import job_line
from brender.core.farm import Farm
from brender.hub.links import Link
from brender.hub.writer import Writer
from brender.wire.messages import Notice

STATES, LOADS, PROGRESS, VALUES = "task.states", "worker.load", "job.progress", "channel.values"
TOPICS = (STATES, LOADS, PROGRESS, VALUES)
LAGGED = "farm.lagged"  # as by the feed: load anew
PER_SECOND = 20
MOST_CHANGES = 2000  # of one step at once; when more moved, asking for its grid is cheaper
VALUES_PER_SECOND = 2  # managers send once a second
MOST_VALUES = 2000  # of one event; the others follow in events of their own
LONGEST = 200  # characters, or numbers of a list: what a page shows of one value
WORKER_FIELDS = ("id", "activity", "used", "queued", "warm")
JOB_FIELDS = ("id", "counts", "progress", "remaining")


class Moments:
    """`see` is told of every turn; what it gathers leaves when it is on the disk."""

    def __init__(self, farm: Farm, writer: Writer, links: Mapping[int, Link], seq: Callable[[], int]) -> None:
        self._farm, self._writer, self._links, self._seq = farm, writer, links, seq
        self._listening: dict[str, set[int]] = {topic: set() for topic in TOPICS}  # numbers of links
        self._moved: dict[int, set[int] | None] = {}
        self._busy: set[int] = set()
        self._due = False
        self._measured: set[int] = set()  # channels
        self._chosen: frozenset[int] | None = frozenset()  # those that anybody listens to; None: all
        self._behind: set[int] = set()  # links that had no room for some of it

    def heed(self, link: Link) -> None:
        """The topics of a session are others now."""
        for topic, numbers in self._listening.items():
            if topic in link.topics and link.number in self._links:
                numbers.add(link.number)
            else:
                numbers.discard(link.number)
        self._behind.discard(link.number)
        choices = [self._links[number].channels for number in self._listening[VALUES]]
        some = [choice for choice in choices if choice is not None]
        self._chosen = frozenset().union(*some) if len(some) == len(choices) else None

    def see(self, moved: Mapping[int, set[int] | None], busy: set[int]) -> None:
        """A turn moved these tasks by step (None: many at once) and changed what these workers carry."""
        if not (moved or busy) or not any(self._listening.values()):
            return
        for step, tasks in moved.items():
            known = self._moved.setdefault(step, set())
            if known is None or tasks is None:
                self._moved[step] = None
            else:
                known |= tasks
        self._busy |= busy
        if not self._due:
            self._due = True
            gevent.spawn_later(1 / PER_SECOND, self._tell)

    def measured(self, channels: Set[int]) -> None:
        """These channels have newer values than before. They are no change of the farm and wait for no commit."""
        heard = channels if self._chosen is None else channels & self._chosen
        if not heard:
            return
        if not self._measured:
            gevent.spawn_later(1 / VALUES_PER_SECOND, self._tell_values)
        self._measured.update(heard)

    def _tell_values(self) -> None:
        latest = self._farm.latest
        found = [[channel, *latest[channel]] for channel in sorted(self._measured & latest.keys())]
        self._measured = set()
        for channel in found:
            if isinstance(channel[2], str | list):
                channel[2] = channel[2][:LONGEST]
        told: dict[frozenset[int] | None, set[int]] = {}  # links by what they chose
        for number in self._listening[VALUES]:
            told.setdefault(self._links[number].channels, set()).add(number)
        for choice, numbers in told.items():
            some = found if choice is None else [one for one in found if one[0] in choice]
            for at in range(0, len(some), MOST_VALUES):
                self._send(VALUES, {"values": some[at : at + MOST_VALUES]}, numbers)

    def _tell(self) -> None:
        """Say what has changed since the last time, as it is now; it leaves behind the turns that made it so."""
        self._due = False
        moved, self._moved = self._moved, {}
        busy, self._busy = self._busy, set()
        said: list[tuple[str, dict[str, Any]]] = []
        if self._listening[STATES]:
            said += [(STATES, self._states(step, tasks)) for step, tasks in moved.items() if step in self._farm.tasks]
        if self._listening[LOADS] and (loads := self._loads(busy)):
            said.append((LOADS, {"workers": loads}))
        if self._listening[PROGRESS] and (jobs := self._progress(moved)):
            said.append((PROGRESS, {"jobs": jobs}))
        if said:
            self._writer.after(lambda: self._send_all(said))

    def _states(self, step: int, moved: set[int] | None) -> dict[str, Any]:
        tasks = self._farm.tasks[step]
        if moved is None or len(moved) > MOST_CHANGES:
            return {"step": step, "changes": [], "anew": True}
        there = [index for index in moved if index < len(tasks)]
        return {"step": step, "changes": [[index, tasks.states[index], tasks.took(index)] for index in there]}

    def _loads(self, busy: set[int]) -> list[dict[str, Any]]:
        farm = self._farm
        found = []
        for worker_id in busy & farm.workers.keys():
            line = workers.line(farm, farm.workers[worker_id])
            jobs = {farm.steps[attempt.step_id].job_id for attempt in farm.loads[worker_id].live.values()}
            found.append({**{name: line[name] for name in WORKER_FIELDS}, "jobs": sorted(jobs)})
        return found

    def _progress(self, moved: Mapping[int, set[int] | None]) -> list[dict[str, Any]]:
        farm = self._farm
        jobs = {farm.steps[step].job_id for step in moved if step in farm.steps}
        slots: Slots = {}
        lines = (job_line(farm, farm.jobs[job], slots) for job in sorted(jobs))
        return [{name: line[name] for name in JOB_FIELDS} for line in lines]

    def _send_all(self, said: list[tuple[str, dict[str, Any]]]) -> None:
        for topic, data in said:
            self._send(topic, data, self._listening[topic])

    def _send(self, topic: str, data: dict[str, Any], numbers: Set[int]) -> None:
        notice = Notice(self._seq(), topic, data)
        encoded: dict[str, bytes] = {}
        for number in numbers:
            link = self._links[number]
            if not link.has_room:
                self._behind.add(number)
            elif number in self._behind:
                self._behind.discard(number)
                link.say(Notice(self._seq(), LAGGED, {"lost": 1}), {})
            else:
                link.say(notice, encoded)
