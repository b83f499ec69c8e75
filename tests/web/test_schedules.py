"""Schedules on the page: made by forms, fired by the clock, seen as a list and as a calendar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from doors.peers import until
from playwright.sync_api import Locator, expect

from .people import House, Person

MADRID = "Europe/Madrid"
HOSTILE = "<script>alert(1)</script> & ${7*7}"
VIEWS = ("schedules", "schedules?as=calendar", "schedules?as=calendar&span=week", "schedules/1")


@pytest.fixture
def timed(house: House) -> Iterator[House]:
    """The schedules that every farm has; what a test made is gone after it."""
    kept = {row["id"] for row in house.call("schedule.list")["schedules"]}
    yield house
    house.call("schedule.start")
    for row in house.call("schedule.list")["schedules"]:
        if row["id"] not in kept:
            house.call("schedule.remove", uuid=row["id"])


def cron(house: House, expr: str, name: str, command: str = "log info farm hello", tz: str = "UTC") -> int:
    made = house.call("schedule.cron", expr=expr, name=name, command=command, tz=tz)
    return int(made["row"]["id"])


def line(person: Person, name: str) -> Locator:
    return person.page.locator(".tr", has=person.page.get_by_role("link", name=name, exact=True)).first


def day(person: Person, number: int) -> Locator:
    """The cell of a day of the month that is shown."""
    return person.page.locator(".month .day:not(.other)", has=person.page.locator(f"b:text-is('{number}')")).first


def opened_today(person: Person, path: str) -> datetime:
    """Open a view, and tell the day on which that was: at midnight it is opened again."""
    while True:
        before = datetime.now(UTC)
        person.open(path)
        if datetime.now(UTC).date() == before.date():
            return before
        person.page.reload()


def change_of_clocks() -> date:
    """The next last Sunday of a March that is no 31st, and not around the corner: Madrid's clocks are put forward."""
    today = datetime.now(UTC).date()
    years = (date(year, 3, 31) for year in range(today.year, today.year + 20))
    sundays = (last - timedelta(days=(last.weekday() + 1) % 7) for last in years)
    return next(day for day in sundays if day.day < 31 and day > today + timedelta(days=3))


def test_a_schedule_is_added_by_a_form_fires_and_shows_what_became_of_it(timed: House) -> None:
    """Issue 6 item 5: any command, checked when it is made; the row goes on by itself."""
    person = timed.person().open("schedules")
    watcher = timed.person().open("schedules")
    person.page.get_by_label("Kind of schedule").select_option("once_after")
    person.button("Add").click()
    form = person.page.get_by_role("dialog")
    form.get_by_label(re.compile("^seconds")).fill("1")
    form.get_by_label(re.compile("^command")).fill("log info farm 'two words'")
    form.get_by_label(re.compile("^name")).fill("soon")
    person.button("Add a schedule", ".dialog").click()

    expect(line(watcher, "soon")).to_contain_text("done")
    expect(line(watcher, "soon")).to_contain_text("line")
    line(watcher, "soon").get_by_role("link").click()
    expect(watcher.page.locator(".head .state")).to_contain_text("done")
    watcher.see("log info farm 'two words'")
    watcher.see("1 run")
    lines = timed.call("log.list", search="two words")["records"]
    assert [one["text"] for one in lines] == ["two words"]


def test_a_slip_in_the_command_is_refused_when_it_is_made(timed: House) -> None:
    person = timed.person().open("schedules")
    person.button("Add").click()
    form = person.page.get_by_role("dialog")
    form.get_by_label(re.compile("^expr")).fill("0 8 * * *")
    form.get_by_label(re.compile("^command")).fill("job run no-such-job")
    person.button("Add a schedule", ".dialog").click()
    expect(person.page.locator(".toast.bad")).to_contain_text("no-such-job")
    expect(form.get_by_label(re.compile("^command"))).to_have_value("job run no-such-job")


def test_a_schedule_is_paused_goes_on_runs_now_and_is_removed_by_clicks(timed: House) -> None:
    number = cron(timed, "0 8 * * *", "daily")
    person = timed.person().open(f"schedules/{number}")
    person.button("Pause").click()
    expect(person.page.locator(".head .state")).to_contain_text("paused")
    person.see("It is held: nothing is due.")
    person.button("Run now").click()
    person.see("1 run")
    assert timed.call("schedule.show", uuid=number)["last_result"]["outcome"] == "ok"
    person.button("Go on").click()
    expect(person.page.locator(".head .state")).to_contain_text("armed")
    person.button("Remove").click()
    person.button("Remove", ".dialog").click()
    person.see(f"There is no schedule {number}")
    assert number not in {row["id"] for row in timed.call("schedule.list")["schedules"]}


def test_the_next_moment_is_told_on_the_readers_clock_and_on_the_schedules_own(timed: House) -> None:
    """Time zones right: UTC here, Madrid there, an hour or two ahead as the date has it."""
    number = cron(timed, "30 20 * * *", "evening", tz=MADRID)
    at = timed.call("schedule.show", uuid=number)["next_at"]
    here, there = (datetime.fromtimestamp(at, ZoneInfo(zone)) for zone in ("UTC", MADRID))
    assert there.hour == 20
    person = timed.person().open("schedules")
    row = line(person, "evening")
    expect(row).to_contain_text(f"{here:%b} {here.day}, {here:%I:%M %p}")
    expect(row).to_contain_text(f"08:30 PM {MADRID}")
    cron(timed, "30 20 * * *", "at home")
    expect(line(person, "at home")).to_contain_text("08:30 PM")
    expect(line(person, "at home").get_by_role("cell").nth(4)).not_to_contain_text("UTC")


def test_all_schedules_are_held_and_let_go_on(timed: House) -> None:
    cron(timed, "0 8 * * *", "daily")
    timed.call("schedule.pause", uuid=cron(timed, "0 9 * * *", "held"))
    person, watcher = timed.person().open("schedules"), timed.person().open("schedules?as=calendar")
    person.button("Hold all").click()
    person.button("Hold all", ".dialog").click()
    expect(line(person, "daily")).to_contain_text("stopped")
    watcher.see("All schedules stand still")
    expect(watcher.page.locator(".chip.due")).to_have_count(0)
    watcher.open("schedules")
    line(watcher, "held").get_by_role("checkbox").check()
    expect(watcher.button("Go on", ".selbar")).to_be_visible()
    expect(watcher.page.locator(".selbar").get_by_role("button", name="Run now")).to_have_count(0)
    person.button("Let all go on").click()
    expect(line(watcher, "daily")).to_contain_text("armed")
    expect(watcher.button("Run now", ".selbar")).to_be_visible()


def test_a_calendar_shows_what_is_due_and_a_click_on_a_day_lists_it(timed: House) -> None:
    """Occurrences, windows and how often are the farm's: the page asks and draws."""
    cron(timed, "15 8 10 * *", "monthly", command="disable render-02")
    timed.call("schedule.repeat_every", seconds="10m", name="often", command="log debug farm tick")
    timed.call("worker.calendar", workers="render-01", windows="Mon-Sun 06:00-18:00")
    person = timed.person()
    today = opened_today(person, "schedules?as=calendar")
    expect(person.page.locator(".month .today")).to_have_attribute("aria-label", re.compile("today"))
    expect(person.page.locator(".month .today b").first).to_have_text(str(today.day))
    person.button("The next month").click()
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    person.see(f"{following:%B %Y}")
    expect(day(person, 10).locator(".chip", has_text="monthly")).to_contain_text("08:15 AM")
    expect(person.page.locator(".chip", has_text="often").first).to_contain_text("×4+")
    band = day(person, 10).locator(".band i").first
    style = band.get_attribute("style") or ""
    assert style.replace(" ", "").startswith("left:25%;width:50%")
    day(person, 10).click()
    person.see("when render-01 may be used: 06:00 AM to 06:00 PM")
    listed = person.page.locator(".panel li", has_text="monthly")
    expect(listed).to_contain_text("08:15 AM")
    expect(listed).to_contain_text("disable render-02")
    expect(person.page.locator(".panel li", has_text="often")).to_have_count(144)
    assert "day=" in person.page.url
    person.page.reload()
    expect(person.page.locator(".panel li", has_text="monthly")).to_be_visible()
    timed.call("worker.calendar", workers="render-01", windows="none")
    expect(day(person, 10).locator(".band")).to_have_count(0)


def test_the_days_of_summer_time_have_their_own_length(timed: House) -> None:
    """DST: on the last Sunday of a March Madrid has no 02:30, and the day has 23 hours; windows are drawn by it."""
    sunday = change_of_clocks()
    cron(timed, "30 2 * * *", "in the gap", tz=MADRID)
    cron(timed, "30 23 * * *", "late", tz=MADRID)
    timed.call("worker.calendar", workers="render-02", windows="Mon-Sun 12:00-24:00", tz=MADRID)
    person = timed.person(zone=MADRID).open(f"schedules?as=calendar&at={sunday}&day={sunday}")
    expect(person.page.locator(".panel li", has_text="in the gap")).to_contain_text("03:00 AM")
    expect(person.page.locator(".panel li", has_text="late")).to_contain_text("11:30 PM")
    style = day(person, sunday.day).locator(".band i").first.get_attribute("style") or ""
    left = float(re.findall(r"left:\s*([\d.]+)%", style)[0])
    assert abs(left - 100 * 11 / 23) < 0.01
    before = day(person, sunday.day - 1).locator(".band i").first.get_attribute("style") or ""
    assert abs(float(re.findall(r"left:\s*([\d.]+)%", before)[0]) - 50) < 0.01
    expect(day(person, sunday.day + 1).locator(".chip", has_text="in the gap")).to_contain_text("02:30 AM")
    timed.call("worker.calendar", workers="render-02", windows="none")


def test_names_of_others_stay_text(timed: House) -> None:
    name = HOSTILE.replace("/", "")
    cron(timed, "0 8 * * *", name, command="log info farm <b>bold</b>")
    for size in ((1280, 800), (360, 740)):
        person = timed.person(size).open("schedules")
        expect(person.page.get_by_role("link", name=name, exact=True)).to_be_visible()
        later = datetime.now(UTC).date() + timedelta(days=40)  # of this week and month all may be over
        person.open(f"schedules?as=calendar&span=week&at={later}")
        expect(person.page.locator(".chip", has_text=name).first).to_be_attached()
        person.open(f"schedules?as=calendar&at={later}")
        person.page.locator(".month .day").last.click()
        person.see(name, ".panel")
        assert person.page.evaluate("document.querySelectorAll('main script, main b b').length") == 0
        content, window = person.widths()
        assert content <= window


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(timed: House, view: str, scheme: str) -> None:
    timed.call("worker.calendar", workers="render-01", windows="Mon-Sun 06:00-18:00")
    person = timed.person(scheme=scheme).open(view)
    person.page.locator(".tr, .month[aria-busy=false], .panel").first.wait_for()
    assert person.barriers() == []
    timed.call("worker.calendar", workers="render-01", windows="none")


@pytest.mark.parametrize("size", [(360, 740), (768, 1024), (2560, 1440)])
def test_nothing_has_to_be_scrolled_sideways(timed: House, size: tuple[int, int]) -> None:
    timed.call("schedule.repeat_every", seconds="10m", name="often-" + "a" * 200, command="log debug farm tick")
    person = timed.person(size)
    for view in VIEWS:
        person.open(view)
        until(lambda: person.page.locator(".tr, .month[aria-busy=false], .panel").count(), view)
        content, window = person.widths()
        assert content <= window, f"{view} at {size}"
