"""A real master, worker and gateway for each file of tests; their logs are looked at when they are gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .peers import Farm, Page, Web


class Room:
    """The farm, its gateway, and the pages a test has opened."""

    def __init__(self, farm: Farm, web: Web) -> None:
        self.farm, self.web = farm, web
        self.pages: list[Page] = []

    def page(self, **more: Any) -> Page:
        self.pages.append(self.web.page(**more))
        return self.pages[-1]


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("farm"))
    try:
        made.worker()
        yield made
        log = made.master.log.read_text()
    finally:
        made.end()
    assert "Traceback" not in log, log[-8000:]


@pytest.fixture(scope="module")
def web(farm: Farm) -> Iterator[Web]:
    made = Web(farm.folder, farm.port, "--data", str(farm.folder / "web"))
    try:
        page = made.page()
        page.state(True)
        page.close()
        yield made
        log = made.program.log.read_text()
    finally:
        made.program.end()
    assert "Traceback" not in log, log[-8000:]


@pytest.fixture
def room(farm: Farm, web: Web) -> Iterator[Room]:
    made = Room(farm, web)
    yield made
    for page in made.pages:
        page.close()
    farm.hang_up()
    assert web.program.process.poll() is None, web.program.log.read_text()[-8000:]
