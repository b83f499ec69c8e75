"""Alarms on the page: they come and go by themselves, are taken and skipped by clicks, and rules are made there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from doors.peers import until
from playwright.sync_api import Locator, expect

from .people import House, Person

HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture
def watched(house: House) -> Iterator[House]:
    """Two channels, and a rule that fires above 85. Nothing of it is left."""
    house.call("channel.add", names=["cellar.temp", "attic.temp"], values={"type": "scalar"})
    rule = {"selector": "*.temp", "condition": "above", "threshold": 85, "clear": 80, "level": "ALERT"}
    house.call("alarm_rule.add", name="hot", values={**rule, "runbook": "Open a window."})
    yield house
    house.call("alarm_rule.delete", rule="hot")
    house.call("channel.delete", channels=["cellar.temp", "attic.temp"])


def measure(house: House, channel: str, value: float) -> None:
    house.call("reading.put", source=channel, key="-", value=value)


def line(person: Person, words: str) -> Locator:
    return person.page.locator(".tr", has_text=words).first


def number(house: House, about: str) -> int:
    return next(int(row["id"]) for row in house.call("alarm.list")["alarms"] if row["about"] == about)


def test_an_alarm_comes_by_itself_and_is_counted_everywhere(watched: House) -> None:
    """Issue 6 item 5: nobody reloads; firing first, since when, the value against the rule."""
    person = watched.person().open("alarms")
    person.see("Nothing is wrong")
    elsewhere = watched.person().open("jobs")
    expect(elsewhere.page.locator(".pulse a")).to_have_count(0)

    measure(watched, "cellar.temp", 91.5)

    row = line(person, "cellar.temp is 91.5")
    expect(row).to_contain_text("firing")
    expect(row).to_contain_text("ALERT")
    expect(row).to_contain_text("91.5, above 85 until 80")
    expect(row).to_contain_text("hot")
    expect(elsewhere.page.locator(".pulse a")).to_have_text("1alarm")
    expect(elsewhere.page.get_by_role("navigation", name="Pages").locator(".badge")).to_have_text("1")
    elsewhere.page.locator(".pulse a").click()
    expect(line(elsewhere, "cellar.temp")).to_be_visible()

    measure(watched, "cellar.temp", 20)

    person.see("Nothing is wrong")
    expect(elsewhere.page.locator(".badge")).to_have_count(0)
    person.button("History").click()
    expect(line(person, "cellar.temp is 91.5")).to_contain_text("hot")


def test_a_click_takes_an_alarm_at_the_master_and_everybody_sees_whose_it_is(watched: House) -> None:
    measure(watched, "cellar.temp", 91.5)
    person, other = watched.person().open("alarms"), watched.person().open("alarms")

    line(person, "cellar.temp").get_by_role("button", name="Acknowledge").click()

    expect(line(other, "cellar.temp")).to_contain_text("taken")
    (row,) = watched.call("alarm.list")["alarms"]
    assert row["state"] == "acknowledged"
    expect(line(other, "cellar.temp")).to_contain_text(row["acked_by"])
    expect(line(other, "cellar.temp").get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(person.page.locator(".toasts")).to_contain_text("You look after: cellar.temp")
    expect(person.page.locator(".pulse a")).to_have_count(0)


def test_several_alarms_are_skipped_for_a_while_by_the_form_of_the_command(watched: House) -> None:
    measure(watched, "cellar.temp", 91.5)
    measure(watched, "attic.temp", 99)
    person = watched.person().open("alarms")
    expect(line(person, "attic.temp")).to_contain_text("firing")
    person.page.get_by_label("Select all").check()
    person.button("Skip", ".selbar").click()
    person.page.get_by_role("dialog").get_by_label(re.compile("^for")).fill("2h")
    person.button("Skip", ".dialog").click()

    expect(line(person, "cellar.temp")).to_contain_text("skipped")
    expect(line(person, "attic.temp")).to_contain_text("until ")
    rows = watched.call("alarm.list")["alarms"]
    now = watched.call("alarm.list")["now"]
    assert {row["state"] for row in rows} == {"skipped"}
    assert all(7000 < row["skipped_until"] - now <= 7200 for row in rows)


def test_who_comes_second_is_told_why_not_in_the_masters_words(watched: House) -> None:
    """Issue 6: two tabs acting on the same thing. The form was open when the alarm was over."""
    measure(watched, "cellar.temp", 91.5)
    second = watched.person().open("alarms")
    line(second, "cellar.temp").get_by_role("button", name="Skip").click()
    alarm = number(watched, "cellar.temp")
    first = watched.person().open(f"alarms/{alarm}")
    expect(first.page.get_by_role("heading", name="What to do")).to_be_visible()
    first.see("Open a window.")
    measure(watched, "cellar.temp", 20)
    first.see(f"Alarm {alarm} is not there")

    second.button("Skip", ".dialog").click()

    expect(second.page.locator(".toast.bad")).to_contain_text(f"There is no alarm '{alarm}', or it is over.")
    second.page.keyboard.press("Escape")
    second.see("Nothing is wrong")


def test_an_alarm_of_a_machine_that_is_away_says_that_nobody_is_told(watched: House) -> None:
    """What is inhibited is said as such, and counted as nothing to do."""
    worker = watched.farm.worker("weaver")
    watched.call("channel.add", names=["weaver.temp"], values={"type": "scalar", "manager": "weaver"})
    person = watched.person().open("alarms")
    worker.end()
    until(lambda: watched.call("worker.show", workers=["weaver"])["workers"][0]["presence"] == "lost", "it is lost")
    measure(watched, "weaver.temp", 95)
    expect(line(person, "weaver.temp")).to_contain_text("muted")
    expect(line(person, "weaver.temp")).to_contain_text("weaver is away")
    expect(person.page.locator(".badge")).to_have_count(0)
    watched.call("channel.delete", channels=["weaver.temp"])


def test_a_rule_is_added_changed_switched_off_and_deleted_by_forms(watched: House) -> None:
    person = watched.person().open("alarms?show=rules")
    person.button("Add a rule").click()
    form = person.page.get_by_role("dialog")
    form.get_by_label(re.compile(r"^name \*")).fill("cold <b>")
    form.get_by_label(re.compile("^selector")).fill("*.tmp")
    form.get_by_label(re.compile("^condition")).select_option("below")
    form.get_by_label(re.compile("^threshold")).fill("5")
    form.get_by_label(re.compile("^for")).fill("10s")
    person.button("Add a rule", ".dialog").click()

    row = line(person, "cold <b>")
    expect(row).to_contain_text("below 5 for 10 s")
    expect(row).to_contain_text("nothing")
    person.see("cold <b> matches nothing that is there now")
    row.get_by_role("button", name="Change").click()
    form.get_by_label(re.compile("^selector")).fill("*.temp")
    person.button("Change", ".dialog").click()
    expect(row.get_by_role("cell").nth(4)).to_have_text("2")
    row.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("off")
    assert watched.call("alarm_rule.show", rule="cold <b>")["enabled"] is False
    row.get_by_role("button", name="Delete").click()
    person.button("Delete", ".dialog").click()
    expect(person.page.locator(".tr", has_text="cold <b>")).to_have_count(0)


def test_what_a_rule_refuses_is_said_and_the_form_stays(watched: House) -> None:
    person = watched.person().open("alarms?show=rules")
    person.button("Add a rule").click()
    form = person.page.get_by_role("dialog")
    form.get_by_label(re.compile(r"^name \*")).fill("hot")
    person.button("Add a rule", ".dialog").click()
    expect(person.page.locator(".toast.bad")).to_contain_text("An alarm rule named 'hot' exists already.")
    expect(form.get_by_label(re.compile(r"^name \*"))).to_have_value("hot")


def test_names_of_others_stay_text_on_a_phone_where_each_alarm_is_a_card(watched: House) -> None:
    watched.call("channel.add", names=[HOSTILE.replace("/", "")], values={"type": "scalar"})
    watched.call("alarm_rule.set", rule="hot", values={"selector": "*"})
    measure(watched, HOSTILE, 91.5)
    person = watched.person((360, 740)).open("alarms")
    card = person.page.locator(".card", has_text=HOSTILE)
    expect(card).to_contain_text(f"{HOSTILE} is 91.5: above 85.")
    assert person.page.evaluate("document.querySelectorAll('main .card img').length") == 0
    content, window = person.widths()
    assert content <= window
    card.get_by_role("button", name="Acknowledge").click()
    expect(card).to_contain_text("taken")
    card.get_by_role("link").click()
    expect(person.page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
    content, window = person.widths()
    assert content <= window
    watched.call("channel.delete", channels=[HOSTILE])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["alarms", "alarms?show=history", "alarms?show=rules&rule=1"])
def test_axe_finds_nothing_serious(watched: House, view: str, scheme: str) -> None:
    measure(watched, "cellar.temp", 91.5)
    person = watched.person(scheme=scheme).open(view)
    person.page.locator(".tr, .empty").first.wait_for()
    assert person.barriers() == []
