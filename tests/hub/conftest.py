"""A master's parts in this process for each test, and lines to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from parts import Farm, Line


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path / "master")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def line(farm: Farm) -> Line:
    return farm.line()
