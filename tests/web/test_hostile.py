"""Names and texts of others are shown as texts, whatever stands in them."""

from __future__ import annotations

from playwright.sync_api import expect

from .people import House

NAMES = (
    '<img src=x onerror="document.title=1">',
    "<script>alert(1)</script>",
    "exe.\u202egnp",
    "javascript:alert(1)",
    "${7*7} {{7*7}} &lt;b&gt;",
    "a" * 200,
    "Ω≈ç 漢字 🎬",
)


def test_names_are_shown_letter_by_letter(house: House) -> None:
    """CONTRACT S18: what comes from outside is text."""
    made = [house.job(name) for name in NAMES if "/" not in name]
    person = house.person((360, 740)).open("jobs")
    for name in NAMES:
        if "/" not in name:
            expect(person.page.get_by_role("link", name=name, exact=True)).to_have_text(name)
    content, window = person.widths()
    assert content <= window
    for job in made:
        person.open(f"jobs/{job}")
        assert person.page.evaluate("document.querySelectorAll('main img, main script, main b b').length") == 0
        content, window = person.widths()
        assert content <= window
    assert not person.page.title().startswith("1")


def test_a_name_that_turns_text_around_does_not_turn_its_row(house: House) -> None:
    house.job("of.\u202egnp.exe")
    person = house.person().open("jobs?q=of.")
    link = person.row("of.\u202egnp.exe").get_by_role("link")
    assert link.evaluate("one => getComputedStyle(one).unicodeBidi") == "isolate"


def test_a_log_with_escape_codes_and_tags_is_lines_of_text(house: House) -> None:
    job = house.run("shouts", function="echo", params=["\x1b[31mred <b>bold</b> \x1b]0;title\x07 end"])
    person = house.person().open(f"jobs/{job}?task=0")
    person.button("Log").click()
    log = person.page.locator(".log")
    expect(log).to_contain_text("red <b>bold</b>")
    assert "\x1b" not in log.inner_text()
    assert person.page.evaluate("document.querySelectorAll('.log b').length") == 0


def test_an_address_that_leads_nowhere_says_so(house: House) -> None:
    person = house.person().open("jobs/999999")
    person.see("There is no job 999999")
    person.open("jobs/%3Cimg%20src=x%3E")
    person.see("There is no job <img src=x>")
    person.page.goto(f"{person.origin}/#/jobs/%E0%A4%A")
    person.page.locator(".pulse b").first.wait_for()
