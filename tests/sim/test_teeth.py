"""The simulation has teeth: a farm with a defect is caught, by these seeds, each time."""

from __future__ import annotations

import pytest

from .defects import SWAPPED, WORLDS, rules
from .farmhouse import Defects, Farmhouse
from .verdict import Broken

WITHIN = 120  # seeds


def caught(name: str) -> tuple[int, str] | None:
    """The first seed that notices the defect, and how."""
    for seed in range(WITHIN):
        with rules(**SWAPPED.get(name, {})):
            try:
                Farmhouse(seed, WORLDS.get(name, Defects())).play()
            except Broken as broken:
                return seed, str(broken)
    return None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [*SWAPPED, *WORLDS])
def test_a_defect_is_caught(name: str) -> None:
    """CONTRACT 1.3.3."""
    assert caught(name) is not None, f"{WITHIN} seeds did not notice: {name}"


class Blackout(Farmhouse):
    """The master is away while tasks end, and before it is back the machines are killed and started."""

    def _plan_people(self) -> None:
        steps = [{"name": "s1", "function": "work", "params": ["ok"], "frames": "1-8"}]
        tree = {"name": "film", "workflows": [{"name": "job-0", "tasks": steps}]}
        self._submit("job-0", tree)

    def _plan_faults(self) -> None:
        self.clock.after(3.0, lambda: self.master and self.master.kill())
        self.clock.after(8.5, self._start_master)
        for machine in self.machines:
            self.clock.after(8.0, machine.kill)
            self.clock.after(8.1, machine.start)


def test_without_an_outbox_work_is_done_twice() -> None:
    """Nothing is wrong then, only wasted: so renders are counted (CONTRACT 1.4)."""
    renders = {
        no_outbox: sum(Blackout(seed, Defects(no_outbox=no_outbox)).play().launched for seed in range(25))
        for no_outbox in (False, True)
    }
    assert renders[True] > renders[False] * 1.05, renders
