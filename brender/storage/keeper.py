"""The buffer and the archive as one: take samples in, move them on, answer questions, say how it is.

Each method says on which of three threads it is called: in, on, ask. Nothing here starts a thread or waits for anybody
but a disk or a database. It must not know who sends, or which channels there are.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Lock
from typing import Any

from brender.disk import StoreBroken, StoreRefused
from brender.errors import BrenderError
from brender.storage import postgres, sqlite
from brender.storage.archive import Archive
from brender.storage.buffer import Buffer
from brender.storage.engine import Away, Engine
from brender.storage.forgetting import forget_some
from brender.storage.ranges import Answer, Query, answer, oldest
from brender.storage.terms import Terms
from brender.wire.readings import Columns

log = logging.getLogger("brender.storage")

RATE_SECONDS = 60.0
FORGET_EVERY = 60.0  # seconds between two looks for what is too old or too much


class Keeper:
    """Readings in a data directory. `now` gives seconds since the epoch; `owner` is whose readings these are."""

    def __init__(self, buffer: Buffer, archive: Archive, terms: Terms, now: Callable[[], float]) -> None:
        self.trouble = ""  # why what waits does not get to the database; empty when all is well
        self.refusing = ""  # why nothing is taken in at the moment
        self.set_aside = ""  # where a damaged database is now
        self.taken = 0  # samples since the start
        self._buffer, self._archive, self._terms, self._now = buffer, archive, terms, now
        self._asking = Lock()
        self._met = Event()  # the database was spoken to once, with or without success
        self._recently: deque[tuple[float, int]] = deque()
        self._looked = 0.0
        self._since = now()

    # ---- in: one thread

    def keep(self, batches: Sequence[Columns]) -> None:
        """Take samples in: on return they survive a power cut. Raises Busy: none of them was. Call it every second."""
        now = self._now()
        try:
            self._buffer.append(batches, now)
        except BrenderError as error:
            if not self.refusing:
                log.warning("no readings are taken in: %s", error.sentence())
            self.refusing = error.sentence()
            raise
        if not batches:
            return
        if self.refusing:
            log.warning("readings are taken in again")
            self.refusing = ""
        count = sum(columns.count for columns in batches)
        self.taken += count
        self._recently.append((now, count))

    @property
    def oldest(self) -> float:
        """Seconds since the epoch before which samples were forgotten: older ones are not taken in any more."""
        by_age = self._now() - self._terms.raw.seconds
        return max(by_age, self._archive.parts.horizons["raw"] * 3600.0)

    # ---- on: one thread

    def tend(self) -> bool:
        """Move what is closed, seal what is over, forget what is too old; for a while. True: there is more to do."""
        try:
            return self._guarded()
        finally:
            self._met.set()

    def _guarded(self) -> bool:
        try:
            with self._asking if self._archive.alone else contextlib.nullcontext():
                more = self._tend()
        except StoreBroken as error:
            return self._begin_anew(error)
        except BrenderError as error:
            if error.sentence() != self.trouble:
                log.warning("readings wait for the database: %s", error.sentence())
            self.trouble = error.sentence()
            return False
        except Exception as defect:
            log.exception("readings could not be moved")
            self.trouble = f"A defect of brender: {type(defect).__name__}: {defect}"
            return False
        if self.trouble:
            log.warning("the database takes readings again")
            self.trouble = ""
        return more

    def _tend(self) -> bool:
        now, terms = self._now(), self._terms
        parts = self._archive.parts
        parts.prepare()
        waiting = self._buffer.oldest()
        if waiting is not None:
            self._archive.move(self._buffer.name, waiting.number, waiting.tails, waiting.others, now)
            self._buffer.forget(waiting)
            parts.engine.tidy(idle=False)
            return True
        end = time.monotonic() + terms.slice_seconds
        while self._archive.seal_some(now, terms):
            if time.monotonic() > end:
                parts.engine.tidy(idle=False)
                return True
        if now - self._looked < FORGET_EVERY:
            return False
        while forget_some(parts, now, terms):
            if time.monotonic() > end:
                parts.engine.tidy(idle=False)
                return True
        self._looked = now
        parts.engine.tidy(idle=True)
        return False

    def _begin_anew(self, error: StoreBroken) -> bool:
        """A damaged database is kept under another name and a new one begun: no farm stops for its readings."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self._now()))
        try:
            with self._asking:
                self.set_aside = self._archive.set_aside(stamp)
        except OSError as failed:
            self.trouble = f"{error.message} It cannot be put aside: {failed}."
            log.error("%s", self.trouble)
            return False
        log.error("%s It is now %s; a new one is begun.", error.message, self.set_aside)
        return True

    # ---- ask: any thread, one at a time

    def answer(self, query: Query) -> Answer:
        """What is known of a stretch of time. Raises Invalid, TooSlow, Away and of disk.py what the database says."""
        self._met.wait(self._terms.longest_answer)
        with self._asking:
            if not self._archive.parts.met:
                raise StoreRefused(
                    f"The readings cannot be asked for now. {self.trouble}".strip(), hint="Try again in a moment."
                )
            try:
                return self._answer(query)
            except Away:  # the connection was lost since the last question; the next use makes a new one
                return self._answer(query)

    def _answer(self, query: Query) -> Answer:
        recent = self._buffer.recent(query.channel)  # before the database is looked at: what is moved now is seen twice
        return answer(self._archive.asking, query, recent, self._archive.parts.horizons, self._terms.longest_answer)

    def status(self) -> dict[str, Any]:
        """How it is, from memory: for `farm status` and `reading stats`."""
        now = self._now()
        while self._recently and self._recently[0][0] < now - RATE_SECONDS:
            self._recently.popleft()
        span = min(RATE_SECONDS, max(1.0, now - self._since))
        since = self._buffer.since
        count = self._archive.parts.count
        waiting = self._buffer.count(count.moved.get(self._buffer.name, 0))
        return {
            "engine": self._archive.asking.name,
            "samples": count.kinds["raw"]["samples"] + waiting,
            "bytes": sum(one["bytes"] for one in count.kinds.values()) + self._buffer.size,
            "rate": round(sum(count for _, count in list(self._recently)) / span, 1),
            "waiting": waiting,
            "lag": round(now - since, 3) if since is not None else 0.0,
            "refusing": self.refusing,
            "trouble": self.trouble,
            "set_aside": self.set_aside,
        }

    def stats(self) -> dict[str, Any]:
        """The same, with each kind, the oldest sample and what the disk says; it may wait for the database."""
        found = {**self.status(), "kinds": self._archive.parts.count.kinds, "buffer_bytes": self._buffer.size}
        found["dropped"] = self._archive.dropped
        with self._asking:
            if self._archive.parts.met:
                with self._archive.asking.reading(self._terms.longest_answer):
                    found["oldest"] = oldest(self._archive.asking)
                    found["disk_bytes"] = self._archive.asking.size()
        return found

    def close(self) -> None:
        """Close the files. What waits is moved at the next start. All three threads must have ended."""
        self._buffer.close()
        with contextlib.suppress(BrenderError):
            self._archive.close()


def open_keeper(
    directory: Path, owner: str, database: str = "", terms: Terms | None = None, now: Callable[[], float] = time.time
) -> Keeper:
    """The readings of a data directory, in `readings.db` there or in PostgreSQL by URL; the database is met later."""
    terms = terms or Terms()
    engines: tuple[Engine, Engine] = postgres.engines(database) if database else sqlite.engines(directory / sqlite.FILE)
    return Keeper(Buffer(directory / "readings", terms, now()), Archive(*engines, owner), terms, now)
