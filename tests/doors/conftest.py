"""A real master and a real worker for each file of tests; what they logged is looked at when they are gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .peers import Farm


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("farm"))
    try:
        made.worker()
        yield made
        log = made.master.log.read_text()
    finally:
        made.end()
    assert "Traceback" not in log, log[-8000:]
    assert "defect" not in log, log[-8000:]


@pytest.fixture
def doors(room: Farm) -> Iterator[Farm]:
    """The farm of this file; whoever a test left at a door is hung up after it, and the master must still be there."""
    yield room
    room.hang_up()
    assert room.master.process.poll() is None, room.master.log.read_text()[-8000:]
