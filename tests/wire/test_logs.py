"""The words about logs: text is never cut inside a character, bad bytes stay visible."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brender.wire.logs import in_text, whole


@given(st.text(), st.integers(0, 200))
def test_a_cut_never_splits_a_character(text: str, cut: int) -> None:
    data = text.encode()[:cut]
    taken = data[: whole(data)]

    assert len(data) - len(taken) <= 3
    assert taken.decode() in text


@given(st.binary())
def test_of_any_bytes_at_most_the_beginning_of_one_character_waits(data: bytes) -> None:
    taken = whole(data)

    assert 0 <= len(data) - taken <= 3
    assert in_text(data[:taken]) + in_text(data[taken:]) == in_text(data)


def test_bytes_that_are_no_text_are_shown_as_escapes() -> None:
    """F26."""
    assert in_text(b"caf\xe9 \xff\n") == "caf\\xe9 \\xff\n"
