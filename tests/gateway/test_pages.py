"""Pages that listen and ask through a real gateway before a real master."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import quote

import pytest
from doors.peers import until

from brender.web import main

from .conftest import Room
from .peers import Farm, Web


def test_a_page_asks_the_farm_as_a_program_does(room: Room) -> None:
    page, program = room.page(), room.farm.json()
    page.state(True)
    assert page.call("worker.list")["workers"] == program.call("worker.list")["workers"]
    assert (
        page.refused("worker.enable", workers=["rendr-01"])["message"]
        == (program.refused("worker.enable", workers=["rendr-01"])["message"])
    )
    assert page.refused("no.such")["code"] == -32601


def test_a_page_is_somebody_of_its_own(room: Room) -> None:
    """Who did it is who said hello on this page, not the gateway."""
    anna, ben = room.page(), room.page()
    anna.call("session.hello", name="anna")
    ben.call("session.hello", name="ben")
    job = anna.call("job.create", name="of-anna", function="noop")["jobs"][0]["id"]
    assert ben.call("job.show", job=job)["submitter"] == "anna"


def test_a_page_hears_what_happens_after_its_mirror(room: Room) -> None:
    page, program = room.page(), room.farm.json()
    mirror = page.call("farm.mirror")
    program.call("project.add", name="heard")
    answer = page.call("farm.subscribe", topics=["project.*"], since=mirror["seq"])
    assert answer["resumed"] and answer["seq"] >= mirror["seq"]
    assert page.event("project.changed")["data"]["name"] == "heard"
    program.call("project.add", name="heard-too")
    assert page.event("project.changed")["data"]["name"] == "heard-too"


def test_what_every_page_asks_is_asked_once(room: Room) -> None:
    """Two hundred pages that ask how the farm is cost the master one answer in half a second."""
    pages = [room.page() for _ in range(3)]
    for page in pages:
        page.call("session.test")
    for page in pages:
        for number in range(5):
            page.link.send(json.dumps({"id": number, "method": "farm.status"}))
    for page in pages:
        while len(page.answers) < 5:
            page.read()
    found = [answer["result"]["uptime"] for page in pages for answer in page.answers.values()]
    assert len(set(found)) < len(found) / 2 == 7.5
    assert pages[0].call("worker.list") == pages[1].call("worker.list")


def test_pages_get_what_they_asked_for_and_nothing_else(room: Room) -> None:
    jobs, projects, program = room.page(), room.page(), room.farm.json()
    jobs.call("farm.subscribe", topics=["job.*"])
    projects.call("farm.subscribe", topics=["project.created", "task.states"])
    job = program.call("job.create", name="apart", function="noop", frames="1-3", run=True, project="apart-of")
    assert jobs.event("job.created")["data"]["id"] == job["jobs"][0]["id"]
    jobs.event("job.ended")
    assert projects.event("project.created")["data"]["name"] == "apart-of"
    assert projects.event("task.states")["data"]["step"]
    assert {event["topic"].partition(".")[0] for event in jobs.events} <= {"job"}
    assert {event["topic"] for event in projects.events} <= {"task.states"}


def test_two_pages_that_act_on_the_same_row_see_the_same_end(room: Room) -> None:
    """2 tabs: the later one is told that it is so already, and both hear of it."""
    one, two = room.page(), room.page()
    for page in (one, two):
        page.call("farm.subscribe", topics=["worker.changed"])
    assert [row["name"] for row in one.call("worker.disable", workers=["render-01"])["changed"]] == ["render-01"]
    assert [row["name"] for row in two.call("worker.disable", workers=["render-01"])["unchanged"]] == ["render-01"]
    assert [page.event("worker.changed")["data"]["admin_state"] for page in (one, two)] == ["disabled", "disabled"]
    row = one.call("project.add", name="shared")["row"]
    one.call("project.set", project="shared", values={"description": "first"}, version=row["version"])
    late = two.refused("project.set", project="shared", values={"description": "second"}, version=row["version"])
    assert late["code"] == 1009
    one.call("worker.enable", workers=["render-01"])


def test_a_page_whose_connection_broke_misses_nothing(room: Room) -> None:
    page, program = room.page(), room.farm.json()
    page.call("farm.subscribe", topics=["*"])
    program.call("project.add", name="before-the-break")
    last = page.event("project.changed")["seq"]
    page.close()
    program.call("project.add", name="in-the-break")
    again = room.page()
    assert again.call("farm.subscribe", topics=["*"], since=last)["resumed"]
    program.call("project.add", name="after-the-break")
    names = [again.event("project.created")["data"]["name"] for _ in range(2)]
    assert names == ["in-the-break", "after-the-break"]


def test_what_nobody_can_know_any_more_is_said(room: Room) -> None:
    assert room.page().call("farm.subscribe", topics=["*"], since=1)["resumed"] is False


def test_unsubscribed_is_unheard(room: Room) -> None:
    page, other, program = room.page(), room.page(), room.farm.json()
    for one in (page, other):
        one.call("farm.subscribe", topics=["project.*"])
    assert page.call("farm.unsubscribe")["topics"] == []
    program.call("project.add", name="unheard")
    other.event("project.created")
    page.call("session.test")
    assert page.events == []


def test_a_log_comes_over_the_connection_of_its_page(room: Room) -> None:
    page, other = room.page(), room.page()
    other.call("farm.subscribe", topics=["*"])
    page.call("job.create", name="talks", function="echo", params=["said"], frames="1", run=True)
    page.call("job.watch", job="talks")
    assert "said" in str(page.call("task.log", step="talks", task=0))
    assert "task.log" not in {event["topic"] for event in other.events}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", -32700),
        ('"text"', -32600),
        ("[" * 100_000, -32700),
        ('{"id":1}', -32600),
        ('{"id":1,"method":"farm.subscribe","params":{"topics":5}}', -32602),
        ('{"id":1,"method":"farm.subscribe","params":{"since":"x"}}', -32602),
        ('{"id":1,"method":["farm.mirror"]}', -32600),
        ('{"id":1,"method":"farm.mirror","params":{"limit":"x"}}', -32602),
        ('[{"id":1,"method":"subscribe"}]', -32600),
        ('{"id":1,"id":2,"method":"session.test"}', -32700),
        ('{"id":1,"method":"worker.results","params":{}}', 1002),
    ],
)
def test_nonsense_of_a_page_is_refused_and_the_next_request_works(room: Room, text: str, code: int) -> None:
    """CONTRACT S13; a page is no machine."""
    page = room.page()
    page.link.send(text)
    while not page.answers:
        page.read()
    assert next(iter(page.answers.values()))["error"]["code"] == code
    assert page.call("session.echo", text="still here")["text"] == "still here"


def test_lines_in_a_message_are_blanks_and_not_requests(room: Room) -> None:
    """A frame is one message, whatever white space is in it."""
    page = room.page()
    page.link.send('{"id": "a",\n"method":\r\n"session.echo", "params": {"text": "x\\ny"}}')
    while "a" not in page.answers:
        page.read()
    assert page.answers["a"]["result"]["text"] == "x\ny"


def test_a_batch_is_answered_as_a_batch(room: Room) -> None:
    page = room.page()
    page.link.send(json.dumps([{"id": n, "method": "session.echo", "params": {"text": str(n)}} for n in (1, 2)]))
    while len(page.answers) < 2:
        page.read()
    assert [page.answers[n]["result"]["text"] for n in (1, 2)] == ["1", "2"]


def test_many_requests_at_once_are_all_answered(room: Room) -> None:
    page = room.page()
    wanted = set(range(1000, 1300))
    for number in wanted:
        page.link.send(json.dumps({"id": number, "method": "session.test"}))
    while not wanted <= page.answers.keys():
        page.read()


def test_the_own_port_says_where_the_page_is(room: Room) -> None:
    """Who opens port 6000 in a browser is sent here."""
    room.page().state(True)
    assert f"The web page is on {room.web.origin}/." in room.farm.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").decode()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", "\u202eevil"])
def test_text_from_outside_is_only_ever_json(room: Room, name: str) -> None:
    """Foreign text is never HTML: it leaves as JSON strings, and no path of ours puts it into a page."""
    page = room.page()
    if "/" not in name:
        page.call("project.add", name=name)
    found: Any = page.refused("project.show", project=name + "?")
    assert isinstance(found["message"], str)
    for path in (f"/{name}", f"/preview/{name}/s/0"):
        status, headers, body = room.web.get(quote(path))
        assert name.encode() not in body
        assert status in (400, 404) or headers["content-type"].startswith("text/html")


def test_files_of_the_page_have_their_types_and_are_asked_for_anew(room: Room) -> None:
    status, headers, body = room.web.get("/")
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "text/html; charset=utf-8", "no-cache")
    assert b"<!doctype html>" in body.lower()
    assert room.web.get("/", If_None_Match=headers["etag"])[0] == 304
    assert room.web.get("/jobs/12", Accept="text/html")[2] == body  # a deep link


@pytest.mark.parametrize(
    "path",
    ["/../setup.py", "/%2e%2e/setup.py", "/..%2fsetup.py", "/vendor/../../setup.py", "//etc/passwd", "/.git/config",
     "/vendor/fetch.py", "/%00", "/nothing.js"],
)  # fmt: skip
def test_nothing_beside_the_page_is_served(room: Room, path: str) -> None:
    assert room.web.get(path)[0] == 404


def test_a_page_is_told_which_page_is_served_and_another_file_is_another_one(farm: Farm, tmp_path: Path) -> None:
    """An open page learns that it is old."""
    copytree(Path(__file__).parents[2] / "web", tmp_path / "page")
    web = Web(tmp_path, farm.port, "--data", str(tmp_path / "web"), "--page", str(tmp_path / "page"))

    def served() -> str:
        page = web.page()
        page.state(True)
        page.close()
        return page.served

    try:
        before = served()
        web.program.end()
        web.start()
        assert served() == before != ""
        (tmp_path / "page" / "early.js").write_text("// another one")
        until(lambda: served() != before, "it is another page")
    finally:
        web.program.end()


def test_a_folder_without_a_page_is_refused(tmp_path: Path) -> None:
    assert main(["--listen", "127.0.0.1:0", "--page", str(tmp_path)]) == 1
