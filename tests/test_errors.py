"""What every refusal shares: the nearest name for a slip, also where there are very many names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brender.errors import MOST_COMPARED, nearest

MANY = [f"shot-{number:05}" for number in range(20 * MOST_COMPARED)]


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
