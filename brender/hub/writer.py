"""Group commit: what many turns changed goes to the disk in one transaction, and only then are they answered.

The database is used on one thread of its own, never on the hub: fsync and SQLite's waits must not stop the farm
(FINDINGS F4). It must not know what the changes mean or who waits for them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, MutableSequence
from typing import Any

import gevent
from gevent.event import Event
from gevent.threadpool import ThreadPool
from msgspec import Struct

from brender.core.journal import Change
from brender.store import MANY_CONNECTIONS, Store, StoreBlocked

Done = Callable[[], None]

_MOST_ROWS = 2000  # in one transaction: bounds how long the first of them waits for the last
_IDLE = 1.0  # seconds without a write after which the WAL is emptied


class Waiting(Struct, eq=False):
    """Changes on their way to the disk and whom to tell; one that is not `patient` does not wait for a full disk."""

    changes: list[Change]
    done: Done
    patient: bool = True


class Writer:
    """Owns a store: nobody else may touch it between construction and `close`.

    `on_fatal(error)` is called once, from the writer's greenlet, when the disk cannot be trusted any more; after that
    nothing is acknowledged. `linger` and `soon` are seconds: a commit that follows the last one within `soon` waits
    `linger` for company, but only if the last one had more company than this one has so far.
    """

    def __init__(
        self,
        store: Store,
        on_fatal: Callable[[Exception], None],
        linger: float = 0.002,
        soon: float = 0.005,
        retry: float = 1.0,
    ) -> None:
        self.full = ""  # why nothing is acknowledged at the moment (a full disk); empty when all is well
        self.commits = 0
        self.written = 0  # changes that are on the disk
        self._store = store
        self._on_fatal = on_fatal
        self._linger, self._soon, self._retry = linger, soon, retry
        self._waiting: deque[Waiting] = deque()
        self._rows = 0  # in _waiting and in the commit under way
        self._last_rows = 0
        self._last_end = 0.0
        self._busy = False
        self._unsettled = False  # something was written since the WAL was emptied
        self._wake = Event()
        self._ended = Event()
        self._pool = ThreadPool(1)
        self._reading = ThreadPool(1)
        self._reader: Any = None
        self._greenlet = gevent.spawn(self._run)

    @property
    def waiting(self) -> int:
        """Changes that are not on the disk yet: whoever takes in work looks here and slows down."""
        return self._rows

    def submit(self, changes: list[Change], done: Done) -> None:
        """Write the changes, then call `done`; the calls come in the order of the submits.

        Without changes `done` is called at once, unless earlier ones still wait. `done` must not block.
        """
        self._queue(Waiting(changes, done))

    def after(self, done: Done) -> None:
        """Call `done` when all submits before it are on the disk, or at once while the disk is full: for answers."""
        self._queue(Waiting([], done, patient=False))

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was submitted is on the disk and acknowledged; False when it did not come to that."""
        written = Event()
        self.submit([], written.set)
        gevent.wait([written, self._ended], timeout=timeout, count=1)
        return bool(written.is_set())

    def call(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run `work` on the database's thread and return what it returns: for all that is not a save."""
        result, error = self._pool.apply(guarded, (work, *arguments))
        if error is not None:
            raise error
        return result

    def read(self, query: Callable[..., Any], *arguments: Any) -> Any:
        """Run `query(database, *arguments)` for a report, beside the commits where SQLite allows it."""
        if not MANY_CONNECTIONS:
            return self.call(query, self._store.database, *arguments)
        result, error = self._reading.apply(guarded, (self._read, query, *arguments))
        if error is not None:
            raise error
        return result

    def store_commits(self) -> int:
        """What changes whenever somebody else has written to the database; ask it by `call`."""
        return self._store.commits_of_others()

    def close(self) -> bool:
        """Write what waits, then close the store. False: not all of it could be written."""
        written = self.flush(timeout=10 * self._retry)
        self._ended.set()
        self._wake.set()
        self._greenlet.join()
        try:
            if self._reader is not None:
                self._reading.apply(guarded, (self._reader.close,))
            self.call(self._store.close)
        finally:
            self._reading.kill()
            self._pool.kill()
        return written

    def _queue(self, one: Waiting) -> None:
        if self._ended.is_set():
            return
        idle = not self._waiting and not self._busy
        if not one.changes and (idle or (self.full and not one.patient)):
            one.done()
            return
        self._waiting.append(one)
        self._rows += len(one.changes)
        self._wake.set()

    def _read(self, query: Callable[..., Any], *arguments: Any) -> Any:
        if self._reader is None:
            self._reader = self._store.reader()
        return query(self._reader, *arguments)

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                if self._waiting:
                    self._round()
                    continue
                self._wake.clear()
                if not self._wake.wait(self._retry if self.full else _IDLE if self._unsettled else None):
                    self._settle()
        except Exception as error:
            self._ended.set()
            self._on_fatal(error)

    def _round(self) -> None:
        """One commit and its acknowledgements; the checkpoint comes after them, so that nobody waits for it."""
        if self._rows < self._last_rows and time.monotonic() - self._last_end < self._soon:
            gevent.sleep(self._linger)
        self._busy = True
        taken = self._take()
        changes = [change for one in taken for change in one.changes]
        if not changes or self._saved(changes, taken):
            self._rows -= len(changes)
            self._last_rows, self._last_end = len(changes), time.monotonic()
            for one in taken:
                one.done()
        self._busy = False
        if self._store.checkpoint_due and not self._ended.is_set():
            self._checkpoint(truncate=False)

    def _take(self) -> list[Waiting]:
        taken: list[Waiting] = []
        rows = 0
        while self._waiting and (not rows or rows + len(self._waiting[0].changes) <= _MOST_ROWS):
            taken.append(self._waiting.popleft())
            rows += len(taken[-1].changes)
        return taken

    def _saved(self, changes: list[Change], taken: list[Waiting]) -> bool:
        """Save; while the disk is full keep trying and keep everybody waiting. False only when closed meanwhile."""
        while True:
            try:
                self.call(self._store.save, changes)
            except StoreBlocked as error:
                self.full = error.sentence()
                self._let_go(taken)
                self._let_go(self._waiting)
                if self._ended.wait(self._retry):
                    return False
                continue
            self.full = ""
            self.commits += 1
            self.written += len(changes)
            self._unsettled = True
            return True

    @staticmethod
    def _let_go(queue: MutableSequence[Waiting]) -> None:
        """Nobody who only reads waits for a full disk: `farm status` has to say that it is full."""
        for one in [one for one in queue if not one.patient]:
            queue.remove(one)
            one.done()

    def _settle(self) -> None:
        self._unsettled = False
        self._checkpoint(truncate=True)

    def _checkpoint(self, truncate: bool) -> None:
        try:
            self.call(self._store.checkpoint, truncate)
            self.full = ""
        except StoreBlocked as error:
            self.full = error.sentence()


def guarded(work: Callable[..., Any], *arguments: Any) -> tuple[Any, Exception | None]:
    """gevent prints what a pool's thread raises; returned, it is raised where somebody waits for it."""
    try:
        return work(*arguments), None
    except Exception as error:
        return None, error
