"""Channels and their managers: placed by a census, moved when one dies, started and stopped one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core import events as ev
from brender.core.farm import Channel
from brender.core.hosting import Census
from brender.core.orders import CountChannels, Host
from brender.core.rules.hosting import Ranks
from brender.errors import Conflict, Exists, Invalid, InvalidParams, NotFound, WrongState
from core.builders import Stage

MANAGER = {"roles": ["worker", "manager"], "probes": ["host", "http"]}


class Managers:
    """Managers that do what they are told at once; `silent` ones do not answer a census, `deaf` ones nothing."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.hosts: dict[int, dict[int, Any]] = {}
        self.begun: list[int] = []  # channels in the order in which they began anywhere
        self.silent: set[int] = set()
        self.deaf: set[int] = set()

    def hello(self, name: str, **values: Any) -> int:
        config = {**MANAGER, **values.pop("config", {})}
        worker = self.stage.worker(name, config=config, **values)
        self.hosts.setdefault(worker, {})
        self.play()
        return worker

    def dies(self, worker: int) -> None:
        """kill -9: the connection ends, and nothing of it is left."""
        self.stage.do(ev.Disconnected(self.stage.session(worker)))
        self.hosts[worker] = {}
        self.stage.inbox.pop(worker, None)

    def play(self) -> None:
        """Carry out orders until there are none, and take the turns that the farm wants at once."""
        hosting = self.stage.farm.hosting
        while True:
            orders = [(w, o) for w in list(self.hosts) if w not in self.deaf for o in self.stage.orders(w)]
            if not orders and (hosting.due() or self.stage.now + 1) > self.stage.now:
                return
            if not orders:
                self.stage.do(ev.PlaceChannels())
            for worker, order in orders:
                if self.stage.farm.loads[worker].session is not None:
                    self._carry_out(worker, order)

    def _carry_out(self, worker: int, order: Any) -> None:
        mine, session = self.hosts[worker], self.stage.session(worker)
        if isinstance(order, CountChannels) and worker not in self.silent:
            self.stage.do(ev.Counted(session, order.census, len(mine)))
        elif isinstance(order, Host):
            keep = order.keep if order.keep is not None else list(mine)
            for gone in [one for one in mine if one not in keep or one in order.drop]:
                del mine[gone]
            kept = [one.id for one in order.put if mine.get(one.id) == one and not order.again]
            started = [one.id for one in order.put if one.id not in kept]
            mine.update((one.id, one) for one in order.put)
            self.begun += started
            self.stage.do(ev.ChannelsReady(session, started, kept))

    def counts(self) -> list[int]:
        return [len(mine) for mine in self.hosts.values()]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def managers(stage: Stage) -> Managers:
    return Managers(stage)


def add(managers: Managers, *names: str, **values: Any) -> list[Channel]:
    farm = managers.stage.farm
    managers.stage.do(ev.AddChannels([{"name": name, **values} for name in names]))
    managers.play()
    return [farm.channels[farm.names["channel", 0, name]] for name in names]


def test_single_requests_keep_the_counts_within_one(managers: Managers) -> None:
    """CL-15, CL-16."""
    for name in "abc":
        managers.hello(name)
    for number in range(20):
        add(managers, f"c{number}", type="easy")
        assert max(managers.counts()) - min(managers.counts()) <= 1
    assert managers.counts() == [7, 7, 6]


def test_a_list_is_split_evenly_and_only_what_the_manager_reports_is_logging(stage: Stage, managers: Managers) -> None:
    """CL-14, CL-18."""
    for name in "abc":
        managers.hello(name)
    stage.do(ev.AddChannels([{"name": f"c{n}", "type": "easy"} for n in range(9)]))
    assert {one.state for one in stage.farm.channels.values()} == {"new"}
    managers.play()
    assert managers.counts() == [3, 3, 3]
    assert {one.state for one in stage.farm.channels.values()} == {"logging"}
    assert all(one.started_at == stage.now for one in stage.farm.channels.values())


def test_the_managers_own_count_decides_and_not_the_masters_memory(stage: Stage, managers: Managers) -> None:
    """CL-15: asked at that moment."""
    a, b = managers.hello("a"), managers.hello("b")
    managers.hosts[a] = {900: None, 901: None}
    (one, two) = [add(managers, name, type="easy")[0] for name in ("one", "two")]
    assert (one.manager_id, two.manager_id) == (b, b)


def test_who_does_not_answer_a_census_is_taken_at_the_last_known_count(stage: Stage, managers: Managers) -> None:
    """REQUIREMENTS 10.14: a deadline of a second."""
    a, b = managers.hello("a"), managers.hello("b")
    add(managers, "first", type="easy")
    managers.silent = {a}
    stage.do(ev.AddChannels([{"name": "second", "type": "easy"}, {"name": "third", "type": "easy"}]))
    managers.play()
    assert stage.farm.channel_named("second").manager_id == 0  # type: ignore[union-attr]
    stage.now += 1.0
    stage.do(ev.PlaceChannels())
    managers.play()
    assert [one.manager_id for one in stage.farm.channels.values()] == [a, b, a]


def test_floating_channels_move_when_their_manager_dies_and_pinned_ones_go_stale(
    stage: Stage, managers: Managers
) -> None:
    """CL-49: counts fall on manager loss; REQUIREMENTS 7.2."""
    a, b = managers.hello("a"), managers.hello("b")
    floating = add(managers, *(f"f{n}" for n in range(10)), type="easy")
    (pinned,) = add(managers, "p", type="easy", manager_id=a)
    before = {one.id: one.started_at for one in floating if one.manager_id == b}
    stage.now += 5
    managers.dies(a)
    assert stage.farm.hosting.due() == stage.now + stage.core.settings.host_grace
    stage.now += stage.core.settings.host_grace
    stage.do(ev.PlaceChannels())
    managers.play()
    assert {one.manager_id for one in floating} == {b}
    assert stage.farm.hosting.count(b) == 10
    assert {one.id: one.started_at for one in floating if one.id in before} == before
    assert (pinned.manager_id, pinned.state, pinned.error) == (a, "stale", "a is lost")
    managers.hello("a", boot="2")
    assert (pinned.state, pinned.error) == ("logging", "")


def test_many_channels_move_in_several_turns_of_bounded_length(stage: Stage, managers: Managers) -> None:
    """The hub's other work goes on between them."""
    a, b, c = (managers.hello(name) for name in "abc")
    add(managers, *(f"f{n}" for n in range(1800)), type="easy")
    add(managers, *(f"p{n}" for n in range(400)), type="easy", manager_id=a)
    assert managers.counts() == [1000, 600, 600]
    managers.dies(a)
    stage.now += 1
    writes = []
    while (stage.farm.hosting.due() or stage.now + 1) <= stage.now:
        writes.append(len(stage.turn(ev.PlaceChannels()).changes))
    for worker in (b, c):
        for order in stage.orders(worker, CountChannels):
            writes.append(
                len(stage.turn(ev.Counted(stage.session(worker), order.census, len(managers.hosts[worker]))).changes)
            )
    while (stage.farm.hosting.due() or stage.now + 1) <= stage.now:
        writes.append(len(stage.turn(ev.PlaceChannels()).changes))
    managers.play()
    assert max(writes) <= 500 + len(managers.hosts)  # a manager's own row says that its channels changed
    assert managers.counts() == [0, 900, 900]
    assert sum(one.state == "stale" for one in stage.farm.channels.values()) == 400


def test_a_manager_that_is_back_at_once_keeps_its_channels_and_none_of_them_begins_anew(
    stage: Stage, managers: Managers
) -> None:
    """CL-35."""
    a, _ = managers.hello("a", boot="1"), managers.hello("b")
    add(managers, "x", "y", "z", type="easy")
    begun = list(managers.begun)
    started = {one.id: one.started_at for one in stage.farm.channels.values()}
    stage.now += 1
    stage.do(ev.Disconnected(stage.session(a)))
    managers.hello("a", boot="1")
    stage.now += 10
    stage.do(ev.PlaceChannels())
    managers.play()
    assert managers.begun == begun
    assert {one.id: one.started_at for one in stage.farm.channels.values()} == started
    assert {one.state for one in stage.farm.channels.values()} == {"logging"}


def test_after_a_restart_of_the_master_nothing_moves_while_managers_may_come_back(
    stage: Stage, managers: Managers
) -> None:
    a = managers.hello("a", boot="1")
    managers.hello("b", boot="1")
    add(managers, "x", "y", type="easy")
    began = list(managers.begun)
    stage.do(ev.Boot())
    assert stage.farm.channel_named("x").manager_id == a  # type: ignore[union-attr]
    stage.now += 30
    managers.hello("a", boot="1")
    assert managers.begun == began
    stage.now += 31
    stage.do(ev.PlaceChannels())
    managers.play()
    assert {one.manager_id for one in stage.farm.channels.values()} == {a}


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


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sets(st.sampled_from(["http", "tcp", "odd"]))), max_size=5),
    st.lists(st.sampled_from(["", "http", "tcp", "odd"]), max_size=25),
)
def test_each_channel_goes_to_the_fewest_of_those_that_can_host_it(
    offers: list[tuple[int, set[str]]], needs: list[str]
) -> None:
    """CL-15, CL-16: against a plain look at all of them, for channels that need different probes in any order."""
    stage = Stage()
    ids = [
        stage.worker(f"m{at}", config={**MANAGER, "probes": sorted(has)}) for at, (_, has) in enumerate(offers)
    ]  # fmt: skip
    counts = {one: count for one, (count, _) in zip(ids, offers, strict=True)}
    drivers = {"": 0} | {
        name: stage.do(ev.Create("device", {"name": name, "driver": name}))["row"]["id"]
        for name in ("http", "tcp", "odd")
    }
    ranks = Ranks(stage.farm, Census(1, 0.0, set(), dict(counts)))
    for at, need in enumerate(needs):
        can = [one for one, (_, has) in zip(ids, offers, strict=True) if not need or need in has]
        best = min(can, key=lambda one: (counts[one], one)) if can else 0
        channel = Channel(at + 1, f"c{at}", device_id=drivers[need])
        assert ranks.take(channel) == best
        if best:
            counts[best] += 1
        else:
            assert ranks.why_not(channel) in (
                "no manager is online",
                f"no manager that is online has the probe {need!r}",
            )
    assert ranks.counts == counts


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


def test_a_disabled_manager_gives_its_floating_channels_to_others(stage: Stage, managers: Managers) -> None:
    """BR-06, the thread of REQUIREMENTS 5.1, step 12; with nobody else they stay."""
    a = managers.hello("a")
    (one,) = add(managers, "one", type="easy")
    stage.do(ev.SetAdmin([a], "disabled"))
    assert (one.manager_id, one.state) == (a, "logging")
    b = managers.hello("b")
    (two,) = add(managers, "two", type="easy")
    assert two.manager_id == b
    stage.do(ev.SetAdmin([a], "enabled"))
    stage.do(ev.SetAdmin([a], "disabled"))
    managers.play()
    assert (one.manager_id, one.state) == (b, "logging")
    assert managers.counts() == [0, 2]


def test_with_no_manager_a_channel_waits_and_says_so(stage: Stage, managers: Managers) -> None:
    (one,) = add(managers, "one", type="easy")
    assert (one.state, one.error) == ("new", "no manager is online")
    a = managers.hello("a")
    assert (one.manager_id, one.state, one.error) == (a, "logging", "")


def test_a_channel_goes_only_to_a_manager_that_has_its_probe(stage: Stage, managers: Managers) -> None:
    device = stage.do(ev.Create("device", {"name": "plc", "driver": "modbus"}))["row"]["id"]
    key = stage.do(ev.Create("key", {"name": "level"}))["row"]["id"]
    a = managers.hello("a")
    (one,) = add(managers, "one", device_id=device, key_id=key)
    assert one.error == "no manager that is online has the probe 'modbus'"
    (pinned,) = add(managers, "pinned", device_id=device, key_id=key, manager_id=a)
    assert (pinned.state, pinned.error) == ("error", "a has no probe 'modbus'")
    b = managers.hello("b", config={"probes": ["modbus"]})
    assert (one.manager_id, one.state) == (b, "logging")
    stage.do(ev.Update("device", [device], {"driver": "host"}))
    managers.play()
    assert (pinned.state, one.state, one.error) == ("logging", "error", "b has no probe 'host'")


def test_what_a_manager_reports_of_a_channel_is_told_and_what_is_not_its_own_is_not_heard(
    stage: Stage, managers: Managers
) -> None:
    a, b = managers.hello("a"), managers.hello("b")
    one, two = add(managers, "one", "two", type="easy")
    turn = stage.turn(ev.ChannelStates(stage.session(a), [(one.id, "error", "no route"), (two.id, "error", "lie")]))
    assert (one.state, one.error, two.state) == ("error", "no route", "logging")
    assert ("channel.error", "no route") in [(topic, data.get("why")) for topic, data in turn.notices]
    stage.do(ev.ChannelStates(stage.session(a), [(one.id, "stale", "silent"), (404, "stale", ""), (one.id, "odd", "")]))
    stage.do(ev.ChannelStates(stage.session(a), [(one.id, "logging", "")]))
    assert (one.state, one.error) == ("logging", "")
    stage.do(ev.ChannelsReady(stage.session(b), failed=[(two.id, "")]))
    assert (two.state, two.error) == ("error", "its manager does not say why")


def test_groups_share_the_channels_of_a_manager(stage: Stage, managers: Managers) -> None:
    """CL-40: manager by count, then group by count."""
    a = managers.hello("a")
    stage.do(ev.SetGroups(a, ["fast", "slow"]))
    rows = add(managers, *(f"c{n}" for n in range(5)), type="easy")
    assert [row.group for row in rows] == ["fast", "slow", "fast", "slow", "fast"]
    stage.do(ev.SetGroups(a, ["fast", "other"]))
    managers.play()
    assert [row.group for row in rows] == ["fast", "other", "fast", "other", "fast"]
    assert {row.state for row in rows} == {"logging"}
    assert isinstance(stage.refused(ev.SetGroups(a, ["x", "x"])), Invalid)


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


def test_rows_edited_in_the_database_are_applied_one_by_one(stage: Stage, managers: Managers) -> None:
    """RM-34 to RM-37: only what differs; what breaks a rule is refused by name and the rest goes on."""
    from msgspec.structs import replace

    from brender.core.farm import Device, Key

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
