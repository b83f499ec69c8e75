"""The tables of the archive as one thing: which parts there are, what they hold, what was noted; rows in and out.

All changes are made inside `change()`; the counts of samples and bytes follow them and are stored with them. It must
not know what blocks are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from brender.disk import StoreRefused
from brender.storage.engine import Engine, Row, Shape
from brender.storage.tables import (
    BLOCK,
    IN_PARTS,
    KINDS,
    META,
    MINUTE,
    OTHER,
    PART,
    ROW_BYTES,
    UNSEALED,
    WHOLE_TABLES,
    hours_of,
    table_of,
)

_OPEN = (
    f"INSERT INTO {UNSEALED.name} (hour, touched) VALUES (?, ?)"
    " ON CONFLICT (hour) DO UPDATE SET touched = excluded.touched"
)
_NOTE = f"INSERT INTO {META.name} (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_COUNT = (
    f"INSERT INTO {PART.name} (name, month, samples, bytes) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (name, month) DO UPDATE SET samples = excluded.samples, bytes = excluded.bytes"
)
_DATA = {BLOCK.name: "data", MINUTE.name: "data", OTHER.name: "value"}


class Count(Struct, frozen=True):
    """What is committed, for whoever asks from another thread: sums by kind, and by buffer the last file taken in."""

    kinds: dict[str, dict[str, int]]
    moved: dict[str, int]


class Parts:
    """`owner` is whose readings these are: no two share a place. Until `prepare` has run nothing is known."""

    def __init__(self, engine: Engine, owner: str) -> None:
        self.engine = engine
        self.met = False  # whether the tables are there, and can be asked
        self.ready = False  # whether what is below is what they say; after a failed change it is read again
        self.horizons: dict[str, int] = dict.fromkeys(KINDS, 0)  # by kind: hours before it were forgotten
        self.moved: dict[str, int] = {}  # by buffer: the last of its files that was taken in
        self.count = Count({kind: {"samples": 0, "bytes": 0, "parts": 0} for kind in KINDS}, {})
        self._owner = owner
        self._sums: dict[tuple[str, int], list[int]] = {}  # (table, month) -> samples, bytes
        self._changed: set[tuple[str, int]] = set()

    def prepare(self) -> None:
        """Make what is missing and read what is known. Raises StoreRefused and what an Engine raises."""
        if self.ready:
            return
        with self.engine.transaction():
            for shape in WHOLE_TABLES:
                self.engine.make(shape)
            for shape in IN_PARTS:
                self.engine.make_parent(shape)
            known: dict[str, str] = dict(self.engine.rows(f"SELECT name, value FROM {META.name}"))
            if known.setdefault("owner", self._owner) != self._owner:
                raise StoreRefused(
                    f"The {self.engine.name} database holds the readings of another farm ({known['owner']}).",
                    hint="Give this one a database of its own.",
                )
            self.note("owner", self._owner)
            parts = self.engine.rows(f"SELECT name, month, samples, bytes FROM {PART.name}")
        self._sums = {(name, month): [samples, size] for name, month, samples, size in parts}
        self._changed.clear()
        moved = {name: value for name, value in known.items() if name.startswith("moved:")}
        self.moved = {name.removeprefix("moved:"): int(value) for name, value in moved.items()}
        self.horizons = {kind: int(known.get(f"horizon:{kind}", 0)) for kind in KINDS}
        self.count = Count(self.sums(), dict(self.moved))
        self.met = self.ready = True

    @contextmanager
    def change(self) -> Iterator[None]:
        """One transaction; when it fails, what is known of the tables is read again."""
        try:
            with self.engine.transaction():
                yield
                for name, month in sorted(self._changed):
                    self.engine.run(_COUNT, (name, month, *self._sums[name, month]))
            self._changed.clear()
            self.count = Count(self.sums(), dict(self.moved))
        except BaseException:
            self.ready = False
            raise

    # ---- what there is

    def has(self, shape: Shape, month: int) -> bool:
        """Whether there is a part of this month."""
        return (shape.name, month) in self._sums

    def months(self, kind: str) -> list[int]:
        """The months of a kind, oldest first."""
        names = {shape.name for shape in KINDS[kind]}
        return sorted({month for name, month in self._sums if name in names})

    def sums(self) -> dict[str, dict[str, int]]:
        """By kind: samples (of sums: rows), bytes, and parts."""
        found = {}
        for kind, shapes in KINDS.items():
            names = {shape.name for shape in shapes}
            parts = [sums for (name, _), sums in self._sums.items() if name in names]
            samples, size = sum(one[0] for one in parts), sum(one[1] for one in parts)
            found[kind] = {"samples": samples, "bytes": size, "parts": len(parts)}
        return found

    # ---- rows; all inside `change`

    def load(self, shape: Shape, month: int, rows: Sequence[Row], samples: int) -> None:
        """Add rows to a part, and count so many samples."""
        self.engine.load(self._part(shape, month), shape, rows)
        self._count(shape, month, samples, _bytes_of(rows))

    def add_missing(self, shape: Shape, month: int, rows: Sequence[Row]) -> None:
        """Add the rows that are not there yet; each is a sample."""
        added = self.engine.add_missing(self._part(shape, month), shape, rows)
        self._count(shape, month, added, _bytes_of(rows) * added // len(rows))

    def remove(self, shape: Shape, month: int, where: str, values: Sequence[Any]) -> None:
        """Delete the rows that a condition picks."""
        table = self._part(shape, month)
        counted = "count" if shape is BLOCK else "1"
        length = f"length({_DATA[shape.name]})" if shape.name in _DATA else "0"
        samples, size = self.engine.rows(
            f"SELECT coalesce(sum({counted}), 0), coalesce(sum({length} + {ROW_BYTES}), 0) FROM {table} WHERE {where}",
            values,
        )[0]
        self.engine.run(f"DELETE FROM {table} WHERE {where}", values)
        self._count(shape, month, -int(samples), -int(size))

    def drop(self, shape: Shape, month: int) -> None:
        """Delete a part."""
        self.engine.run(f"DROP TABLE {table_of(shape, month)}")
        self.engine.run(f"DELETE FROM {PART.name} WHERE name = ? AND month = ?", (shape.name, month))
        del self._sums[shape.name, month]
        self._changed.discard((shape.name, month))

    def touch(self, hours: Iterable[int], now: float) -> None:
        """These hours are to be sealed (again)."""
        for hour in hours:
            self.engine.run(_OPEN, (hour, now))

    def note(self, name: str, value: str) -> None:
        """Remember something under a name."""
        self.engine.run(_NOTE, (name, value))

    def raise_horizon(self, kind: str, hour: int) -> None:
        """Hours before it are gone: nothing more is taken in or sealed there, or its sums would be of a part only."""
        if hour <= self.horizons[kind]:
            return
        self.horizons[kind] = hour
        self.note(f"horizon:{kind}", str(hour))
        if kind == "raw":
            self.engine.run(f"DELETE FROM {UNSEALED.name} WHERE hour < ?", (hour,))

    def _part(self, shape: Shape, month: int) -> str:
        table = table_of(shape, month)
        if not self.has(shape, month):
            self.engine.make_part(shape, table, *hours_of(month))
            self._count(shape, month, 0, 0)
        return table

    def _count(self, shape: Shape, month: int, samples: int, size: int) -> None:
        sums = self._sums.setdefault((shape.name, month), [0, 0])
        sums[0] += samples
        sums[1] += size
        self._changed.add((shape.name, month))


def _bytes_of(rows: Iterable[Row]) -> int:
    return sum(ROW_BYTES + (len(row[-1]) if isinstance(row[-1], (bytes, str)) else 0) for row in rows)
