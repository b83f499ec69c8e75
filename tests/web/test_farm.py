"""The farm and one machine on the page: seen live, enabled and disabled, and why it idles."""

from __future__ import annotations

from doors.peers import until
from playwright.sync_api import expect

from .people import House


def test_machines_are_cards_and_a_table_and_the_address_remembers_which(house: House) -> None:
    person = house.person().open("workers")
    expect(person.card("render-01")).to_contain_text("idle")
    person.button("Table").click()
    expect(person.row("render-02")).to_be_visible()
    assert person.page.url.endswith("#/workers?as=table")

    person.page.reload()

    expect(person.row("render-01")).to_be_visible()


def test_one_machine_is_disabled_and_that_is_taken_back(house: House) -> None:
    """CONTRACT S6: the click is the command, and what follows is what the farm says."""
    person = house.person().open("workers")
    watcher = house.person().open("workers")

    person.card("render-01").get_by_role("button", name="Disable").click()

    expect(person.card("render-01")).to_contain_text("disabled")
    expect(watcher.card("render-01")).to_contain_text("disabled")
    expect(person.card("render-01").get_by_role("button", name="Enable")).to_be_visible()
    person.button("Undo", ".toasts").click()
    expect(watcher.card("render-01")).to_contain_text("idle")


def test_many_machines_are_disabled_and_enabled_at_once(house: House) -> None:
    person = house.person().open("workers?as=table")
    person.page.get_by_label("Select all").check()
    person.see("2 selected")
    person.button("Disable", ".selbar").click()
    expect(person.row("render-01")).to_contain_text("disabled")
    expect(person.row("render-02")).to_contain_text("disabled")
    person.button("Enable", ".selbar").click()
    expect(person.row("render-01")).to_contain_text("idle")
    expect(person.row("render-02")).to_contain_text("idle")
    rows = house.call("worker.show", workers=["render-01", "render-02"])["workers"]
    assert {row["admin_state"] for row in rows} == {"enabled"}


def test_a_machine_says_why_it_idles_and_then_what_it_runs(house: House) -> None:
    person = house.person().open("workers")
    person.card("render-01").get_by_role("link", name="render-01", exact=True).click()
    expect(person.page.get_by_role("heading", name="render-01")).to_be_visible()
    person.see("Why it idles")
    said = house.call("farm.why", what="render-01")["reasons"][0]["text"]
    person.see(said)

    job = house.job("holds", function="wait", params=["600"], frames="1-4", run=True)

    expect(person.page.locator(".main")).to_contain_text("holds")
    expect(person.page.locator(".head .state")).to_contain_text("busy")
    house.call("job.stop", job=str(job))
    expect(person.page.locator(".head .state")).to_contain_text("idle")


def test_what_is_found_by_name_is_in_the_address_and_back_leads_back(house: House) -> None:
    person = house.person().open("workers")
    person.page.get_by_label("Find a machine").fill("render-02")
    expect(person.card("render-01")).to_have_count(0)
    expect(person.card("render-02")).to_be_visible()
    person.card("render-02").get_by_role("link", name="render-02", exact=True).click()
    expect(person.page.get_by_role("heading", name="render-02")).to_be_visible()

    person.page.go_back()

    expect(person.page.get_by_label("Find a machine")).to_have_value("render-02")
    expect(person.card("render-01")).to_have_count(0)


def test_who_finds_no_machine_is_told_how_to_see_all(house: House) -> None:
    person = house.person().open("workers?q=nothing-like-that")
    person.see("No machine is like that")
    person.see("see all 2")


def test_a_machine_that_is_forgotten_leaves_the_page_of_everybody(house: House) -> None:
    """A row that goes is told as `worker.deleted`."""
    weaver = house.farm.worker("weaver")
    until(lambda: house.call("channel.list", channels="manager=weaver")["channels"], "it measures")
    weaver.end()
    person = house.person().open("workers?state=off")
    watcher = house.person().open("workers")
    expect(person.card("weaver")).to_contain_text("lost")
    house.call("channel.delete", channels=["manager=weaver"])  # a machine that measures is not forgotten
    person.card("weaver").get_by_role("button", name="Forget").click()
    person.button("Forget", ".dialog").click()
    expect(watcher.card("weaver")).to_have_count(0)
    expect(watcher.card("render-01")).to_be_visible()


def test_the_way_machines_are_shown_is_the_one_that_is_pressed(house: House) -> None:
    person = house.person().open("workers")
    expect(person.button("Cards")).to_have_attribute("aria-pressed", "true")
    person.button("Table").click()
    expect(person.button("Cards")).to_have_attribute("aria-pressed", "false")
    expect(person.page.get_by_role("table", name="Machines")).to_be_visible()
