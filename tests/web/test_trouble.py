"""The ten kinds of trouble: whatever breaks, the page says so, stays, and is right again afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from doors.peers import Farm, until
from gateway.peers import Web
from playwright.sync_api import Browser, WebSocketRoute, expect

from .people import House, Person

AWAY = "The master does not answer."
LOST = "The page has lost the farm."
OURS = Path(__file__).parents[2] / "web"


@pytest.fixture
def fresh(tmp_path: Path, browser: Browser) -> Iterator[House]:
    """A farm of its own, which a test may break."""
    farm = Farm(tmp_path)
    web = Web(tmp_path, farm.port, "--data", str(tmp_path / "web"))
    made = House(farm, web, browser)
    try:
        yield made
        for person in made.people:
            assert [one for one in person.faults if "WebSocket" not in one and "Failed to load" not in one] == []
            person.close()
    finally:
        web.program.end()
        farm.end()
    assert "Traceback" not in farm.master.log.read_text() + web.program.log.read_text()


def test_a_farm_without_anything_says_what_to_do_next(fresh: House) -> None:
    person = fresh.person().open("workers")
    person.see("No machine has joined yet")
    person.see("brender client --master")
    person.open("jobs")
    person.see("Nothing to render yet")
    person.open("events")
    assert person.barriers() == []
    fresh.farm.worker("first")
    person.open("workers")
    expect(person.card("first")).to_contain_text("idle")


def test_the_gateway_is_killed_and_comes_back(fresh: House) -> None:
    """CONTRACT S7: what happened meanwhile is shown."""
    fresh.farm.worker("w")
    person = fresh.person().open("workers")
    fresh.web.program.end()
    person.see(LOST)
    fresh.call("worker.disable", workers=["w"])
    fresh.web.start()
    expect(person.card("w")).to_contain_text("disabled")
    expect(person.page.locator(".banner")).to_have_count(0)


def test_the_master_is_killed_and_comes_back_while_a_job_runs(fresh: House) -> None:
    """CONTRACT S7: renders go on, and the page is current again."""
    fresh.farm.worker("w")
    job = fresh.job("goes-on", function="simple", params=["1"], frames="1-8", run=True)
    person = fresh.person().open(f"jobs/{job}")
    expect(person.page.locator(".legend")).to_contain_text("success0")
    fresh.farm.master.end()
    person.see(AWAY)
    fresh.farm.start()
    expect(person.page.locator(".banner")).to_have_count(0)
    person.see("success0 8")
    expect(person.page.locator(".head .state")).to_contain_text("success0")


def test_a_page_that_opens_while_the_master_is_away_waits_for_it(fresh: House) -> None:
    fresh.farm.master.end()
    person = fresh.person()
    person.page.goto(f"{person.origin}/#/workers")
    person.see(AWAY)
    expect(person.page.locator("main")).not_to_contain_text("No machine has joined yet")
    fresh.farm.start()
    person.see("No machine has joined yet")
    expect(person.page.locator(".banner")).to_have_count(0)


def test_what_is_clicked_without_a_connection_was_not_done_and_says_so(fresh: House) -> None:
    fresh.farm.worker("w")
    person = fresh.person().open("workers")
    fresh.web.program.end()
    person.see(LOST)
    person.card("w").get_by_role("button", name="Disable").click()
    expect(person.page.locator(".toast.bad")).to_contain_text("nothing was sent")
    assert fresh.call("worker.show", workers=["w"])["workers"][0]["admin_state"] == "enabled"


def test_a_worker_that_dies_is_shown_as_lost_and_then_back(fresh: House) -> None:
    worker = fresh.farm.worker("w")
    person = fresh.person().open("workers")
    worker.end()
    expect(person.card("w")).to_contain_text("lost", timeout=60_000)
    fresh.farm.worker("w")
    expect(person.card("w")).to_contain_text("idle")


def test_a_job_that_fails_is_seen_from_every_page(fresh: House) -> None:
    fresh.farm.worker("w")
    person = fresh.person().open("events")
    fresh.run("fails", "error", function="error", params=["5"], retries=0)
    person.see("job ended")
    expect(person.page.locator(".pulse .bad b")).to_have_text("1")


def test_a_slow_network_is_slow_but_right(fresh: House) -> None:
    """400 ms there and back, 50 KB a second."""
    fresh.farm.worker("w")
    person = fresh.person()
    link = person.context.new_cdp_session(person.page)
    link.send("Network.enable")
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    link.send("Network.emulateNetworkConditions", slow)
    person.open("workers")
    person.card("w").get_by_role("button", name="Disable").click()
    expect(person.card("w")).to_contain_text("disabled")


def test_a_connection_that_breaks_again_and_again_ends_right(fresh: House) -> None:
    fresh.farm.worker("w")
    person = fresh.person().open("jobs")
    for round_ in range(3):
        fresh.web.program.end()
        person.see(LOST)
        fresh.job(f"round-{round_}")
        fresh.web.start()
        expect(person.row(f"round-{round_}")).to_be_visible()
    expect(person.page.locator(".tr")).to_have_count(3)


def test_two_windows_show_the_same(fresh: House) -> None:
    fresh.farm.worker("w")
    jobs = [fresh.job(f"one-{at}", params=["0"], frames="1-5") for at in range(5)]
    people: list[Person] = [fresh.person().open("jobs") for _ in range(2)]
    for job in jobs:
        fresh.call("job.run", job=str(job))
    until(lambda: all(fresh.call("job.show", job=str(job))["state"] == "success0" for job in jobs), "all done", 60)
    for person in people:
        expect(person.page.locator(".tr .s-success")).to_have_count(5)
        expect(person.page.locator('.tr [aria-valuenow="5"]')).to_have_count(5)


def test_a_click_in_two_windows_is_done_once_and_both_are_told(fresh: House) -> None:
    """The later one has the master's own words about what had become of the job by then."""
    fresh.farm.worker("w")
    job = fresh.job("wanted-twice", function="wait", params=["600"], frames="1-4", run=True)
    people = [fresh.person().open(f"jobs/{job}") for _ in range(2)]
    for person in people:
        person.button("Stop", ".head").click()
        expect(person.page.get_by_role("dialog")).to_contain_text("wanted-twice")
    for person in people:
        person.button("Stop", ".dialog").click()
        expect(person.page.locator(".toasts")).not_to_be_empty()
    for person in people:
        expect(person.page.locator(".head .state")).to_contain_text("stopped")
    assert fresh.call("job.show", job=str(job))["run"] == 1


def test_two_windows_that_drag_the_priority_end_with_the_later_one(fresh: House) -> None:
    job = fresh.job("dragged")
    people = [fresh.person().open("jobs") for _ in range(2)]
    handles = [person.page.get_by_label("Priority of dragged") for person in people]
    handles[0].press("ArrowUp")
    expect(handles[1]).to_have_text("55")
    handles[1].press("ArrowDown")
    for handle in handles:
        expect(handle).to_have_text("50")
    assert fresh.call("job.show", job=str(job))["priority"] == 50


def test_a_page_that_is_older_than_the_gateway_says_so_and_goes_on_working(fresh: House, tmp_path: Path) -> None:
    """The gateway was renewed while the page stayed open all day."""
    fresh.farm.worker("w")
    copytree(OURS, tmp_path / "page")
    fresh.web.program.end()
    fresh.web.more = (*fresh.web.more, "--page", str(tmp_path / "page"))
    fresh.web.start()
    person = fresh.person().open("workers")
    fresh.web.program.end()
    person.see(LOST)
    fresh.web.start()
    expect(person.page.locator(".banner")).to_have_count(0)  # the same page is no news

    fresh.web.program.end()
    with (tmp_path / "page/views/events.js").open("a") as file:
        file.write("globalThis.brenderIsNew = true;\n")
    fresh.web.start()

    person.see("A newer page is there.")
    live = "import('./rpc.js').then(({ link }) => link.value === 'live')"
    until(lambda: person.page.evaluate(live), "the gateway has met its master, too")
    person.card("w").get_by_role("button", name="Disable").click()
    expect(person.card("w")).to_contain_text("disabled")
    assert person.barriers() == []
    person.button("Reload").click()
    expect(person.card("w")).to_contain_text("disabled")
    expect(person.page.locator(".banner")).to_have_count(0)
    assert person.page.evaluate("globalThis.brenderIsNew")


def test_a_slow_network_gets_a_long_log_without_losing_its_page(fresh: House, tmp_path: Path) -> None:
    """What a page has not read yet is not sent for: the worker waits, and nobody is hung up."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "long").write_text("#!/bin/sh\nseq -f 'line %.0f of a long long long long long log' 1 400000\n")
    (programs / "long").chmod(0o755)
    fresh.farm.worker("w", 2, "--functions", str(programs))
    job = fresh.run("long", function="long", frames="1")
    person = fresh.person()
    link = person.context.new_cdp_session(person.page)
    link.send("Network.enable")
    person.open(f"jobs/{job}?task=0")
    slow = {"offline": False, "latency": 20, "downloadThroughput": 4_000_000, "uploadThroughput": 1_000_000}
    link.send("Network.emulateNetworkConditions", slow)
    person.button("Log").click()
    expect(person.page.locator(".logs [role=status]").first).to_contain_text("400,000 lines", timeout=60_000)
    expect(person.page.locator(".banner")).to_have_count(0)


def test_a_page_whose_greeting_failed_when_the_master_was_back_greets_again(fresh: House) -> None:
    """A master that has just started may be too busy for the first question."""
    fresh.farm.master.end()
    person = fresh.person()
    refused: list[Any] = []

    def pass_on(link: WebSocketRoute) -> None:
        server = link.connect_to_server()

        def say(text: str | bytes) -> None:
            asked = json.loads(text)
            if back and not refused and asked["method"] == "session.hello":
                refused.append(asked)
                error = {"code": 1011, "message": "The master does not answer at the moment."}
                link.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}))
            else:
                server.send(text)

        link.on_message(say)

    back = False
    person.page.route_web_socket("**/ws", pass_on)
    person.page.goto(f"{person.origin}/#/workers")
    person.see(AWAY)
    back = True
    fresh.farm.start()
    person.see("No machine has joined yet")
    expect(person.page.locator(".banner")).to_have_count(0)
    assert refused


@pytest.mark.parametrize(
    ("place", "method", "seen"),
    [
        ("jobs/1", "step.list", ".framegrid canvas"),
        ("jobs/1?task=0", "task.history", "[aria-label='Attempts, newest first'] li"),
        ("jobs/2", "farm.why", ".why li:has-text('nobody-has-this')"),
        ("schedules/1", "schedule.show", ".split .why li"),
        ("log", "log.list", ".lines li"),
        ("alarms?show=history", "alarm.history", ".empty:has-text('Nothing is over yet')"),
        ("deliveries?show=sent", "delivery.list", ".empty:has-text('No letter was sent yet')"),
    ],
)
def test_what_was_asked_when_the_connection_broke_is_asked_again(
    fresh: House, place: str, method: str, seen: str
) -> None:
    """A view is whole again without a reload, and without anything that happens on the farm."""
    fresh.farm.worker("w")
    fresh.run("ran", params=["0"])
    fresh.job("waits", tags="nobody-has-this", run=True)
    fresh.call("log.write", logger="farm", level="INFO", text="a line")
    person = fresh.person()
    broken: list[str] = []

    def pass_on(link: WebSocketRoute) -> None:
        server = link.connect_to_server()

        def say(text: str | bytes) -> None:
            if f'"{method}"' in str(text) and not broken:
                broken.append(method)
                link.close()
                server.close()
            else:
                server.send(text)

        link.on_message(say)

    person.page.route_web_socket("**/ws", pass_on)
    person.page.goto(f"{person.origin}/#/{place}")
    expect(person.page.locator(seen).first).to_be_visible()
    assert broken == [method]


def test_a_page_that_opens_right_after_another_misses_nothing_in_between(fresh: House) -> None:
    """The gateway gives the mirror that another page has just asked for; what has happened since is not in it."""
    other = fresh.person().open("schedules")
    person = fresh.person().open("schedules")
    for number in range(5):
        other.page.evaluate("import('./rpc.js').then(({ rpc }) => rpc('farm.mirror', {}))")
        fresh.call("schedule.cron", expr="0 8 * * *", name=f"new-{number}", command="enable all")
        person.page.reload()
        expect(person.page.get_by_role("link", name=f"new-{number}", exact=True)).to_be_visible()
