"""In which order the tasks of a step are given out: `linear`, `reverse`, `binary` (first, last, middle …), `nth:N`.

A task keeps its index, which is the place of its frames; an order is a permutation of indexes, a range where it can be.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from brender.errors import Invalid

MOST_SORTED = 100_000  # tasks of a step in an order that is no range: 8 bytes a task, some 20 ms to make
MOST_NTH = 1_000_000
WORDS = "linear, reverse, binary or nth:N"


class Order:
    """`task[place]` is the task given out at a place, `place[task]` the reverse."""

    __slots__ = ("place", "task")

    def __init__(self, task: Sequence[int], place: Sequence[int]) -> None:
        self.task = task
        self.place = place


def check(text: str, count: int) -> None:
    """Raise Invalid for a word that is no order, or a step too large for it."""
    _nth(text)
    if text not in ("linear", "reverse") and count > MOST_SORTED:
        raise Invalid(
            f"step order {text} sorts up to {MOST_SORTED} tasks, this step has {count}.",
            hint="order=reverse takes any number, and a larger chunk makes fewer tasks.",
        )


def order_of(text: str, count: int) -> Order | None:
    """The order of `count` tasks; None for linear, which needs none."""
    if text == "linear" or count < 2:
        return None
    if text == "reverse":
        down = range(count - 1, -1, -1)
        return Order(down, down)
    return _sorted(text, count)


@lru_cache(maxsize=8)
def _sorted(text: str, count: int) -> Order:
    nth = _nth(text)
    if nth:
        task = array("i", [*range(0, count, nth), *(i for i in range(count) if i % nth)])
    else:
        task = array("i", _binary(count))
    place = array("i", bytes(4 * count))
    for at, index in enumerate(task):
        place[index] = at
    return Order(task, place)


def _binary(count: int) -> list[int]:
    """First, last, then the middle of each gap, the largest gaps first: any prefix is spread over the whole range."""
    found = known = [0, count - 1]
    while len(found) < count:
        fresh: list[int] = []
        merged: list[int] = []
        for left, right in pairwise(known):
            merged.append(left)
            if right - left > 1:
                fresh.append((left + right) // 2)
                merged.append(fresh[-1])
        known = [*merged, known[-1]]
        found = found + fresh
    return found


def _nth(text: str) -> int:
    """N of nth:N, 0 for the other orders. Raises Invalid."""
    if text in ("linear", "reverse", "binary"):
        return 0
    word, _, number = text.partition(":")
    if word != "nth" or not (number.isascii() and number.isdigit()) or not 2 <= int(number[:9]) <= MOST_NTH:
        raise Invalid(f"step order is {WORDS}, not {text!r}.", hint="order=nth:10 renders every tenth frame first.")
    return int(number[:9])
