"""What the archive asks of a database, and the errors it may answer with. The room's SQL is written once, with `?`.

An engine is one connection, used by one thread at a time; it connects when it is first needed, and again when the
connection was lost. It must not know what the tables are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from brender.errors import Busy, TimedOut

Row = tuple[Any, ...]
# Column types that both databases know, but for bytes.
WHOLE, REAL, TEXT, BYTES = "BIGINT", "DOUBLE PRECISION", "TEXT", "BYTES"


class Away(Busy):
    """The database does not answer. Nothing is lost: what waits for it is on our own disk."""


class TooSlow(TimedOut):
    """A question was given up after its time."""


class Shape:
    """A table: its columns with their types, and its key. Without `unique` the key is only what rows are found by."""

    def __init__(self, name: str, columns: dict[str, str], key: Sequence[str], unique: bool = True) -> None:
        self.name, self.columns, self.key, self.unique = name, columns, tuple(key), unique

    def definition(self, bytes_type: str) -> str:
        """The columns in SQL."""
        columns = [f"{name} {bytes_type if kind == BYTES else kind} NOT NULL" for name, kind in self.columns.items()]
        if self.unique:
            columns.append(f"PRIMARY KEY ({', '.join(self.key)})")
        return ", ".join(columns)


class Engine(Protocol):
    """One connection. Raises Away, TooSlow, and of disk.py StoreFull, StoreLocked, StoreBroken and StoreRefused."""

    name: str

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; on a normal exit it survives a power cut."""

    def reading(self, seconds: float) -> AbstractContextManager[None]:
        """What is asked inside sees one state of the database, and ends with TooSlow after so many seconds."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of an answer."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Carry out a statement; returns how many rows it changed."""

    def load(self, table: str, shape: Shape, rows: Iterable[Row]) -> None:
        """Add many rows to a table of this shape, the fastest way there is."""

    def add_missing(self, table: str, shape: Shape, rows: Sequence[Row]) -> int:
        """Add the rows whose key is not there yet; returns how many were added."""

    def make(self, shape: Shape) -> None:
        """Make an ordinary table, if it is not there."""

    def make_parent(self, shape: Shape) -> None:
        """Prepare for a table that is kept in parts, by its column `hour`."""

    def make_part(self, shape: Shape, table: str, first: int, past: int) -> None:
        """Make the part of hours from `first` up to and without `past`, if it is not there."""

    def among(self, column: str, values: Sequence[int]) -> tuple[str, Any]:
        """A condition that the column is one of these, and the value that goes with its `?`."""

    def size(self) -> int:
        """Bytes that it takes on its disk."""

    def tidy(self, idle: bool) -> None:
        """Give back what was deleted, a little at a time, between transactions; `idle`: nothing else is to be done."""

    def close(self) -> None:
        """Let it go; the next use connects again."""

    def set_aside(self, stamp: str) -> str:
        """Put what is damaged out of the way, so that the next use begins anew; says where it is."""
