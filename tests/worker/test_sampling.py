"""What is kept of what is measured: the seed's types and parameters, held against a plain reading of their rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core.lifecycle import CHANNEL_TYPES
from brender.core.orders import ChannelSpec
from brender.errors import Invalid
from brender.worker.sampling import TYPES, Filter, Hosted, calibrated, patience, read

values = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=60)


def kept(kind: str, given: list[float], every: float = 1.0, **params: float) -> list[tuple[float, float]]:
    """All samples that a channel keeps of values that come every so many seconds."""
    one = Filter(read(kind, params))
    return [sample for at, value in enumerate(given) for sample in one.take(at * every, value)]  # type: ignore[misc]


def test_the_types_are_those_of_the_farm_with_the_seeds_defaults() -> None:
    """CL-43, CL-46."""
    assert set(TYPES) == set(CHANNEL_TYPES)
    assert (read("ntime", {}).timedelta, read("delta", {}).delta) == (5.0, 0.0005)
    assert [read(kind, {}).period for kind in ("easy", "middle", "hard")] == [0.1, 0.05, 0.01]
    assert read("simple", {}).heartbeat == 1800.0


@given(values)
def test_simple_and_scalar_without_parameters_keep_every_value(given: list[float]) -> None:
    """CL-43, CL-45: no filter."""
    assert kept("simple", given) == kept("scalar", given) == list(enumerate(given))


@given(values, st.integers(1, 9))
def test_ntime_keeps_a_value_each_timedelta(given: list[float], span: int) -> None:
    """CL-43."""
    assert kept("ntime", given, timedelta=span) == [(at, value) for at, value in enumerate(given) if at % span == 0]


@given(values, st.integers(1, 9))
def test_a_dead_band_keeps_edges(given: list[float], delta: int) -> None:
    """CL-44: what is not kept differs by less from the kept value before it, and the last such one is kept before a
    jump, so that the line between two kept samples never cuts a corner."""
    found = kept("delta", given, delta=delta)
    assert found[0] == (0, given[0])
    assert set(found) <= set(enumerate(given))
    assert [at for at, _ in found] == sorted({at for at, _ in found})
    base = given[0]
    for at, value in enumerate(given[1:], 1):
        if abs(value - base) >= delta:
            assert (at, value) in found
            assert at - 1 in [one for one, _ in found]
            base = value
        else:
            following = at + 1 < len(given) and abs(given[at + 1] - base) >= delta
            assert ((at, value) in found) == following


def test_a_jump_is_preceded_by_the_last_value_that_was_not_kept() -> None:
    """CL-44, as the control system did it."""
    assert kept("delta", [1.0, 1.0, 1.1, 5.0, 5.0], delta=1.0) == [(0, 1.0), (2, 1.1), (3, 5.0)]
    assert kept("scalar", [1.0, 1.2, 9.0], delta=1.0, timedelta=100.0) == [(0, 1.0), (1, 1.2), (2, 9.0)]


def test_after_a_jump_everything_is_kept_for_the_burst() -> None:
    """CL-45: on change write everything for 10 s."""
    found = kept("delta", [0.0] * 5 + [3.0] * 20, delta=1.0, burst=10.0)
    assert [at for at, _ in found] == [0, 4, 5, *range(6, 15)]


def test_a_tolerance_is_a_part_of_the_value() -> None:
    """RM-49."""
    assert [v for _, v in kept("scalar", [100.0, 101.0, 104.0, 106.0, 106.0], tolerance=0.05)] == [100.0, 104.0, 106.0]
    assert [v for _, v in kept("scalar", [0.0, 0.0, 0.1], tolerance=0.05)] == [0.0, 0.0, 0.1]


def test_a_value_that_stays_is_kept_at_every_heartbeat() -> None:
    """RM-49: every 1800 s."""
    assert [at for at, _ in kept("delta", [1.0] * 100, every=100.0)] == [0, 1800, 3600, 5400, 7200, 9000]


def test_texts_and_vectors_are_kept_when_they_change() -> None:
    text, vector = Filter(read("delta", {})), Filter(read("vector", {"delta": 1.0}))
    assert [text.take(at, word) for at, word in enumerate(["on", "on", "off"])] == [
        ((0, "on"),), (), ((1, "on"), (2, "off")),
    ]  # fmt: skip
    given = [[1.0, 1.0], [1.5, 1.0], [1.0, 2.0], [1.0]]
    assert [len(vector.take(at, one)) for at, one in enumerate(given)] == [1, 0, 2, 1]


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    """F10."""
    one = Filter(read("ntime", {}))
    assert [len(one.take(at, 1.0)) for at in (1000.0, 1001.0, 10.0, 11.0, 15.0)] == [1, 0, 1, 0, 1]


def test_values_are_calibrated_as_the_seed_has_it() -> None:
    """RM-49: (v + add) * mul."""
    assert calibrated(3, 2.0, 1.0) == 8.0
    assert calibrated([1, 2], 10.0, 0.0) == [10.0, 20.0]
    assert calibrated(True, 1.0, 0.0) == 1.0
    assert calibrated("open", 2.0, 1.0) == "open"
    for bad in (float("nan"), float("inf"), 10**400, None, {}, [1, "x"], [0.0] * 5000):
        with pytest.raises(Invalid):
            calibrated(bad, 1.0, 0.0)


@pytest.mark.parametrize(
    ("kind", "params", "word"),
    [
        ("odd", {}, "odd"),
        ("delta", {"detla": 1}, "delta"),
        ("simple", {"delta": 1}, "no parameter 'delta'"),
        ("delta", {"delta": "much"}, "delta"),
        ("delta", {"delta": -1.0}, "delta"),
        ("easy", {"period": 0}, "period"),
        ("ntime", {"timedelta": 1e300}, "timedelta"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_by_name(kind: str, params: dict[str, object], word: str) -> None:
    """CL-34."""
    with pytest.raises(Invalid) as refused:
        read(kind, params)
    assert word in refused.value.sentence()


def test_silence_becomes_staleness_and_the_next_value_is_kept() -> None:
    """RM-49: 300 s, or some periods."""
    assert [patience(read("delta", {"period": p})) for p in (0.5, 5.0, 60.0, 200.0)] == [10.0, 25.0, 300.0, 401.0]
    one = Hosted(ChannelSpec(1, "x", "delta", {"period": 2.0}, driver="host", key="cpu"), 0.0)
    assert one.take(100.0, 0.0, 5.0) == ((100.0, 5.0),)
    assert not one.silent(9.9)
    assert one.silent(10.0)
    assert (one.state, one.why) == ("stale", "no value for 10 s")
    assert not one.silent(19.9)
    assert one.silent(20.0)
    assert one.take(130.0, 30.0, 5.0) == ((130.0, 5.0),)
    assert one.state == "logging"
    assert one.take(131.0, 39.0, None) == ()
    assert not one.silent(48.0)


def test_a_value_that_is_none_is_an_error_until_the_next_that_is() -> None:
    one = Hosted(ChannelSpec(1, "x", "simple", driver="host", key="cpu"), 0.0)
    assert one.take(1.0, 1.0, float("nan")) == ()
    assert (one.state, "nan" in one.why) == ("error", True)
    assert one.take(2.0, 2.0, 3) == ((2.0, 3.0),)
    assert (one.state, one.why) == ("logging", "")
