"""Telnet, JSON and the command line are three doors to one farm: same words, same data, same codes."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from .peers import Farm, until

PHP = b'{"item":"client","action":"update","filters":{"id":1},"values":{"status":"enabled"}}\n'
VARIES = ("activity", "used", "queued", "started_at", "ended_at", "created_at", "modified_at", "uptime", "heard")


def by_telnet(doors: Farm, words: str) -> Any:
    """The document that --json at the prompt gives."""
    said = doors.nc(f"{words} --json\n", "-N").decode()
    return json.loads(said.removesuffix("brender> "))


def steady(data: Any) -> Any:
    """The data without what changes from one moment to the next."""
    if isinstance(data, dict):
        return {key: steady(value) for key, value in data.items() if key not in VARIES}
    return [steady(value) for value in data] if isinstance(data, list) else data


def ended(doors: Farm, job: str) -> None:
    peer = doors.json()
    until(lambda: peer.call("job.show", job=job)["state"] in ("success0", "error"), f"{job} has ended")


@pytest.fixture(scope="module")
def stocked(room: Farm) -> Farm:
    """A farm with a job that went well and one that failed."""
    for name, function in (("good", "noop"), ("bad", "error")):
        said = room.nc(f"job create {name} function={function} frames=1-3 retries=0 --run\n", "-N")
        assert said.startswith(b"OK"), said
        ended(room, name)
    return room


@pytest.mark.parametrize(
    ("words", "method", "params"),
    [
        ("worker list", "worker.list", {}),
        ("clients ALL", "clients", {"workers": ["all"]}),
        ("worker list enabled online limit=1", "worker.list", {"workers": ["enabled", "online"], "limit": 1}),
        ("worker show render-01", "worker.get", {"workers": ["render-01"]}),
        ("job list", "job.list", {}),
        ("job status good", "job.status", {"job": "good"}),
        ("status bad", "job.status", {"job": "bad"}),
        ("task list bad failed", "task.list", {"job": "bad", "state": "failed"}),
        ("task show bad/error 1", "task.show", {"step": "bad/error", "task": 1}),
        ("step list good", "step.list", {"job": "good"}),
        ("project list", "project.list", {}),
        ("why bad", "farm.why", {"what": "bad"}),
        ("save", "farm.save", {}),
        ("echo one 'two  three'", "session.echo", {"text": "one two  three"}),
        ("enable rendr-01", "worker.enable", {"workers": ["rendr-01"]}),
        ("enable", "worker.enable", {}),
        ("job status nothing", "job.status", {"job": "nothing"}),
        ("job create good function=noop", "job.create", {"name": "good", "function": "noop"}),
        ("job create x function=noop frames=5-", "job.create", {"name": "x", "function": "noop", "frames": "5-"}),
        ("worker delete render-01", "worker.delete", {"workers": ["render-01"]}),
        ("job run good good2", "job.run", {"job": "good", "step": "good2"}),
        ("project delete default", "project.delete", {"project": "default"}),
    ],
)
def test_the_same_command_gives_the_same_at_all_doors(
    stocked: Farm, doors: Farm, words: str, method: str, params: dict[str, Any]
) -> None:
    """BR-07, BR-11, BR-12: one command table, three grammars; refusals are the same down to code and hint."""
    answer = doors.json().ask(method, params)
    wanted = steady(answer["result"] if "result" in answer else {"error": answer["error"]})
    assert steady(by_telnet(doors, words)) == wanted
    code, document = doors.cli(*_shell(words))
    assert steady(document) == wanted
    refused = wanted.get("error", {}).get("code", 0)
    assert code == (0 if not refused else 2 if refused in (-32601, -32602) else 1)


def _shell(words: str) -> list[str]:
    return ["echo", "one", "two  three"] if "two" in words else words.split()


@pytest.mark.parametrize(
    ("words", "code"), [("worker lst", -32601), ("job create x retries=three", -32602), ("enable x=1 --nope", -32602)]
)
def test_what_is_not_understood_has_the_same_code_at_all_doors(doors: Farm, words: str, code: int) -> None:
    """BR-12: words that mean nothing are refused alike, though the command line needs no master to say so."""
    assert by_telnet(doors, words)["error"]["code"] == code
    exit_code, document = doors.cli(*words.split())
    assert (exit_code, document["error"]["code"]) == (2, code)
    assert by_telnet(doors, words)["error"] == document["error"]


def test_a_change_at_one_door_is_seen_at_the_others_at_once(doors: Farm) -> None:
    """BR-06: both work and agree live."""
    watcher = doors.json()
    watcher.call("farm.subscribe", topics=["worker.changed"])
    changes = [
        (lambda: doors.cli("disable", "render-01"), "disabled"),
        (lambda: doors.nc("enable render-01\n", "-N"), "enabled"),
        (lambda: doors.json().call("worker.disable", workers=["all"]), "disabled"),
        (lambda: doors.say(PHP), "enabled"),
    ]
    for change, state in changes:
        change()
        assert watcher.event()["data"]["admin_state"] == state
        assert doors.cli("clients")[1]["workers"][0]["state"] == state
        assert by_telnet(doors, "clients")["workers"][0]["state"] == state


def rows(doors: Farm, query: str) -> list[tuple[Any, ...]]:
    """What the database file says, read beside the master without a lock of ours."""
    database = sqlite3.connect(f"file:{doors.data / 'farm.db'}?mode=ro", uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_the_database_mirrors_the_farm_after_each_command(stocked: Farm, doors: Farm) -> None:
    """BR-08, BR-16, BR-17: what was answered is in the file before the answer is read."""
    peer = doors.json()
    commands: list[tuple[str, dict[str, Any]]] = [
        ("worker.disable", {"workers": ["all"]}),
        ("worker.add", {"name": "mirror", "values": {"mac": "02:00:00:00:00:99", "tags": ["a", "b"]}}),
        ("worker.enable", {"workers": ["all"]}),
        ("worker.update", {"workers": ["mirror"], "values": {"name": "mirrored", "warning": "dusty"}}),
        ("project.add", {"name": "mirror"}),
        ("job.create", {"name": "mirror", "function": "noop", "frames": "1-5", "project": "mirror"}),
        ("job.priority", {"job": "mirror", "priority": 77}),
        ("job.delete", {"jobs": ["mirror"]}),
        ("worker.delete", {"workers": ["mirrored"]}),
    ]
    for method, params in commands:
        peer.call(method, **params)
        workers = peer.call("worker.list")["workers"]
        jobs = peer.call("job.list")["jobs"]
        stored = rows(doors, "SELECT id, name, mac, admin_state, presence, warning, tags FROM worker ORDER BY id")
        told = [(w["id"], w["name"], w["mac"], w["state"], w["presence"], w["warning"], w["tags"]) for w in workers]
        assert [(*row[:-1], json.loads(row[-1])) for row in stored] == told, method
        assert rows(doors, "SELECT id, name, state, priority FROM job ORDER BY id") == sorted(
            (job["id"], job["name"], job["state"], job["priority"]) for job in jobs
        ), method
        assert [name for (name,) in rows(doors, "SELECT name FROM project ORDER BY id")] == [
            row["name"] for row in peer.call("project.list")["projects"]
        ]


def switches(doors: Farm) -> dict[str, int]:
    """How often each thread of the master but the first has run: the database is used on threads of its own."""
    pid = doors.master.process.pid
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        if task.name != str(pid):
            status = (task / "status").read_text()
            found[task.name] = int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return found


def test_clients_asks_the_database_nothing(doors: Farm) -> None:
    """BR-14: no commit, and the database's thread does not even wake while a hundred lists are answered."""
    peer = doors.json()

    def untouched() -> bool:
        before, commits = switches(doors), peer.call("farm.status")["writer"]["commits"]
        for _ in range(100):
            assert peer.call("clients")["workers"]
        return switches(doors) == before and peer.call("farm.status")["writer"]["commits"] == commits

    until(untouched, "a hundred lists without a word to the database")
