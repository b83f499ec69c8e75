"""Devices and keys: reported by machines, kept while a channel needs them, checked when people make them."""

from __future__ import annotations

import pytest

from brender.core import events as ev
from core.builders import Stage

from .managers import Managers, add


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def managers(stage: Stage) -> Managers:
    return Managers(stage)


def test_a_machine_reports_itself_once_and_people_decide_what_stays(stage: Stage, managers: Managers) -> None:
    """RM-28, RM-31, RM-36: devices, keys and pinned channels appear without anybody's doing."""
    said = [
        {"name": "", "driver": "host", "config": {}, "keys": {"cpu": "%", "load": ""}},
        {"name": "gpu0", "driver": "nvidia", "config": {"index": 0}, "keys": {"memory": "MiB"}, "vendor_id": "10DE"},
        {"driver": "odd"},
        "nothing",
    ]
    a = managers.hello("a", config={"probes": ["host", "nvidia"], "devices": said})
    farm = stage.farm
    assert {one.name: (one.driver, one.worker_id, one.vendor_id) for one in farm.devices.values()} == {
        "a": ("host", a, ""),
        "a.gpu0": ("nvidia", a, "10de"),
    }
    assert {one.name: (one.state, one.placement) for one in farm.channels.values()} == {
        "a.cpu": ("logging", "pinned"),
        "a.load": ("logging", "pinned"),
        "a.gpu0.memory": ("logging", "pinned"),
    }
    assert farm.key_named("cpu").unit == "%"  # type: ignore[union-attr]
    stage.do(ev.Delete("channel", [farm.channel_named("a.load").id]))  # type: ignore[union-attr]
    stage.do(ev.Update("device", [farm.device_named("a").id], {"name": "machine"}))  # type: ignore[union-attr]
    managers.dies(a)
    more = [*said, {"name": "gpu1", "driver": "nvidia", "config": {"index": 1}, "keys": {"memory": "MiB"}}]
    managers.hello("a", config={"probes": ["host", "nvidia"], "devices": more}, boot="2")
    assert sorted(one.name for one in farm.channels.values()) == ["a.cpu", "a.gpu0.memory", "a.gpu1.memory"]
    assert sorted(one.name for one in farm.devices.values()) == ["a.gpu0", "a.gpu1", "machine"]


def test_a_machine_that_is_forgotten_takes_along_what_it_measures_of_itself(stage: Stage, managers: Managers) -> None:
    """RM-28: nobody made its devices and channels, so nobody has to delete them one by one."""
    own = [{"name": "", "driver": "host", "config": {}, "keys": {"cpu": "%", "load": ""}}]
    a, b = (managers.hello(name, config={"probes": ["host"], "devices": own}) for name in "ab")
    (guest,) = add(managers, "guest", type="easy", manager_id=a)
    managers.dies(a)
    refused = stage.refused(ev.Delete("worker", [a]))
    assert refused.message == "Channel guest is pinned to a."
    assert refused.hint == "channel delete guest   or   channel move guest ANOTHER"
    stage.do(ev.MoveChannels([guest.id], b))
    assert stage.do(ev.Delete("worker", [a]))["deleted"] == [{"id": a, "name": "a", "channels": 2}]
    assert sorted(one.name for one in stage.farm.channels.values()) == ["b.cpu", "b.load", "guest"]
    assert [one.name for one in stage.farm.devices.values()] == ["b"]


def test_devices_and_keys_in_use_stay_and_their_values_are_checked(stage: Stage, managers: Managers) -> None:
    """RM-28, RM-31, RM-33."""
    managers.hello("a")
    device = stage.do(ev.Create("device", {"name": "nas", "driver": "http", "vendor_id": "10de"}))["row"]["id"]
    key = stage.do(ev.Create("key", {"name": "free", "unit": "GB"}))["row"]["id"]
    one, two = add(managers, "nas.free", "other", device_id=device, key_id=key)
    begun = len(managers.begun)
    stage.do(ev.Update("key", [key], {"description": "room left"}))
    managers.play()
    assert len(managers.begun) == begun
    stage.do(ev.Update("key", [key], {"mul": 0.5}))
    stage.do(ev.Update("device", [device], {"config": {"url": "http://nas"}}))
    managers.play()
    assert managers.begun[begun:] == [one.id, two.id, one.id, two.id]
    for event, word in [
        (ev.Delete("device", [device]), "nas.free"),
        (ev.Delete("key", [key]), "nas.free"),
        (ev.Create("device", {"name": "x", "vendor_id": "xyz"}), "hexadecimal"),
        (ev.Create("device", {"name": "x", "worker_id": 77}), "77"),
        (ev.Create("key", {"name": "x", "kind": "odd"}), "odd"),
        (ev.Create("key", {"name": "x", "mul": 0.0}), "mul"),
        (ev.Create("key", {"name": "free"}), "free"),
    ]:
        assert word in stage.refused(event).message
    stage.do(ev.Delete("channel", [one.id, two.id]))
    assert stage.do(ev.Delete("device", [device]))["deleted"]
    assert stage.do(ev.Delete("key", [key]))["deleted"]
