"""The steps of a job on the page: what waits for what, what they made of its frames, and what all of it cost."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from doors.peers import until
from picture_world import store
from playwright.sync_api import expect

from .people import House

EDGES = "[...document.querySelectorAll('.flow .edge')].map((one) => one.getAttribute('class'))"


def test_steps_are_drawn_with_what_waits_for_what(house: House) -> None:
    """Issue 6.2. `sim` bars places above it, `frames` follows it frame by frame, `sheet` waits for `frames` by name."""
    more = {"function": "simple", "params": ["0"], "frames": "1-3"}
    steps = [
        {"name": "sim", "place": 1, **more},
        {"name": "frames", "place": 2, "exec": "parallel", "after": ["sim:frame"], **more},
        {"name": "sheet", "place": 2, "exec": "parallel", "after": ["frames"], **more},
        {"name": "send", "place": 3, **more},
    ]
    house.call("job.create", json={"name": "drawn", "workflows": [{"name": "shot", "tasks": steps}]}, run=True)
    job = house.call("job.show", job="shot")["id"]
    until(lambda: house.call("job.show", job=str(job))["state"] == "success0", "done")
    person = house.person().open(f"jobs/{job}")
    drawn = person.page.locator(".flow")
    names = {name: drawn.get_by_role("button", name=f"{name}: success0", exact=False) for name in ("sim", "sheet")}
    expect(names["sim"]).to_be_visible()
    expect(names["sheet"]).to_have_attribute("aria-label", "sheet: success0, 100 percent, waits for frames")
    expect(drawn.get_by_role("button", name="send", exact=False)).to_have_attribute(
        "aria-label", "send: success0, 100 percent, waits for sim"
    )
    assert sorted(person.page.evaluate(EDGES)) == ["edge frame", "edge place", "edge whole"]

    names["sheet"].click()

    expect(person.page.get_by_role("heading", name="sheet 1-3")).to_be_visible()
    assert "step=" in person.page.url
    assert person.barriers() == []


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Four pictures of a render that was made elsewhere."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(1, 5):
        store(folder / f"f_{number:04}.png", numpy.full((48, 64, 3), number / 5), ("R", "G", "B"))
    return folder


def test_a_contact_sheet_and_a_movie_are_in_the_page(house: House, frames: Path) -> None:
    steps = [
        {"name": "sheet", "function": "contact_sheet", "params": {"source": str(frames), "pattern": "f_####"}},
        {
            "name": "film",
            "function": "movie",
            "params": {"source": str(frames), "pattern": "f_####", "output": str(frames / "f.mp4"), "fps": 24},
        },
    ]
    house.call("job.create", json={"name": "made", "workflows": [{"name": "of-it", "tasks": steps}]}, run=True)
    until(lambda: house.call("job.show", job="of-it")["state"] == "success0", "made", 60)
    job = house.call("job.show", job="of-it")["id"]
    person = house.person().open(f"jobs/{job}")
    sheet = person.page.get_by_alt_text("Contact sheet of sheet")
    expect(sheet).to_be_visible()
    person.until("document.querySelector('img[alt^=\"Contact sheet\"]').naturalWidth > 200", "the sheet is loaded")
    person.until("document.querySelector('video').readyState > 0", "the movie is loaded")


def test_who_submitted_it_what_it_cost_and_when_it_is_done_are_told(house: House) -> None:
    job = house.run("costs", frames="1-4", params=["1"], function="simple")
    hours = house.call("job.history", job=str(job))["machine_hours"]
    assert hours > 0
    person = house.person().open(f"jobs/{job}")
    person.see("machine hours")
    expect(person.page.locator(".figures")).to_contain_text(f"{hours:.2f}")
    expect(person.page.locator(".facts")).to_contain_text(house.call("job.show", job=str(job))["submitter"] or "By")

    slow = house.job("lasts", frames="1-400", params=["1"], function="simple", run=True)
    person.open(f"jobs/{slow}")
    until(lambda: house.call("job.show", job=str(slow))["remaining"], "an estimate")
    expect(person.page.locator(".figures")).to_contain_text("as if alone: ")
    house.call("job.stop", job=str(slow))
