"""Readings in both databases: every test that takes `database` runs with SQLite and with a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.postgres import Server

from .world import Place


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; empty for SQLite in the data directory."""
    if request.param == "sqlite":
        return ""
    server: Server = request.getfixturevalue("server")
    return server.fresh()


@pytest.fixture
def place(tmp_path: Path, database: str) -> Iterator[Place]:
    made = Place(tmp_path, database)
    yield made
    made.close()
