"""What a page asks the gateway before it submits: what is on the storage, and what a template wants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from doors.peers import Farm

from .conftest import Room
from .peers import Web

EXAMPLES = Path(__file__).parents[2] / "examples" / "openjd"


def ask(room: Room, path: str, document: Any, **headers: str) -> tuple[int, Any]:
    headers = {"Sec_Fetch_Site": "same-origin", **headers}
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    status, _, answer = room.web.request("POST", path, body, **headers)
    return status, json.loads(answer) if answer[:1] == b"{" else answer


def browse(web: Web, path: str, more: str = "") -> tuple[int, Any]:
    status, _, answer = web.get(f"/browse?path={quote(path)}{more}")
    return status, json.loads(answer)


def test_a_template_is_described_and_makes_the_tree_that_a_submit_at_home_makes(room: Room) -> None:
    text = (EXAMPLES / "two-steps.yaml").read_text()
    status, found = ask(room, "/template", {"template": text})
    assert (status, found["name"], [one["name"] for one in found["steps"]]) == (200, "Count and sum", ["Count", "Sum"])
    assert "Folder" in [one["name"] for one in found["parameters"]]
    words = {"template": text, "parameters": {"Folder": "/srv/numbers"}, "name": "n", "priority": 80}
    status, made = ask(room, "/template/job", words)
    workflow = made["tree"]["project"]["workflows"][0]
    assert (status, workflow["name"], workflow["priority"]) == (200, "n", 80)
    assert [(task["name"], task["after"]) for task in workflow["tasks"]] == [("Count", []), ("Sum", ["Count"])]
    assert room.page().call("job.create", json=made["tree"])["jobs"][0]["tasks"] == made["tasks"] == 5


def test_json_is_as_good_as_yaml(room: Room) -> None:
    action = {"onRun": {"command": "true"}}
    steps = [{"name": "S", "script": {"actions": action}}]
    text = json.dumps({"specificationVersion": "jobtemplate-2023-09", "name": "J", "steps": steps})
    assert ask(room, "/template", {"template": text})[1]["name"] == "J"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"template": "name: x"}, "specificationVersion"),
        ({"template": "&a [*a, *a]"}, "template"),
        ({"template": "[" * 100}, "deeper than"),
        ({"template": "x: " + "y" * 1_000_001}, "1000000"),
        (b"x" * 2_000_001, "at the most"),
        ({"template": 5}, "no question"),
        (b"{", "no question"),
        ({"template": "x", "parameters": [], "other": 1}, "no question"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(room: Room, document: Any, said: str) -> None:
    status, found = ask(room, "/template", document)
    assert status == 400
    assert said in found["error"]
    assert ask(room, "/template", {"template": (EXAMPLES / "command.yaml").read_text()})[0] == 200


def test_what_would_not_fit_the_masters_line_is_refused_before_it_is_sent(room: Room) -> None:
    values = [f"{number:04}" + "x" * 900 for number in range(40)]
    steps = [{"name": f"S{n}", "script": {"actions": {"onRun": {"command": "true"}}}} for n in range(30)]
    choice = {"name": "Choice", "type": "STRING", "default": values[0], "allowedValues": values}
    head = {"specificationVersion": "jobtemplate-2023-09", "name": "Big", "parameterDefinitions": [choice]}
    document = json.dumps({**head, "steps": steps})
    status, found = ask(room, "/template/job", {"template": document})
    assert status == 400
    assert "the master takes" in found["error"]


def test_only_our_own_page_may_ask(room: Room) -> None:
    """CONTRACT S6, S7: another site's page makes no job and sees no names."""
    words = {"template": (EXAMPLES / "command.yaml").read_text()}
    assert ask(room, "/template", words, Sec_Fetch_Site="cross-site")[0] == 403
    assert room.web.get("/browse?path=/", Host="evil.example")[0] == 421


def test_names_are_offered_and_hidden_and_special_ones_are_not(room: Room, tmp_path: Path) -> None:
    for name in ("B.blend", "a.blend", "notes.txt", ".secret.blend", "old.BLEND"):
        (tmp_path / name).touch()
    (tmp_path / "Folder").mkdir()
    (tmp_path / "dangling.blend").symlink_to(tmp_path / "nothing")
    status, found = browse(room.web, f"{tmp_path}/", "&ending=.blend")
    assert (status, [one["name"] for one in found["entries"]]) == (200, ["Folder", "a.blend", "B.blend", "old.BLEND"])
    assert found["folder"] == f"{tmp_path}/" and found["more"] is False
    assert [one["name"] for one in browse(room.web, f"{tmp_path}/f")[1]["entries"]] == ["Folder"]
    assert [one["name"] for one in browse(room.web, f"{tmp_path}/.s")[1]["entries"]] == [".secret.blend"]
    assert [one["name"] for one in browse(room.web, f"{tmp_path}/", "&folders=1")[1]["entries"]] == ["Folder"]
    assert browse(room.web, "")[1]["entries"] == [{"name": "/", "folder": True}]
    assert browse(room.web, f"{tmp_path}/nowhere/")[0] == 404
    assert browse(room.web, f"{tmp_path}/a.blend/")[0] == 404
    assert room.web.get("/browse?path=/%00")[0] == 400
    assert browse(room.web, "/" + "x" * 5000)[0] == 400


def test_a_folder_of_many_files_is_offered_in_part(room: Room, tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number:03}.blend").touch()
    found = browse(room.web, f"{tmp_path}/")[1]
    assert (len(found["entries"]), found["more"]) == (200, True)
    assert [one["name"] for one in browse(room.web, f"{tmp_path}/29")[1]["entries"]] == [
        f"{n}.blend" for n in range(290, 300)
    ]


def test_nothing_outside_of_the_named_folders_is_told(farm: Farm, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "x.blend").touch()
    (inside / "way-out").symlink_to(outside)
    web = Web(tmp_path, farm.port, "--data", str(tmp_path / "web"), "--scenes", str(inside))
    try:
        assert browse(web, "")[1]["entries"] == [{"name": f"{inside}/", "folder": True}]
        assert browse(web, f"{inside}/x")[1]["entries"] == [{"name": "x.blend", "folder": False}]
        for path in (f"{outside}/", f"{inside}/../outside/", f"{inside}/way-out/", "/"):
            status, found = browse(web, path)
            assert (status, "entries" in found) == (404, False)
            assert "--scenes" in found["error"]
    finally:
        web.program.end()
