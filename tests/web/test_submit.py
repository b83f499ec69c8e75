"""Submitting on the page: paths of the farm's storage, and Open Job Description templates as forms."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from doors.peers import Farm, until
from gateway.peers import Web
from playwright.sync_api import Browser, Route, expect

from .people import DRAWN, House

EXAMPLES = Path(__file__).parents[2] / "examples" / "openjd"
CONTROLS = """
specificationVersion: jobtemplate-2023-09
name: Controls
description: Every control that a template may ask for.
parameterDefinitions:
  - name: Scene
    type: PATH
    objectType: FILE
    dataFlow: IN
    userInterface:
      control: CHOOSE_INPUT_FILE
      label: The scene
      groupLabel: Files
      fileFilters: [{label: Blender, patterns: ["*.blend"]}]
  - {name: Folder, type: PATH, objectType: DIRECTORY, userInterface: {control: CHOOSE_DIRECTORY, groupLabel: Files}}
  - name: Quality
    type: STRING
    allowedValues: [draft, final]
    default: final
    userInterface: {control: DROPDOWN_LIST}
  - name: Clean
    type: STRING
    allowedValues: ["true", "false"]
    default: "false"
    userInterface: {control: CHECK_BOX, label: Clean up}
  - {name: Notes, type: STRING, default: "", userInterface: {control: MULTILINE_EDIT}}
  - name: Samples
    type: INT
    minValue: 1
    maxValue: 512
    default: 64
    userInterface: {control: SPIN_BOX, singleStepDelta: 8}
  - {name: Secret, type: STRING, default: hidden, userInterface: {control: HIDDEN}}
steps:
  - name: Say
    script:
      actions:
        onRun:
          command: echo
          args: ["{{Param.Quality}} {{Param.Clean}} {{Param.Samples}} {{Param.Secret}}"]
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[House]:
    """A farm whose worker allows OpenJD."""
    folder = tmp_path_factory.mktemp("shop")
    farm = Farm(folder)
    try:
        farm.worker("w", 2, "--allow-openjd")
        web = Web(folder, farm.port, "--data", str(folder / "web"))
        yield House(farm, web, browser)
        web.program.end()
    finally:
        farm.end()


@pytest.fixture
def house(shop: House) -> Iterator[House]:
    yield shop
    shop.good_night("Failed to load")


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Shots, each with a scene, and things that are no scene."""
    for shot in ("010", "020"):
        (tmp_path / "storage/shots" / shot).mkdir(parents=True)
        (tmp_path / "storage/shots" / shot / f"shot-{shot}.blend").write_bytes(b"BLENDER")
        (tmp_path / "storage/shots" / shot / "notes.txt").write_text("no scene")
    (tmp_path / "storage/.hidden").mkdir()
    return tmp_path / "storage"


def test_a_scene_is_chosen_on_the_farms_storage_by_keys(house: House, storage: Path) -> None:
    """Issue 6.3: what is there is offered while one types."""
    person = house.person().open("submit")
    field = person.page.get_by_label("Scene (.blend)")
    field.fill(f"{storage}/sh")
    offered = person.page.get_by_role("listbox").get_by_role("option")
    expect(offered).to_have_text(["▸shots/"])
    field.press("Tab")
    expect(field).to_have_value(f"{storage}/shots/")
    expect(offered).to_have_text(["▸010/", "▸020/"])
    assert person.barriers() == []
    field.press("ArrowDown")
    field.press("ArrowDown")
    field.press("Enter")
    expect(offered).to_have_text([" shot-020.blend"])
    offered.first.click()
    expect(field).to_have_value(f"{storage}/shots/020/shot-020.blend")
    expect(person.page.get_by_label("Job name")).to_have_value("shot-020")
    expect(person.page.get_by_label("Output folder")).to_have_value(f"{storage}/shots/020/renders/shot-020")
    expect(offered).to_have_count(0)
    field.fill(f"{storage}/nothing/there")
    person.see("No such file or directory")


def test_an_answer_about_an_older_path_is_not_offered_for_a_newer_one(house: House, storage: Path) -> None:
    """Whoever types fast on a slow machine: the first answer may be the last to come."""
    person = house.person()
    late: list[Route] = []
    person.page.route(f"**/browse?path={quote(str(storage), safe='')}%2F&*", lambda route: late.append(route))
    person.open("submit")
    field = person.page.get_by_label("Scene (.blend)")
    field.fill(f"{storage}/")
    until(lambda: person.page.evaluate("1") and late, "it is asked for")
    field.fill(f"{storage}/shots/")
    offered = person.page.get_by_role("listbox").get_by_role("option")
    expect(offered).to_have_text(["▸010/", "▸020/"])
    with person.page.expect_response("**/browse?*"):
        late[0].continue_()
    person.page.evaluate(DRAWN)
    expect(offered).to_have_text(["▸010/", "▸020/"])


def test_the_form_of_a_template_asks_as_its_user_interface_says(house: House, storage: Path) -> None:
    person = house.person().open("submit?kind=template")
    person.page.get_by_label("Template", exact=False).first.fill(CONTROLS)
    person.see("Every control that a template may ask for.")
    page = person.page
    expect(page.get_by_role("group", name="Files").get_by_role("combobox")).to_have_count(2)
    page.get_by_label("The scene").fill(f"{storage}/shots/010/")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text([" shot-010.blend"])
    page.get_by_label("The scene").press("Tab")
    page.get_by_label("Folder").fill(f"{storage}/")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text(["▸shots/"])
    page.get_by_label("Folder").press("Escape")
    page.get_by_label("Quality").select_option("draft")
    page.get_by_label("Clean up").check()
    assert page.get_by_label("Notes").evaluate("one => one.tagName") == "TEXTAREA"
    samples = page.get_by_label("Samples")
    assert [samples.get_attribute(name) for name in ("type", "max", "step")] == ["number", "512", "8"]
    expect(samples).to_have_value("64")
    samples.press("ArrowUp")
    expect(samples).to_have_value("72")
    assert page.get_by_text("Secret").count() == 0
    assert person.barriers() == []
    samples.fill("33")
    page.get_by_label("Job name").fill("of-controls")

    person.button("Submit and start").click()

    expect(page.get_by_role("heading", name="of-controls", exact=True)).to_be_visible()
    person.see("success0 1")
    said = house.call("task.log", step="of-controls/Say", task=0)["text"]
    assert "draft true 33 hidden" in said


def test_an_example_is_chosen_as_a_file_and_runs(house: House) -> None:
    person = house.person().open("submit?kind=template")
    person.page.get_by_label("Template file").set_input_files(str(EXAMPLES / "command.yaml"))
    person.page.get_by_label("Whom").fill("the sofa")
    person.page.get_by_label("Times").fill("4")
    person.button("Submit and start").click()
    person.see("success0 4")
    expect(person.page.get_by_role("heading", name="Greet the sofa", exact=False).first).to_be_visible()


def test_what_is_wrong_with_a_template_or_an_answer_is_said_in_the_farms_words(house: House) -> None:
    person = house.person().open("submit?kind=template")
    text = person.page.get_by_label("Template", exact=False).first
    wrong = person.page.get_by_role("alert")
    text.fill("specificationVersion: jobtemplate-2023-09\nname: Nothing\n")
    expect(wrong).to_contain_text("failed checks")
    expect(wrong).to_contain_text("steps")
    text.fill("{ this is neither")
    expect(wrong).to_contain_text("failed checks")
    text.fill((EXAMPLES / "blender.yaml").read_text())
    expect(wrong).to_have_count(0)
    person.page.get_by_label("Folder").fill("/tmp/frames")
    person.button("Submit and start").click()
    expect(wrong).to_contain_text("Scene is ../../brender/scenes/orrery.py")
    person.page.get_by_label("Scene").first.fill("/srv/orrery.py")
    person.page.get_by_label("Frames").first.fill("1-3-5")
    person.button("Submit and start").click()
    expect(wrong).to_contain_text("range")
    assert not [row for row in house.call("job.list")["jobs"] if row["name"].startswith("Orrery")]
    assert person.barriers() == []


def test_pool_engine_priority_and_preset_of_the_form_reach_the_job(house: House, storage: Path) -> None:
    shutil.copy(storage / "shots/010/shot-010.blend", storage / "own.blend")
    person = house.person().open("submit")
    person.page.get_by_label("Scene (.blend)").fill(str(storage / "own.blend"))
    person.page.get_by_label("Job name").fill("wished")
    person.page.get_by_label("Preset").select_option("preview")
    person.page.get_by_label("Engine").select_option("BLENDER_WORKBENCH")
    person.page.get_by_label("Frames").first.fill("1-9x2")
    person.page.get_by_label("Project").fill("film")
    person.page.get_by_label("Priority").fill("77")
    person.page.get_by_label("Pool (tags)").fill("nobody-has-this")
    person.page.get_by_label("Frames a task").fill("2")
    person.button("Submit and start").click()
    expect(person.page.get_by_role("heading", name="wished", exact=True)).to_be_visible()
    row = until(lambda: house.call("job.list", project="film")["jobs"], "the job")[0]
    step = house.call("step.show", step=f"{row['id']}/blender")
    assert (row["priority"], step["frames"], step["chunk"]) == (77, "1-9x2", 2)
    assert step["params"]["engine"] == "BLENDER_WORKBENCH" and step["params"]["percentage"] < 100
    person.see("nobody-has-this")
    house.call("job.stop", job="wished")


def test_a_scene_is_uploaded_with_progress_cancelled_and_refused(house: House, tmp_path: Path) -> None:
    """Issue 6 item 3: what takes long can be watched and left, and what is no scene is not sent at all."""
    uploads = house.farm.folder / "web" / "uploads"
    scene, picture = tmp_path / "large.blend", tmp_path / "picture.blend"
    with scene.open("wb") as file:
        file.write(b"BLENDER-v405" + bytes(4096))
        file.truncate(40_000_000)
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(4096))
    person = house.person().open("submit")
    posts: list[str] = []
    person.page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    field = person.page.locator('input[type="file"]')
    field.set_input_files(picture)
    person.see("picture.blend is no .blend file; nothing was sent.", "body")
    assert posts == []

    session = person.page.context.new_cdp_session(person.page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000}
    session.send("Network.emulateNetworkConditions", slow)
    field.set_input_files(scene)
    bar = person.page.get_by_role("progressbar", name="Upload of large.blend")
    until(lambda: int(bar.get_attribute("aria-valuenow") or 0) > 2, "it is under way")
    expect(person.button("Submit and start")).to_be_disabled()
    assert person.barriers() == []
    person.button("Cancel the upload").click()
    person.see("The upload was cancelled; nothing was kept.", "body")
    expect(bar).to_have_count(0)
    until(lambda: not list(uploads.glob("*/*")), "nothing of it is left")

    session.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    field.set_input_files(scene)  # the same once more
    person.see("large.blend is on the farm's storage.", "body")
    path = person.page.get_by_role("combobox", name="Scene (.blend)").input_value()
    assert Path(path).stat().st_size == 40_000_000
    expect(person.page.get_by_label("Job name")).to_have_value("large")
