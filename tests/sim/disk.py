"""The master's disk: group commit with a delay, and a power cut that takes what was not synced.

Rows are kept as the values of Changes; a start loads them through the store's own SQL and brender.rebuild.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peewee import SqliteDatabase

from brender import models
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.rebuild import rebuild
from brender.statements import statements

from .clockwork import Act, Clockwork

Rows = dict[tuple[str, int], Change]


class Loader:
    """One database in memory for all loads of a process: made once, emptied before each use."""

    def __init__(self) -> None:
        self._database = SqliteDatabase(":memory:")
        self._database.connect()
        models.create(self._database)
        self._connection: Any = self._database.connection()

    def load(self, rows: Rows, sequence: dict[str, int], epoch: int) -> Farm:
        run = self._connection.execute
        for table in models.COLUMNS:
            run(f'DELETE FROM "{table}"')
        run("UPDATE sequence SET last = 0")
        run("UPDATE farm SET epoch = ?", (epoch,))
        for sql, values in statements(rows):
            run(sql, values)
        for table, last in sequence.items():
            run("UPDATE sequence SET last = ? WHERE name = ?", (last, table))
        return rebuild(self._connection)


LOADER = Loader()


class Disk:
    """What survives a master. `submit` calls back once the changes are durable, in the order of submission."""

    def __init__(self, clock: Clockwork, committed: Callable[[list[Change]], None], early: bool = False) -> None:
        self.rows: Rows = {}
        self.sequence: dict[str, int] = {}
        self.epoch = 0
        self.slow = 0.0  # seconds more for each commit
        self._clock = clock
        self._committed = committed
        self._early = early  # the seeded defect: answers leave before the commit
        self._waiting: list[tuple[list[Change], Act]] = []
        self._flying: list[tuple[list[Change], Act]] = []
        self._life = 0

    @property
    def idle(self) -> bool:
        return not self._waiting and not self._flying

    def submit(self, changes: list[Change], then: Act) -> None:
        if self._early:
            then()
            self._waiting.append((changes, _nothing))
        else:
            self._waiting.append((changes, then))
        self._begin()

    def _begin(self) -> None:
        if self._flying or not self._waiting:
            return
        self._flying, self._waiting = self._waiting, []
        if not any(changes for changes, _ in self._flying):
            self._finish(self._life)
            return
        life = self._life
        delay = self._clock.chance.uniform(0.001, 0.01) + self.slow
        self._clock.after(delay, lambda: self._finish(life))

    def _finish(self, life: int) -> None:
        if life != self._life:
            return
        batch, self._flying = self._flying, []
        self._apply(batch)
        for _, then in batch:
            then()
        self._begin()

    def _apply(self, batch: list[tuple[list[Change], Act]]) -> None:
        for changes, _ in batch:
            if changes:
                for change in changes:
                    self._write(change)
                self._committed(changes)

    def _write(self, change: Change) -> None:
        key = (change.table, change.id)
        self.sequence[change.table] = max(self.sequence.get(change.table, 0), change.id)
        if change.op == "put":
            self.rows[key] = change
            return
        self.rows.pop(key, None)
        if change.table == "step":
            for other in [k for k, row in self.rows.items() if k[0] == "attempt" and row.values[1] == change.id]:
                del self.rows[other]

    def crash(self) -> None:
        """What was being written may be whole or not be at all; what waited is lost; nobody is called back."""
        self._life += 1
        if self._flying and self._clock.chance.random() < 0.5:
            self._apply(self._flying)
        self._flying, self._waiting = [], []

    def load(self) -> Farm:
        """A master starts: a new epoch, and the farm that the rows describe."""
        self.epoch += 1
        return self.mirror()

    def mirror(self) -> Farm:
        return LOADER.load(self.rows, self.sequence, self.epoch)


def _nothing() -> None:
    return None
