"""What every probe and every channel type must keep, as classes that a plug-in's own tests subclass.

from tests.probes.contract import ProbeContract
class TestScale(ProbeContract):
    driver = "scale"                     # or kind = Scale, the class itself
    config = {"port": "/dev/ttyUSB0"}    # one that works on this machine
class TestMedian(TypeContract):
    name = "median"
    params = {"window": 5}
"""

from __future__ import annotations

import math
import os
from typing import Any, ClassVar

import msgspec
import pytest

from brender.core.orders import ChannelSpec
from brender.errors import Invalid
from brender.probes import Probe, Surroundings
from brender.probes.registry import Registry
from brender.worker.instruments import as_config
from brender.worker.sampling import Hosted


class ProbeContract:
    """Tests of one probe with one config; `bad` are configs that must be refused."""

    driver: ClassVar[str] = ""
    kind: ClassVar[type[Probe] | None] = None
    config: ClassVar[dict[str, Any]] = {}
    bad: ClassVar[list[dict[str, Any]]] = []

    @pytest.fixture
    def around(self) -> Surroundings:
        return Surroundings()

    @pytest.fixture
    def real(self) -> dict[str, Any]:
        """The config; one that needs something of this test overrides this."""
        return self.config

    def of(self) -> type[Probe]:
        return self.kind or Registry(os.environ, print).find(self.driver)

    def open(self, config: dict[str, Any], around: Surroundings) -> Probe:
        kind = self.of()
        return kind(as_config(self.driver or kind.__name__, kind.Config, config), around)

    def test_its_config_has_a_json_schema_with_nothing_left_open(self) -> None:
        """RM-30: a class and a config checked against its schema, never evaluated."""
        schema = msgspec.json.schema(self.of().Config)
        (found,) = schema["$defs"].values()
        assert found["type"] == "object"
        assert found.get("additionalProperties") is False

    def test_a_config_that_does_not_fit_is_refused_by_name(self) -> None:
        for config in [{"no_such_setting": 1}, *self.bad]:
            with pytest.raises(Invalid):
                as_config(self.driver, self.of().Config, config)

    def test_it_reads_values_that_can_be_kept_again_and_again(self, around: Surroundings, real: dict[str, Any]) -> None:
        probe = self.open(real, around)
        try:
            for _ in range(3):
                found = probe.read()
                assert isinstance(found, dict)
                for key, value in found.items():
                    assert isinstance(key, str)
                    assert key
                    assert keepable(value), (key, value)
                    assert probe.keys is None or key in probe.keys, key
        finally:
            probe.close()

    def test_two_of_it_do_not_disturb_each_other_and_closing_one_leaves_the_other(
        self, around: Surroundings, real: dict[str, Any]
    ) -> None:
        one, other = self.open(real, around), self.open(real, around)
        one.read()
        one.close()
        assert isinstance(other.read(), dict)
        other.close()

    def test_it_says_how_long_a_read_may_take(self, around: Surroundings, real: dict[str, Any]) -> None:
        probe = self.open(real, around)
        assert 0 < probe.deadline <= 620
        probe.close()


class TypeContract:
    """Tests of one channel type with some parameters; `bad` are those that must be refused."""

    name: ClassVar[str] = ""
    params: ClassVar[dict[str, Any]] = {}
    bad: ClassVar[list[dict[str, Any]]] = []

    def open(self, params: dict[str, Any]) -> Hosted:
        types = Registry(os.environ, print).types
        return Hosted(ChannelSpec(1, "x", self.name, params, driver="host", key="cpu"), 0.0, types)

    def test_its_parameters_have_a_json_schema_with_nothing_left_open_and_those_of_all_types(self) -> None:
        """CL-34."""
        kind = type(self.open(self.params).params)
        found = msgspec.json.schema(kind)["$defs"][kind.__name__]
        assert found.get("additionalProperties") is False
        assert {"period", "tolerance", "burst", "heartbeat", "stale"} <= found["properties"].keys()

    def test_parameters_that_do_not_fit_are_refused_by_name(self) -> None:
        for params in [{"no_such_parameter": 1}, {"period": 0}, *self.bad]:
            with pytest.raises(Invalid):
                self.open({**self.params, **params})

    def test_what_it_keeps_can_be_kept_and_is_no_later_than_what_was_measured(self) -> None:
        """Numbers, texts and lists come; each is taken, and nothing of it is an error."""
        one, last = self.open(self.params), 0.0
        for number, value in enumerate([1.0, 2.0, 2.0, "open", [1.0, 2.0], -3.0, 0.0] * 20):
            for at, kept in one.take(float(number), float(number), value):
                assert keepable(kept)
                assert last <= at <= number
                last = at
            assert (one.state, one.why) == ("logging", "")

    def test_two_of_it_do_not_disturb_each_other(self) -> None:
        one, other, alone = (self.open(self.params) for _ in range(3))
        for number in range(50):
            one.take(number, number, -float(number))
            assert other.take(number, number, float(number)) == alone.take(number, number, float(number))


def keepable(value: Any) -> bool:
    """A number, a text, a list of numbers, or nothing at the moment."""
    if isinstance(value, list):
        return all(isinstance(one, (int, float)) and math.isfinite(one) for one in value)
    return value is None or isinstance(value, str) or (isinstance(value, (int, float)) and math.isfinite(value))
