"""The page for everybody: by keyboard alone, in light and dark, on a phone and a wall, read aloud."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from .people import House, Size

VIEWS = (
    "workers",
    "workers?as=table",
    "workers/1",
    "jobs",
    "jobs/1",
    "jobs/1?task=0&log=newest",
    "channels",
    "channels/1,2",
    "submit",
    "submit?kind=template",
    "submit?kind=any",
    "events",
    "console",
)


@pytest.fixture
def furnished(house: House) -> House:
    """A job that has run, one that waits and one that failed, once for this file."""
    if not house.call("job.list")["jobs"]:
        house.run("a-job-with-a-name-that-is-as-long-as-names-of-shots-come-to-be_v012", frames="1-40", params=["0"])
        house.job("waits", tags="nobody-has-this", run=True)
        house.run("fails", "error", function="error", params=["3"], retries=0)
    return house


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(furnished: House, view: str, scheme: str) -> None:
    """CONTRACT S6: names, roles, contrast."""
    person = furnished.person(scheme=scheme).open(view)
    assert person.barriers() == []


def test_dialogs_are_as_open_to_everybody(furnished: House) -> None:
    person = furnished.person().open("jobs")
    person.page.keyboard.press("Control+k")
    person.page.get_by_role("combobox").fill("job")
    person.page.get_by_role("option").first.wait_for()
    assert person.barriers() == []
    person.page.keyboard.press("Escape")
    person.page.keyboard.press("?")
    person.see("these keys", "body")
    assert person.barriers() == []


@pytest.mark.parametrize("size", [(360, 740), (768, 1024), (2560, 1440)])
def test_nothing_has_to_be_scrolled_sideways(furnished: House, size: Size) -> None:
    person = furnished.person(size)
    for view in VIEWS:
        person.open(view)
        content, window = person.widths()
        assert content <= window, f"{view} at {size}"


def test_everything_is_done_by_keys_alone(furnished: House) -> None:
    """CONTRACT S6: no mouse from opening the page to disabling a machine."""
    person = furnished.person().open("workers?as=table")
    keys = person.page.keyboard
    keys.press("j")
    expect(person.page.locator(".tr.cursor")).to_contain_text("render-01")
    keys.press("j")
    expect(person.page.locator(".tr.cursor")).to_contain_text("render-02")
    keys.press("x")
    person.see("1 selected")
    person.button("Disable", ".selbar").focus()
    keys.press("Enter")
    expect(person.row("render-02")).to_contain_text("disabled")
    person.button("Enable", ".selbar").focus()
    keys.press("Enter")
    expect(person.row("render-02")).to_contain_text("idle")
    keys.type("gj")
    expect(person.page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    keys.press("/")
    keys.type("fails")
    expect(person.page.locator(".tr")).to_have_count(1)
    keys.press("Tab")
    keys.press("Escape")
    person.page.locator(".table .scroll").focus()
    keys.press("j")
    keys.press("Enter")
    expect(person.page.get_by_role("heading", name="fails", exact=True)).to_be_visible()
    keys.press("?")
    person.see("these keys", "body")
    keys.press("Escape")
    expect(person.page.get_by_role("dialog")).to_have_count(0)


def test_light_and_dark_follow_the_system_until_somebody_chooses(furnished: House) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    person = furnished.person(scheme="dark").open("workers")
    assert person.page.evaluate(ground) == "rgb(18, 20, 26)"
    person.page.keyboard.press("t")
    person.until(f"{ground} === 'rgb(246, 247, 249)'", "light by choice")
    person.page.reload()
    person.until(f"{ground} === 'rgb(246, 247, 249)'", "and it stays")


def test_times_are_those_of_the_reader(furnished: House) -> None:
    """The farm counts seconds; a page in Kathmandu shows them by its own clock, in both of the lists."""
    made = furnished.call("job.show", job="1")["created_at"]
    there = datetime.fromtimestamp(made, ZoneInfo("Asia/Kathmandu"))
    person = furnished.person(zone="Asia/Kathmandu").open("jobs/1")
    shown = person.page.locator(".facts dd").nth(1)
    expect(shown).to_contain_text(f"{there:%I:%M}".lstrip("0"))
    utc = furnished.person(zone="UTC").open("jobs/1")
    expect(utc.page.locator(".facts dd").nth(1)).to_contain_text(
        f"{datetime.fromtimestamp(made, UTC):%I:%M}".lstrip("0")
    )


def test_a_view_that_is_sent_to_somebody_is_the_same_there(furnished: House) -> None:
    """Deep links: the task, its log and what the list was narrowed to are in the address."""
    first = furnished.person().open("jobs?state=failed")
    first.row("fails").click()
    first.page.locator(".framegrid canvas").click(position={"x": 13, "y": 13})
    first.button("Log").click()
    first.page.locator(".log").wait_for()
    second = furnished.person()
    second.page.goto(first.page.url)
    second.see("Task 0")
    second.page.locator(".log").wait_for()
    first.page.go_back()
    expect(first.row("fails")).to_be_visible()
    assert first.page.url.endswith("#/jobs?state=failed")
