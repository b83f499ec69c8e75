"""Who hosts which channel: placed by a census, moved when a manager dies, kept when it is back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core import events as ev
from brender.core.hosting import Census
from brender.core.orders import CountChannels
from brender.core.rows import Channel
from brender.core.rules.census import Ranks
from brender.errors import Invalid
from core.builders import Stage

from .managers import MANAGER, Managers, add


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def managers(stage: Stage) -> Managers:
    return Managers(stage)


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
    assert max(writes) <= 500 + len(managers.hosts)  # and each manager's own row
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


def test_when_a_managers_channels_last_changed_outlives_the_master(stage: Stage, managers: Managers) -> None:
    """CL-29: changed by every channel that comes, goes or is altered; by no restart, no link and no other manager."""
    a, b = managers.hello("a"), managers.hello("b")
    (channel,) = add(managers, "one", type="scalar", manager_id=a)
    began = stage.now
    assert (stage.farm.workers[a].rehosted_at, stage.farm.workers[b].rehosted_at) == (began, None)
    stage.now += 10
    stage.turn(ev.Boot())
    managers.hello("a")
    assert stage.farm.workers[a].rehosted_at == began
    stage.do(ev.Update("channel", [channel.id], {"params": {"delta": 0.5}}))
    assert stage.farm.workers[a].rehosted_at == stage.now
    stage.now += 10
    stage.do(ev.Delete("channel", [channel.id]))
    assert stage.farm.workers[a].rehosted_at == stage.now
