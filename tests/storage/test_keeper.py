"""Readings in and out: what was taken in is what is answered, whatever was moved, sealed or killed in between."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.errors import BrenderError, Invalid
from brender.storage.blocks import Sums
from brender.storage.keeper import Keeper

from .world import START, Place, columns, seconds

HOUR = 3600.0


def test_a_batch_is_read_back_as_it_was_sent(place: Place) -> None:
    """CL-03, RM-26, RM-27: numbers, texts, vectors and gaps of several channels, to the microsecond."""
    batch = [
        (7, START + 0.123456, 21.5), (7, START + 1.0, -0.1), (9, START, 1e300), (7, START + 2, "door open"),
        (7, START + 3, [1.0, 2.5]), (7, START + 4, None), (9, START + 0.000001, 3.0),
    ]  # fmt: skip
    place.keep(columns(batch))

    for _ in range(3):  # from memory, from pieces, from sealed blocks
        assert place.samples(7) == [(at, value) for channel, at, value in batch if channel == 7]
        assert place.samples(9) == [(START, 1e300), (START + 0.000001, 3.0)]
        assert place.samples(8) == []
        place.seal()


def test_what_was_acknowledged_is_there_after_a_crash(place: Place) -> None:
    """CL-42: before the move, in the middle of it, and after it."""
    place.keep(seconds(1, START, 10))
    place.crash()
    assert len(place.samples(1)) == 10

    place.keep(seconds(1, START + 10, 10))
    waiting = place.keeper._buffer
    waiting.close_file()
    oldest = waiting.oldest()
    assert oldest is not None
    # The database has it, and the process dies before the file of the buffer is deleted.
    place.keeper._archive.move(waiting.name, oldest.number, oldest.tails, oldest.others, place.now)
    place.crash()
    place.move()
    assert len(place.samples(1)) == 20
    assert place.keeper.status()["samples"] == 20


def test_a_sample_that_comes_twice_counts_once(place: Place) -> None:
    """CL-42: batches are sent again until they are acknowledged; (channel, time) is what a sample is."""
    place.keep(seconds(1, START, 100), seconds(1, START, 100, value=500.0))
    place.move()
    place.keep(seconds(1, START + 50, 100, value=51.0))
    place.keep(columns([(1, START + 5, "text")] * 2))
    place.seal()
    place.keep(seconds(1, START, 150, value=900.0))
    place.seal()

    assert [value for _, value in place.samples(1)] == [float(at) for at in range(1, 151)]
    assert place.ask(1, step=HOUR).counts == [150]
    stats = place.keeper.stats()
    assert stats["kinds"]["raw"]["samples"] == 151
    assert stats["kinds"]["hours"]["samples"] == 1


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_any_life_of_a_storage_says_what_a_dictionary_says(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, database: str, seed: int
) -> None:
    """RM-32, CL-48: late, doubled and shuffled samples over the end of a month; moved, sealed, killed in any order."""
    url = request.getfixturevalue("server").fresh() if database else ""
    random = Random(seed)
    begin = START + 9 * 86_400 - 2 * HOUR  # October begins two hours later
    place = Place(tmp_path_factory.mktemp("life"), url, segment_samples=300, memory_samples=800)
    place.now = begin
    known: dict[tuple[int, float], float] = {}
    try:
        for _ in range(25):
            place.now += random.choice((1.0, 600.0, 3000.0))
            _live(random, place, known)
            _compare(random, place, known)
        place.seal(3 * HOUR)
        _compare(random, place, known)
        assert place.keeper.stats()["kinds"]["raw"]["samples"] == len(known)
    finally:
        place.close()


def _live(random: Random, place: Place, known: dict[tuple[int, float], float]) -> None:
    deed = random.choice(("keep", "keep", "keep", "again", "move", "crash", "tend"))
    if deed in ("keep", "again"):
        late = random.choice((0.0, 0.0, 0.0, 4000.0, 9000.0))
        samples = [
            (random.randint(1, 3), round(place.now - late - random.random() * 900, 3), random.uniform(-5, 5))
            for _ in range(random.randint(1, 200))
        ]
        if deed == "again" and known:
            samples += [(*key, known[key]) for key in random.sample(sorted(known), min(50, len(known)))]
        random.shuffle(samples)
        place.keep(columns(samples))
        for channel, at, value in samples:
            known.setdefault((channel, at), value)
    elif deed == "move":
        place.move()
    elif deed == "crash":
        place.crash()
    else:
        place.tend()


def _compare(random: Random, place: Place, known: dict[tuple[int, float], float]) -> None:
    place.tend()
    channel = random.randint(1, 3)
    mine = {at: value for (who, at), value in known.items() if who == channel}
    assert place.samples(channel) == sorted(mine.items())
    step = random.choice((7.0, 60.0, 300.0, 3600.0, 7200.0))
    begin = place.now - random.uniform(0, 20_000)
    end = begin + random.uniform(1, 20_000)
    found = place.ask(channel, begin, end, step=step, agg="mean", most=100_000)
    expected = _sums(mine, begin, end, step)
    assert [at / 1e6 for at in found.times] == list(expected)
    assert found.counts == [one.count for one in expected.values()]
    assert found.lowest == [one.lowest for one in expected.values()]
    assert found.highest == [one.highest for one in expected.values()]
    assert found.values == pytest.approx([one.total / one.count for one in expected.values()])
    last = place.ask(channel, begin, end, step=step, agg="last", most=100_000)
    assert last.values == [one.last for one in expected.values()]


def _sums(samples: dict[float, float], begin: float, end: float, step: float) -> dict[float, Sums]:
    """The slow way: whole steps that touch the stretch."""
    sums: dict[float, Sums] = {}
    first, past = begin // step, -(-end // step)
    for at in sorted(samples):
        if first <= at // step < past:
            value = samples[at]
            one = Sums(1, value, value, value, value)
            start = at // step * step
            if start in sums:
                sums[start].add(one)
            else:
                sums[start] = one
    return sums


def test_questions_are_bounded_in_points(place: Place) -> None:
    """RM-32: whatever is asked, the answer has at most so many points, and coarser ones when it is far."""
    place.keep(*(seconds(1, START + at * 10_000, 10_000) for at in range(9)))
    place.seal(30 * HOUR)

    day = place.ask(1, START, START + 86_400)
    assert (day.source, day.aggregate, day.step) == ("minutes", "mean", 120 * 10**6)
    assert len(day.times) == 720
    minute = place.ask(1, START + 60, START + 120)
    assert (minute.source, len(minute.times)) == ("raw", 60)
    assert len(place.ask(1, START, START + 86_400, most=100_000).times) == 86_400
    week = place.ask(1, START - 3 * 86_400, START + 4 * 86_400, most=30)
    assert (week.source, week.step) == ("hours", 3600 * 10**6)
    with pytest.raises(Invalid, match="more than 1000 samples"):
        place.ask(1, START, START + 86_400, agg="raw")
    with pytest.raises(Invalid, match=r"Steps of 1 s make 90000 points; at most 1000") as refused:
        place.ask(1, step=1.0)
    assert "step=120" in refused.value.hint


def test_a_question_has_its_time(place: Place) -> None:
    """RM-32: and is given up when that is over."""
    place.keep(*(seconds(1, START + at * 10_000, 10_000) for at in range(9)))
    place.move()
    place.again(longest_answer=0.0)
    place.move()
    with pytest.raises(BrenderError, match="took too long"):
        place.ask(1, agg="raw", most=100_000)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"agg": "median"}, "There is no agg=median"),
        ({"step": 0.0}, "no length of a step"),
        ({"step": 1.0, "agg": "raw"}, "agg=raw has no steps"),
        ({"most": 0}, "most=0 is not between"),
        ({"begin": START, "end": START}, "no stretch of time"),
        ({"begin": float("nan")}, "no stretch of time"),
        ({"end": 1e300}, "no stretch of time"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    place = Place(tmp_path)
    with pytest.raises(Invalid, match=said):
        place.ask(1, **asked)
    place.close()


def test_far_times_cost_nothing(place: Place) -> None:
    """From 1970 to the year 5000 only the hours are looked at that may have something."""
    assert place.ask(1, 0.0, 9e10).times == []
    place.keep(seconds(1, START, 10), columns([(2, 86_400.0, 1.0), (2, START, "x")]))
    assert len(place.ask(1, 0.0, 9e10).times) == 10
    place.seal()
    assert len(place.ask(1, 0.0, 9e10, agg="raw").times) == 10
    assert place.samples(2) == [(START, "x")]  # 1970 is older than what is kept


def test_another_farm_does_not_mix_its_readings_in(place: Place, tmp_path: Path) -> None:
    """Ids of channels mean something in one farm only."""
    place.keep(seconds(1, START, 10))
    place.move()
    keeper = place.keeper
    keeper._archive.parts._owner = "another"
    keeper._archive.close()
    keeper.tend()
    assert "another farm" in keeper.trouble
    keeper.keep([seconds(1, START + 100, 10)])
    keeper._archive.parts._owner = "the farm of the tests"
    assert keeper.tend() is False
    assert keeper.trouble == ""
    assert len(place.samples(1)) == 20


def test_how_it_is_in_figures(place: Place) -> None:
    """CL-02: what `farm status` and `reading stats` say."""
    place.keep(seconds(1, START, 300), seconds(2, START, 300))
    place.now += 10.0
    status = place.keeper.status()
    assert status["engine"] == ("postgresql" if place.database else "sqlite")
    assert (status["samples"], status["waiting"], status["rate"], status["lag"]) == (600, 600, 60.0, 10.0)
    assert status["bytes"] > 600 * 20
    place.seal()
    stats = json.loads(json.dumps(place.keeper.stats()))
    assert (stats["samples"], stats["waiting"], stats["lag"], stats["rate"]) == (600, 0, 0.0, 0.0)
    assert stats["oldest"] == START
    assert stats["disk_bytes"] > 10_000
    assert stats["kinds"]["minutes"]["samples"] == 2
    assert stats["bytes"] < 600 * 20


def test_no_table_is_made_before_something_comes(tmp_path: Path) -> None:
    """A farm without readings has an empty, small file."""
    keeper: Keeper = Place(tmp_path).keeper
    assert keeper.stats()["kinds"]["raw"] == {"samples": 0, "bytes": 0, "parts": 0}
    assert keeper.stats()["oldest"] is None
    keeper.close()
