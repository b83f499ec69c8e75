"""How far tasks are that run right now, as a worker tells it and the master keeps it in memory: never stored."""

from __future__ import annotations

from msgspec import Struct


class Mark(Struct, array_like=True, frozen=True):
    """Where one attempt stands: the part that is done, 0 to 1, and what a person may want to know beside it."""

    attempt: int
    fraction: float
    note: str = ""


class Marks(Struct, frozen=True):
    """Those that moved since the worker told last."""

    attempts: list[Mark]
