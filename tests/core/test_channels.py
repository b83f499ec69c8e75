"""Channels: what people do to them, one by one; where they run is tried in test_hosting.py."""

from __future__ import annotations

import pytest

from brender.core import events as ev
from brender.core.rows import Channel
from brender.errors import Conflict, Exists, Invalid, InvalidParams, NotFound, WrongState
from core.builders import Stage

from .managers import Managers, add


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def managers(stage: Stage) -> Managers:
    return Managers(stage)


def test_whoever_alters_adds_or_deletes_one_channel_touches_no_other(stage: Stage, managers: Managers) -> None:
    """CL-35, CL-23, CL-49: delete deletes."""
    managers.hello("a")
    one, two, three = add(managers, "one", "two", "three", type="scalar")
    begun, started = len(managers.begun), (one.started_at, three.started_at)
    stage.now += 7
    stage.do(ev.Update("channel", [two.id], {"params": {"delta": 0.5}}))
    managers.play()
    assert managers.begun[begun:] == [two.id]
    assert two.started_at == stage.now
    stage.do(ev.Update("channel", [two.id], {"short_name": "second", "labels": {"room": "east"}}))
    add(managers, "four", type="easy")
    stage.do(ev.Delete("channel", [two.id]))
    managers.play()
    assert (one.started_at, three.started_at) == started
    assert sorted(managers.counts()) == [3]
    assert stage.farm.channel_named("two") is None
    assert stage.farm.hosting.count(one.manager_id) == 3


def test_parameters_merge_and_none_takes_one_out(stage: Stage, managers: Managers) -> None:
    managers.hello("a")
    (one,) = add(managers, "one", params={"delta": 1, "period": 2})
    stage.do(ev.Update("channel", [one.id], {"params": {"delta": None, "burst": 10}}))
    assert one.params == {"period": 2, "burst": 10}
    stage.do(ev.Update("channel", [one.id], {"type": "ntime", "params": {"timedelta": 5}}))
    assert one.params == {"timedelta": 5}


def test_channels_are_stopped_started_and_restarted(stage: Stage, managers: Managers) -> None:
    """CL-47."""
    a = managers.hello("a")
    one, two = add(managers, "one", "two", type="easy")
    (pinned,) = add(managers, "pinned", type="easy", manager_id=a)
    answer = stage.do(ev.SwitchChannels([one.id, pinned.id], "stop"))
    managers.play()
    assert [row["name"] for row in answer["changed"]] == ["one", "pinned"]
    assert (one.state, one.manager_id, pinned.manager_id, one.started_at) == ("stopped", 0, a, None)
    assert managers.counts() == [1]
    assert stage.do(ev.SwitchChannels([one.id], "stop"))["unchanged"] == [{"id": one.id, "name": "one"}]
    begun = len(managers.begun)
    stage.do(ev.SwitchChannels([one.id, two.id, pinned.id], "start"))
    managers.play()
    assert sorted(managers.begun[begun:]) == [one.id, pinned.id]
    stage.do(ev.SwitchChannels([two.id], "restart"))
    managers.play()
    assert managers.begun[-1] == two.id
    assert {row.state for row in stage.farm.channels.values()} == {"logging"}
    assert isinstance(stage.refused(ev.SwitchChannels([one.id], "shake")), Invalid)


def test_channels_are_moved_by_hand(stage: Stage, managers: Managers) -> None:
    a, b = managers.hello("a"), managers.hello("b")
    (one,) = add(managers, "one", type="easy")
    (pinned,) = add(managers, "pinned", type="easy", manager_id=a)
    stage.do(ev.MoveChannels([one.id, pinned.id], b))
    managers.play()
    assert (one.manager_id, pinned.manager_id, managers.counts()) == (b, b, [0, 2])
    stage.do(ev.MoveChannels([one.id], 0))
    managers.play()
    assert one.manager_id == a
    assert isinstance(stage.refused(ev.MoveChannels([pinned.id], 0)), WrongState)
    plain = stage.worker("plain")
    assert "hosts no channels" in stage.refused(ev.MoveChannels([one.id], plain)).message


def test_what_cannot_be_is_refused_and_a_list_with_one_fault_adds_nothing(stage: Stage, managers: Managers) -> None:
    """CL-39, CL-48: by name."""
    a = managers.hello("a")
    add(managers, "taken", type="easy")
    for values, kind, word in [
        ({"name": "taken"}, Exists, "taken"),
        ({"name": "x", "type": "eval"}, Invalid, "eval"),
        ({"name": "x", "placement": "pinned"}, Invalid, "pinned to no manager"),
        ({"name": "x", "device_id": 9, "key_id": 1}, Invalid, "no device 9"),
        ({"name": "x", "manager_id": 99}, Invalid, "99"),
        ({"name": "x", "labels": {"a": 1}}, Invalid, "label"),
        ({"name": "x", "colour": 1}, InvalidParams, "colour"),
        ({}, InvalidParams, "name"),
    ]:
        error = stage.refused(ev.AddChannels([{"name": "good", "type": "easy"}, values]))
        assert isinstance(error, kind), error
        assert word in error.message
    assert [one.name for one in stage.farm.channels.values()] == ["taken"]
    assert isinstance(stage.refused(ev.AddChannels([])), Invalid)
    channel = stage.farm.channel_named("taken")
    assert channel is not None
    assert isinstance(stage.refused(ev.Update("channel", [channel.id], {"short_name": "x"}, 99)), Conflict)
    assert isinstance(stage.refused(ev.Delete("channel", [404])), NotFound)
    add(managers, "pinned", type="easy", manager_id=a)
    managers.dies(a)
    stage.now += 100
    stage.do(ev.PlaceChannels())
    assert "pinned" in stage.refused(ev.Delete("worker", [a])).message


def test_rows_edited_in_the_database_are_applied_one_by_one(stage: Stage, managers: Managers) -> None:
    """RM-34 to RM-37: only what differs; what breaks a rule is refused by name and the rest goes on."""
    from msgspec.structs import replace

    from brender.core.rows import Device, Key

    managers.hello("a")
    device = stage.do(ev.Create("device", {"name": "nas", "driver": "http"}))["row"]["id"]
    key = stage.do(ev.Create("key", {"name": "free"}))["row"]["id"]
    one, two, three = add(managers, "one", "two", "three", device_id=device, key_id=key)
    begun = len(managers.begun)
    farm = stage.farm
    said = stage.do(
        ev.Reload(
            [
                Channel(40, "new", device_id=40, key_id=key),
                Device(40, "plc", driver="http"),
                Key(key, "free", unit="GB"),
                replace(one, params={"delta": 3.0}, state="stopped", version=9),
                replace(two, type="odd"),
                Channel(41, "bad", device_id=404, key_id=key),
            ],
            [("channel", three.id), ("device", device)],
        )
    )
    managers.play()
    assert said["added"] == ["device plc", "channel new"]
    assert said["changed"] == ["key free", "channel one"]
    assert said["deleted"] == ["channel three"]
    assert [thing for thing, _ in said["refused"]] == ["channel two", "channel bad", "device nas"]
    assert (one.params, one.state, one.version) == ({"delta": 3.0}, "logging", one.version)
    assert farm.channels[40].state == "logging"
    assert sorted(managers.begun[begun:]) == [one.id, 40]
    assert farm.next_ids["channel"] == 41


def test_a_short_name_is_one_channels_and_no_others_name(stage: Stage) -> None:
    """CL-31: a word that meant two channels would have deleted both."""
    stage.do(ev.AddChannels([{"name": "nas.seconds", "type": "easy", "short_name": "ns"}]))
    error = stage.refused(ev.AddChannels([{"name": "c2", "type": "easy", "short_name": "ns"}]))
    assert isinstance(error, Exists) and "'ns'" in error.message and "nas.seconds" in error.message and error.hint
    twice = [{"name": name, "type": "easy", "short_name": "x"} for name in ("c3", "c4")]
    assert isinstance(stage.refused(ev.AddChannels(twice)), Exists)
    stage.do(ev.AddChannels([{"name": "c5", "type": "easy"}, {"name": "c6", "type": "easy"}]))
    ids = [row.id for row in stage.farm.channels.values()]
    assert "c5" in stage.refused(ev.Update("channel", ids[:1], {"short_name": "c5"})).message
    assert isinstance(stage.refused(ev.Update("channel", ids[1:], {"short_name": "both"})), Exists)
    stage.do(ev.Update("channel", ids[:1], {"short_name": "ns"}))  # its own
    row = Channel(99, "by hand", short_name="ns", type="easy")
    assert "'ns'" in stage.do(ev.Reload([row], [], "the database"))["refused"][0][1]
    assert [one.name for one in stage.farm.channels.values()] == ["nas.seconds", "c5", "c6"]
