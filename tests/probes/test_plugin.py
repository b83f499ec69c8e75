"""A package that is installed beside brender: its probe and type are there by their entry points (CL-33, CL-34).

The package is examples/plugin, built and installed by pip into a folder of the test; managers are real.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from doors.peers import ROOT, Farm, Json, until

from brender.probes import Surroundings

from .contract import ProbeContract, TypeContract

PACKAGE = ROOT / "examples" / "plugin"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the package: built from its own pyproject.toml, nothing fetched."""
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "source"
    subprocess.run(["cp", "-r", str(PACKAGE), str(source)], check=True)
    words = ["--no-index", "--no-build-isolation", "--no-deps", "--quiet", "--disable-pip-version-check"]
    argv = [sys.executable, "-m", "pip", "install", *words, "--target", str(folder / "site"), str(source)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return folder / "site"


@pytest.fixture
def on_path(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed))
    importlib.invalidate_caches()


def thermometer(bus: Path, name: str, thousandths: int) -> None:
    (bus / name).mkdir(parents=True, exist_ok=True)
    (bus / name / "temperature").write_text(f"{thousandths}\n")


@pytest.mark.usefixtures("on_path")
class TestThermometers(ProbeContract):
    driver = "thermometers"
    bad: ClassVar[list[dict[str, Any]]] = [{"bus": "here"}, {"bus": 1}, {"offset": 11}]

    @pytest.fixture
    def real(self, tmp_path: Path) -> dict[str, Any]:
        thermometer(tmp_path, "28-1", 21500)
        return {"bus": str(tmp_path), "offset": -0.5}

    def test_it_says_degrees(self, around: Surroundings, real: dict[str, Any]) -> None:
        assert self.open(real, around).read() == {"28-1": 21.0}


@pytest.mark.usefixtures("on_path")
class TestMedian(TypeContract):
    name = "median"
    params: ClassVar[dict[str, Any]] = {"window": 3}
    bad: ClassVar[list[dict[str, Any]]] = [{"window": 0}, {"window": "many"}, {"widnow": 3}]

    def test_it_keeps_the_one_in_the_middle(self) -> None:
        one = self.open(self.params)
        assert [one.take(at, at, value) for at, value in enumerate([5, 1, 3, 9])] == [(), (), ((2.0, 3.0),), ()]


@pytest.fixture
def farm(tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    """A master, a manager without the package and one that has it."""
    made = Farm(tmp_path)
    try:
        made.worker("plain", slots=0)
        monkeypatch.setenv("PYTHONPATH", str(installed))
        made.worker("greenhouse", slots=0)
        yield made
    finally:
        made.end()


def row(peer: Json, name: str) -> dict[str, Any]:
    found: dict[str, Any] = peer.call("channel.show", channels=[name])["channels"][0]
    return found


def test_channels_of_a_plug_in_go_to_the_manager_that_has_it_and_what_does_not_fit_is_named(
    farm: Farm, tmp_path: Path
) -> None:
    """Issue 5, 2: more through entry points with a JSON-schema config."""
    bus = tmp_path / "bus"
    thermometer(bus, "28-1", 21500)
    peer = farm.json()
    drivers = {one["name"]: one for one in peer.call("device.drivers")["drivers"]}
    assert drivers["thermometers"]["text"] == "All thermometers of a 1-wire bus, each a key, in degrees"
    assert drivers["thermometers"]["schema"]["properties"]["bus"]["pattern"] == "^/"
    assert drivers["thermometers"]["managers"] == 1
    peer.call("device.add", name="beds", values={"driver": "thermometers", "config": {"bus": str(bus)}})
    peer.call("key.add", name="28-1")
    peer.call("channel.add", channels=[
        {"name": "beds.28-1", "period": 0.01},
        {"name": "middle", "device": "beds", "key": "28-1", "type": "median", "window": 3, "period": 0.01},
        {"name": "wrong", "device": "beds", "key": "28-1", "type": "median", "window": 0},
    ])  # fmt: skip
    until(lambda: row(peer, "middle")["value"] == 21.5, "the median is kept")
    assert {row(peer, name)["manager"] for name in ("beds.28-1", "middle", "wrong")} == {"greenhouse"}
    until(lambda: row(peer, "wrong")["state"] == "error", "what does not fit is an error")
    assert "window" in row(peer, "wrong")["error"]
    refused = peer.refused("channel.add", channels=[{"name": "odd", "type": "medain"}])
    assert "median" in refused["data"]["hint"]
    peer.call("device.set", device="beds", values={"config": {"bus": "nowhere"}})
    until(lambda: row(peer, "middle")["state"] == "error", "a config that does not fit is the error of its channels")
    assert "The config does not fit driver thermometers" in row(peer, "middle")["error"]
    peer.call("device.set", device="beds", values={"config": {"bus": str(tmp_path / "none")}})
    until(lambda: "there is no bus" in row(peer, "middle")["error"], "what it raises is named")
