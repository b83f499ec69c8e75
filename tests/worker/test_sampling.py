"""What is kept of what is measured: the seed's types and parameters, held against a plain reading of their rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.core.lifecycle import CHANNEL_TYPES
from brender.core.orders import ChannelSpec
from brender.errors import Invalid
from brender.worker.sampling import (
    TYPES,
    Filter,
    Hosted,
    Parameters,
    Sample,
    calibrated,
    made_up,
    patience,
    read,
)

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


def straight(params: Any, given: list[tuple[float, Any]]) -> list[tuple[float, Any]]:
    """The seed's rules by positions in the whole list, as one would do them on paper: `last` is the one kept last."""
    number = [value if isinstance(value, list) else [value] for _, value in given]
    delta, span = getattr(params, "delta", None), getattr(params, "timedelta", None)
    if delta is None and span is None and not params.tolerance:
        return given
    found, last, burst_ends = [0], 0, float("-inf")
    for here in range(1, len(given)):
        age = given[here][0] - given[last][0]
        need = [max(delta or 0.0, params.tolerance * abs(one)) for one in number[last]]
        steps = [abs(new - old) for new, old in zip(number[here], number[last], strict=True)]
        edge = any(step and step >= least for step, least in zip(steps, need, strict=True))
        if edge and (delta is not None or params.tolerance):
            found += [here - 1, here] if last < here - 1 else [here]
            burst_ends = given[here][0] + params.burst
        elif age >= params.heartbeat or (span is not None and age >= span) or given[here][0] < burst_ends:
            found.append(here)
        last = found[-1]
    return [given[at] for at in found]


several = {
    "delta": st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    "timedelta": st.sampled_from([0.5, 5.0, 20.0]),
    "tolerance": st.sampled_from([0.0, 0.05, 0.5]),
    "burst": st.sampled_from([0.0, 3.0, 10.0]),
    "heartbeat": st.sampled_from([4.0, 1800.0]),
}
#: Of each type, the parameters that it has beside those of all.
own = {"simple": (), "scalar": ("delta", "timedelta"), "delta": ("delta",), "ntime": ("timedelta",)}


@st.composite
def measured(draw: st.DrawFn, kind: str) -> tuple[dict[str, float], list[tuple[float, Any]]]:
    """Parameters, and values at times that are no even steps."""
    names = [*own.get(kind, ("delta", "timedelta")), "tolerance", "burst", "heartbeat"]
    params = draw(st.fixed_dictionaries({}, optional={name: several[name] for name in names}))
    number = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 2.5, 10.0, 11.0, -3.0])
    value = st.lists(number, min_size=2, max_size=2) if kind == "vector" else number
    steps = draw(st.lists(st.tuples(st.sampled_from([0.25, 0.5, 1.0, 4.0, 30.0]), value), min_size=1, max_size=40))
    at, given = 1000.0, []
    for step, one in steps:
        at += step
        given.append((at, one))
    return params, given


@pytest.mark.parametrize("kind", ["simple", "scalar", "delta", "ntime", "vector"])
@given(data=st.data())
def test_every_type_keeps_what_its_rules_say_on_paper(kind: str, data: st.DataObject) -> None:
    """CL-43 to CL-45, RM-49: dead-band with its edge, burst window, heartbeat, time, tolerance, in any mixture."""
    params, given = data.draw(measured(kind))
    one = Filter(read(kind, params))
    assert [sample for at, value in given for sample in one.take(at, value)] == straight(one._params, given)


@given(
    st.lists(st.tuples(st.sampled_from([0.5, 1.0, 4.0, 9.0, 31.0]), st.booleans()), max_size=40),
    st.sampled_from([0.5, 2.0, 30.0]),
)
def test_a_channel_is_stale_exactly_when_nothing_was_heard_for_its_patience(
    story: list[tuple[float, bool]], period: float
) -> None:
    """RM-49, looked at once after each step: silent again after as long again, and any value ends it."""
    one = Hosted(ChannelSpec(1, "x", "delta", {"period": period}, driver="host", key="cpu"), 0.0)
    now = since = 0.0
    state = "logging"
    for step, value in story:
        now += step
        if value:
            one.take(now, now, 5.0)
            since, state = now, "logging"
        silent = now - since >= one.patience
        assert one.silent(now) == silent
        if silent:
            since, state = now, "stale"
        assert one.state == state


@given(
    st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6)),
    st.floats(-1e3, 1e3).filter(bool),
    st.floats(-1e6, 1e6),
)
def test_calibration_adds_before_it_multiplies(value: float, mul: float, add: float) -> None:
    """RM-49."""
    assert calibrated(value, mul, add) == (float(value) + add) * mul


@given(st.integers(1, 2**31), st.floats(0, 4e9))
def test_synthetic_values_are_finite_and_of_their_channel(channel: int, at: float) -> None:
    """CL-46."""
    assert abs(made_up(channel, at)) <= 10
    assert made_up(channel, at) == made_up(channel, at)


class Fifth(Filter):
    """Of a plug-in: every fifth value, and it breaks at 13."""

    class Params(Parameters, frozen=True):
        first: int = 0

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self.count = -params.first

    def take(self, at: float, value: Any) -> tuple[Sample, ...]:
        if value == 13:
            raise ValueError("unlucky")
        self.count += 1
        return ((at, value),) if self.count % 5 == 0 else ()


class Odd(Filter):
    def take(self, at: float, value: Any) -> Any:
        return ((at, value), (None, "x"))


def test_a_type_of_a_plug_in_decides_and_what_it_breaks_is_its_channels_own_error() -> None:
    """CL-33: a class from the registry, with parameters of its own."""
    plug_ins = {"fifth": Fifth, "odd": Odd}
    one = Hosted(ChannelSpec(1, "x", "fifth", {"first": 2, "period": 3.0}), 0.0, plug_ins)
    assert [len(one.take(at, at, at)) for at in range(12)] == [0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    assert one.params.period == 3.0
    assert one.take(12, 12, 13) == ()
    assert (one.state, one.why) == ("error", "type fifth: ValueError: unlucky")
    assert one.take(13, 13, 1) == ()
    assert one.state == "logging"
    broken = Hosted(ChannelSpec(1, "x", "odd"), 0.0, plug_ins)
    assert broken.take(1, 1, 1) == ()
    assert broken.state == "error"
    for params, word in ({"firts": 1}, "first"), ({"first": "x"}, "int"), ({"period": 0.0}, "period"):
        with pytest.raises(Invalid) as refused:
            Hosted(ChannelSpec(1, "x", "fifth", params), 0.0, plug_ins)
        assert word in refused.value.sentence()
    with pytest.raises(Invalid, match="fifth"):
        Hosted(ChannelSpec(1, "x", "fiftg"), 0.0, plug_ins)


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
