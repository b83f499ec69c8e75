"""Windows of the week against an oracle that walks minute by minute, also where the clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brender.core import calendars
from brender.errors import Invalid

from .test_cron import JUMPS

DAYS = calendars.DAYS
days = st.one_of(
    st.just(""),
    st.sampled_from(DAYS),
    st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map("-".join),
    st.sets(st.sampled_from(DAYS), min_size=1, max_size=3).map(lambda found: ",".join(sorted(found))),
)
hour = st.integers(0, 3) | st.integers(0, 23)
clock = st.tuples(hour, st.sampled_from([0, 15, 30, 59])).map(lambda t: f"{t[0]:02}:{t[1]:02}")
times = st.tuples(clock, clock | st.just("24:00")).map("-".join)
near = st.integers(-1, 3) | st.integers(-60, 60)
part = st.tuples(days, st.lists(times, min_size=1, max_size=2).map(",".join)).map(" ".join)
text = st.lists(part, min_size=1, max_size=3).map("; ".join)


@lru_cache(maxsize=8)
def minutes_of(words: str) -> set[int]:
    """The same put another way: all minutes of a week that lie in a window."""
    minutes = set()
    for one in words.split(";"):
        pieces = one.split()
        named = range(7) if len(pieces) == 1 else _named(pieces[0])
        for span in pieces[-1].split(","):
            begin, end = (int(at[:2]) * 60 + int(at[3:]) for at in span.split("-"))
            for day in named:
                length = (end - begin) % 1440 or 1440
                minutes |= {(day * 1440 + begin + n) % (7 * 1440) for n in range(length)}
    return minutes


def open_at(words: str, local: datetime) -> bool:
    return local.weekday() * 1440 + local.hour * 60 + local.minute in minutes_of(words)


def _named(words: str) -> list[int]:
    found = []
    for word in words.split(","):
        first, _, last = word.partition("-")
        at, end = DAYS.index(first), DAYS.index(last or first)
        found += [(at + n) % 7 for n in range((end - at) % 7 + 1)]
    return found


@given(words=text, jump=st.sampled_from(JUMPS), hours=near, second=st.floats(0, 3599))
@example("Sun 02:15-02:30", ("Europe/Madrid", datetime(2027, 3, 28)), 0, 0.0)
@example("Sun 02:15-02:30", ("Europe/Madrid", datetime(2027, 10, 31)), 0, 1.5)
@example("Sun 01:00-02:30", ("Europe/Madrid", datetime(2027, 10, 31)), 1, 600.0)
@example("Sun 02:30-04:00", ("Europe/Madrid", datetime(2027, 3, 28)), 0, 0.0)
def test_an_edge_is_where_inside_becomes_outside_and_there_is_none_before(
    words: str, jump: tuple[str, datetime], hours: int, second: float
) -> None:
    """F24: inside is what the clock on the wall says; between now and the edge it says the same all the time."""
    tz, start = jump
    zone = ZoneInfo(tz)
    moment = start.replace(tzinfo=UTC).timestamp() + hours * 3600 + second
    windows = calendars.parse(words)
    inside = calendars.inside(windows, tz, moment)
    assert inside == open_at(words, datetime.fromtimestamp(moment, zone))

    edge = calendars.next_edge(windows, tz, moment)

    end = min(edge or moment + 15 * 86_400, moment + 3 * 86_400)
    minute = (moment // 60 + 1) * 60
    while minute < end:
        assert open_at(words, datetime.fromtimestamp(minute, zone)) == inside
        minute += 60
    if edge is not None:
        assert edge > moment
        assert open_at(words, datetime.fromtimestamp(edge, zone)) != inside
        assert open_at(words, datetime.fromtimestamp(edge - 1, zone)) == inside


def test_a_window_that_summer_time_swallows_comes_a_week_later() -> None:
    saturday = datetime(2027, 3, 27, 12, tzinfo=UTC).timestamp()
    edge = calendars.next_edge(calendars.parse("Sun 02:15-02:30"), "Europe/Madrid", saturday)
    assert edge is not None
    assert datetime.fromtimestamp(edge, ZoneInfo("Europe/Madrid")).strftime("%d %H:%M") == "04 02:15"


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    windows = calendars.parse("Mon-Fri 20:00-08:00; Sat-Sun 00:00-24:00")
    monday = datetime(2026, 11, 30, tzinfo=UTC)

    def at(days: int, hours: float) -> bool:
        return calendars.inside(windows, "UTC", (monday + timedelta(days=days, hours=hours)).timestamp())

    assert [at(0, hour) for hour in (0, 7.99, 8, 19.99, 20, 23.99)] == [False, False, False, False, True, True]
    assert [at(1, hour) for hour in (0, 7.99, 8, 20)] == [True, True, False, True]
    assert [at(5, hour) for hour in (0, 7, 12, 23.9)] == [True] * 4
    assert [at(6, hour) for hour in (0, 12, 23.9)] == [True] * 3


@pytest.mark.parametrize("always", ["00:00-24:00", "Mon-Sun 00:00-24:00", "12:00-12:00"])
def test_a_calendar_that_never_changes_has_no_edge(always: str) -> None:
    assert calendars.next_edge(calendars.parse(always), "Europe/Madrid", 1.8e9) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "one window or more"),
        (";;", "one window or more"),
        ("Mon-Fri", "has times"),
        ("Mon 25:00-08:00", "00:00 to 24:00"),
        ("Mon 24:00-08:00", "00:00 to 24:00"),
        ("Mon 08:60-09:00", "00:00 to 24:00"),
        ("Mon 8-9", "'8-9' is no window"),
        ("Mom 08:00-09:00", "'Mom' is no day"),
        ("Mo 08:00-09:00", "'Mo' is no day"),
        ("Mon- 08:00-09:00", "'' is no day"),
        ("Mon Tue 08:00-09:00", "'Tue' is no window"),
        ("Mon 08:00-09:00;" * 60, "500 characters"),
    ],
)
def test_what_is_no_calendar_is_refused_by_name(words: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        calendars.parse(words)
    assert said in caught.value.message


def test_days_may_be_written_in_full_and_around_the_end_of_the_week() -> None:
    assert calendars.parse("saturday-MON 8:00-9:00") == calendars.parse("Sat,Sun,Mon 08:00-09:00")


@given(st.text(max_size=40))
def test_hostile_text_is_refused_or_a_calendar(words: str) -> None:
    try:
        windows = calendars.parse(words)
    except Invalid:
        return
    calendars.next_edge(windows, "UTC", 1.8e9)
