"""A whole list, page by page, while the farm goes on: whatever was there all the time is given, and given once.

Pure: the pages come from a function. It must not know nouns or the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

PAGE = 500
Fetch = Callable[[int, int], tuple[list[dict[str, Any]], int]]


def all_rows(fetch: Fetch, key: Callable[[dict[str, Any]], Hashable], size: int = PAGE) -> Iterator[dict[str, Any]]:
    """The rows of a list in its order. `fetch(offset, limit)` gives rows, and how many there are; size is 2 or more.

    Pages overlap by a row. When the first row of a page was not seen before, rows before it have gone, so that others
    moved past the edge: then the page before is read again.
    """
    seen: set[Hashable] = set()
    offset = 0
    while True:
        rows, total = fetch(offset, size)
        if offset and (not rows or key(rows[0]) not in seen):
            offset = max(0, offset - size // 2)
            continue
        for row in rows:
            if key(row) not in seen:
                seen.add(key(row))
                yield row
        if offset + len(rows) >= total:
            return
        offset += len(rows) - 1
