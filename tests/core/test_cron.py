"""Cron expressions against an oracle that walks minute by minute, over changes to summer time and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brender.core import cron
from brender.errors import Invalid

# A zone and a day near one of its jumps: an hour forward, back, half an hour, at midnight, none, half-hour offsets.
JUMPS = [
    ("Europe/Madrid", datetime(2027, 3, 28)),
    ("Europe/Madrid", datetime(2027, 10, 31)),
    ("America/New_York", datetime(2026, 11, 1)),
    ("America/New_York", datetime(2027, 3, 14)),
    ("Australia/Lord_Howe", datetime(2027, 4, 4)),
    ("Australia/Lord_Howe", datetime(2026, 10, 4)),
    ("America/Havana", datetime(2027, 3, 14)),
    ("Africa/Cairo", datetime(2027, 4, 30)),
    ("Asia/Kolkata", datetime(2027, 1, 1)),
    ("UTC", datetime(2038, 1, 19)),
]


class Field:
    """One field of an expression as text and as the values it means."""

    def __init__(self, text: str, values: set[int]) -> None:
        self.text, self.values = text, values

    def __repr__(self) -> str:
        return self.text


def field(low: int, high: int) -> st.SearchStrategy[Field]:
    every = set(range(low, high + 1))
    step = st.integers(2, max(2, (high - low) // 2))
    number = st.integers(low, high)
    return st.one_of(
        st.just(Field("*", every)),
        step.map(lambda n: Field(f"*/{n}", set(range(low, high + 1, n)))),
        number.map(lambda n: Field(str(n), {n})),
        st.sets(number, min_size=2, max_size=3).map(lambda s: Field(",".join(map(str, sorted(s))), s)),
        st.tuples(number, number).map(
            lambda p: Field(f"{min(p)}-{max(p)}", set(range(min(p), max(p) + 1)))
        ),
    )  # fmt: skip


def wanted(minute: Field, hour: Field, days: set[int], tz: str, start: datetime) -> Iterator[float]:
    """Every occurrence of six days around a date, by going through all minutes; Debian's rules for fixed times."""
    zone = ZoneInfo(tz)
    first = (start - timedelta(days=3)).replace(tzinfo=UTC)
    minutes = [first + timedelta(minutes=n) for n in range(6 * 1440)]
    if minute.text.startswith("*") or hour.text.startswith("*"):
        for at in minutes:
            local = at.astimezone(zone)
            if local.minute in minute.values and local.hour in hour.values and local.isoweekday() % 7 in days:
                yield at.timestamp()
        return
    found = set()
    for at in minutes:  # read as local time: each named time of each day once
        if at.minute in minute.values and at.hour in hour.values and at.isoweekday() % 7 in days:
            local = at.replace(tzinfo=zone, fold=0)
            while local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                local += timedelta(minutes=1)  # the clock jumps over it
            found.add(local.timestamp())
    yield from sorted(found)


@given(
    jump=st.sampled_from(JUMPS),
    minute=field(0, 59),
    hour=field(0, 23),
    days=st.sampled_from(["*", "0", "1-5", "6,0"]),
    back=st.integers(-3 * 86_400, 86_400),
    part=st.sampled_from([0.0, 0.25, 0.999]),
)
@example(("Europe/Madrid", datetime(2027, 10, 31)), Field("30", {30}), Field("2", {2}), "*", 3900, 0.5)
@example(("Australia/Lord_Howe", datetime(2026, 10, 4)), Field("*", set(range(60))), Field("0", {0}), "*", -28_802, 0.0)
@example(("Europe/Madrid", datetime(2027, 3, 28)), Field("30", {30}), Field("2", {2}), "*", 1800, 0.0)
def test_it_is_due_when_the_oracle_says_strictly_in_the_future(
    jump: tuple[str, datetime], minute: Field, hour: Field, days: str, back: int, part: float
) -> None:
    """F24: also where the clock jumps, at the second and within it."""
    tz, start = jump
    weekdays = {"*": set(range(7)), "0": {0}, "1-5": {1, 2, 3, 4, 5}, "6,0": {6, 0}}[days]
    moment = start.replace(tzinfo=UTC).timestamp() + back + part
    occurrences = sorted(wanted(minute, hour, weekdays, tz, start))
    expected = next((at for at in occurrences if at > moment), None)

    found = cron.after(f"{minute} {hour} * * {days}", tz, moment)

    assert found is not None and found > moment
    end = start.replace(tzinfo=UTC).timestamp() + 2 * 86_400
    if expected is not None and expected < end:
        assert found == expected, (datetime.fromtimestamp(found, ZoneInfo(tz)), datetime.fromtimestamp(expected, UTC))
    else:
        assert found >= end


def test_a_fixed_time_comes_once_on_the_day_the_clock_goes_back_and_an_hourly_one_twice() -> None:
    """As in Debian's cron: 31 October 2027 has two half past twos in Madrid."""
    day = datetime(2027, 10, 31, tzinfo=UTC).timestamp()

    def count(expr: str) -> int:
        found, at = 0, day - 1
        while (at := cron.after(expr, "Europe/Madrid", at) or day * 2) < day + 6 * 3600:
            found += 1
        return found

    assert count("30 2 * * *") == 1
    assert count("*/30 2 * * *") == 4
    assert count("30 * * * *") == 6


@pytest.mark.parametrize(
    "expr",
    ["", "*", "* * * *", "60 * * * *", "* 24 * * *", "a b c d e", "* * 0 * *", "5- * * * *", "*/0 * * * *", "@daily",
     "1/1/1 * * * *", "* * * * 8", "\x00 * * * *", "٣ * * * *", "* * * * MON#6", "0 0 30 2 *", "* * L/ * *", "* " * 9],
)  # fmt: skip
def test_what_is_no_expression_or_never_comes_is_refused(expr: str) -> None:
    with pytest.raises(Invalid) as caught:
        cron.check(expr, "UTC", 1.8e9)
    assert "0 8 * * Mon-Fri" in caught.value.hint


def test_a_long_expression_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match="200 characters"):
        cron.check("1," * 200 + "1 * * * *", "UTC", 1.8e9)


@given(st.text(st.sampled_from("0123456789*/,-#LW? MONjan"), max_size=30), st.floats(0, 2e9))
def test_hostile_expressions_are_refused_or_due_in_the_future(expr: str, moment: float) -> None:
    with suppress(Invalid):
        assert cron.check(expr, "Europe/Madrid", moment) > moment


def test_an_expression_is_put_in_words() -> None:
    assert cron.words("0 8 * * Mon-Fri") == "at 08:00 on Monday through Friday"
    assert cron.words("no expression") == "no expression"


def test_at_the_end_of_all_dates_nothing_comes_any_more() -> None:
    assert cron.after("0 0 1 1 *", "UTC", datetime(9999, 6, 1, tzinfo=UTC).timestamp()) is None
