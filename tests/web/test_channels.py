"""Telemetry on the page: what machines measure, plotted together, live, zoomed, and asked for in few points."""

from __future__ import annotations

import json
import math
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from doors.peers import LIMIT, Farm
from gateway.peers import Web
from playwright.sync_api import Browser, Locator, expect

from .people import House, Person, until

INK = """(one) => {
  const copy = new OffscreenCanvas(one.width, one.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(one, 0, 0);
  const seen = copy.getImageData(0, 0, one.width, one.height).data;
  const colours = new Set();
  for (let at = 0; at < seen.length; at += 4) {
    if (seen[at + 3] > 200) colours.add([seen[at], seen[at + 1], seen[at + 2]].join('.'));
  }
  return [...colours];
}"""
DAY = 2880  # samples, one in half a minute
PIXELS = "document.querySelector('.plot canvas').toDataURL()"
HOSTILE = ('<img src=x onerror="document.title=1">', "exe.\u202egnp", "${7*7} {{7*7}} &lt;b&gt;", "c" * 120)


class Asked:
    """What a page asks of readings, as it leaves the browser, and what comes back."""

    def __init__(self, person: Person) -> None:
        self.ranges: list[dict[str, Any]] = []
        self.answers: dict[int, dict[str, Any]] = {}
        person.page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        socket.on("framesent", lambda text: self._sent(json.loads(text)))
        socket.on("framereceived", lambda text: self._heard(json.loads(text)))

    def _sent(self, said: Any) -> None:
        if said.get("method") == "reading.range":
            self.ranges.append({"id": said["id"], **said["params"]})

    def _heard(self, said: Any) -> None:
        for one in said if isinstance(said, list) else [said]:
            if "result" in one and isinstance(one["result"], dict) and "times" in one["result"]:
                self.answers[one["id"]] = one["result"]

    def of(self, seconds: float) -> dict[str, Any]:
        """The last question about a stretch of so many seconds."""
        return [one for one in self.ranges if abs(one["to"] - one["from"] - seconds) < 1][-1]


def channel(house: House, name: str, **values: Any) -> int:
    """A channel whose values come by reading put; its id."""
    made = house.call("channel.add", names=[name], values={"type": "simple", **values})
    return int(made["channels"][0]["id"])


def put(house: House, name: str, samples: list[tuple[float, Any]]) -> None:
    said = house.call("reading.put", samples=[[name, "-", at, value] for at, value in samples])
    assert said["refused"] == []


@pytest.fixture
def measured(house: House) -> House:
    """Both machines say how busy they are; once for this file a day of two channels of different units."""
    until(lambda: lively(house), "a machine has said twice how busy it is", 200)
    if not any(row["name"] == "pump" for row in house.call("channel.list", limit=1000)["channels"]):
        house.call("key.add", name="pressure", values={"unit": "bar"})
        house.call("key.add", name="flow", values={"unit": "l/min"})
        channel(house, "pump", key="pressure")
        channel(house, "drain", key="flow")
        now = time.time()
        day = [now - 86_400 + 30 * at for at in range(DAY)]
        put(house, "pump", [(at, 4 + math.sin(at / 3000)) for at in day])
        put(house, "drain", [(at, 40 + 10 * math.cos(at / 5000)) for at in day])
    return house


def lively(house: House) -> list[dict[str, Any]]:
    """How busy machines are that have said so twice at least: what hardly changes is kept once a minute."""
    rows = house.call("channel.list", channels="key=cpu", trend=True)["channels"]
    return [row for row in rows if len(row["trend"]) > 1]


def ids(house: House, *names: str) -> str:
    rows = {row["name"]: row["id"] for row in house.call("channel.list", limit=1000)["channels"]}
    return ",".join(str(rows[name]) for name in names)


def figure(person: Person, name: str) -> Locator:
    """The row of the summary that has this channel's name."""
    return person.page.locator(".figs tbody tr", has=person.page.get_by_role("link", name=name, exact=True)).first


def canvas(person: Person) -> Locator:
    return person.page.locator(".plot canvas")


def drawn(person: Person) -> set[str]:
    """Colours of the picture, once there is one."""
    canvas(person).wait_for()
    expect(person.page.locator('.picture[aria-busy="false"]')).to_be_visible()
    return set(person.page.locator(".plot canvas").evaluate(INK))


def colour(person: Person, number: int) -> str:
    hexed = person.page.evaluate(
        f"getComputedStyle(document.documentElement).getPropertyValue('--p-{number}').trim().slice(1)"
    )
    return ".".join(str(int(hexed[at : at + 2], 16)) for at in (0, 2, 4))


def test_every_channel_is_a_row_with_its_value_its_line_and_who_measures_it(measured: House) -> None:
    """Issue 6 item 5."""
    person = measured.person((1600, 900)).open("channels")
    mine = lively(measured)[0]
    row = person.row(mine["name"])
    expect(row).to_contain_text("logging")
    expect(row).to_contain_text(mine["manager"])
    expect(row).to_contain_text("%")
    expect(row.locator(".spark polyline")).to_have_count(1)


def test_what_is_measured_now_moves_in_the_list_by_itself(measured: House) -> None:
    person = measured.person().open("channels?q=pump")
    put(measured, "pump", [(time.time(), 5.25)])
    expect(person.row("pump")).to_contain_text("5.25 bar")
    put(measured, "pump", [(time.time(), 6.5)])
    expect(person.row("pump")).to_contain_text("6.5 bar")


def test_a_filter_is_in_the_address_and_a_channel_that_is_not_well_is_found(measured: House) -> None:
    if "gate.up" not in [row["name"] for row in measured.call("channel.list", limit=1000)["channels"]]:
        measured.call("device.add", name="gate", values={"driver": "file", "config": {"path": "/dev/null/none"}})
        measured.call("key.add", name="value")
        measured.call("channel.add", names=["gate.up"], values={"device": "gate", "key": "value", "type": "simple"})
    until(
        lambda: measured.call("channel.show", channels="gate.up")["channels"][0]["state"] == "error", "it is an error"
    )
    said = measured.call("channel.show", channels="gate.up")["channels"][0]["error"]
    person = measured.person((1600, 900)).open("channels")
    person.page.get_by_role("button", name="Not well").click()
    expect(person.row("gate.up")).to_contain_text("error")
    expect(person.row("gate.up")).to_contain_text(said)
    expect(person.row("pump")).to_have_count(0)
    assert person.page.url.endswith("#/channels?state=bad")


def test_several_that_are_picked_make_one_picture_with_an_axis_for_each_unit(measured: House) -> None:
    person = measured.person().open("channels")
    for name in ("pump", "drain"):
        person.page.get_by_label(f"Select {name}", exact=True).check()
    person.page.get_by_role("link", name="Plot together").click()
    expect(person.page.locator("h1")).to_have_text("drain, pump")
    person.button("24 h").click()
    expect(figure(person, "pump")).to_contain_text("bar")
    both = {colour(person, 0), colour(person, 1)}
    until(lambda: both <= drawn(person), "both are drawn")
    expect(person.page.locator(".plot .u-axis")).to_have_count(3)
    person.page.reload()
    expect(figure(person, "drain")).to_contain_text("l/min")
    expect(figure(person, "pump")).to_contain_text("bar")
    person.button("Take pump out").click()
    expect(person.page.locator("h1")).to_have_text("drain")
    until(lambda: colour(person, 1) not in drawn(person), "only one is drawn")


def test_a_long_range_comes_in_steps_and_never_in_more_points_than_there_are_pixels(measured: House) -> None:
    """Roll-ups when zoomed out: the farm sums up, the browser draws."""
    person = measured.person()
    asked = Asked(person)
    person.open(f"channels/{ids(measured, 'pump')}?range=15m")
    expect(figure(person, "pump")).to_be_visible()
    drawn(person)
    person.button("24 h").click()
    expect(figure(person, "pump")).to_contain_text("a point")
    question = asked.of(86_400)
    width = person.page.locator(".plot").evaluate("one => one.clientWidth")
    assert question["most"] <= width + 100
    answer = asked.answers[question["id"]]
    assert answer["step"] >= 60
    assert 500 < len(answer["times"]) <= question["most"]
    assert sum(answer["counts"]) > DAY - 100  # those of this file's first tests are older than a day by now
    expect(figure(person, "pump")).to_contain_text(re.compile(r"2,[78]\d\d samples"))
    mean = sum(value * many for value, many in zip(answer["values"], answer["counts"], strict=True)) / sum(
        answer["counts"]
    )
    assert abs(float(figure(person, "pump").locator("td").nth(2).inner_text()) - mean) < 0.001


def test_dragging_over_the_picture_zooms_and_back_leads_back(measured: House) -> None:
    person = measured.person()
    asked = Asked(person)
    person.open(f"channels/{ids(measured, 'pump')}?range=24h")
    expect(figure(person, "pump")).to_contain_text("a point")
    drawn(person)
    box = person.page.locator(".plot .u-over").bounding_box()
    assert box is not None
    mouse, level = person.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + box["width"] * 0.25, level)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.4, level)
    mouse.move(box["x"] + box["width"] * 0.5, level)
    mouse.up()
    person.until("location.hash.includes('from=')", "the stretch is in the address")
    expect(figure(person, "pump")).to_contain_text(re.compile(r"7[12]\d samples"))
    last = asked.ranges[-1]
    assert abs(last["to"] - last["from"] - 21_600) < 200  # a quarter of the day
    person.page.go_back()
    expect(person.button("24 h")).to_have_attribute("aria-pressed", "true")
    expect(figure(person, "pump")).to_contain_text("a point")


def test_a_picture_of_another_stretch_has_its_values_as_soon_as_they_are_there(measured: House) -> None:
    """As a page shows it that has been opened at that stretch, and not once something is measured again."""
    end = round(time.time()) - 3600
    number = ids(measured, "pump")
    person = measured.person().open(f"channels/{number}?from={end - 300}&to={end}")
    drawn(person)
    wide = f"channels/{number}?from={end - 40_000}&to={end}"
    other = measured.person().open(wide)
    expect(figure(other, "pump")).to_contain_text("1,33")
    until(lambda: other.page.evaluate(PIXELS) == other.page.evaluate(PIXELS), "it stays as it is")
    person.open(wide)
    expect(figure(person, "pump")).to_contain_text("1,33")
    until(lambda: person.page.evaluate(PIXELS) == other.page.evaluate(PIXELS), "both pages show the same")


def test_keys_and_buttons_move_in_time_as_well(measured: House) -> None:
    person = measured.person().open(f"channels/{ids(measured, 'pump')}?range=6h")
    drawn(person)
    person.page.locator(".plot").focus()
    person.page.keyboard.press("ArrowLeft")
    person.until("location.hash.includes('from=')", "an earlier stretch")
    first = person.page.url
    person.page.keyboard.press("+")
    person.until(f"location.href !== {json.dumps(first)}", "a shorter stretch")
    person.button("Zoom out").click()
    person.button("1 h").click()
    person.until("location.hash.includes('range=1h') && !location.hash.includes('from=')", "live again")


def test_new_values_are_drawn_as_they_come_and_nothing_is_asked_again(measured: House) -> None:
    """Issue 6: everything live over one WebSocket, no polling."""
    person = measured.person()
    asked = Asked(person)
    person.open(f"channels/{ids(measured, 'pump')}?range=15m")
    drawn(person)
    person.page.get_by_text("Values as a table").click()
    questions = len(asked.ranges)
    for value in (7.125, 7.375, 7.625):
        put(measured, "pump", [(time.time(), value)])
        expect(figure(person, "pump")).to_contain_text(f"{value:.4g} bar")
    expect(person.page.locator("details tbody tr").first).to_contain_text("7.625 bar")
    assert len(asked.ranges) == questions


def test_a_step_takes_in_what_comes_live(measured: House) -> None:
    person = measured.person().open(f"channels/{ids(measured, 'pump')}?range=24h")
    expect(figure(person, "pump")).to_contain_text("a point")
    put(measured, "pump", [(time.time(), 99.5)])
    expect(figure(person, "pump")).to_contain_text("99.5")


def test_what_hardly_changes_is_drawn_though_nothing_was_measured_in_the_stretch(measured: House) -> None:
    """A value that stays is kept every half hour: a quarter of an hour without one is no hole."""
    if "level" not in [row["name"] for row in measured.call("channel.list", limit=1000)["channels"]]:
        channel(measured, "level")
        now = time.time()
        put(measured, "level", [(now - 3000, 11.0), (now - 2800, 12.0)])
    person = measured.person().open(f"channels/{ids(measured, 'level')}?range=15m")
    expect(figure(person, "level")).to_contain_text("12")
    then = round(time.time() - 2000)
    person.open(f"channels/{ids(measured, 'level')}?from={then}&to={then + 600}")
    expect(figure(person, "level")).to_contain_text("12")
    until(lambda: colour(person, 0) in drawn(person), "it is drawn")


def test_times_are_those_of_who_looks(measured: House) -> None:
    at = 1_790_000_000 + round((time.time() - 1_790_000_000) / 86_400) * 86_400 - 86_400
    name = "clocked"
    if name not in [row["name"] for row in measured.call("channel.list", limit=1000)["channels"]]:
        channel(measured, name)
    put(measured, name, [(at, 1.0)])
    shown = []
    for zone in ("Asia/Tokyo", "America/New_York"):
        person = measured.person(zone=zone).open(f"channels/{ids(measured, name)}?from={at - 300}&to={at + 300}")
        person.page.get_by_text("Values as a table").click()
        row = person.page.locator("details tbody tr").first
        expect(row).to_contain_text("1")
        shown.append(row.locator("th").inner_text())
        wanted = person.page.evaluate(
            f"new Intl.DateTimeFormat(undefined, {{hour: '2-digit', minute: '2-digit'}}).format({at} * 1000)"
        )
        assert wanted.split()[0] in shown[-1]
        person.see(zone)
    assert shown[0] != shown[1]


def test_a_stretch_is_chosen_by_two_moments(measured: House) -> None:
    person = measured.person().open(f"channels/{ids(measured, 'pump')}")
    person.button("Custom").click()
    day = time.strftime("%Y-%m-%dT", time.gmtime(time.time() - 43_200))
    person.page.get_by_label("From").fill(f"{day}00:00")
    person.page.get_by_label("To", exact=True).fill(f"{day}00:30")
    person.button("Show").click()
    person.until("location.hash.includes('from=')", "the stretch is in the address")
    found = dict(part.split("=") for part in person.page.url.split("?")[1].split("&"))
    assert float(found["to"]) - float(found["from"]) == 1800


def test_names_of_channels_are_texts(measured: House) -> None:
    made = [channel(measured, name) for name in HOSTILE]
    for name in HOSTILE:
        put(measured, name, [(time.time(), 1.5)])
    person = measured.person((360, 740)).open("channels?q=")
    for name in HOSTILE:
        person.page.get_by_label("Find a channel").fill(name.split()[0])
        expect(person.page.get_by_role("link", name=name, exact=True)).to_have_text(name)
        content, window = person.widths()
        assert content <= window
    person.open(f"channels/{','.join(map(str, made))}?range=15m")
    drawn(person)
    for name in HOSTILE:
        expect(figure(person, name)).to_contain_text("1.5")
    person.page.get_by_text("Values as a table").click()
    expect(person.page.locator("details tbody tr").first).to_be_visible()
    assert person.page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    assert person.page.evaluate("document.title").startswith("Telemetry")
    content, window = person.widths()
    assert content <= window
    measured.call("channel.delete", channels=made)
    expect(person.page.locator("main")).to_contain_text(f"channel {made[0]}")


def test_texts_are_told_and_not_drawn(measured: House) -> None:
    if "door" not in [row["name"] for row in measured.call("channel.list", limit=1000)["channels"]]:
        channel(measured, "door")
    put(measured, "door", [(time.time() - 5, "shut"), (time.time() - 1, "<b>open</b>")])
    person = measured.person().open("channels?q=door")
    expect(person.row("door")).to_contain_text("<b>open</b>")
    person.row("door").get_by_role("link", name="door", exact=True).click()
    expect(figure(person, "door")).to_contain_text("no numbers")
    expect(figure(person, "door")).to_contain_text("<b>open</b>")
    person.page.get_by_text("Values as a table").click()
    expect(person.page.locator("details tbody")).to_contain_text("shut")


def test_a_channel_is_stopped_started_changed_and_deleted_by_its_buttons(measured: House) -> None:
    """Issue 6 item 8: what can be done comes from the farm."""
    number = channel(measured, "spare", type="easy")
    person = measured.person().open(f"channels/{number}")
    person.button("Stop").click()
    expect(person.page.locator(".head .state")).to_contain_text("stopped")
    person.button("Start").click()
    expect(person.page.locator(".head .state")).to_contain_text("logging")
    person.button("Change").click()
    person.page.get_by_role("dialog").get_by_label(re.compile("^name")).fill("renamed")
    person.button("Change", ".dialog").click()
    expect(person.page.locator("h1")).to_have_text("renamed")
    person.button("Delete").click()
    person.button("Delete", ".dialog").click()
    person.see(f"There is no channel {number}")


def test_a_plot_leads_to_an_alarm_that_fires_above_what_is_seen(measured: House) -> None:
    number = channel(measured, "boiler [east]")
    put(measured, "boiler [east]", [(time.time() - 60, 71.5), (time.time() - 30, 70.0)])
    person = measured.person().open(f"channels/{number}?range=15m")
    expect(figure(person, "boiler [east]")).to_contain_text("71.5")
    person.button("Add an alarm").click()
    person.button("Add an alarm", ".dialog").click()
    rule = until(
        lambda: [one for one in measured.call("alarm_rule.list")["rules"] if one["name"] == "boiler [east]"], "the rule"
    )[0]
    assert (rule["selector"], rule["condition"], rule["threshold"]) == (["boiler [[]east]"], "above", 71.5)
    assert rule["for"] == 60
    measured.call("alarm_rule.delete", rule="boiler [east]")
    measured.call("channel.delete", channels=[number])


def test_channels_are_added_on_the_page(measured: House) -> None:
    person = measured.person().open("channels")
    person.button("Add").click()
    person.page.get_by_role("dialog").get_by_label(re.compile("^names")).fill("added-here")
    person.page.get_by_role("dialog").get_by_label(re.compile("^type")).fill("easy")
    person.page.get_by_role("dialog").get_by_label(re.compile("^period")).fill("1")
    person.button("Add channels", ".dialog").click()
    expect(person.row("added-here")).to_contain_text("logging")
    expect(person.row("added-here").locator(".spark polyline")).to_have_count(1)
    measured.call("channel.delete", channels="added-here")
    expect(person.row("added-here")).to_have_count(0)


def test_a_picture_says_in_words_what_it_shows_and_its_times(measured: House) -> None:
    person = measured.person().open(f"channels/{ids(measured, 'pump', 'drain')}?range=24h")
    drawn(person)
    picture = person.page.get_by_role("img", name="pump: last")
    expect(picture).to_have_count(1)
    person.until("document.querySelector('.plot').getAttribute('aria-label').includes('drain: last')", "both in words")


def test_a_picture_can_be_given_another_channel_by_its_name(measured: House) -> None:
    person = measured.person((360, 740)).open(f"channels/{ids(measured, 'pump')}?range=24h")
    person.page.get_by_label("Add a channel to the picture").fill("drain")
    expect(figure(person, "drain")).to_contain_text("l/min")
    assert f"{ids(measured, 'pump', 'drain')}" in person.page.url
    content, window = person.widths()
    assert content <= window


def test_a_machine_shows_what_it_measures_and_what_it_ran(measured: House) -> None:
    """Issue 6 item 1."""
    mine = lively(measured)[0]
    measured.run("ran-here", function="echo", params=["hello"])
    person = measured.person().open("workers")
    card = person.card(mine["manager"])
    expect(card.locator(".spark polyline")).to_have_count(1)
    expect(card.locator(".vitals")).to_contain_text("%")
    person.open("workers?as=table")
    expect(person.row(mine["manager"])).to_contain_text("%")
    seen = set()
    for row in measured.call("worker.list")["workers"]:
        person.open(f"workers/{row['id']}")
        expect(person.page.locator(".chanlist a").first).to_be_visible()
        person.see("What it ran")
        expect(person.page.locator("main")).to_contain_text("task 0" if row["name"] in ran(measured) else "nothing yet")
        seen.add(row["name"])
    assert len(seen) == 2
    person.page.locator(".chanlist a").first.click()
    person.until("location.hash.startsWith('#/channels/')", "the plot of that channel")


def ran(house: House) -> set[str]:
    """The machines that have run something."""
    return {
        row["name"]
        for row in house.call("worker.list")["workers"]
        if house.call("worker.history", worker=row["id"])["attempts"]
    }


def test_a_farm_that_measures_nothing_says_what_to_do(measured: House) -> None:
    person = measured.person().open("channels?q=no-such-channel")
    person.see("No channel is like that")
    person.open("channels/999999")
    person.see("There is no channel 999999")


def test_a_farm_of_more_channels_than_its_mirror_holds_shows_them_all(measured: House) -> None:
    names = [f"bulk-{at:04}" for at in range(1100)]
    made = measured.call("channel.add", names=names, values={"type": "simple"})["channels"]
    person = measured.person().open("channels?q=bulk-1099")
    expect(person.row("bulk-1099")).to_be_visible()
    person.open("channels?q=bulk")
    expect(person.page.get_by_role("table", name="Channels")).to_have_attribute("aria-rowcount", "1101")
    measured.call("channel.delete", channels=[row["id"] for row in made])
    person.see("No channel is like that")


def test_a_machine_that_is_away_is_woken_by_its_button(house: House) -> None:
    """Issue 6 item 1: the packet that a network card wakes up from, where the machine's config says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
        card.bind(("127.0.0.1", 0))
        card.settimeout(LIMIT)
        place = f"127.0.0.1:{card.getsockname()[1]}"
        house.call("worker.add", name="sleeper", values={"mac": "020000000042", "config": {"wake": place}})
        person = house.person().open("workers")
        expect(person.card("render-01").get_by_role("button", name="Wake")).to_have_count(0)
        person.card("sleeper").get_by_role("button", name="Wake").click()
        assert card.recv(1024) == b"\xff" * 6 + bytes.fromhex("020000000042") * 16
        person.see("Sent to the network card of: sleeper", ".toasts")
    house.call("worker.delete", workers=["sleeper"])


def test_a_farm_without_machines_says_how_something_comes_to_be_measured(
    tmp_path: Path, browser: Browser, house: House
) -> None:
    farm = Farm(tmp_path)
    try:
        web = Web(tmp_path, farm.port, "--data", str(tmp_path / "web"))
        person = Person(browser, web.origin).open("channels")
        person.see("Nothing is measured yet")
        person.see("brender client")
        assert person.barriers() == []
        person.button("Add channels", ".empty").click()
        expect(person.page.get_by_role("dialog")).to_contain_text("Make channels and start them")
        person.close()
        web.program.end()
    finally:
        farm.end()


def test_a_plot_has_what_was_measured_while_the_page_was_cut_off(measured: House) -> None:
    """CONTRACT S6: resume without loss."""
    measured.broken = True
    person = measured.person().open(f"channels/{ids(measured, 'pump')}?range=15m")
    drawn(person)
    person.page.get_by_text("Values as a table").click()
    measured.web.program.end()
    person.see("The page has lost the farm")
    put(measured, "pump", [(time.time(), 8.125)])
    measured.web.start()
    expect(person.page.locator("details tbody tr").first).to_contain_text("8.125 bar")
    put(measured, "pump", [(time.time(), 8.375)])
    expect(figure(person, "pump")).to_contain_text("8.375 bar")


class Told:
    """What a page hears of channels, and what it chose to hear, as it passes its WebSocket."""

    def __init__(self, person: Person) -> None:
        self.values: dict[int, Any] = {}
        self.chosen: list[Any] = []
        person.page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        socket.on("framesent", lambda text: self._sent(json.loads(text)))
        socket.on("framereceived", lambda text: self._heard(json.loads(text)))

    def _sent(self, said: Any) -> None:
        if said.get("method") == "farm.subscribe" and "channel.values" in said["params"]["topics"]:
            self.chosen.append(said["params"].get("channels"))

    def _heard(self, said: Any) -> None:
        for one in said if isinstance(said, list) else [said]:
            if one.get("method") == "event" and one["params"]["topic"] == "channel.values":
                self.values.update({channel: value for channel, _, value in one["params"]["data"]["values"]})


def test_a_page_hears_the_channels_that_it_shows_and_no_others(measured: House) -> None:
    """Issue 6: three plots of ten thousand channels cost three channels."""
    shown, hidden = channel(measured, "zz-shown"), channel(measured, "zz-hidden")
    put(measured, "zz-shown", [(time.time() - 5, 1.0)])
    person = measured.person()
    told = Told(person)
    person.open(f"channels/{shown}?range=15m")
    expect(figure(person, "zz-shown")).to_contain_text("1")
    until(lambda: person.page.evaluate("1") and told.chosen, "the page says which channels it shows")
    assert set(told.chosen[-1]) == {shown}
    put(measured, "zz-hidden", [(time.time(), 5.0)])
    put(measured, "zz-shown", [(time.time(), 2.5)])
    expect(figure(person, "zz-shown")).to_contain_text("2.5")
    assert told.values == {shown: 2.5}
    person.open("channels?q=zz-")  # both are rows now
    expect(person.row("zz-hidden")).to_contain_text("5")
    put(measured, "zz-hidden", [(time.time(), 7.25)])
    expect(person.row("zz-hidden")).to_contain_text("7.25")
    assert told.values.keys() <= {shown, hidden}
    person.page.get_by_role("button", name="Now", exact=True).click()  # to sort by it, all have to be known
    until(lambda: person.page.evaluate("1") and None in told.chosen, "the page hears every channel")
    person.open("jobs")
    measured.call("channel.delete", channels=["zz-shown", "zz-hidden"])


class Fingers:
    """Touches on the picture, in parts of its width."""

    def __init__(self, person: Person) -> None:
        canvas(person).wait_for()
        self.box = person.page.locator(".plot .u-over").bounding_box()
        self.session = person.page.context.new_cdp_session(person.page)

    def touch(self, *steps: list[float]) -> None:
        """Put fingers down where the first step says, lead them along, and lift them."""
        assert self.box is not None
        box = self.box
        for number, step in enumerate(steps):
            points = [{"x": box["x"] + x * box["width"], "y": box["y"] + 100, "id": at} for at, x in enumerate(step)]
            kind = "touchMove" if number else "touchStart"
            self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def looked_at(person: Person) -> tuple[float, float]:
    """The stretch that the address names, once it does."""
    found = person.until("location.hash.match(/from=([\\d.]+)&to=([\\d.]+)/)", "a stretch is in the address")
    return float(found[1]), float(found[2])


def test_fingers_move_zoom_and_go_back(measured: House) -> None:
    """Issue 6 item 7: the plots on a phone."""
    person = measured.person((390, 800)).open(f"channels/{ids(measured, 'pump')}?range=1h")
    end = time.time()
    Fingers(person).touch([0.3], [0.4], [0.5], [0.8])  # half a picture to the right: half an hour earlier
    begin, until_ = looked_at(person)
    assert (until_ - begin, until_) == (pytest.approx(3600, abs=30), pytest.approx(end - 1800, abs=60))
    expect(person.page.locator('.picture[aria-busy="false"]')).to_be_visible()
    Fingers(person).touch([0.4, 0.6], [0.35, 0.65], [0.3, 0.7])  # apart to twice: half the time around the middle
    person.until(f"!location.hash.includes('from={begin:g}')", "another stretch")
    closer = looked_at(person)
    assert closer[1] - closer[0] == pytest.approx(1800, abs=30)
    assert sum(closer) / 2 == pytest.approx((begin + until_) / 2, abs=30)
    expect(person.page.locator('.picture[aria-busy="false"]')).to_be_visible()
    Fingers(person).touch([0.5])
    Fingers(person).touch([0.5])
    person.until("!location.hash.includes('from=')", "the usual time again")
    person.page.go_back()
    assert looked_at(person) == closer
    assert person.faults == []
