"""A real master and a real worker for each file of tests, a farm connected to it, and a wire that can be cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from doors.peers import Farm as Programs

import brender

from .wire import Wire


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    made = Programs(tmp_path_factory.mktemp("farm"))
    try:
        made.worker()
        yield made
        log = made.master.log.read_text()
    finally:
        made.end()
    assert "Traceback" not in log and "defect" not in log, log[-8000:]


@pytest.fixture
def address(programs: Programs) -> str:
    return f"127.0.0.1:{programs.port}"


@pytest.fixture
def farm(address: str) -> Iterator[brender.Farm]:
    with brender.connect(address, name="anna") as made:
        yield made


@pytest.fixture
def wire(programs: Programs) -> Iterator[Wire]:
    made = Wire(programs.port)
    yield made
    made.close()
