"""What every probe must keep, as a class that a plug-in's own tests subclass.

from tests.probes.contract import ProbeContract
class TestScale(ProbeContract):
    driver = "scale"                     # or kind = Scale, the class itself
    config = {"port": "/dev/ttyUSB0"}    # one that works on this machine
"""

from __future__ import annotations

import math
import os
from typing import Any, ClassVar

import msgspec
import pytest

from brender.errors import Invalid
from brender.probes import Probe, Surroundings
from brender.probes.registry import Registry
from brender.worker.instruments import as_config


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


def keepable(value: Any) -> bool:
    """A number, a text, a list of numbers, or nothing at the moment."""
    if isinstance(value, list):
        return all(isinstance(one, (int, float)) and math.isfinite(one) for one in value)
    return value is None or isinstance(value, str) or (isinstance(value, (int, float)) and math.isfinite(value))
