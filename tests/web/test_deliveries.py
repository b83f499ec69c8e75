"""Letters and the log on the page: what stands in the way of each, sent again by a click, read as text."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors.peers import Program, until
from notify.sink import Sink, credentials
from playwright.sync_api import Locator, expect

from .people import House, Person

HOSTILE = '<img src=x onerror="document.title=1"> \u202egnp'
VIEWS = ("deliveries", "deliveries?show=sent", "deliveries/1", "log")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where nobody listens until the test does: nobody else is given it meanwhile."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", 0))
        yield int(made.getsockname()[1])


@pytest.fixture
def sender(house: House, port: int, tmp_path: Path) -> Iterator[Program]:
    """`brender notify` with a mail server that is dead until somebody starts it."""
    words = ["--master", f"127.0.0.1:{house.farm.port}", "--credentials", str(credentials(tmp_path, port))]
    made = Program(tmp_path, "notify.program", *words)
    yield made
    made.end()


def line(person: Person, words: str) -> Locator:
    return person.page.locator(".tr", has_text=words).first


def waiting(house: House, logger: str) -> list[dict[str, object]]:
    return [row for row in house.call("delivery.list")["deliveries"] if row["logger"] == logger]


def tries(house: House) -> int:
    """A dead server is asked with one letter only, whichever is due longest: how often, in all."""
    return sum(row["attempts"] for row in house.call("delivery.list")["deliveries"])


def shown(person: Person) -> int:
    """The same by the page."""
    cells = person.page.locator(".tr [role=cell]:nth-child(5)").all_inner_texts()
    return sum(int(text) for text in cells)


def test_a_letter_that_nobody_sends_says_so_and_what_it_says(house: House) -> None:
    house.call("log.write", logger="render", level="ERROR", text="the tape drive is dirty", host="nas")
    person = house.person().open("deliveries")
    person.see("Nobody sends letters: no brender notify has asked since the master was started.")
    row = line(person, "render, at once")
    expect(row).to_contain_text("queued")
    row.get_by_role("link").click()
    expect(person.page.locator(".lines")).to_contain_text("the tape drive is dirty")
    expect(person.page.locator(".lines")).to_contain_text("render, nas")


def test_a_letter_to_a_dead_server_shows_its_error_and_leaves_when_it_lives(
    house: House, sender: Program, port: int
) -> None:
    """Issue 6 item 5: state, tries, when again, the server's words; a click tries now."""
    house.call("log.write", logger="dead", level="ALERT", text="water in the cellar")
    person = house.person().open("deliveries")
    row = line(person, "dead, at once")
    expect(row).to_contain_text("retrying")
    expect(row).to_contain_text("refused")
    expect(row).to_contain_text(re.compile("in [0-9]+ (s|min)"))
    until(lambda: shown(person) == tries(house), "the page counts the tries")
    before = tries(house)

    person.page.get_by_label("Select all").check()
    person.button("Send now", ".selbar").click()

    until(lambda: tries(house) > before, "another try")
    until(lambda: shown(person) > before, "and the page counts it")
    sink = Sink(port)
    try:
        expect(person.page.locator(".tr", has_text="dead, at once")).to_have_count(0, timeout=60_000)
    finally:
        sink.close()
    assert waiting(house, "dead") == []
    person.button("Sent").click()
    expect(line(person, "dead, at once")).to_contain_text("anna@example.org")
    line(person, "dead, at once").get_by_role("link").click()
    expect(person.page.locator(".head .state")).to_contain_text("sent")
    expect(person.page.locator(".lines")).to_contain_text("water in the cellar")


def test_who_sends_a_letter_again_that_is_gone_is_told_so(house: House) -> None:
    """Two tabs on the same letter: the second hears it in the master's words."""
    house.call("log.write", logger="twice", level="ERROR", text="said once")
    (row,) = waiting(house, "twice")
    person = house.person().open(f"deliveries/{row['id']}")
    expect(person.button("Send now")).to_be_visible()
    said = person.page.evaluate(
        "async (id) => { const { act } = await import('./parts/actions.js');"
        " await act('delivery.retry', [{ id, can: ['delivery.retry'] }]); }",
        99_999,
    )
    assert said is None
    expect(person.page.locator(".toast.bad")).to_contain_text("There is no delivery '99999', or it is sent.")


def test_the_log_is_live_filtered_searched_and_paged(house: House) -> None:
    for number in range(120):
        house.call("log.write", logger="pages", level="DEBUG", text=f"line {number}")
    person = house.person().open("log?logger=pages")
    expect(person.page.locator(".lines li")).to_have_count(100)
    expect(person.page.locator(".lines li").first).to_contain_text("line 119")
    person.button("Older").click()
    expect(person.page.locator(".lines li")).to_have_count(20)
    expect(person.page.locator(".lines li").last).to_contain_text("line 0")
    assert "offset=100" in person.page.url
    person.button("Newer").click()
    expect(person.page.locator(".lines li")).to_have_count(100)

    house.call("log.write", logger="pages", level="WARNING", text="it comes by itself")

    expect(person.page.locator(".lines li").first).to_contain_text("it comes by itself")
    person.page.get_by_label("Level").select_option("WARNING")
    expect(person.page.locator(".lines li")).to_have_count(1)
    person.page.get_by_label("Level").select_option("")
    person.page.get_by_label("Find in the log").fill("LINE 7")
    expect(person.page.locator(".lines li")).to_have_count(11)
    person.page.get_by_label("Find in the log").fill("nothing like that")
    person.see("No line is like that")


def test_a_line_is_written_and_its_logger_set_by_forms(house: House) -> None:
    person = house.person().open("log")
    person.button("Write a line").click()
    form = person.page.get_by_role("dialog")
    form.get_by_label(re.compile("^logger")).fill("people")
    form.get_by_label(re.compile("^text")).fill("the licence ends on Friday")
    person.button("Write a line", ".dialog").click()
    expect(person.page.locator(".lines li").first).to_contain_text("the licence ends on Friday")
    mine = person.page.locator("aside li", has_text="people")
    expect(mine).to_contain_text("1 waiting")
    mine.get_by_role("button", name="Set").click()
    form.get_by_label(re.compile("^level")).fill("DEBUG")
    form.get_by_label(re.compile("^schedule")).fill("hourly")
    person.button("Set people", ".dialog").click()
    until(lambda: house.call("log.config", logger="people")["row"]["levels"]["DEBUG"] == "HOURLY", "it is set")
    expect(mine).to_contain_text("hourly")


def test_what_others_wrote_stays_text(house: House) -> None:
    house.call(
        "log.write", logger="<b>bold</b>".replace("/", ""), level="ERROR", text=f"{HOSTILE}\nsecond", host=HOSTILE
    )
    person = house.person((360, 740)).open("log")
    expect(person.page.locator(".lines li").first.locator(".text")).to_contain_text(f"{HOSTILE}\nsecond")
    letter = next(row["id"] for row in house.call("delivery.list")["deliveries"] if row["logger"] == "<b>bold<b>")
    for view in ("log", "deliveries", f"deliveries/{letter}"):
        person.open(view)
        person.see("<b>bold<b>", ".lines, .table, h1")
        assert person.page.evaluate("document.querySelectorAll('main img, main .lines b').length") == 0
        content, window = person.widths()
        assert content <= window, view


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(house: House, view: str, scheme: str) -> None:
    house.call("log.write", logger="axe", level="ERROR", text="a line")
    for size in ((1280, 800), (360, 740)):
        person = house.person(size, scheme).open(view)
        person.page.locator(".tr, .empty, .lines li").first.wait_for()
        assert person.barriers() == []
        content, window = person.widths()
        assert content <= window
