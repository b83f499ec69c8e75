"""Tab in a real bash, zsh and fish: words of brender, names of the farm, and words alone where no master is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .peers import Farm, until
from .windows import Window

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
# What a person puts into their start-up file, and a prompt that is not what was typed.
BEGIN = {
    "bash": "source <(brender completion bash); PS1='rea''dy> '",
    "zsh": "autoload -U compinit; compinit -u -D; source <(brender completion zsh); PS1='rea''dy> '",
    "fish": "brender completion fish | source; function fish_prompt; echo -n 'rea''dy> '; end",
}
READY = "ready>"
Begin = Callable[..., Window]


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest, doors: Farm, tmp_path: Path) -> Iterator[Begin]:
    """Starts the shell in an empty folder of its own, with the farm's address or another."""
    begun: list[Window] = []

    def begin(master: str = "") -> Window:
        home = tmp_path / "home"
        home.mkdir()
        environ = {"HOME": str(home), "BRENDER_MASTER": master or f"127.0.0.1:{doors.port}"}
        window = Window(SHELLS[request.param], environ, 120, 30)
        begun.append(window)
        window.keys(f"cd {home}; {BEGIN[request.param]}", "Enter")
        window.see(READY)
        return window

    yield begin
    for window in begun:
        window.close()


def typed(window: Window, text: str, wanted: str) -> None:
    """Type, press Tab, and see how the line goes on."""
    window.keys(text, "Tab")
    window.wait(lambda screen: wanted in screen, f"{text!r} and Tab make {wanted!r}")


def test_words_and_the_name_of_a_worker_are_completed(shell: Begin, doors: Farm) -> None:
    window = shell()
    typed(window, "brender worke", "brender worker")
    typed(window, " disab", "brender worker disable")
    typed(window, "ren", "brender worker disable render-01")
    window.keys("Enter")
    window.see("OK 1 worker disabled")
    assert doors.workers()["render-01"]["state"] == "disabled"
    doors.json().call("worker.enable", workers=["render-01"])


def test_a_name_with_blanks_and_quotes_reaches_the_farm_whole(shell: Begin, doors: Farm) -> None:
    name = "it's two $words"
    peer = doors.json()
    if not any(row["name"] == name for row in peer.call("job.list")["jobs"]):
        peer.call("job.create", name=name, function="noop")
    window = shell()
    window.keys("brender job status it", "Tab")
    window.wait(lambda screen: "words" in screen, "the rest of the name")
    window.keys("Enter")
    window.see(f"job {name} (id")


def test_after_an_equals_sign_values_are_completed(shell: Begin, doors: Farm) -> None:
    doors.json().call("worker.set", workers=["render-01"], values={"tags": ["gpu"]})
    window = shell()
    typed(window, "brender worker list lim", "limit=")
    window.keys("1 ")
    typed(window, "tag=g", "tag=gpu")
    window.keys("--json-li", "Tab")
    window.see("--json-lines")
    window.keys("Enter")
    window.see('"tags": ["gpu"]')


def test_several_words_are_listed(shell: Begin) -> None:
    window = shell()
    window.keys("brender job re", "Tab", "Tab")
    window.wait(lambda screen: all(word in screen for word in ("recreate", "resume")), "both words")


def test_files_are_completed_where_a_file_is_meant(shell: Begin, doors: Farm, tmp_path: Path) -> None:
    window = shell()
    tree = {
        "project": {
            "name": "files",
            "workflows": [{"name": tmp_path.name, "tasks": [{"name": "t", "function": "noop"}]}],
        }
    }
    (tmp_path / "home" / "some tree.json").write_text(json.dumps(tree))
    window.keys("brender job create -f som", "Tab")
    window.see("tree.json")
    window.keys("Enter")
    window.see(f"job {tmp_path.name} is there")


def test_the_flag_on_the_line_says_which_farm_is_asked(shell: Begin, doors: Farm) -> None:
    window = shell("127.0.0.1:1")
    typed(window, f"brender --master 127.0.0.1:{doors.port} worker show ren", "render-01")


def test_without_a_master_words_are_completed_and_nothing_is_said(shell: Begin) -> None:
    window = shell("127.0.0.1:1")
    typed(window, "brender worker disa", "brender worker disable")
    window.keys("rend", "Tab", "Tab")
    window.keys("C-u")
    typed(window, "brender completion zs", "brender completion zsh")
    window.keys("C-u")
    typed(window, "brender job submi", "brender job submit")
    window.keys("C-u")
    typed(window, "brender --format json-", "json-lines")
    window.keys("C-u")
    typed(window, "brender render --contact", "--contact-sheet")
    assert "No master" not in window.text and "rror" not in window.text


def test_a_pipe_or_a_second_command_on_the_line_changes_nothing(shell: Begin, doors: Farm) -> None:
    window = shell()
    window.keys("true; brender worker show ren", "Tab", " | cat", "Enter")
    until(lambda: "hostname" in window.text, "the worker is shown")
