"""Errors name the thing and the next step; a mistyped name is met with the nearest ones."""

from __future__ import annotations

import pytest

from brender.errors import nearest


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
