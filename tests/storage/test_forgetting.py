"""What is too old or too much goes, each kind by its own terms, and never what is young."""

from __future__ import annotations

from pathlib import Path

import pytest

from brender.storage.terms import Kept

from .world import START, Place, columns, seconds

DAY = 86_400.0
HOUR = 3600.0
EVER = Kept(1e9, 1 << 40)


def fill(place: Place, days: int) -> None:
    """A sample a minute on two channels and a text a day, sealed."""
    for day in range(days):
        begin = START + day * DAY
        place.now = begin + DAY
        place.keep(*(seconds(channel, begin, 1440, step=60.0) for channel in (1, 2)), columns([(1, begin, "day")]))
        place.seal()
    place.tend()


def test_samples_go_by_age_and_their_sums_stay(place: Place) -> None:
    """RM-32, CL-48: over the end of a month: a whole part goes, and the oldest hours of the next one."""
    fill(place, 20)  # 22 September to 11 October
    place.again(raw=Kept(8 * DAY, 1 << 40), minutes=Kept(15 * DAY, 1 << 40), hours=EVER)
    place.now += 120.0
    place.tend()

    horizon = (place.now - 8 * DAY) // HOUR * HOUR
    oldest, *_ = (at for at, _ in place.samples(1))
    assert oldest == horizon
    kinds = place.keeper.stats()["kinds"]
    assert kinds["raw"]["parts"] == 2  # blocks and texts of October
    assert kinds["raw"]["samples"] == sum(
        1 for at in range(20 * 1440) if START + at * 60 >= horizon for _ in (1, 2)
    ) + sum(START + day * DAY >= horizon for day in range(20))
    assert kinds["hours"]["samples"] == 20 * 24 * 2
    assert place.keeper.oldest == pytest.approx(place.now - 8 * DAY)

    whole = place.ask(1, START, place.now, step=DAY, agg="count")
    assert whole.source == "hours"
    assert whole.counts == [pytest.approx(count) for count in whole.values]
    assert sum(whole.counts) == 20 * 1440
    # Where samples or minutes are gone, steps are no finer than what is left, and say so.
    assert place.ask(1, START, START + DAY).step == HOUR * 10**6
    of_minutes = place.ask(1, place.now - 10 * DAY, place.now - 10 * DAY + HOUR, step=10.0)
    assert (of_minutes.source, of_minutes.step) == ("minutes", 60 * 10**6)
    assert len(of_minutes.times) in (60, 61)


def test_the_oldest_go_when_there_is_too_much(place: Place) -> None:
    """RM-32: by size, hour by hour; the hour that goes on stays whatever the terms."""
    fill(place, 3)
    full = place.keeper.stats()["kinds"]["raw"]["bytes"]
    place.again(raw=Kept(1e9, full // 3), minutes=EVER, hours=EVER)
    place.now += 120.0
    place.tend()
    stats = place.keeper.stats()
    assert 0 < stats["kinds"]["raw"]["bytes"] <= full // 3
    assert stats["oldest"] > START + DAY
    assert stats["kinds"]["hours"]["samples"] == 3 * 24 * 2

    place.again(raw=Kept(1e9, 1), minutes=Kept(1e9, 1), hours=Kept(1e9, 1))
    place.keep(seconds(1, place.now - place.now % HOUR, 5))
    place.move()
    place.now += 120.0
    place.tend()
    assert len(place.samples(1)) == 5


def test_what_comes_for_a_forgotten_hour_is_left_out(place: Place) -> None:
    """Else the sums of the whole hour would be replaced by those of the late part."""
    fill(place, 3)
    place.again(raw=Kept(DAY, 1 << 40))
    place.now += 120.0
    place.tend()
    before = place.ask(1, START, START + HOUR, step=HOUR).counts
    place.keep(seconds(1, START + 0.5, 7), columns([(1, START + 1, "late")]))
    place.seal()
    assert place.ask(1, START, START + HOUR, step=HOUR).counts == before == [60]
    assert place.keeper.stats()["dropped"] == 8


def test_space_that_was_freed_goes_back_to_the_disk(tmp_path: Path) -> None:
    place = Place(tmp_path)
    fill(place, 12)
    full = place.keeper.stats()["disk_bytes"]
    place.again(raw=Kept(HOUR, 1 << 40), minutes=Kept(HOUR, 1 << 40), hours=EVER)
    for _ in range(10):
        place.now += 120.0
        place.tend()
    assert place.keeper.stats()["disk_bytes"] < full / 2
    place.close()
