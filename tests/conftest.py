"""What every test of the farm shares: a farm that is checked when its test is over, and how properties are tried.

`make test` tries the same examples every time, so that a green tree stays green; `make explore` tries new ones.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors.peers import Farm as Programs
from hypothesis import settings

from brender.core import invariants
from brender.core.engine import Core
from brender.core.farm import Farm

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile("same")
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # programs inherit who ignores it, and under nohup that is everybody
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # and in the background of a script
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def farm() -> Iterator[Farm]:
    """An empty farm; whatever the test made of it must keep every promise."""
    made = Farm()
    yield made
    assert invariants.check(made) == []


@pytest.fixture
def core(farm: Farm) -> Core:
    return Core(farm)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Programs]:
    """The programs of a farm of this test alone, for what ends one of them or counts what is there."""
    made = Programs(tmp_path)
    try:
        yield made
    finally:
        made.end()
