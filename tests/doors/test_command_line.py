"""`brender` in a real terminal and in pipes, against a real master: colour, questions, exit codes, what is redrawn."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from brender.wire.screen import width

from .peers import LIMIT, ROOT, Farm, until
from .windows import Window

SGR = re.compile(r"\x1b\[[0-9;]*m")
NASTY = "\x1b]0;owned\x07\x1b[2J\u202eevil 🔥"
Open = Callable[..., Window]


@pytest.fixture
def window(doors: Farm) -> Iterator[Open]:
    """Opens a terminal with a shell whose farm is this one."""
    opened: list[Window] = []

    def begin(columns: int = 100, rows: int = 24, **environ: str) -> Window:
        found = Window(["sh"], {"BRENDER_MASTER": f"127.0.0.1:{doors.port}", "PS1": "$ ", **environ}, columns, rows)
        opened.append(found)
        found.see("$")
        return found

    yield begin
    for one in opened:
        one.close()


def piped(doors: Farm, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "brender.cli", *words, "--master", f"127.0.0.1:{doors.port}"]
    environ = {**os.environ, "TERM": "xterm", **more.pop("environ", {})}
    return subprocess.run(
        argv, capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT, env=environ, **more
    )


def ended(window: Window) -> int:
    """The exit code of the last command, asked of the shell."""
    window.keys("echo code=$?", "Enter")
    found = window.wait(lambda screen: re.search(r"code=\d", screen), "an exit code")
    return int(re.findall(r"code=(\d+)", found)[-1])


def test_states_are_coloured_at_a_terminal(window: Open) -> None:
    shell = window()
    shell.keys("brender worker list", "Enter")
    shell.see("1 worker.")
    assert re.search(r"\x1b\[[0-9;]*32m *online", shell.coloured)
    assert re.search(r"\x1b\[1m *(id|name)", shell.coloured)


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        ("worker list --no-color", {}),
        ("worker list --colour never", {}),
        ("worker list", {"NO_COLOR": "1"}),
        ("worker list", {"BRENDER_COLOUR": "never"}),
        ("worker list | cat", {}),
    ],
)
def test_and_plain_where_it_was_asked_for(window: Open, words: str, environ: dict[str, str]) -> None:
    shell = window(**environ)
    shell.keys(f"brender {words}", "Enter")
    shell.see("1 worker.")
    assert "\x1b[" not in shell.coloured.replace("\x1b[39m", "").replace("\x1b[49m", "")


def test_a_pipe_gets_the_text_of_the_prompt(doors: Farm) -> None:
    found = piped(doors, "worker", "list", environ={"COLUMNS": "100"})
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == doors.nc("worker list\n", "-N").decode().replace("brender> ", "").replace("\r\n", "\n")
    assert "\x1b[32m" in piped(doors, "worker", "list", "--colour", "always").stdout


def test_a_table_fits_the_window_whatever_its_size(window: Open, doors: Farm) -> None:
    doors.json().call("worker.set", workers=["render-01"], values={"tags": ["a" * 60], "warning": "w" * 90})
    for columns in (40, 80, 200):
        shell = window(columns)
        shell.keys("brender worker list", "Enter")
        shell.see("1 worker.")
        assert "online" in shell.text
        assert len([line for line in shell.text.splitlines() if "render" in line and "$" not in line]) == 1
    doors.json().call("worker.set", workers=["render-01"], values={"tags": [], "warning": ""})


def test_foreign_text_is_harmless_and_aligned(window: Open, two: Farm) -> None:
    """CONTRACT S23."""
    peer = two.json()
    peer.call("worker.set", workers=["render-01"], values={"tags": ["漢字" * 4], "warning": NASTY})
    peer.call("worker.set", workers=["render-02"], values={"tags": ["plain"], "warning": "dusty"})
    shell = window(140)
    shell.keys("brender worker list", "Enter")
    rows = [line for line in shell.see("2 workers.").splitlines() if "render-0" in line]
    assert "\\x1b]0;owned\\x07\\x1b[2J\\u202eevil 🔥" in rows[0]
    assert width(rows[0].partition("\\x1b")[0]) == width(rows[1].partition("dusty")[0])
    found = piped(two, "worker", "list", "--colour", "always", environ={"COLUMNS": "140"}).stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", SGR.sub("", found))
    peer.call("worker.set", workers=["render-01"], values={"tags": [], "warning": ""})


@pytest.fixture
def two(doors: Farm) -> Iterator[Farm]:
    """A farm with a second worker, which has never been there."""
    peer = doors.json()
    peer.call("worker.add", name="render-02", values={"mac": "02:00:00:00:00:77"})
    yield doors
    peer = doors.json()
    peer.call("worker.enable", workers=["all"])
    peer.call("worker.delete", workers=["render-02"])


def states(farm: Farm) -> set[str]:
    return {row["state"] for row in farm.workers().values()}


@pytest.mark.parametrize(("answer", "code", "state"), [("n", 1, "enabled"), ("", 1, "enabled"), ("y", 0, "disabled")])
def test_before_more_than_one_thing_a_person_is_asked(
    window: Open, two: Farm, answer: str, code: int, state: str
) -> None:
    shell = window()
    shell.keys("brender worker disable all", "Enter")
    shell.see("worker disable: 2 workers (render-01, render-02). Go on? [y/N]")
    assert states(two) == {"enabled"}
    shell.keys(answer, "Enter")
    shell.see("OK 2 workers disabled" if code == 0 else "Nothing was changed.")
    assert (ended(shell), states(two)) == (code, {state})


@pytest.mark.parametrize(
    "words",
    [
        "worker disable all --yes",
        "worker disable render-01",
        "worker disable all < /dev/null",
        "worker disable all 2> /dev/null",
        "worker enable all",
    ],
)
def test_nobody_is_asked_otherwise(window: Open, two: Farm, words: str) -> None:
    shell = window()
    shell.keys(f"brender {words}", "Enter")
    shell.see("OK ")
    assert "Go on?" not in shell.text and ended(shell) == 0


def test_ctrl_c_at_the_question_changes_nothing(window: Open, two: Farm) -> None:
    shell = window()
    shell.keys("brender worker disable all", "Enter")
    shell.see("Go on?")
    shell.keys("C-c")
    assert (ended(shell), states(two)) == (130, {"enabled"})


def test_what_would_be_refused_is_refused_before_the_question(window: Open, two: Farm) -> None:
    shell = window()
    shell.keys("brender worker disable rendr-01 render-02", "Enter")
    shell.see("Did you mean render-01")
    assert "Go on?" not in shell.text and ended(shell) == 1


def test_whoever_reads_may_stop_reading(doors: Farm) -> None:
    command = f"{sys.executable} -m brender.cli help --master 127.0.0.1:{doors.port} | head -n 1"
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (found.returncode, found.stderr) == (0, "") and found.stdout.startswith("Write a noun")


def test_a_name_from_the_flag_is_who_the_farm_sees(doors: Farm) -> None:
    doors.json().call("job.create", name="mine", function="noop")
    piped(doors, "worker", "disable", "render-01", "--as", "anna")
    found = piped(doors, "who", "--json", "--as", "bert")
    assert "bert" in {row["name"] for row in json.loads(found.stdout)["sessions"]}
    piped(doors, "worker", "enable", "render-01")


def test_rows_and_events_are_lines_of_json(doors: Farm) -> None:
    doors.json().call("job.create", name="lines", function="noop", frames="1-450")
    found = piped(doors, "task", "list", "lines", "--json-lines")
    assert [json.loads(line)["task"] for line in found.stdout.splitlines()] == list(range(450))
    found = piped(doors, "job", "run", "lines", "--wait", "--json-lines")
    assert json.loads(found.stdout.splitlines()[-1])["state"] == "success0" and found.returncode == 0
    for words in (("job", "watch", "lines"), ("watch", "lines")):
        found = piped(doors, *words, "--json-lines")
        assert [json.loads(line)["state"] for line in found.stdout.splitlines()] == ["success0"]


def test_exit_codes_are_the_promised_ones(doors: Farm) -> None:
    """docs/cli.md."""
    doors.json().call("job.create", name="bad", function="error", retries=0)
    for words, code in (
        (("clients",), 0),
        (("job", "show", "nothing"), 1),
        (("job", "shw", "nothing"), 2),
        (("worker", "list", "--format", "xml"), 2),
        (("job", "run", "bad", "--wait"), 4),
        (("job", "watch", "bad"), 4),
        (("channel", "load", "lines=key add exit-1"), 0),
        (("channel", "load", "lines=nonsense"), 1),
        (("reading", "put", "samples=[]"), 0),
    ):
        assert piped(doors, *words).returncode == code, words
    argv = [sys.executable, "-m", "brender.cli", "clients", "--master", "127.0.0.1:1"]
    assert subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False, cwd=ROOT).returncode == 3


def test_a_watched_list_is_drawn_anew_in_place(window: Open, two: Farm) -> None:
    """Until Ctrl-C, which is its ordinary end; what was shown last stays."""
    shell = window(100, 24)
    shell.keys("clear; brender worker list --watch", "Enter")
    shell.see("Ctrl-C ends")
    peer = two.json()
    for state in ("disabled", "enabled", "disabled"):
        peer.call(f"worker.{state[:-1]}", workers=["render-01"])
        shell.wait(
            lambda screen, state=state: (
                re.search(rf"render-01 +{state}", screen)
                and (screen.count("render-01"), screen.count("presence")) == (1, 1)
            ),
            f"render-01 is {state}, drawn once",
        )
    assert "\x1b[33m" in shell.coloured
    shell.keys("C-c")
    assert ended(shell) == 0
    assert shell.text.count("render-01") == 1


def test_what_is_watched_follows_the_size_of_the_window(window: Open, doors: Farm) -> None:
    doors.json().call("job.create", name="sized", function="noop", frames="1-100")
    shell = window(60, 12)
    shell.keys("clear; brender task list sized --watch", "Enter")
    shell.see("more lines")
    assert "watching" in shell.text
    shell.resize(160, 50)
    shell.wait(lambda screen: len(screen.splitlines()) > 30, "more of it in a larger window")
    shell.resize(50, 10)
    shell.wait(lambda screen: len(screen.splitlines()) <= 10 and "more lines" in screen, "less in a smaller one")
    shell.keys("C-c")
    assert ended(shell) == 0


def test_a_watched_list_without_colour_is_redrawn_all_the_same(window: Open, doors: Farm) -> None:
    shell = window(NO_COLOR="1")
    shell.keys("clear; brender watch worker list", "Enter")
    shell.see("Ctrl-C ends")
    assert not SGR.sub("", shell.coloured).count("\x1b[3") and "\x1b[32m" not in shell.coloured
    shell.keys("C-c")
    assert ended(shell) == 0


def watching(doors: Farm, *words: str) -> subprocess.Popen[str]:
    return begun(doors, *words, "--watch")


def begun(doors: Farm, *words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "brender.cli", *words, "--master", f"127.0.0.1:{doors.port}"]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def read(program: subprocess.Popen[str]) -> str:
    """The next line, byte by byte: what is buffered would be hidden from select."""
    assert program.stdout is not None
    said = b""
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([program.stdout], [], [], LIMIT)
        assert ready, f"nothing more is said after {said!r}"
        said += os.read(program.stdout.fileno(), 1) or pytest.fail(f"it has ended after {said!r}")
    return said.decode()


def test_each_change_is_a_line_of_json_over_a_restart_of_the_master(doors: Farm) -> None:
    """What has not changed meanwhile is not said again."""
    doors.json().call("job.create", name="steady", function="noop", priority=1)
    with watching(doors, "job", "show", "steady", "--json-lines") as program:
        try:
            assert json.loads(read(program))["priority"] == 1
            doors.json().call("job.priority", job="steady", priority=2)
            assert json.loads(read(program))["priority"] == 2
            doors.master.process.kill()
            doors.master.wait()
            doors.start()
            until(lambda: doors.status()["sessions"] >= 3, "who watched is back, beside the worker and us")
            doors.json().call("job.priority", job="steady", priority=3)
            assert json.loads(read(program))["priority"] == 3
            program.send_signal(signal.SIGINT)
            assert program.wait(LIMIT) == 0
        finally:
            program.kill()


def test_what_a_daemon_says_is_followed_over_a_restart_of_the_master(doors: Farm) -> None:
    """And is still there when the daemon itself was started anew."""
    said = piped(doors, "worker", "tail", "render-01").stdout
    assert "brender client: online as render-01, epoch " in said
    epoch = said.count("online as render-01")
    with begun(doors, "worker", "tail", "render-01", "lines=1", "--follow") as program:
        try:
            assert "render-01" in read(program)
            doors.master.process.kill()
            doors.master.wait()
            doors.start()
            while "online as render-01" not in read(program):
                pass
        finally:
            program.kill()
    assert piped(doors, "worker", "tail", "render-01").stdout.count("online as render-01") == epoch + 1
    answer = json.loads(piped(doors, "worker", "tail", "render-01", "lines=1", "--json").stdout)
    assert (answer["worker"], answer["text"].count("\n"), answer["eof"]) == ("render-01", 1, True)


def test_a_pipe_gets_the_whole_text_again(two: Farm) -> None:
    with watching(two, "worker", "list", "render-02") as program:
        try:
            first = [read(program) for _ in range(3)]
            assert "render-02" in first[1] and first[2] == "1 worker.\n"
            two.json().call("worker.set", workers=["render-02"], values={"warning": "dusty"})
            again = [read(program) for _ in range(4)]
            assert again[0] == "\n" and "dusty" in again[2] and "\x1b" not in "".join(again)
            two.json().call("worker.set", workers=["render-02"], values={"warning": ""})
        finally:
            program.kill()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("worker disable all", 2, "cannot be watched"),
        ("job watch x", 2, "follows by itself"),
        ("task log x --follow", 2, "follows by itself"),
        ("farm subscribe", 2, "follows by itself"),
        ("help", 2, "cannot be watched"),
        ("job show nothing", 1, "There is no job"),
        ("worker list limit=5000", 1, "1000"),
    ],
)
def test_what_cannot_be_watched_is_refused(doors: Farm, words: str, code: int, said: str) -> None:
    found = piped(doors, *words.split(), "--watch")
    assert (found.returncode, said in found.stderr + found.stdout) == (code, True), found.stderr


def test_a_watched_thing_that_is_deleted_ends_the_watch_with_a_refusal(doors: Farm) -> None:
    doors.json().call("job.create", name="short-lived", function="noop")
    with watching(doors, "job", "show", "short-lived") as program:
        try:
            assert "short-lived" in read(program)
            doors.json().call("job.delete", jobs=["short-lived"])
            assert program.wait(LIMIT) == 1
            assert program.stderr is not None and "There is no job 'short-lived'" in program.stderr.read()
        finally:
            program.kill()


def test_nothing_runs_on_after_the_tests(doors: Farm) -> None:
    until(lambda: doors.status()["sessions"] <= 3, "those who asked have left")
