"""Jobs on the page: how far they are, found, chosen, and everything that is done with them."""

from __future__ import annotations

from doors.peers import until
from playwright.sync_api import expect

from .people import House

FAST = {"params": ["0"]}


def test_a_job_is_run_and_its_row_goes_to_the_end_by_itself(house: House) -> None:
    """CONTRACT S6: nobody reloads."""
    person = house.person().open("jobs")
    house.job("moves", frames="1-6", **FAST)
    row = person.row("moves")
    expect(row).to_contain_text("not run")
    row.get_by_role("checkbox").check()

    person.button("Run", ".selbar").click()

    expect(row).to_contain_text("success")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "6")
    expect(row).to_contain_text("100")
    expect(person.page.locator(".selbar").get_by_role("button", name="Delete")).to_be_visible()


def test_a_job_is_paused_goes_on_and_is_stopped(house: House) -> None:
    job = house.job("held", function="wait", params=["600"], frames="1-9", run=True)
    person = house.person().open(f"jobs/{job}")
    person.button("Pause").click()
    expect(person.page.locator(".head .state")).to_contain_text("paused")
    person.button("Go on").click()
    expect(person.page.locator(".head .state")).to_contain_text("running")
    person.button("Stop", ".head").click()
    expect(person.page.get_by_role("dialog")).to_contain_text("held")
    person.button("Leave it", ".dialog").click()
    assert house.call("job.show", job=str(job))["desired"] == "run"
    person.button("Stop", ".head").click()
    person.button("Stop", ".dialog").click()
    expect(person.page.locator(".head .state")).to_contain_text("stopped")
    expect(person.button("Run", ".head")).to_be_visible()


def test_what_failed_is_run_again(house: House) -> None:
    job = house.run("fails", "error", function="error", frames="1-3", params=["7"])
    person = house.person().open("jobs?state=failed")
    expect(person.row("fails")).to_contain_text("error")
    person.row("fails").click()
    person.see("failed")
    before = house.call("job.show", job=str(job))["run"]

    person.button("Run failed again").click()

    until(lambda: house.call("task.history", step=f"{job}/error", task=0)["attempts"][1:], "a second attempt")
    assert house.call("job.show", job=str(job))["run"] == before
    expect(person.page.locator(".head .state")).to_contain_text("error")


def test_several_jobs_are_deleted_after_a_question(house: House) -> None:
    for name in ("old-1", "old-2", "old-3"):
        house.job(name)
    person = house.person().open("jobs?q=old-")
    for name in ("old-1", "old-2"):
        person.row(name).get_by_role("checkbox").check()
    person.button("Delete", ".selbar").click()
    expect(person.page.get_by_role("dialog")).to_contain_text("2 rows")
    person.button("Delete", ".dialog").click()
    expect(person.row("old-1")).to_have_count(0)
    expect(person.row("old-2")).to_have_count(0)
    expect(person.row("old-3")).to_be_visible()


def test_priority_is_typed_with_arrows_and_dragged(house: House) -> None:
    job = house.job("pressing")
    person = house.person().open("jobs")
    handle = person.page.get_by_label("Priority of pressing")
    handle.focus()
    person.page.keyboard.press("ArrowUp")
    expect(handle).to_have_text("55")
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    person.page.mouse.move(x, y)
    person.page.mouse.down()
    person.page.mouse.move(x, y - 40)
    person.page.mouse.up()
    expect(handle).to_have_text("65")
    until(lambda: house.call("job.show", job=str(job))["priority"] == 65, "the farm has it")
    assert "#/jobs" in person.page.url and not person.page.url.endswith(str(job))


def test_filters_are_in_the_address_and_back_goes_back_to_them(house: House) -> None:
    house.run("finished", frames="1", **FAST)
    house.job("never-run")
    person = house.person().open("jobs")
    person.button("Done").click()
    expect(person.row("finished")).to_be_visible()
    expect(person.row("never-run")).to_have_count(0)
    assert person.page.url.endswith("#/jobs?state=done")
    person.row("finished").click()
    expect(person.page.get_by_role("heading", name="finished", exact=True)).to_be_visible()
    person.page.go_back()
    expect(person.row("finished")).to_be_visible()
    expect(person.row("never-run")).to_have_count(0)


def test_a_list_is_sorted_by_its_heads(house: House) -> None:
    for name in ("sort-b", "sort-a", "sort-c"):
        house.job(name)
    person = house.person().open("jobs?q=sort-")
    person.page.get_by_role("button", name="Job", exact=True).click()
    names = person.page.locator(".tr a")
    expect(names).to_have_text(["sort-a", "sort-b", "sort-c"])
    person.page.get_by_role("button", name="Job ↑", exact=True).click()
    expect(names).to_have_text(["sort-c", "sort-b", "sort-a"])


def test_what_the_farm_refuses_is_said_in_its_own_words(house: House) -> None:
    """Two people act on the same job; the second is told, and sees what has become of it."""
    job = house.job("contested")
    first, second = house.person().open(f"jobs/{job}"), house.person().open(f"jobs/{job}")
    first.button("Delete", ".head").click()
    first.button("Delete", ".dialog").click()
    second.see(f"There is no job {job}")
    second.see("It may have been deleted.")


def test_several_steps_add_up_to_one_job(house: House) -> None:
    steps = [{"name": f"part-{at}", "function": "simple", "frames": "1-3", "params": ["0"]} for at in (1, 2)]
    made = house.call("job.create", json={"name": "parts", "workflows": [{"name": "both", "tasks": steps}]})
    assert made
    person = house.person().open("jobs?q=both")
    bar = person.row("both").get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuemax", "6")
    person.row("both").get_by_role("checkbox").check()

    person.button("Run", ".selbar").click()

    expect(person.row("both")).to_contain_text("success")
    expect(bar).to_have_attribute("aria-valuenow", "6")
    expect(bar).to_have_attribute("aria-valuemax", "6")


def test_jobs_that_the_page_does_not_hold_are_found_shown_and_opened(house: House) -> None:
    """Issue 6: a farm has more jobs than its mirror; the page says so, and a search is of all of them."""
    oldest = house.job("oldest-of-all", frames="1-2")
    with house.farm.json() as doer:
        for number in range(1300):
            doer.call("job.create", name=f"crowd-{number:04}", function="noop")
    person = house.person().open("jobs")
    total = house.call("job.mirror", limit=1)["of"]
    extent = person.page.locator(".extent")
    expect(extent).to_contain_text(f"The newest 1,000 of {total:,} jobs.")
    person.page.get_by_role("searchbox", name="Find a job").fill("oldest-of")
    expect(person.row("oldest-of-all")).to_be_visible()
    expect(extent).to_contain_text(f"All {total:,} jobs were searched.")
    person.row("oldest-of-all").get_by_role("checkbox").check()
    person.button("Run", ".selbar").click()
    expect(person.row("oldest-of-all")).to_contain_text("success")  # it is a row like the others, and follows the farm
    person.page.get_by_role("searchbox", name="Find a job").fill("crowd")
    expect(extent).to_contain_text("of 1,300 that fit")
    while person.button("More", ".extent").is_visible():
        person.button("More", ".extent").click()
        expect(person.page.locator(".extent button:disabled")).to_have_count(0)
    expect(person.button("More", ".extent")).to_have_count(0)
    expect(person.page.get_by_role("table", name="Jobs")).to_have_attribute("aria-rowcount", "1301")
    fresh = house.person().open(f"jobs/{oldest}")  # a link to it, in a page that does not hold it
    expect(fresh.page.get_by_role("heading", name="oldest-of-all")).to_be_visible()
    assert fresh.barriers() == []
    gone = house.person().open("jobs/99999")
    gone.see("There is no job 99999")
    fresh.open("jobs")
    fresh.button("Older ones", ".extent").click()
    expect(fresh.row("oldest-of-all")).to_have_count(0)  # far below
    expect(fresh.page.locator(".extent")).to_have_count(0)  # all are held


def test_shift_selects_all_rows_between_two(house: House) -> None:
    """Issue 6 item 2: multi-select, by mouse and by keys."""
    for number in range(6):
        house.job(f"range-{number}")
    person = house.person().open("jobs?q=range-")
    box = lambda number: person.row(f"range-{number}").get_by_role("checkbox")  # noqa: E731
    picked = lambda: [number for number in range(6) if box(number).is_checked()]  # noqa: E731
    box(1).click()
    box(4).click(modifiers=["Shift"])
    assert picked() == [1, 2, 3, 4]
    expect(person.page.locator(".selbar")).to_contain_text("4 selected")
    box(2).click()
    assert picked() == [1, 3, 4]
    box(4).click(modifiers=["Shift"])  # as the row it begins with: out
    assert picked() == [1]
    person.button("Clear", ".selbar").click()
    keys = person.page.keyboard
    person.page.get_by_role("table", name="Jobs").focus()
    keys.press("j")
    for _ in range(2):
        keys.press("Shift+ArrowDown")
    assert picked() == [3, 4, 5]  # the newest first
    keys.press("End")
    keys.press("Shift+X")
    assert picked() == [0, 1, 2, 3, 4, 5]


def test_priority_is_dragged_on_the_page_of_a_job_by_mouse_finger_and_key(house: House) -> None:
    """Also on a phone, where the list has no room for it; what happens meanwhile does not break the drag."""
    job = house.job("urgent", function="wait", params=["600"], frames="1-4")
    person = house.person((360, 740)).open(f"jobs/{job}")
    number = person.page.get_by_role("spinbutton", name="Priority of urgent")
    number.hover()  # where it stands still
    at = number.bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    person.page.mouse.move(x, y)
    person.page.mouse.down()
    person.page.mouse.move(x, y - 20)
    expect(number).to_have_text("55")
    house.call("job.run", job=str(job))  # the row changes
    expect(person.page.locator(".head .state")).to_contain_text("running")
    expect(number).to_have_text("55")
    person.page.mouse.move(x, y - 40)
    person.page.mouse.up()
    until(lambda: house.call("job.show", job=str(job))["priority"] == 60, "the farm has it")
    expect(number).to_have_text("60")  # and has told the page, which goes on from there
    number.hover()  # where it stands still
    at = number.bounding_box()
    assert at is not None
    session = person.page.context.new_cdp_session(person.page)
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    for kind, points in (("touchStart", [y]), ("touchMove", [y + 20]), ("touchMove", [y + 40]), ("touchEnd", [])):
        touches = [{"x": x, "y": one} for one in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    until(lambda: house.call("job.show", job=str(job))["priority"] == 50, "a finger has lowered it")
    expect(number).to_have_text("50")
    number.press("ArrowUp")
    expect(number).to_have_text("55")
    assert person.barriers() == []
    house.call("job.stop", job=str(job))


def test_names_have_room_on_a_phone(house: House) -> None:
    """States are signs there, and still words for who listens."""
    house.run("a-name-of-a-shot", frames="1-2", **FAST)
    person = house.person((360, 740)).open("jobs?q=a-name-of-a-shot")
    assert person.row("a-name-of-a-shot").locator(".ell").first.evaluate("(one) => one.clientWidth") > 110
    expect(person.row("a-name-of-a-shot").get_by_role("cell").nth(1)).to_have_text("✓success0")
    expect(person.page.get_by_role("columnheader", name="State")).to_be_attached()
    assert person.barriers() == []
