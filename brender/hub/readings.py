"""The master's way for readings: looked at once, handed to a thread, answered when they are on the disk.

Nothing of it goes through the core or waits on the hub's greenlet. When more waits than may, batches are sent back:
their senders keep them, and the farm goes on. It must not know files or SQL (storage/), or what a channel is.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence, Set
from typing import Any

import gevent
from gevent.event import Event
from gevent.threadpool import ThreadPool
from msgspec import Struct
from msgspec.structs import asdict

from brender.commands.calls import AskReadings, KeepReadings
from brender.core.farm import Farm
from brender.errors import BrenderError, Busy, Invalid
from brender.hub.links import Link
from brender.hub.writer import guarded
from brender.storage.keeper import Keeper
from brender.storage.questions import Question, told
from brender.storage.sift import sift
from brender.wire.packed import frame
from brender.wire.readings import SAVED, UNSAVED, Batch, Columns, Refused, Saved, Unsaved, columns_of

log = logging.getLogger("brender.readings")

MOST_WAITING = 2_000_000  # samples between the hub and the disk: 40 MB
AGAIN = 5.0  # seconds after which a sender may try again
TICK = 1.0  # seconds
TREND = 24  # numbers that are kept of each channel, for spark lines
PAUSE = 0.0002  # seconds between two batches: after sleep(0) gevent comes back up to 50 times before it sees a timer

Answer = Callable[[Any], None]
Sample = tuple[int, float, Any]  # channel, seconds since the epoch, value


class Taken(Struct, eq=False):
    """Samples on their way to the disk; `done` is called once, with why they are not there (empty: they are)."""

    columns: Columns
    done: Callable[[str], None]


class Readings:
    """Owns a keeper: nobody else touches it between construction and `close`. `now` is what the clock on the wall says:
    samples have the times of their machines, which no master carried along while it slept."""

    def __init__(self, keeper: Keeper, farm: Farm, now: Callable[[], float]) -> None:
        self._keeper, self._farm, self._now = keeper, farm, now
        self._heard: deque[tuple[Link, Batch]] = deque()  # batches that nobody has looked at
        self._waiting: deque[Taken] = deque()
        self._samples = 0  # in both, and in the write under way
        self.heed: Callable[[list[Sample]], None] | None = None  # gets what alarm rules look at
        self.told: Callable[[Set[int]], None] | None = None  # gets the channels that have new values
        self._news, self._wake = Event(), Event()
        self._over = Event()
        self._in, self._on, self._asking = ThreadPool(1), ThreadPool(1), ThreadPool(1)
        work = (self._look_for_ever, self._keep_for_ever, self._tend_for_ever)
        self._greenlets = [gevent.spawn(one) for one in work]

    # ---- what the hub calls; nothing here waits

    def hear(self, link: Link, batch: Batch) -> None:
        """A worker's batch. It is answered `saved` when it is on the disk, or `unsaved` when it has to come again."""
        if self._samples > MOST_WAITING:
            self._say(link, UNSAVED, Unsaved(batch.batch, self._too_much(), AGAIN))
            return
        self._samples += _count(batch)
        self._heard.append((link, batch))
        self._news.set()

    def put(self, act: KeepReadings, answer: Answer) -> None:
        """Samples of a command."""
        if self._samples > MOST_WAITING:
            raise Busy(self._too_much())
        columns, refused = self._sifted(act.columns)
        named = [(act.names.get(channel, str(channel)), why, count) for channel, why, count in refused]

        def done(why: str) -> None:
            if why:
                answer(Busy(f"The readings are not saved. {why}"))
            else:
                answer({"saved": columns.count, "refused": [*act.refused, *named]})

        self._samples += columns.count
        self._take(columns, done)

    def answer(self, act: AskReadings) -> dict[str, Any]:
        """What a question is answered; its greenlet waits for a thread. Raises what the storage refuses with."""
        if act.question is None:
            found, error = self._asking.apply(guarded, (self._keeper.stats,))
        else:
            found, error = self._asking.apply(guarded, (self._answered, act.question))
        if error is not None:
            raise error
        return {**act.about, **found}

    def status(self) -> dict[str, Any]:
        """What `farm status` says of the storage."""
        return {**self._keeper.status(), "queued": self._samples}

    def close(self) -> None:
        """Write what waits, then close the files."""
        self._over.set()
        self._news.set()
        self._wake.set()
        gevent.joinall(self._greenlets)
        for pool in (self._in, self._on, self._asking):
            pool.join()
            pool.kill()
        self._keeper.close()

    # ---- on the hub

    def _sifted(self, columns: Columns) -> tuple[Columns, list[Refused]]:
        return sift(columns, self._unknown, self._now(), self._keeper.oldest)

    def _unknown(self, channels: Set[int]) -> Set[int]:
        return channels - self._farm.channels.keys()

    def _note(self, columns: Columns) -> None:
        """The latest value of each channel; what comes late changes nothing."""
        latest = self._farm.latest
        found: dict[int, tuple[float, Any]] = dict(
            zip(columns.channels, zip(columns.times, columns.values, strict=True), strict=True)
        )
        for channel, at, value in columns.others:
            if channel not in found or found[channel][0] <= at:
                found[channel] = (at, value)
        for channel, reading in found.items():
            known = latest.get(channel)
            if known is None or known[0] <= reading[0]:
                latest[channel] = reading
                if isinstance(reading[1], float):
                    self._farm.trends.setdefault(channel, deque(maxlen=TREND)).append(reading[1])
        if found and self.told is not None:
            self.told(found.keys())

    def _judge(self, columns: Columns) -> None:
        """Samples of channels under an alarm rule, as they came; whose channels are under none costs no walk."""
        watched = self._farm.watched()
        if not watched or self.heed is None:
            return
        taken = zip(columns.channels, columns.times, columns.values, strict=True)
        found: list[Sample] = [one for one in taken if one[0] in watched]
        found += [(channel, at, value) for channel, at, value in columns.others if channel in watched]
        if found:
            self.heed(found)

    def _take(self, columns: Columns, done: Callable[[str], None]) -> None:
        self._note(columns)
        self._judge(columns)
        self._waiting.append(Taken(columns, done))
        self._wake.set()

    def _too_much(self) -> str:
        return f"{self._samples} samples wait for the disk already."

    def _look_for_ever(self) -> None:
        """One batch, then everybody else's turn: a flood of readings must not make the farm late."""
        while not self._over.is_set():
            self._news.wait()
            self._news.clear()
            while self._heard:
                link, batch = self._heard.popleft()
                self._look(link, batch)
                gevent.sleep(PAUSE)

    def _look(self, link: Link, batch: Batch) -> None:
        try:
            columns, refused = self._sifted(columns_of(batch))
        except Invalid as error:  # for good: it will be no better when it comes again
            self._samples -= _count(batch)
            self._say(link, SAVED, Saved(batch.batch, [(0, error.message, 0)]))
            return
        self._samples += columns.count - _count(batch)

        def done(why: str) -> None:
            if why:
                self._say(link, UNSAVED, Unsaved(batch.batch, why, AGAIN))
            else:
                self._say(link, SAVED, Saved(batch.batch, refused))

        self._take(columns, done)

    @staticmethod
    def _say(link: Link, method: str, said: Saved | Unsaved) -> None:
        link.send(frame([{"method": method, "params": asdict(said)}]))

    # ---- greenlets that wait for threads

    def _keep_for_ever(self) -> None:
        while not (self._over.is_set() and not self._waiting):
            self._wake.wait(TICK)
            self._wake.clear()
            taken = list(self._waiting)
            self._waiting.clear()
            batches = [one.columns for one in taken if one.columns.count]
            _, error = self._in.apply(guarded, (self._keeper.keep, batches))
            self._samples -= sum(one.columns.count for one in taken)
            why = error.sentence() if isinstance(error, BrenderError) else str(error or "")
            if error is not None and not isinstance(error, Busy):
                log.error("readings are not kept: %s", why, exc_info=error)
            for one in taken:
                one.done(why if one.columns.count else "")

    def _tend_for_ever(self) -> None:
        while not self._over.is_set():
            more, error = self._on.apply(guarded, (self._keeper.tend,))
            if error is not None or not more:
                self._over.wait(TICK)

    def _answered(self, question: Sequence[Any]) -> dict[str, Any]:
        """On the asking thread, so that the hub gets plain columns."""
        asked = Question(*question)
        found: dict[str, Any] = asdict(told(asked.channel, self._keeper.answer(asked.query())))
        return found


def _count(batch: Batch) -> int:
    return len(batch.channels) // 4 + len(batch.others)
