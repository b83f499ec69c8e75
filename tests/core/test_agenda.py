"""What is due between two moments, against the plans themselves asked one by one; windows against inside and edges."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from math import inf, nextafter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brender.core import agenda, calendars, occurrences
from brender.core.rows import Schedule

from .builders import at_once
from .test_calendars import text
from .test_cron import JUMPS

NOW = datetime(2026, 10, 24, 18, tzinfo=ZoneInfo("UTC")).timestamp()  # the night after, Madrid's clock goes back
DAY = 86_400.0
zones = st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Asia/Kathmandu", "America/Havana"])
EXPRESSIONS = ["0 8 * * Mon-Fri", "*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15,45 23 * * *", "*/20 * * * * *"]


@st.composite
def plans(draw: st.DrawFn) -> list[Schedule]:
    """Schedules of every kind, armed, held and over."""
    found = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from(["cron", "repeat_every", "repeat_o_clock", "once_when"]))
        row = Schedule(number, f"{number}", kind=kind, expr=draw(st.sampled_from(EXPRESSIONS)), tz=draw(zones))
        row.seconds = float(draw(st.sampled_from([600, 5400, 86_400, 100_000])))
        row.timestamp = NOW + draw(st.integers(1, 400_000))
        row.state = draw(st.sampled_from(["armed", "armed", "armed", "paused", "stopped"]))
        row.next_at = occurrences.after(row, NOW)
        found.append(row)
    return found


def all_of(row: Schedule, start: float, end: float) -> list[float]:
    """Its occurrences by its plan alone."""
    found = []
    at = occurrences.after(row, max(NOW, nextafter(start, -inf)))
    while at is not None and at < end:
        found.append(at)
        at = None if row.kind in occurrences.ONCE else occurrences.after(row, at)
    return found


@given(rows=plans(), tz=zones, begin=st.integers(-90_000, 90_000), length=st.integers(1, 130_000))
@example(
    [Schedule(1, "1", kind="repeat_every", seconds=600.0, timestamp=NOW + 60, next_at=NOW + 60)],
    "Europe/Madrid",
    0,
    130_000,
)
def test_an_agenda_with_room_has_every_occurrence_in_order(
    rows: list[Schedule], tz: str, begin: int, length: int
) -> None:
    """Issue 6 item 5: what a calendar shows is what the plans say, and the page reckons none of it."""
    start, end = NOW + begin, NOW + begin + length
    found = at_once(agenda.coming(rows, tz, start, end, each=10_000, most=50_000))
    wanted = sorted((at, row.id) for row in rows if row.state == "armed" for at in all_of(row, start, end))
    assert [(one.at, one.id) for one in found.due] == wanted
    assert (found.cut, found.left) == (None, 0)
    assert not any(one.again for one in found.due)


@given(rows=plans(), tz=zones, each=st.integers(1, 5), most=st.integers(1, 30))
def test_an_agenda_without_room_says_where_it_left_something_out(
    rows: list[Schedule], tz: str, each: int, most: int
) -> None:
    end = NOW + 1.3 * DAY
    found = at_once(agenda.coming(rows, tz, NOW, end, each, most))
    assert len(found.due) <= most
    assert [one.at for one in found.due] == sorted(one.at for one in found.due)
    days: Counter[tuple[int, str]] = Counter()
    for row in rows:
        told = [one for one in found.due if one.id == row.id]
        real = all_of(row, NOW, end) if row.state == "armed" else []
        assert {one.at for one in told} <= set(real)
        by_day = Counter(day(at, tz) for at in real)
        days.update((row.id, day(one.at, tz)) for one in told)
        for one in told:
            last = one is told[-1] or day(told[told.index(one) + 1].at, tz) != day(one.at, tz)
            full = days[row.id, day(one.at, tz)] == each
            if last and (found.cut is None or full):
                assert one.again == (by_day[day(one.at, tz)] > each and full)
    assert all(count <= each for count in days.values())
    if found.cut is not None:
        assert len(found.due) == most
        assert found.cut >= found.due[-1].at
    else:
        missing = {
            (row.id, day(at, tz)) for row in rows if row.state == "armed" for at in all_of(row, NOW, end)
        } - days.keys()
        assert missing == set()


def day(at: float, tz: str) -> str:
    return f"{datetime.fromtimestamp(at, ZoneInfo(tz)):%F}"


@given(words=text, jump=st.sampled_from(JUMPS), hours=st.integers(-60, 60), length=st.integers(1, 8 * 86_400))
def test_spans_of_a_calendar_are_where_one_is_inside(
    words: str, jump: tuple[str, datetime], hours: int, length: int
) -> None:
    """F24, over changes to and from summer time: each begins and ends at an edge, and what is between is outside."""
    tz, at = jump
    start = at.replace(tzinfo=ZoneInfo("UTC")).timestamp() + hours * 3600
    end, windows = start + length, calendars.parse(words)
    edges = []
    edge = calendars.next_edge(windows, tz, start)
    while edge is not None and edge < end:
        edges.append(edge)
        edge = calendars.next_edge(windows, tz, edge)
    inside, wanted, begun = calendars.inside(windows, tz, start), [], start
    for edge in edges:
        if inside:
            wanted.append((begun, edge))
        inside, begun = not inside, edge
    assert calendars.spans(windows, tz, start, end) == ([*wanted, (begun, end)] if inside else wanted)


def test_calendars_of_the_same_windows_are_told_once_and_those_that_are_held_not_at_all() -> None:
    rows = [Schedule(number, str(number), kind="calendar", expr="Mon 08:00-09:00", next_at=NOW) for number in (1, 2, 3)]
    rows[2].state = "paused"
    rows.append(Schedule(4, "4", kind="calendar", expr="Sun 08:00-09:00", next_at=NOW))
    found, left = at_once(agenda.bands(rows, NOW, NOW + 7 * DAY))
    assert [one.ids for one in found] == [[1, 2], [4]]
    assert [len(one.spans) for one in found] == [1, 1]
    assert left == 0


def test_a_farm_with_too_much_of_it_says_how_many_were_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agenda, "LOOKED_AT", 2)
    monkeypatch.setattr(agenda, "MOST_SPANS", 1)
    rows = [
        Schedule(number, str(number), kind="once_when", timestamp=NOW + number, next_at=NOW + number)
        for number in (1, 2, 3)
    ]
    assert at_once(agenda.coming(rows, "UTC", NOW, NOW + DAY, 4, 10)).left == 1
    bands = [
        Schedule(number, str(number), kind="calendar", expr=f"Mon 0{number}:00-09:00", next_at=NOW) for number in (1, 2)
    ]
    found, left = at_once(agenda.bands(bands, NOW, NOW + 7 * DAY))
    assert (len(found), left) == (1, 1)
