"""Whole farms from seeds: whatever breaks, every promise holds and everything finishes (DESIGN 11)."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from msgspec.structs import replace

from .farmhouse import Farmhouse
from .master import SETTINGS

# A night can be longer: BRENDER_SEEDS=0-20000. One that fails is played again alone with BRENDER_SEEDS=71-72.
FIRST, LAST = map(int, os.environ.get("BRENDER_SEEDS", "0-1000").split("-"))
PORTIONS = 10


@pytest.mark.timeout(900)
@pytest.mark.parametrize("portion", range(PORTIONS))
def test_every_farm_keeps_its_promises_and_finishes(portion: int) -> None:
    """F01, F03, F04, F08-F11, F14-F17, F19, F20, F46, F48; the seed of a failure is in its message."""
    for seed in range(FIRST + portion, LAST, PORTIONS):
        Farmhouse(seed).play()


def test_a_farm_that_gives_out_little_at_a_time_finishes_too() -> None:
    for seed in range(30):
        Farmhouse(seed, settings=replace(SETTINGS, assign_at_once=2)).play()


def test_a_seed_is_a_story_told_the_same_way_twice() -> None:
    one, two = Farmhouse(4).play(), Farmhouse(4).play()

    assert one.disk.rows == two.disk.rows
    assert (one.clock.played, one.clock.now) == (two.clock.played, two.clock.now)


def test_the_farms_see_all_that_is_to_be_seen() -> None:
    """What a simulation never meets it cannot judge."""
    seen: Counter[str] = Counter()
    for seed in range(150):
        house = Farmhouse(seed).play()
        seen["starts of a master"] += house.disk.epoch
        seen["superseded results"] += house.verdict.refused
        seen.update(house.verdict.seen)
        seen.update(house.verdict.channels.seen)
        for (table, _), row in house.disk.rows.items():
            if table == "attempt":
                seen[f"attempt {row.values[6]}"] += 1
                seen["given up"] += "given up" in row.values[10]

    wanted = ["success0", "error", "terminated", "stopped", "killed", "lost", "returned"]
    missing = [f"attempt {state}" for state in wanted if not seen[f"attempt {state}"]]
    missing += [what for what in ("superseded results", "given up", "late results", "drops") if not seen[what]]
    missing += [what for what in ("adopted", "recall", "stop", "immortal", "hangup", "bye") if not seen[what]]
    missing += [what for what in ("bundles", "moved", "dropped", "began anew") if not seen[what]]
    assert missing == []
    assert seen["starts of a master"] > 200
