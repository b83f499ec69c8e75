"""What every test of the farm shares: a farm that is checked when its test is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from brender.core import invariants
from brender.core.engine import Core
from brender.core.farm import Farm


@pytest.fixture
def farm() -> Iterator[Farm]:
    """An empty farm; whatever the test made of it must keep every promise."""
    made = Farm()
    yield made
    assert invariants.check(made) == []


@pytest.fixture
def core(farm: Farm) -> Core:
    return Core(farm)
