"""Logs, history and watched jobs through a real hub, store and port: asked over JSON lines and at a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from parts import LIMIT_S, Farm, Line

from brender.commands.text import render
from brender.core import events as ev
from brender.daemon.logs import LogFolder
from brender.daemon.said import Said
from brender.daemon.tails import Tails
from brender.wire.packed import FrameReader, frame
from brender.worker import words


class Worker:
    """A daemon without a duty: it says what the test says, and its tails answer for its logs."""

    def __init__(self, farm: Farm, folder: Path, name: str = "render-07") -> None:
        self.sock = socket.create_connection(farm.address, LIMIT_S)
        self.folder = LogFolder(folder / name)
        self.alive: set[int] = set()
        self.heard: list[Any] = []
        self.said = Said(folder / name / "said")
        self.tails = Tails(self.folder, self.said, lambda attempt: attempt in self.alive, self.sock.sendall)
        mac = "020000000007"
        hello = ev.Hello(0, f"brender_{mac}", mac, name, boot="1", slots=1, functions=["command"])
        self.say(hello)
        self.reading = gevent.spawn(self.read)

    def say(self, event: ev.Event) -> None:
        self.sock.sendall(frame([words.message(event)]))

    def read(self) -> None:
        reader = FrameReader()
        while data := self.sock.recv(65536):
            for message in reader.feed(data):
                if message.method.startswith("log"):
                    self.tails.hear(message)
                self.heard.append((message.method, message.params_as(object)))

    def runs(self, line: Line) -> int:
        """The attempt it is given, once it is started."""
        with gevent.Timeout(LIMIT_S):
            while not (found := [params for method, params in self.heard if method == "run"]):
                line.ask("farm.status")
        attempt = int(found[0]["tasks"][0][0])
        self.alive.add(attempt)
        self.say(ev.Started(0, [(attempt, 4711)]))
        return attempt

    def ends(self, attempt: int, state: str = "success0", code: int = 0, reason: str = "") -> None:
        self.alive.discard(attempt)
        self.folder.close(attempt)
        self.say(ev.Results(0, [ev.Result(attempt, state, 2.5, code, None, reason, 1)]))

    def close(self) -> None:
        self.tails.forget()
        self.reading.kill()
        self.sock.close()


@pytest.fixture
def worker(farm: Farm, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(farm, tmp_path)
    yield made
    made.close()


def job(line: Line, frames: str = "1-3", retries: int = 0) -> int:
    made = line.ask("job.create", name="shot", function="command", frames=frames, retries=retries, run=True)
    return int(made["jobs"][0]["id"])


def test_a_machine_that_speaks_late_is_welcome_all_the_same(farm: Farm) -> None:
    """It renders, and 200 ms are over before it has said hello: the port has taken it for a person by then."""
    with socket.create_connection(farm.address, LIMIT_S) as sock:
        reader = FrameReader(late=True)
        found = reader.feed(sock.recv(1))
        assert found == []
        hello = ev.Hello(0, "brender_020000000008", "020000000008", "late", boot="1", slots=1)
        sock.sendall(frame([words.message(hello)]))
        while not found:
            found = reader.feed(sock.recv(65536))
    assert (found[0].method, found[0].params_as(dict)["name"]) == ("welcome", "late")


def test_the_log_of_a_running_task_comes_from_its_worker_and_nothing_of_it_is_stored(
    farm: Farm, line: Line, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FIELD 22, 25."""
    monkeypatch.setattr("brender.hub.hub.TICK", 3600.0)
    job(line)
    attempt = worker.runs(line)
    worker.folder.open(attempt).write(b"one\n\x1b[31mtwo\xff\n")
    turns = farm.hub.turns
    told = line.ask("task.log", step="shot", task=0, lines=1)

    assert (told["text"], told["eof"]) == ("\x1b[31mtwo\\xff\n", True)
    assert (told["worker"], told["attempt"]) == ("render-07", attempt)
    assert farm.hub.turns - turns <= 1  # what the worker said before at most: the core takes no part
    assert line.ask("task.log", step="shot", task=0, start=0, attempt=attempt)["text"].startswith("one\n")


def test_a_program_follows_a_log_until_its_attempt_has_ended(line: Line, worker: Worker) -> None:
    job(line)
    attempt = worker.runs(line)
    first = line.ask("task.log", step="shot", task=0, follow=True)
    assert (first["text"], first["following"]) == ("", True)
    worker.folder.open(attempt).write("Fra:1 — ".encode())
    event = line.event()
    assert (event["topic"], event["data"]["text"], event["data"]["eof"]) == ("task.log", "Fra:1 — ", False)
    worker.folder.open(attempt).write(b"Saved\n")
    worker.ends(attempt)
    text = ""
    while not (event := line.event())["data"]["eof"]:
        text += event["data"]["text"]

    assert text + event["data"]["text"] == "Saved\n"


def test_what_a_daemon_has_said_is_asked_for_like_a_log_and_never_ends(
    farm: Farm, line: Line, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 6: why a machine does nothing is seen without going there."""
    monkeypatch.setattr("brender.hub.hub.TICK", 3600.0)
    worker.said.write(b"one\ntwo\nthree\n")
    turns = farm.hub.turns
    told = line.ask("worker.tail", worker="render-07", lines=2)
    assert (told["text"], told["eof"], told["worker"], told["next"]) == ("two\nthree\n", True, "render-07", 14)
    assert "attempt" not in told
    assert farm.hub.turns - turns <= 1
    first = line.ask("worker.tail", worker="render-07", start=14, follow=True)
    assert (first["text"], first["following"]) == ("", True)
    worker.said.write("four — \x1b[2J\n".encode())
    event = line.event()
    assert event["topic"] == "worker.tail"
    told = {"worker": "render-07", "text": "four — \x1b[2J\n", "start": 14, "next": 28, "size": 28, "eof": False}
    assert event["data"] == told
    assert line.ask("farm.unsubscribe", topics=["worker.tail"]) == {"topics": []}
    assert farm.hub._later.logs._asking == {}
    assert line.ask("worker.tail", worker="render-77")["code"] == 1003


def test_a_person_follows_a_log_line_by_line_and_ctrl_c_ends_it(farm: Farm, line: Line, worker: Worker) -> None:
    job(line)
    attempt = worker.runs(line)
    worker.folder.open(attempt).write(b"\x1b]0;evil\x07first\nsecond")
    with socket.create_connection(farm.address, LIMIT_S) as person:

        def until(words: bytes) -> bytes:
            said = b""
            while words not in said:
                said += person.recv(4096)
            return said

        person.sendall(b"\xff\xfb\x18task log shot 0 -f\r\n")
        assert b"\x1b]0;" not in until(b"first\r\n")
        person.sendall(b"\x03")
        until(b"You left it")
        person.sendall(b"test\r\n")
        until(b"test>")
    assert farm.hub._later.logs._asking == {}


def test_a_worker_that_is_away_is_named_and_a_task_that_never_ran_too(line: Line, worker: Worker) -> None:
    job(line)
    attempt = worker.runs(line)
    waiting = line.ask("task.log", step="shot", task=2)
    assert waiting["code"] == 1003 and "has not run yet" in waiting["message"]
    assert line.ask("task.log", step="shot", task=9)["code"] == 1003
    assert "attempt 99" in line.ask("task.log", step="shot", task=0, attempt=99)["message"]
    assert line.ask("task.log", step="shot", task=0, follow=True)["following"]
    worker.close()
    gone = line.event()["data"]
    assert gone["eof"] and "render-07 left" in gone["error"]["message"]
    away = line.ask("task.log", step="shot", task=0)

    assert away["code"] == 1005
    assert f"render-07, which has the log of attempt {attempt}, is " in away["message"]


def test_what_was_is_read_from_the_disk(line: Line, worker: Worker) -> None:
    """FIELD 20: frame history."""
    number = job(line, frames="1", retries=0)
    attempt = worker.runs(line)
    worker.folder.open(attempt).write(b"bang\n")
    worker.ends(attempt, "error", 13, "bang")
    assert line.ask("job.watch", job=number)["state"] != "running"
    rows = line.ask("task.history", step="shot")["attempts"]
    sums = line.ask("job.history", job=number)
    mine = line.ask("worker.history", worker="render-07")["attempts"]
    assert [(one["attempt"], one["job_id"], one["state"]) for one in mine] == [(attempt, number, "error")]

    told = [rows[0][key] for key in ("attempt", "run", "worker", "state", "exit_code", "reason")]
    assert told == [attempt, 1, "render-07", "error", 13, "bang"]
    assert [(run["run"], run["attempts"], run["failed"]) for run in sums["runs"]] == [(1, 1, 1)]
    assert [(one["worker"], one["attempts"]) for one in sums["workers"]] == [("render-07", 1)]
    assert line.ask("task.log", step="shot", task=0)["text"] == "bang\n"


def test_a_watched_job_is_told_as_it_goes_and_answered_at_its_end(line: Line, worker: Worker) -> None:
    number = job(line, frames="1")
    attempt = worker.runs(line)
    asked = line.send("job.watch", job=number)
    first = line.event()
    assert (first["topic"], first["data"]["progress"]["total"]) == ("job.watch", 1)
    worker.ends(attempt)
    while (message := line.next()).get("id") != asked:
        continue

    assert message["result"]["state"] == "success0"
    assert line.ask("job.watch", job=number)["progress"]["done"] == 1


def test_a_watch_ends_when_its_session_wants_no_more_or_its_job_is_deleted(line: Line) -> None:
    number = job(line)
    asked = line.send("job.watch", job=number)
    line.event()
    line.send("farm.unsubscribe")
    assert {line.next().get("id") for _ in range(2)} == {asked, asked + 1}
    idle = line.ask("job.create", name="idle", function="command")["jobs"][0]["id"]
    refused = line.ask("job.watch", job=idle)

    assert refused["code"] == 1005 and "job run" in refused["data"]["hint"]


def test_how_far_a_running_task_is_stays_in_memory_and_reaches_who_listens(
    farm: Farm, line: Line, worker: Worker
) -> None:
    """Issue 3, point 4: progress of what runs. A worker cannot speak for attempts that are not its own."""
    number = job(line, frames="1")
    attempt = worker.runs(line)
    assert line.ask("farm.subscribe", topics=["task.progress"])["topics"] == ["task.progress"]
    marks = [[attempt + 77, 0.5, ""], [attempt, 0.431, "frame 1, sample 7/16"]]
    worker.sock.sendall(frame([{"method": "worker.progress", "params": {"attempts": marks}}]))
    told = line.event()
    assert (told["topic"], told["data"]["fraction"], told["data"]["task"]) == ("task.progress", 0.431, 0)
    row = line.ask("task.list", job="shot", state="running")["tasks"][0]
    assert (row["fraction"], row["note"]) == (0.431, "frame 1, sample 7/16")
    assert "running 43 %" in render("task.list", line.ask("task.list", job="shot"))
    assert list(farm.hub._later.standing.marks) == [attempt]
    worker.ends(attempt)
    assert line.ask("job.watch", job=number)["state"] == "success0"
    farm.hub._later.tick()
    assert farm.hub._later.standing.marks == {}


def test_a_worker_that_does_not_answer_holds_nobody_for_ever(farm: Farm, line: Line, worker: Worker) -> None:
    job(line)
    worker.runs(line)
    worker.tails.hear = lambda message: None  # type: ignore[method-assign]  # a daemon of an older version
    asked = line.send("task.log", step="shot", task=0)
    line.ask("farm.status")
    for one in farm.hub._later.logs._asking.values():
        one.due = 0.0
    while (message := line.next()).get("id") != asked:
        continue

    assert message["error"]["code"] == 1008
