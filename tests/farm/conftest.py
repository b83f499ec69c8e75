"""A real farm for a test, and the verdict on it when the test is over: no process left, no defect in any log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .programs import Farm

_DEFECTS = ("Traceback", "met a defect", "CRITICAL", "ERROR")


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path)
    try:
        yield made
    finally:
        left = made.close()
    assert left == {}
    for program in ("master", "client", "up"):
        said = made.said(program)
        assert not [line for line in said.splitlines() if any(word in line for word in _DEFECTS)], said[-8000:]
