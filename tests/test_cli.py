"""The `brender` program against a master made of the real wire, table and core on a thread of the test."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import world

from brender import cli
from brender.commands import COMMANDS, Row, Table, calls, text
from brender.core import events as ev
from brender.errors import BrenderError
from brender.wire.messages import Notice
from brender.wire.session import Conversation, Reply

LIMIT_S = 120.0


class Master:
    """Serves one connection after another on a loopback port, with the wire's own codecs; `table` is what it knows."""

    def __init__(self) -> None:
        self.stage = world.stage()
        self.table = COMMANDS
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.door.getsockname()[1]}"
        self.asked: list[str] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            try:
                link, _ = self.door.accept()
            except OSError:
                return
            with link:
                self.talk(link)

    def talk(self, link: socket.socket) -> None:
        conversation = Conversation()
        while data := link.recv(65536):
            out, requests = conversation.feed(data)
            link.sendall(out)
            for request in requests:
                self.asked.append(request.method)
                reply = self.reply(request)
                link.sendall(conversation.answer(request, reply))
                if request.method == "farm.subscribe":
                    link.sendall(conversation.notice(Notice(8, "job.ended", {"id": 1})))
                    return

    def reply(self, request: Any) -> Reply:
        try:
            row, params = self.table.read(request.method, request.params)
            call = world.call(self.stage)
            call.table = self.table
            found = self.table.run(call, row, params)
            if isinstance(found, ev.Event):
                found = self.stage.do(found)
            elif isinstance(found, calls.Act):
                found = {"topics": ["*"], "seq": 7}
            return Reply(result=found)
        except BrenderError as error:
            return Reply(error=error)


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[Master]:
    made = Master()
    monkeypatch.setenv("BRENDER_MASTER", made.address)
    monkeypatch.setenv("COLUMNS", "80")
    yield made
    made.door.shutdown(socket.SHUT_RDWR)
    made.door.close()
    made.thread.join(LIMIT_S)


def test_words_are_sent_and_the_answer_is_put_in_words(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clients", "online"]) == 0
    said = capsys.readouterr().out
    data = world.ask(master.stage, "clients online")
    assert said == text.render("worker.list", data) + "\n"
    assert master.asked == ["session.hello", "worker.list"]


def test_json_is_the_answer_itself(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--json", "worker", "list"]) == 0
    assert json.loads(capsys.readouterr().out) == world.ask(master.stage, "worker list")


def test_a_changing_command_changes_the_farm(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["disable", "all", "--master", master.address]) == 0
    assert capsys.readouterr().out.startswith("OK 2 workers disabled")
    assert {worker.admin_state for worker in master.stage.farm.workers.values()} == {"disabled"}


def test_a_refusal_is_code_1_with_message_and_next_step(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["enable", "rendr-01"]) == 1
    assert "Did you mean render-01" in capsys.readouterr().err
    assert cli.main(["enable", "rendr-01", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == 1003


@pytest.mark.parametrize(
    "words", [["wroker", "list"], ["worker", "lsit"], ["job", "run"], ["--master"], ["create", "-f", "/nowhere"]]
)
def test_what_is_not_understood_is_code_2_and_needs_no_master(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert capsys.readouterr().err.startswith("brender: ")


def test_a_file_is_read_here_and_its_text_is_sent(
    master: Master, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SP-19: create -f; the master never sees the name of the file."""
    tree = {"project": {"name": "pr1", "workflows": [{"name": "wf1", "tasks": [{"name": "t", "function": "noop"}]}]}}
    path = tmp_path / "tree.json"
    path.write_text("\ufeff" + json.dumps(tree), "utf-8")
    assert cli.main(["create", "-f", str(path)]) == 0
    assert "job wf1 is there" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(tree).replace("wf1", "wf2")))
    assert cli.main(["create", "-f", "-"]) == 0
    assert {job.name for job in master.stage.farm.jobs.values()} >= {"wf1", "wf2"}


def test_a_file_of_a_command_in_a_command_is_read_here_too(
    master: Master, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = {"project": {"name": "pr1", "workflows": [{"name": "wf1", "tasks": [{"name": "t", "function": "noop"}]}]}}
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(tree), "utf-8")
    assert cli.main(["schedule", "once-after", "1h", "name=later", "create", "-f", str(path), "--run"]) == 0
    row = master.stage.farm.schedules[1]
    assert (row.method, row.params) == ("job.create", {"json": json.dumps(tree), "run": True})
    assert cli.main(["schedule", "once-after", "1h", "create", "-f", str(tmp_path / "no.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert cli.main(["schedule", "once-after", "1h", "craete", "-f", "x"]) == 2
    assert "Did you mean create" in capsys.readouterr().err


def test_a_subscription_prints_events_as_they_come(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["subscribe", "job.*"]) == 3
    assert capsys.readouterr().out.splitlines() == ["OK events on *, after number 7.", "8  job.ended  id=1"]


def test_help_and_version_need_no_master(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["help"], ["--help"], ["help", "worker"], ["worker", "enable", "--help"], ["--version"]):
        assert cli.main(words) == 0
    assert "brender master" in capsys.readouterr().out


def test_help_as_json_is_the_farms_own_answer(capsys: pytest.CaptureFixture[str]) -> None:
    for words, key in ((["help"], "nouns"), (["worker", "--help"], "commands"), (["enable", "--help"], "usage")):
        assert cli.main([*words, "--json"]) == 0
        assert key in json.loads(capsys.readouterr().out)


def test_a_version_is_brenders_alone_and_a_parameter_after_a_command(
    master: Master, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("brender ")
    assert cli.main(["worker", "set", "1", "tags=x", "--version", "99"]) == 1
    assert "99" in capsys.readouterr().err


def test_all_rows_come_as_json_lines_page_by_page(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    master.stage.job({"name": "a", "frames": "1-2500"}, name="long", run=False)
    assert cli.main(["task", "list", "long", "--json-lines"]) == 0
    found = [json.loads(line)["task"] for line in capsys.readouterr().out.splitlines()]
    assert found == list(range(2500))
    assert master.asked.count("task.list") == 3
    assert cli.main(["task", "list", "long", "limit=7", "offset=3", "--json-lines"]) == 0
    assert [json.loads(line)["task"] for line in capsys.readouterr().out.splitlines()] == list(range(3, 10))
    assert cli.main(["task", "list", "long", "offset=2499", "--json-lines"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_refusal_as_json_lines_is_one_line(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["enable", "nobody", "--json-lines"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == 1003


def test_events_as_json_lines_are_events_and_nothing_else(master: Master, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["subscribe", "job.*", "--json-lines"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["topic"] for line in lines[:-1]] == ["job.ended"]
    assert "error" in json.loads(lines[-1])


def test_the_form_and_the_name_may_come_from_the_environment(
    master: Master, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRENDER_FORMAT", "json")
    assert cli.main(["clients"]) == 0
    assert "workers" in json.loads(capsys.readouterr().out)
    assert cli.main(["clients", "--format", "text"]) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[:2] == ["id", "name"]


def spin(call: object, gadget: str, *, times: int = 1, slowly: bool = False) -> dict[str, object]:
    """Spin a gadget, as masters of next year do."""
    return {"gadget": gadget, "times": times, "slowly": slowly}


def listing(call: object, workers: list[str] | None = None, *, colour: str = "") -> dict[str, object]:
    """List workers."""
    return {"workers": [], "total": 0, "colour": colour}


@pytest.fixture
def newer(master: Master) -> Master:
    """A master that knows a noun and a parameter that this brender does not."""
    rows = [row for row in COMMANDS.rows.values() if row.name != "worker.list"]
    rows.append(Row("gadget.spin", spin, "operator", "gadget spin top times=3"))
    rows.append(Row("worker.list", listing, "viewer", "worker list"))
    master.table = Table(rows, {**COMMANDS.aliases, "spin": "gadget.spin"})
    return master


@pytest.mark.parametrize(
    "words", ["gadget spin top times=3 --slowly", "spin top --times 3 slowly=true", "GADGET.SPIN top times=3 --slowly"]
)
def test_the_words_of_a_newer_master_are_reached(newer: Master, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"gadget": "top", "times": 3, "slowly": True}
    assert newer.asked == ["session.hello", "rpc.discover", "session.hello", "gadget.spin"]


def test_a_newer_master_has_pages_refusals_and_parameters_of_its_own(
    newer: Master, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        (["gadget"], "Usage: brender gadget VERB"),
        (["gadget", "spin", "--help"], "brender gadget spin top times=3"),
        (["help", "gadget", "spin"], "Spin a gadget"),
        (["worker", "list", "colour=red", "--json"], '"colour": "red"'),
    ):
        assert cli.main(words) == 0
        assert said in capsys.readouterr().out
    assert cli.main(["gadget", "spin"]) == 2
    assert "gadget spin needs <gadget>" in capsys.readouterr().err
    assert cli.main(["gadget", "spin", "top", "times=many"]) == 2
    assert cli.main(["worker", "list", "color=red"]) == 2
    assert "no parameter 'color'" in capsys.readouterr().err


def test_the_programs_start_by_their_first_word() -> None:
    for name in ("master", "client", "web", "up", "render", "config", "completion"):
        done = subprocess.run(
            [sys.executable, "-m", "brender.cli", name, "--help"], capture_output=True, timeout=LIMIT_S, check=False
        )
        assert done.returncode == 0 and b"usage" in done.stdout.lower(), (name, done.stderr)


def test_a_command_loads_no_gevent_and_no_database() -> None:
    heavy = {"gevent", "peewee", "asyncio", "rich"}
    code = f"import sys; from brender.cli import main; main(['help']); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=LIMIT_S, check=True, env={**os.environ}
    )
    assert done.stdout.splitlines()[-1] == b"[]"


@pytest.mark.parametrize("words", ["--master farm render a.blend", "--json job submit a.yaml", "--yes up"])
def test_flags_before_a_program_are_refused_with_the_order_that_works(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words.split()) == 2
    assert "is a program with flags of its own" in "".join(capsys.readouterr())


def test_a_locale_without_our_letters_is_no_reason_to_fail() -> None:
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    argv = [sys.executable, "-m", "brender.cli", "worker", "list", "--help"]
    done = subprocess.run(argv, capture_output=True, timeout=LIMIT_S, check=False, env=environ)
    assert (done.returncode, done.stderr) == (0, b"") and b"[<workers>\\u2026]" in done.stdout


def test_a_list_that_goes_on_says_the_line_of_the_shell_that_goes_on(
    master: Master, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["clients", "limit=1", "--no-color"]) == 0
    last = " ".join(capsys.readouterr().out.splitlines()[2:])
    assert last.endswith("2 more: brender worker list limit=1 offset=1")
