"""A list that is read page by page while rows come and go: what was there all the time is given, and given once."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brender.api.pages import all_rows

Change = tuple[str, int]
changes = st.lists(st.lists(st.tuples(st.sampled_from(["add", "delete"]), st.integers(0, 9)), max_size=8), max_size=12)


class Listed:
    """Rows in an order that never changes, and what happens to them before each page is read."""

    def __init__(self, count: int, happens: list[list[Change]], newest_first: bool) -> None:
        self.rows = list(range(count))
        self.always = set(self.rows)
        self.happens = list(happens)
        self.newest_first = newest_first
        self.next = count

    def fetch(self, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        for what, number in self.happens.pop(0) if self.happens else ():
            if what == "add":
                self.rows.append(self.next)
                self.next += 1
            elif number < len(self.rows):
                gone = self._order()[number]
                self.rows.remove(gone)
                self.always.discard(gone)
        order = self._order()
        return [{"id": row} for row in order[offset : offset + limit]], len(order)

    def _order(self) -> list[int]:
        return self.rows[::-1] if self.newest_first else self.rows


@given(count=st.integers(0, 60), happens=changes, newest_first=st.booleans(), size=st.integers(2, 25))
def test_whatever_was_there_all_the_time_is_given_once(
    count: int, happens: list[list[Change]], newest_first: bool, size: int
) -> None:
    listed = Listed(count, happens, newest_first)
    given = [row["id"] for row in all_rows(listed.fetch, lambda row: row["id"], size)]
    assert len(given) == len(set(given))
    assert listed.always <= set(given)


def test_a_quiet_list_is_read_with_no_page_too_many() -> None:
    """Pages overlap by one row: 1,000 rows in pages of 500 are three."""
    asked: list[tuple[int, int]] = []

    def fetch(offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        asked.append((offset, limit))
        return [{"id": row} for row in range(offset, min(1000, offset + limit))], 1000

    assert len(list(all_rows(fetch, lambda row: row["id"]))) == 1000
    assert asked == [(0, 500), (499, 500), (998, 500)]
