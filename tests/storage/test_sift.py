"""What may not be kept is refused by name and reason, and the rest goes on untouched."""

from __future__ import annotations

from collections.abc import Set
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.storage import sift as module
from brender.storage.sift import AHEAD, nobody_asks, sift
from brender.wire.readings import collected

NOW = 1_790_000_000.0


def unknown(channels: Set[int]) -> Set[int]:
    return channels - {1, 2, 3}


def test_a_good_batch_is_not_even_copied() -> None:
    columns = collected([(1, NOW, 1.0), (2, NOW + AHEAD, -1e308), (1, NOW - 1, 0.0)])
    kept, refused = sift(columns, unknown, NOW)
    assert kept is columns
    assert refused == []


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        ((9, NOW, 1.0), module.UNKNOWN),
        ((9, NOW, "text"), module.UNKNOWN),
        ((1, NOW + 60.5, 1.0), module.FUTURE),
        ((1, NOW + 60.5, "text"), module.FUTURE),
        ((1, nan, 1.0), module.NO_TIME),
        ((1, inf, 1.0), module.NO_TIME),
        ((1, -1.0, 1.0), module.NO_TIME),
        ((1, 0.0, [1.0]), module.NO_TIME),
        ((1, NOW - 1001, 1.0), module.TOO_OLD),
        ((1, NOW, nan), module.NO_NUMBER),
        ((1, NOW, -inf), module.NO_NUMBER),
        ((1, NOW, [1.0, nan]), module.NO_NUMBER),
        ((1, NOW, "x" * 4097), module.TOO_LONG),
        ((1, NOW, [1.0] * 4097), module.TOO_LONG),
    ],
)
def test_one_bad_sample_is_named_and_the_rest_is_kept(sample: Any, why: str) -> None:
    """RM-33, CL-48: unknown channel, time in the future, NaN."""
    good = [(1, NOW, 1.0), (2, NOW - 1, 2.0), (3, NOW, "text")]
    kept, refused = sift(collected([good[0], sample, *good[1:], sample]), unknown, NOW, oldest=NOW - 1000)
    assert refused == [(sample[0], why, 2)]
    assert list(zip(kept.channels, kept.times, kept.values, strict=True)) == good[:2]
    assert kept.others == good[2:]


@given(values=st.lists(st.floats(), max_size=30))
def test_no_number_that_is_none_gets_through(values: list[float]) -> None:
    """Also where the sum of all is no sign of it: infinities of both signs, sums that overflow."""
    columns = collected((1, NOW, value) for value in values)
    kept, refused = sift(columns, nobody_asks, NOW)
    good = [value for value in values if value == value and abs(value) != inf]
    assert kept.values.tolist() == good
    assert sum(count for _, _, count in refused) == len(values) - len(good)
