"""The arithmetic of a grid, in floats: strictly after, never two steps ahead, and exact where the numbers are whole."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core.durations import seconds_of
from brender.core.occurrences import on_grid
from brender.errors import Invalid

moments = st.floats(0, 4e9) | st.integers(0, 4_000_000_000).map(float)


@given(anchor=moments, period=st.floats(0.001, 1e7) | st.sampled_from([0.1, 1.0, 60.0, 3600.0]), moment=moments)
def test_the_next_on_a_grid_is_the_first_that_is_strictly_later(anchor: float, period: float, moment: float) -> None:
    """RM-21, RM-23, RM-24."""
    found = on_grid(anchor, period, moment)
    assert found > moment
    assert found - period <= moment + 2e-6
    assert on_grid(anchor, period, found) > found


@given(anchor=st.integers(0, 86_399), period=st.integers(1, 604_800), moment=st.integers(0, 4_000_000_000))
def test_whole_numbers_are_exact(anchor: int, period: int, moment: int) -> None:
    """RM-21: ts % seconds == 0, strictly in the future."""
    found = on_grid(float(anchor), float(period), float(moment))
    assert found == moment + 1 + (anchor - moment - 1) % period


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(8, 8), (0.5, 0.5), ("8s", 8), ("2m", 120), ("1h", 3600), ("1d", 86_400), ("1w", 604_800), ("250ms", 0.25),
     ("0.08h", 288), (" 1H30M ", 5400), ("1h 30m 5s", 5405), ("90", 90), ("1e3", 1000), (".5m", 30), (0, 0)],
)  # fmt: skip
def test_stretches_of_time_are_read_as_people_and_programs_write_them(said: object, seconds: float) -> None:
    """RM-40: numbers are seconds, texts carry units."""
    assert seconds_of(said) == pytest.approx(seconds)


@pytest.mark.parametrize("said", ["", "x", "-1", -1, "1y", "h", "1h-5m", "1 2", inf, "nan", "1e12", True, None, [5]])
def test_what_is_no_stretch_of_time_is_refused(said: object) -> None:
    with pytest.raises(Invalid, match="no stretch of time"):
        seconds_of(said)
