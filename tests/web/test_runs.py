"""What became of schedules on days that are over, as the page's calendar and a schedule's own page show it.

The farm of this file has a past: its database was written turn by turn as a master would have written it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from doors.peers import until
from playwright.sync_api import Locator, expect

from brender.core import events as ev
from brender.core.engine import Core
from brender.store import Store

from .people import House, Person

DAY = 86_400.0
LAST = time.time() - 1800.0  # when they ran last
DAYS = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Once a day for nine days: once refused, once missed; and one that was removed."""
    made = tmp_path_factory.mktemp("farm")
    store = Store.open(made / "master")
    core = Core(store.load())

    def turn(at: float, *happened: ev.Event) -> None:
        found = core.turn(happened, at)
        assert not [one for one in found.answers if isinstance(one, Exception)], found.answers
        store.save(found.changes)

    begin = LAST - DAYS * DAY
    turn(begin, ev.Boot())
    for number, name in ((1, "daily"), (2, "gone <b>")):
        values = {"uuid": f"0000000{number}-0000-4000-8000-000000000000", "kind": "repeat_every", "seconds": DAY}
        turn(begin, ev.Create("schedule", {**values, "name": name, "method": "farm.save", "owner": "anna"}))
    for day in range(1, DAYS + 1):
        at = begin + day * DAY
        for schedule in (1, 2):
            turn(at + 7200.0 * (day == 3), ev.Fire(schedule, at + 7200.0 * (day == 3), "farm save"))
            if day != 3:
                outcome = ("error", "No room is left.", 1003) if day == 5 else ("ok", "OK all is on the disk.", None)
                turn(at + 2.5, ev.ScheduleEnded(schedule, core.farm.schedules[schedule].runs, *outcome))
    turn(LAST + 60.0, ev.Delete("schedule", [2]))
    store.close()
    return made


def day(person: Person, back: int) -> Locator:
    when = datetime.fromtimestamp(LAST - back * DAY, UTC)
    person.open(f"schedules?as=calendar&at={when:%Y-%m-%d}&day={when:%Y-%m-%d}")
    person.page.locator(".month[aria-busy=false]").wait_for()
    label = f"{when:%A}, {when:%B} {when.day}, {when:%Y}"
    return person.page.locator(f'.month .day[aria-label^="{label}"]')


def test_days_that_are_over_show_what_became_of_each_run(house: House) -> None:
    person = house.person()
    good = day(person, 1)
    expect(good.locator(".chip.s-success")).to_have_count(2)
    expect(good.locator(".chip").first).to_contain_text(f"{datetime.fromtimestamp(LAST, UTC):%I:%M %p}")
    assert (good.get_attribute("aria-label") or "").endswith(", 2 ran")
    listed = person.page.locator(".panel li", has_text="daily")
    expect(listed).to_contain_text("all is on the disk.")
    expect(listed).to_contain_text("took 2.5 s")
    expect(person.page.locator(".panel li", has_text="gone <b>")).to_contain_text("(removed)")
    expect(day(person, 4).locator(".chip.s-error").first).to_contain_text("daily")
    expect(person.page.locator(".panel li", has_text="daily")).to_contain_text("1003 No room is left.")
    expect(day(person, 6).locator(".chip").first).to_contain_text("daily")
    expect(person.page.locator(".panel li", has_text="daily")).to_contain_text("missed")
    expect(person.page.locator(".panel li", has_text="daily")).to_contain_text("nobody could run it in time")
    assert person.page.evaluate("document.querySelectorAll('main b b').length") == 0


def test_a_search_leaves_runs_of_others_out(house: House) -> None:
    person = house.person()
    cell = day(person, 1)
    person.page.get_by_label("Find a schedule").fill("gone")
    expect(cell.locator(".chip")).to_have_count(1)
    expect(cell.locator(".chip")).to_contain_text("gone <b>")


def test_what_runs_now_is_there_a_moment_later(house: House) -> None:
    """Also on a page that heard the master's time late, as on a slow line: what ran lies ahead of its own now."""
    person = house.person()
    listed = person.open("schedules?as=calendar").page.locator(".panel li", has_text="daily")
    person.page.evaluate("import('./farm.js').then((farm) => { farm.clock.value -= 5000; })")
    person.page.locator(".month .today").click()
    person.page.locator(".panel li").first.wait_for()
    before = listed.count()
    house.call("schedule.run_now", uuid="daily")
    expect(listed).to_have_count(before + 1)


def test_a_schedules_own_page_lists_its_last_runs(house: House) -> None:
    number = house.call("schedule.show", uuid="daily")["id"]
    person = house.person().open(f"schedules/{number}")
    runs = person.page.get_by_role("list", name="Runs before").locator("li")
    until(lambda: runs.count() >= 7, "the runs before")
    expect(runs.filter(has_text="No room is left")).to_have_count(1)
    expect(runs.filter(has_text="missed")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_past(house: House, scheme: str) -> None:
    person = house.person((360, 740), scheme=scheme)
    day(person, 4)
    assert person.barriers() == []
    content, window = person.widths()
    assert content <= window
