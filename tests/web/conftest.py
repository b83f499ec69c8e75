"""A real master, two workers, a gateway and a browser for each file of tests.

After each test nothing may be left that the page complained about, nor a request to anywhere but its gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doors.peers import Farm
from gateway.peers import Web
from playwright.sync_api import Browser

from .people import House, chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the farm of a file lives; a file of tests may put there what was before."""
    return tmp_path_factory.mktemp("farm")


@pytest.fixture(scope="module")
def home(folder: Path, browser: Browser) -> Iterator[House]:
    farm = Farm(folder)
    try:
        farm.worker("render-01")
        farm.worker("render-02")
        web = Web(farm.folder, farm.port, "--data", str(farm.folder / "web"))
        try:
            yield House(farm, web, browser)
        finally:
            web.program.end()
        log = farm.master.log.read_text() + web.program.log.read_text()
    finally:
        farm.end()
    assert "Traceback" not in log, log[-8000:]


@pytest.fixture
def house(home: House) -> Iterator[House]:
    """The farm of this file, with nobody before it."""
    home.broken = False
    yield home
    faults = [fault for person in home.people for fault in person.faults]
    asked = {place for person in home.people for place in person.asked}
    while home.people:
        home.people.pop().close()
    home.farm.hang_up()
    assert home.broken or faults == []
    assert asked <= {f"127.0.0.1:{home.web.port}", "data", "blob", "about"}
