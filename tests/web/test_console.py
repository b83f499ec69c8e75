"""The prompt in the page, and the palette: every command of the farm, without a mouse."""

from __future__ import annotations

from doors.peers import until
from playwright.sync_api import WebSocketRoute, expect

from .people import House

OUT = "pre"


def test_the_console_answers_as_the_prompt_does(house: House) -> None:
    """BR-18: the words are those of telnet."""
    person = house.person().open("console")
    line = person.page.locator("#prompt")
    line.fill("disable render-02")
    line.press("Enter")
    person.see("OK 1 worker disabled: render-02.", OUT)
    line.fill("undo")
    line.press("Enter")
    person.see("brender> undo", OUT)
    line.fill("job show nowhere")
    line.press("Enter")
    person.see("ERR 1003", OUT)
    line.press("ArrowUp")
    line.press("ArrowUp")
    expect(line).to_have_value("undo")


def test_who_types_line_after_line_needs_no_mouse(house: House) -> None:
    """The field is not there for keys while the farm answers; afterwards it has the focus as before."""
    person = house.person().open("console")
    for text in ("one", "two"):
        person.page.keyboard.type(f"echo {text}")
        person.page.keyboard.press("Enter")
        person.see(f"brender> echo {text}", OUT)
        expect(person.page.locator("#prompt")).to_be_focused()


def test_what_is_typed_while_the_farm_completes_stays(house: House) -> None:
    """The answer to an older line does not take the place of a newer one."""
    person = house.person()
    held: list[tuple[WebSocketRoute, str | bytes]] = []

    def pass_on(link: WebSocketRoute) -> None:
        server = link.connect_to_server()
        server.on_message(lambda text: held.append((link, text)) if '"items"' in str(text) else link.send(text))

    person.page.route_web_socket("**/ws", pass_on)
    person.open("console")
    line = person.page.locator("#prompt")
    line.press_sequentially("worker dis")
    line.press("Tab")
    until(lambda: person.page.evaluate("1") and held, "the farm has answered")
    line.press_sequentially("able")
    for link, text in held:
        link.send(text)
    line.press_sequentially(" render-01")
    expect(line).to_have_value("worker disable render-01")


def test_tab_completes_words_and_names(house: House) -> None:
    person = house.person().open("console")
    line = person.page.locator("#prompt")
    line.press_sequentially("worker dis")
    line.press("Tab")
    expect(line).to_have_value("worker disable ")
    line.press_sequentially("render-0")
    line.press("Tab")
    menu = person.page.get_by_role("listbox", name="Words")
    expect(menu).to_contain_text("render-01")
    line.press("ArrowDown")
    line.press("Enter")
    expect(line).to_have_value("worker disable render-02 ")


def test_what_takes_much_away_is_asked_about_first(house: House) -> None:
    for name in ("gone-1", "gone-2"):
        house.job(name)
    person = house.person().open("console")
    line = person.page.locator("#prompt")
    line.fill("job delete gone-1 gone-2")
    line.press("Enter")
    expect(person.page.get_by_role("dialog")).to_contain_text("2 jobs")
    person.button("Leave it", ".dialog").click()
    person.see("Nothing was changed.", OUT)
    assert house.call("job.show", job="gone-1")["name"] == "gone-1"
    line.fill("job delete gone-1 gone-2")
    line.press("Enter")
    person.button("Go on", ".dialog").click()
    person.see("OK", OUT)


def test_the_palette_finds_machines_jobs_and_pages(house: House) -> None:
    job = house.job("findable")
    person = house.person().open("workers")
    person.page.keyboard.press("Control+k")
    field = person.page.get_by_role("combobox")
    field.fill("findable")
    person.page.keyboard.press("Enter")
    expect(person.page.get_by_role("heading", name="findable", exact=True)).to_be_visible()
    assert person.page.url.endswith(f"/jobs/{job}")
    person.page.keyboard.press("Control+k")
    person.page.get_by_role("combobox").fill("render-02")
    person.page.keyboard.press("Enter")
    expect(person.page.get_by_role("heading", name="render-02", exact=True)).to_be_visible()
    person.page.keyboard.press("Control+k")
    person.page.keyboard.press("Escape")
    expect(person.page.get_by_role("combobox")).to_have_count(0)


def test_a_command_of_the_palette_has_a_form_of_its_parameters(house: House) -> None:
    person = house.person().open("workers")
    person.page.keyboard.press("Control+k")
    person.page.get_by_role("combobox").fill("worker disable")
    person.page.get_by_role("option", name="worker disable", exact=False).first.wait_for()
    person.page.keyboard.press("Enter")
    form = person.page.get_by_role("dialog")
    form.get_by_label("workers", exact=False).first.fill("render-02")
    form.get_by_role("button", name="Do it").click()
    expect(form.locator("pre")).to_contain_text("disabled")
    person.button("Close", ".dialog .foot").click()
    expect(person.card("render-02")).to_contain_text("disabled")
    person.card("render-02").get_by_role("button", name="Enable").click()
    expect(person.card("render-02")).to_contain_text("idle")
