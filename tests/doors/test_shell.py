"""`brender shell`: the console's prompt on a terminal of one's own, over the ends of a master."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .peers import LIMIT, ROOT, Farm, until
from .tmux import Pane, at_prompt


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    (tmp_path / "farm").mkdir()
    made = Farm(tmp_path / "farm")
    try:
        yield made
    finally:
        made.end()


def shell(farm: Farm, folder: Path, *words: str) -> Pane:
    argv = [sys.executable, "-m", "brender.cli", "shell", "--master", f"127.0.0.1:{farm.port}", *words]
    made = Pane(folder, argv, PYTHONPATH=str(ROOT), BRENDER_HOME=str(folder / "home"))
    farm.peers.append(made)
    return made


def test_the_prompt_at_home_is_the_one_that_telnet_has(farm: Farm, tmp_path: Path) -> None:
    """BR-05: words, Tab, history over logins, the bar; `-f` reads the file that is here; Ctrl-D leaves with 0."""
    tree = {"project": {"name": "film", "workflows": [{"name": "wf", "tasks": [{"name": "t", "function": "noop"}]}]}}
    pane = shell(farm, tmp_path / "one", "--name", "anna")
    (tmp_path / "one" / "tree.json").write_text(json.dumps(tree))
    pane.prompt()
    assert pane.say("job create -f ~/tree.json")[0].startswith("OK job wf is there")
    assert pane.say("job create -f ~/nowhere.json")[0].startswith("ERR -32602 ")
    assert any("anna" in line and "(you)" in line for line in pane.say("who"))
    pane.type("job sta")
    pane.press("Tab")
    pane.see("brender> job status")
    pane.press("C-c")
    pane.press("C-d")
    pane.see("brender> quit\nBye.")
    until(lambda: pane.dead, "it ends")
    words = f"BRENDER_MASTER=127.0.0.1:{farm.port} {sys.executable} -m brender.cli shell --name anna"
    home = {"PYTHONPATH": str(ROOT), "BRENDER_HOME": str(tmp_path / "one" / "home")}
    again = Pane(tmp_path / "two", ["sh", "-c", f"{words}; echo code=$?; cat"], **home)
    farm.peers.append(again)
    again.prompt()
    again.press("Up")
    again.see("brender> who")
    again.press("C-u", "C-d")
    again.see("code=0")


def test_a_master_that_comes_back_is_found_again_with_name_project_and_events(farm: Farm, tmp_path: Path) -> None:
    """F01: kill -9; the prompt stays and says so."""
    pane = shell(farm, tmp_path / "one", "--name", "anna")
    pane.prompt()
    farm.json().call("project.add", name="film")
    pane.say("session hello bert")
    pane.say("project select film")
    pane.say("subscribe project.created")
    farm.master.process.kill()
    farm.master.wait()
    pane.see(f"no master answers at 127.0.0.1:{farm.port}; it is tried again")
    assert pane.say("projects")[0].startswith("ERR 1008 No master answers: Connection refused.")
    farm.start()
    pane.see("The farm is back.")
    pane.prompt()
    pane.enter("watch projects")
    pane.see("Any key ends this.")
    farm.master.process.kill()
    farm.master.wait()
    pane.see("ERR 1008 No master answers: the master has ended the connection.")
    pane.wait(lambda text: text.split("\n")[-1].startswith(" no master answers"), "the bar")
    farm.start()
    pane.wait(lambda text: text.count("The farm is back.") == 2, "it is back again")
    pane.wait(lambda text: text.split("\n")[-1].startswith(" workers 0/0"), "the bar")
    assert any("bert" in line and "film" in line and "(you)" in line for line in pane.say("who"))
    farm.json().call("project.add", name="after")
    pane.wait(lambda text: "[project.created]" in text and "after" in text and at_prompt(text), "its events")


def test_without_a_terminal_or_a_master_it_says_so(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "brender.cli", "shell"]
    ran = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "no terminal" in ran.stderr
    words = " ".join([*argv, "--master", "127.0.0.1:1"])
    pane = Pane(tmp_path, ["sh", "-c", f"{words}; echo code=$?; cat"], PYTHONPATH=str(ROOT))
    try:
        text = pane.see("code=3")
        assert "No master answers at 127.0.0.1:1 (--master): Connection refused." in text.replace("\n", " ")
    finally:
        pane.close()
