"""What differs in a farm since a mark, kept so that it can be written, undone and told as a story.

It knows rows only as values under a key: no noun, no rule, no index.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from brender.core.rows import Row


class Change(Struct):
    """One row to write: op "put" (the whole row in field order) or "delete" (values empty)."""

    table: str
    op: str
    id: int
    values: tuple[Any, ...]


class Deed(Struct):
    """One line of the story: at which time, caused by what, which row, which field, from what to what."""

    at: float
    cause: str
    table: str
    id: int
    field: str
    old: Any
    new: Any


_MISSING = object()


class Journal:
    """Rows that differ by (table, id), how to undo each step, and the story of the last ones."""

    def __init__(self, story: int) -> None:
        self.cause = ""
        self.story: deque[Deed] = deque(maxlen=story)
        self._dirty: dict[tuple[str, int], Row | None] = {}
        self._undo: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def mark(self) -> int:
        """Where `rollback` may return to."""
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        """Undo everything since the mark: a rule that raised leaves no trace."""
        while len(self._undo) > mark:
            undo, arguments = self._undo.pop()
            undo(*arguments)

    def take(self) -> list[Change]:
        """The rows that differ since the last take, as values: whoever writes them needs no farm."""
        changes = [
            Change(table, "delete", row_id, ()) if row is None else Change(table, "put", row_id, astuple(row))
            for (table, row_id), row in self._dirty.items()
        ]
        self._dirty.clear()
        self._undo.clear()
        return changes

    def differing(self) -> Iterator[tuple[tuple[str, int], Row | None]]:
        """What the next take will hand out, as rows (None = deleted): the feed is made from it."""
        yield from self._dirty.items()

    def _note(self, key: tuple[str, int], row: Row | None) -> None:
        old = self._dirty.get(key, _MISSING)
        self._dirty[key] = row
        self._undo.append((self._unnote, (key, old)))

    def _unnote(self, key: tuple[str, int], old: Any) -> None:
        if old is _MISSING:
            self._dirty.pop(key, None)
        else:
            self._dirty[key] = old

    def _put_entry(self, known: dict[Any, Any], key: Any, value: Any) -> None:
        """Write or forget (None) an entry of one of the farm's dictionaries."""
        self._undo.append((_set_entry, (known, key, known.get(key))))
        _set_entry(known, key, value)


def _set_entry(known: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        known.pop(key, None)
    else:
        known[key] = value
