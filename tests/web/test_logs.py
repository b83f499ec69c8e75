"""Logs on the page: a million lines, any attempt, live, and over a connection that breaks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors.peers import Farm, until
from gateway.peers import Web
from playwright.sync_api import Browser, Locator, expect

from .people import House, Person

MANY = 1_000_000
#: The number of the line in the middle of what is shown.
MIDDLE = (
    "(() => { const { left, top } = document.querySelector('.log').getBoundingClientRect();"
    " const line = document.elementFromPoint(left + 200, top + 200).closest('.ln');"
    " return line ? Number(line.querySelector('i').textContent) : 0; })()"
)
PROGRAMS = {
    "million": f"""#!/usr/bin/env python3
import sys
for begin in range(0, {MANY}, 10_000):
    sys.stdout.write("".join(
        f"{{n}} Error: no such texture\\n" if n % 200_000 == 7 else f"{{n}} Fra:12 Mem:400M | Sample {{n % 128}}\\n"
        for n in range(begin, begin + 10_000)))
""",
    "counts": """#!/usr/bin/env python3
import sys
for number in range(17):
    print("line", number, flush=True)
    if number == 8:
        open(sys.argv[1]).close()  # a pipe: it goes on when somebody opens the other end
""",
    "wide": """#!/usr/bin/env python3
print("short")
print("w" * 300 + " the end of the wide one")
print("x" * 50_000)
""",
    "twice": """#!/usr/bin/env python3
import os, sys
second = os.path.exists(sys.argv[1])
open(sys.argv[1], "w").close()
print("this was the second" if second else "this was the first")
sys.exit(0 if second else 3)
""",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[House]:
    """A farm whose worker has programs of our own."""
    folder = tmp_path_factory.mktemp("shop")
    programs = folder / "programs"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    farm = Farm(folder)
    try:
        farm.worker("w", 2, "--functions", str(programs))
        web = Web(folder, farm.port, "--data", str(folder / "web"))
        made = House(farm, web, browser)
        yield made
        web.program.end()
    finally:
        farm.end()


@pytest.fixture
def house(shop: House) -> Iterator[House]:
    yield shop
    shop.good_night("WebSocket", "Failed to load")


def lines(person: Person) -> Locator:
    return person.page.locator(".log .ln")


def test_a_million_lines_are_opened_searched_and_their_errors_found(house: House) -> None:
    """Issue 6.4: only what one sees is in the page, wherever one is."""
    job = house.run("long", function="million", frames="1")
    person = house.person().open(f"jobs/{job}?task=0&log=newest")
    status = person.page.locator(".logs [role=status]").first
    expect(status).to_contain_text("1,000,000 lines", timeout=60_000)
    expect(lines(person).last).to_contain_text("999999 Fra:12")
    assert lines(person).count() < 200

    person.page.locator(".log").press("f")  # no longer tied to the end
    person.page.locator(".log").evaluate("box => box.scrollTo(0, 0)")
    expect(lines(person).first).to_contain_text("0 Fra:12")
    person.page.locator(".log").evaluate("box => box.scrollTo(0, box.scrollHeight / 2)")
    person.until(f"({MIDDLE}) > 400_000 && ({MIDDLE}) < 600_000", "lines of the middle are there")

    expect(person.page.get_by_role("button", name="5 errors")).to_be_visible()
    person.page.locator(".log").evaluate("box => box.scrollTo(0, 0)")
    person.page.get_by_role("button", name="Next error").click()
    expect(person.page.locator(".log .hit")).to_contain_text("7 Error: no such texture")
    person.page.get_by_role("button", name="Next error").click()
    expect(person.page.locator(".log .hit")).to_contain_text("200007 Error: no such texture")
    person.page.locator(".log").press("Shift+E")
    expect(person.page.locator(".log .hit")).to_contain_text("7 Error: no such texture")

    search = person.page.get_by_label("Search the log")
    search.fill("765432 fra")
    search.press("Enter")
    expect(person.page.locator(".log .hit")).to_contain_text("765432 Fra:12")
    search.fill("nowhere at all")
    search.press("Enter")
    person.see("No line has that.")
    assert person.barriers() == []


def test_the_log_of_any_attempt_is_shown_and_has_an_address(house: House, tmp_path: Path) -> None:
    job = house.run("again", function="twice", params=[str(tmp_path / "seen")], frames="1", retries=1)
    person = house.person().open(f"jobs/{job}?task=0")
    attempts = person.page.get_by_label("Attempts, newest first").get_by_role("listitem")
    expect(attempts).to_have_count(2)
    expect(attempts.nth(1)).to_contain_text("exit code 3")
    person.page.get_by_label("Log of attempt 1").click()
    expect(person.page.locator(".log")).to_contain_text("this was the first")
    person.page.reload()
    expect(person.page.locator(".log")).to_contain_text("this was the first")
    person.page.get_by_label("Log of attempt 2").click()
    expect(person.page.locator(".log")).to_contain_text("this was the second")
    expect(person.page.locator(".log")).not_to_contain_text("this was the first")


def test_a_log_goes_on_where_it_stopped_when_the_connection_broke(house: House, tmp_path: Path) -> None:
    """Item 7: resume without loss, no line twice."""
    gate = tmp_path / "go on"
    os.mkfifo(gate)
    job = house.job("counting", function="counts", params=[str(gate)], frames="1", run=True)
    until(lambda: house.call("job.show", job=str(job))["progress"]["live"], "it runs")
    person = house.person().open(f"jobs/{job}?task=0&log=newest")
    expect(person.page.locator(".log")).to_contain_text("line 8")
    house.web.program.end()
    person.see("The page has lost the farm.")
    gate.write_text("")
    house.web.start()
    expect(person.page.locator(".logs [role=status]").first).to_contain_text("17 lines")
    numbers = [int(text.split()[-1]) for text in lines(person).all_inner_texts()]
    assert sorted(numbers) == list(range(17))


def test_a_log_that_nobody_can_read_says_why(house: House) -> None:
    job = house.run("quiet", function="twice", params=[str(house.farm.folder / "quiet")], frames="1")
    person = house.person().open(f"jobs/{job}?task=0&log=999999")
    person.see("999999")


def test_what_a_machine_says_is_on_its_page_live_and_over_its_restart(shop: House) -> None:
    """Issue 6 item 1: the log of the daemon itself."""
    spare = shop.farm.worker("spare", 1)
    worker = shop.farm.workers()["spare"]["id"]
    person = shop.person().open(f"workers/{worker}")
    log = person.page.get_by_role("log", name="What it says")
    expect(log).to_contain_text("online as spare")
    assert spare.stop() == 0
    person.see("Worker spare, which has its own log, is offline")
    shop.farm.worker("spare", 1)
    expect(person.page.locator(".logs [role=status]").first).to_contain_text("live")
    expect(log.get_by_text("online as spare")).to_have_count(2)
    assert person.barriers() == []


def test_long_lines_are_read_to_their_end(shop: House) -> None:
    """Sideways, with their numbers in sight; one without an end is not drawn whole."""
    job = shop.run("wide", function="wide")
    person = shop.person((700, 800)).open(f"jobs/{job}?task=0&log=newest")
    log = person.page.get_by_role("log", name="Log")
    end = log.get_by_text("the end of the wide one")
    expect(end).to_be_attached()
    expect(log.get_by_text("46,000 characters more")).to_be_attached()
    assert log.evaluate("(one) => one.scrollWidth > one.clientWidth")
    log.evaluate("(one) => { one.scrollLeft = 2200; }")
    number = log.locator(".ln i").nth(1)
    box, frame = number.bounding_box(), log.bounding_box()
    assert box is not None
    assert frame is not None
    assert box["x"] == pytest.approx(frame["x"], abs=2)
    assert person.barriers() == []
