"""One job on the page, with a real Blender: its frames as a grid, their pictures, attempts, logs, and the movie."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from doors.peers import until
from playwright.sync_api import expect

from .people import House, Person

SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.render.resolution_x, scene.render.resolution_y = 96, 64
scene.render.resolution_percentage = 100
scene.frame_start, scene.frame_end = 1, 4
cube = bpy.data.objects["Cube"]
cube.keyframe_insert("rotation_euler", frame=1)
cube.rotation_euler[2] = 1.5
cube.keyframe_insert("rotation_euler", frame=4)
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""
LOADED = (
    "(() => { const one = document.querySelector('.shot img');\n return one && one.complete && one.naturalWidth; })()"
)
PLAYS = "(() => { const one = document.querySelector('video'); return one && one.readyState > 1 && one.videoWidth; })()"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shots") / "cube.blend"
    script = path.with_suffix(".py")
    script.write_text(SCENE)
    argv = ["blender", "-b", "-noaudio", "-P", str(script), "--", str(path)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=240)
    return path


@pytest.fixture(scope="module")
def rendered(home: House, scene: Path) -> int:
    """A job of four frames and a movie, rendered."""
    folder = scene.parent / "frames"
    frames = {
        "name": "render",
        "function": "blender",
        "frames": "1-4",
        "params": {"blend": str(scene), "output": str(folder), "pattern": "cube_###"},
    }
    movie = {
        "name": "movie",
        "function": "movie",
        "after": ["render"],
        "params": {"source": str(folder), "pattern": "cube_###", "output": str(folder / "cube.mp4")},
    }
    tree = {"name": "films", "workflows": [{"name": "cube", "tasks": [frames, movie]}]}
    job = home.call("job.create", json=tree, run=True)["jobs"][0]["id"]
    until(lambda: home.call("job.show", job=str(job))["state"] not in ("running", "not run"), "rendered", 240)
    assert home.call("job.show", job=str(job))["state"] == "success0"
    return int(job)


def cell(person: Person, index: int) -> tuple[float, float]:
    """Where the middle of a cell of the frame grid is in the canvas, few as they are here: 26 px and a gap of 1."""
    return 27.0 * index + 13, 13.0


def test_frames_are_seen_as_they_were_rendered(house: House, rendered: int) -> None:
    """CONTRACT S6: the last frame large, the ones before it to choose from."""
    person = house.person().open(f"jobs/{rendered}")
    person.see("success0 4")
    assert person.until(LOADED, "the newest frame") == 96
    expect(person.page.locator(".strip button")).to_have_count(4)
    large = person.page.get_by_alt_text("Frame 4", exact=True)
    expect(large).to_have_attribute("src", re.compile(r"^frame/"))  # the frame itself, no thumbnail blown up
    expect(person.page.get_by_role("heading", name="Frame 4")).to_be_visible()

    person.page.locator(".strip button").last.click()

    expect(person.page.get_by_role("heading", name="Frame 1")).to_be_visible()
    assert person.until(LOADED, "the first frame") == 96


def test_the_strip_shows_the_newest_frames_whatever_loads_later(house: House, rendered: int) -> None:
    """It runs from left to right in time and is seen at its end; the chosen one is seen, too."""
    person = house.person((360, 740)).open(f"jobs/{rendered}")
    person.see("success0 4")
    strip = person.page.locator(".strip")
    left = "(all) => all.map((one) => one.getBoundingClientRect().left)"
    seen = """(one) => {
      const [mine, all] = [one, one.parentNode].map((it) => it.getBoundingClientRect());
      return mine.left >= all.left - 1 && mine.right <= all.right + 1;
    }"""
    expect(strip.locator("button")).to_have_count(4)
    strip.scroll_into_view_if_needed()
    places = strip.locator("button").evaluate_all(left)
    assert places == sorted(places, reverse=True)  # the newest is the first for a keyboard
    newest, oldest = (strip.get_by_role("button", name=name) for name in ("Frame 4", "Frame 1"))
    assert newest.evaluate(seen)
    newest.focus()
    for _ in range(3):
        person.page.keyboard.press("ArrowLeft")
    expect(person.page.get_by_role("heading", name="Frame 1")).to_be_visible()
    assert oldest.evaluate(seen)


def test_the_movie_plays(house: House, rendered: int) -> None:
    person = house.person().open(f"jobs/{rendered}")
    person.page.locator("video").scroll_into_view_if_needed()

    assert person.until(PLAYS, "a picture of the movie") == 96

    person.page.evaluate("document.querySelector('video').play()")
    person.until("document.querySelector('video').currentTime > 0", "it plays")


def test_a_cell_leads_to_the_attempts_and_the_log(house: House, rendered: int) -> None:
    person = house.person().open(f"jobs/{rendered}")
    canvas = person.page.locator(".framegrid canvas")
    x, y = cell(person, 2)
    canvas.hover(position={"x": x, "y": y})
    expect(person.page.locator(".tip")).to_contain_text("Frame 3: success0")
    expect(person.page.locator(".tip img")).to_be_visible()

    canvas.click(position={"x": x, "y": y})

    expect(person.page.get_by_role("heading", name="Frame 3")).to_be_visible()
    assert "task=2" in person.page.url
    expect(person.page.locator(".why", has_text="on render-0").first).to_contain_text("success0")
    person.button("Log").click()
    expect(person.page.locator(".log")).to_contain_text("Fra:3")
    person.page.get_by_label("Search the log").fill("updating camera")
    person.page.keyboard.press("Enter")
    expect(person.page.locator(".log .hit")).to_have_count(1)


def test_heat_colours_frames_by_their_time(house: House, rendered: int) -> None:
    person = house.person().open(f"jobs/{rendered}")
    person.page.locator(".framegrid canvas").wait_for()
    colour = "document.querySelector('.framegrid canvas').toDataURL()"
    before = person.page.evaluate(colour)
    person.button("Time").click()
    person.until(f"{colour} !== '{before}'", "it is drawn by time")
    person.see("the slowest")


def test_the_grid_moves_while_frames_run_and_one_is_ended_and_run_again(house: House) -> None:
    job = house.job("slow", function="wait", params=["600"], frames="1-30", run=True, retries=0)
    person = house.person().open(f"jobs/{job}")
    person.see("running 4")
    canvas = person.page.locator(".framegrid canvas")
    x, y = cell(person, 0)
    canvas.click(position={"x": x, "y": y})
    expect(person.page.get_by_role("heading", name="Frame 1", exact=True)).to_be_visible()

    person.button("End it").click()

    expect(person.page.locator(".legend")).to_contain_text("stopped")
    person.button("Run again").click()
    expect(person.page.locator(".toasts")).to_contain_text("will run again")
    expect(person.page.locator(".legend")).not_to_contain_text("stopped")
    person.page.locator(".framegrid canvas").focus()
    person.page.keyboard.press("ArrowRight")
    expect(person.page.get_by_role("heading", name="Frame 2", exact=True)).to_be_visible()
    house.call("job.stop", job=str(job))
    person.see("stopped")


def test_a_log_is_followed_while_it_is_written(house: House) -> None:
    job = house.job("talks", function="simple", params=["3"], run=True)
    person = house.person().open(f"jobs/{job}?task=0")
    person.button("Log").click()
    expect(person.page.locator(".log")).to_contain_text("working for 3 s")
    expect(person.page.locator(".log")).to_contain_text("simple: done")
    assert person.page.locator(".log").inner_text().count("working for") == 1


def test_a_job_that_waits_says_why(house: House) -> None:
    job = house.job("needs", tags="gpu-farm", run=True)
    person = house.person().open(f"jobs/{job}")
    person.see("Why it waits")
    said = house.call("farm.why", what=str(job))["reasons"][0]["text"]
    person.see(said)
    house.call("job.stop", job=str(job))


def test_a_scene_is_submitted_by_its_path(house: House, scene: Path) -> None:
    person = house.person().open("submit")
    person.page.get_by_label("Scene (.blend)").fill(str(scene))
    expect(person.page.get_by_label("Job name")).to_have_value("cube")
    person.page.get_by_label("Job name").fill("by-path")
    person.page.get_by_label("Output folder").fill(str(scene.parent / "by-path"))
    person.page.get_by_label("Frames", exact=False).first.fill("2")
    person.button("Submit and start").click()
    expect(person.page.get_by_role("heading", name="by-path", exact=True)).to_be_visible()
    person.see("success0 1")


def test_a_scene_is_uploaded_and_submitted(house: House, scene: Path) -> None:
    person = house.person().open("submit")
    person.page.get_by_label("Upload").set_input_files(str(scene))
    expect(person.page.locator(".toasts")).to_contain_text("cube.blend is on the farm's storage")
    path = person.page.get_by_label("Scene (.blend)").input_value()
    assert Path(path).read_bytes() == scene.read_bytes()
    person.page.get_by_label("Job name").fill("by-upload")
    person.page.get_by_label("Frames", exact=False).first.fill("1")
    person.button("Submit and start").click()
    expect(person.page.get_by_role("heading", name="by-upload", exact=True)).to_be_visible()
    person.see("success0 1")
    assert person.until(LOADED, "its picture") == 96


def test_what_is_no_scene_is_refused_and_nothing_is_kept(house: House, tmp_path: Path) -> None:
    (tmp_path / "not-a.blend").write_text("hello")
    person = house.person().open("submit")
    person.page.get_by_label("Upload").set_input_files(str(tmp_path / "not-a.blend"))
    expect(person.page.locator(".toast.bad")).to_contain_text("blend")
    assert person.page.get_by_label("Scene (.blend)").input_value() == ""
    person.faults = [fault for fault in person.faults if "415" not in fault]
