"""Devices, keys and channels that somebody edits in the database: noticed after some seconds, or by SIGHUP.

SQLite counts the commits of other connections (`PRAGMA data_version`): only then are the rows read and compared. What
the master itself writes meanwhile is no edit: rows count that are of the version that memory had before, and whose
ids memory had not given away. It must not know what is done with a row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from gevent.event import Event

from brender import inventory
from brender.core import events as ev
from brender.core.farm import Farm
from brender.errors import BrenderError
from brender.hub.writer import Writer

log = logging.getLogger("brender.inventory")

Answer = Callable[[Any], None]


class Inventory:
    """`tell(event, answer)` puts an event into the hub's next turn. `every` is in seconds."""

    def __init__(self, farm: Farm, writer: Writer, tell: Callable[[ev.Event, Answer], None], every: float) -> None:
        self._farm, self._writer, self._tell, self._every = farm, writer, tell, every
        self._asked = Event()
        self._seen: Any = None

    def run(self) -> None:
        """For ever: look whether somebody else wrote; read when that is so, or when asked."""
        self._seen = self._writer.call(self._writer.store_commits)
        while True:
            asked = self._asked.wait(self._every)
            self._asked.clear()
            try:
                seen = self._writer.call(self._writer.store_commits)
                if asked or seen != self._seen:
                    self._seen = seen
                    self.read(self._log)
            except BrenderError as error:
                log.warning("the inventory cannot be read: %s", error.sentence())

    def ask(self) -> None:
        """Read at once: SIGHUP."""
        self._asked.set()

    def read(self, answer: Answer) -> None:
        """Compare the rows with the farm and apply what differs; `answer` gets what came of it."""
        known = {(table, row.id): row.version for table in inventory.TABLES for row in self._farm.table(table).values()}
        given = dict(self._farm.next_ids)
        written = Event()
        self._writer.after(written.set)
        written.wait()
        rows, damaged = self._writer.read(inventory.read)
        there = {(table, row.id) for table, row in rows} | {(table, row_id) for table, row_id, _ in damaged}
        changed = [row for table, row in rows if self._edited(table, row, known, given)]
        gone = [key for key, version in known.items() if key not in there and self._version(*key) == version]
        refused = [[f"{table} {row_id}", why] for table, row_id, why in damaged]

        def told(said: Any) -> None:
            answer({**said, "refused": [*refused, *said["refused"]]} if isinstance(said, dict) else said)

        self._tell(ev.Reload(changed, gone, "the database"), told)

    def _edited(self, table: str, row: Any, known: dict[tuple[str, int], int], given: dict[str, int]) -> bool:
        """Whether a row differs from memory by somebody else's doing."""
        version = known.get((table, row.id))
        if version is None:
            return not (given[table] <= row.id < self._farm.next_ids[table]) and self._version(table, row.id) is None
        own = self._farm.table(table).get(row.id)
        return own is not None and own.version == version == row.version and own != row

    def _version(self, table: str, row_id: int) -> int | None:
        row = self._farm.table(table).get(row_id)
        return None if row is None else int(row.version)

    @staticmethod
    def _log(said: Any) -> None:
        if isinstance(said, BrenderError):
            log.error("the inventory was not reloaded: %s", said.sentence())
            return
        for thing, why in said["refused"]:
            log.warning("%s in the database is refused: %s", thing, why)
        counts = {word: len(said[word]) for word in ("added", "changed", "deleted") if said[word]}
        if counts:
            log.info("the database was edited: %s", counts)
