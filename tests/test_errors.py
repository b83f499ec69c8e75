"""Errors name the thing and the next step; a mistyped name is met with the nearest ones, also of very many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.errors import MOST_COMPARED, nearest

MANY = [f"shot-{number:05}" for number in range(20 * MOST_COMPARED)]


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("enabel", ["enable", "disable", "test"], "Did you mean enable?"),
        ("RENDR-01", ["render-01", "other"], "Did you mean render-01?"),
        ("vn", ["vm", "other"], "Did you mean vm?"),
        ("w3", ["w1", "w2", "render"], "Did you mean w2 or w1?"),
        ("zebra", ["vm", "render"], ""),
    ],
)
def test_the_nearest_names_are_suggested_also_of_short_ones(word: str, known: list[str], said: str) -> None:
    assert nearest(word, known) == said


@given(st.sampled_from(MANY), st.integers(1, 8), st.sampled_from("xq7"))
def test_a_slip_of_one_letter_finds_its_name_among_ten_thousand(name: str, at: int, letter: str) -> None:
    slip = name[:at] + letter + name[at + 1 :]
    assert slip == name or slip in MANY or name in nearest(slip, MANY) or nearest(slip, MANY).count("shot-") == 3


def test_swapped_missing_and_doubled_letters_find_their_name_among_ten_thousand() -> None:
    for slip in ("shto-00123", "sho-00123", "shoot-00123", "Shot-00123", "shot-00123x"):
        assert "shot-00123" in nearest(slip, MANY), slip


def test_of_few_names_all_are_compared() -> None:
    assert nearest("wroker", ["worker", "job"]) == "Did you mean worker?"
    assert nearest("zzz", MANY) == ""
