"""A program's own words on how far it is, however its output is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.worker.told import Told

SAID = (
    b"begun\nopenjd_status: reading\nopenjd_progress: 12.5\r\nx openjd_progress: 99\nopenjd_progress: 50\nopenjd_stat"
)


def told(*pieces: bytes) -> tuple[float | None, str]:
    found = Told()
    for piece in pieces:
        found.feed(piece)
    return found.fraction, found.note


@given(st.lists(st.integers(0, len(SAID)), max_size=6).map(sorted))
def test_the_last_word_counts_however_the_output_is_cut(cuts: list[int]) -> None:
    """FIELD 5: openjd_progress, openjd_status."""
    edges = [0, *cuts, len(SAID)]
    assert told(*(SAID[left:right] for left, right in pairwise(edges))) == (0.5, "reading")


@pytest.mark.parametrize("word", [b"-1", b"101", b"nan", b"inf", b"half", b"", b"9" * 5000])
def test_what_is_no_percentage_is_passed_over(word: bytes) -> None:
    assert told(b"openjd_progress: 25\n", b"openjd_progress: " + word + b"\n") == (0.25, "")


def test_nothing_said_is_nothing_known() -> None:
    assert told(b"Frame 1\n" * 100, b"no end of a line" * 1000) == (None, "")
    assert told(b"openjd_status: \xff\x1b[2J" + b"x" * 1000 + b"\n")[1][:11] == "\\xff\x1b[2Jxxx"


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_output_upsets_it(pieces: list[bytes]) -> None:
    fraction, note = told(*pieces)
    assert (fraction is None or 0 <= fraction <= 1) and len(note) <= 200
