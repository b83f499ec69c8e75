"""The heap of what is due, against a plain dictionary."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from brender.core.due import Due

steps = st.lists(st.tuples(st.integers(1, 6), st.none() | st.integers(0, 9).map(float)), max_size=60)


@example(steps=[(1, 5.0), (1, None), (1, 5.0), (2, 6.0)], now=9, most=2)
@given(steps=steps, now=st.integers(0, 9), most=st.integers(1, 8))
def test_whatever_is_put_and_taken_the_earliest_come_first(
    steps: list[tuple[int, float | None]], now: int, most: int
) -> None:
    due, model = Due(), dict[int, float]()
    for row_id, at in steps:
        due.put(row_id, at)
        if at is None:
            model.pop(row_id, None)
        else:
            model[row_id] = at
        assert due.first() == min(model.values(), default=None)
    wanted = sorted((at, row_id) for row_id, at in model.items() if at <= now)[:most]
    for _ in range(2):
        assert due.by(now, most) == [row_id for _, row_id in wanted]
    assert due.at == model


def test_a_heap_of_what_is_no_longer_true_does_not_grow() -> None:
    due = Due()
    for number in range(10_000):
        due.put(1, float(number))
        due.put(2, 5.0)
    assert len(due._heap) < 200
    assert due.by(10_000, 9) == [2, 1]
