"""`spa_ctl file`, `spad_cp` in the script of a task, and `spa_ctl log`, against a real master and worker."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from brender import files

from .conftest import ROOT, Site
from .test_spa_ctl import task

MAKE = f"""#!/bin/sh
export PYTHONPATH={ROOT}
echo "made by $BRENDER_STEP" > result
{sys.executable} -m brender.files result task:eat/
"""
EAT = f"""#!/bin/sh
export PYTHONPATH={ROOT}
{sys.executable} -m brender.files task:eat/result . || exit 1
{sys.executable} -m brender.files task:eat/given given && cat result given
"""


def test_files_go_to_a_task_between_tasks_and_back(site: Site, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """SP-41, SP-51: spad_cp with task: addresses in scripts that do not name their workflow; upload and download."""
    monkeypatch.setenv("BRENDER_SITE", str(tmp_path / "shared"))
    site.function("make", MAKE)
    site.function("eat", EAT)
    site.start()
    site.create("wf", task("make", "make", place=1), task("eat", "eat", place=2))
    (tmp_path / "given").write_text("brought by a person\n")
    assert "OK upload: task:eat/given" in site.say("file", "--upload", str(tmp_path / "given"), "-w", "wf", "-t", "eat")
    site.say("run", "-w", "wf", "--wait")
    assert site.say("log", "-w", "wf", "-t", "eat") == "made by make\nbrought by a person\n"
    site.say("file", "--download", "task:eat/result", str(tmp_path / "got"), "-p", "pr1", "-w", "wf")
    assert (tmp_path / "got").read_text() == "made by make\n"
    listed = json.loads(site.say("file", "list", "-w", "wf", "-t", "eat", "--json"))["files"]
    assert [(row["file"], row["size"]) for row in listed] == [("task:eat/given", 20), ("task:eat/result", 13)]
    site.say("file", "--link", "task:eat/result", "home:", "-w", "wf")
    site.say("file", "--move", "task:eat/given", "task:make/", "-w", "wf")
    site.say("file", "--remove", "home:result")
    assert "There are no files yet" in site.say("file", "list", "home:")


def test_a_log_is_of_a_task_or_of_all_tasks_of_a_workflow(site: Site) -> None:
    """SP-50: log; the project that was chosen counts, and what has not run says so."""
    site.start()
    site.create(
        "wf", task("a", "echo", "one", place=1), task("b", "error", "3", place=2, retries=0), task("c", place=3)
    )
    site.say("run", "-w", "wf", "--wait", code=4)
    said = site.say("log", "-w", "wf")
    assert said.startswith("== a\none\n== b\nerror: ending with exit code 3\n== c\n") and "not run" in said
    assert site.say("log", "-p", "pr1", "-w", "wf", "-t", "b", "-f") == "error: ending with exit code 3\n"
    assert json.loads(site.say("log", "-w", "wf", "-t", "a", "--json"))["text"] == "one\n"
    assert "-w" in site.say("log", code=2)
    assert "has no step 'x'" in site.say("log", "-w", "wf", "-t", "x", code=1)


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("file",), "no verb ''", 2),
        (("file", "uplaod", "x", "bin:"), "Did you mean upload", 2),
        (("file", "upload", "/nowhere/x", "-w", "wf", "-t", "a"), "is no file", 1),
        (("file", "upload", "/etc/hostname"), "where they go", 2),
        (("file", "upload", "/etc/hostname", "-w", "wf", "-t", "nobody"), "has no task 'nobody'", 1),
        (("file", "upload", "/etc/hostname", "-w", "nobody", "-t", "a"), "There is no job", 1),
        (("file", "copy", "task:a/x", "task:a/y"), "-w", 2),
        (("file", "copy", "home:x"), "two words", 2),
        (("file", "download", "/etc/passwd", "/tmp/x"), "from an address", 2),
        (("file", "upload", "/etc/hostname", "task:a/../../../x", "-w", "wf"), "leads out", 1),
        (("status", "-w", "wf", "--wait"), "--wait goes with", 2),
    ],
)
def test_wrong_words_about_files_are_refused(site: Site, words: tuple[str, ...], said: str, code: int) -> None:
    """SP-51, SP-59: a path that leaves its folder is refused; so is whatever cannot be meant."""
    if "wf" in words or "nobody" in words:
        site.start()
        site.create("wf", task("a"))
    assert said in site.say(*words, code=code)
    assert not (site.folder / "home" / "site").exists()


def test_spad_cp_is_a_program_with_exit_codes_of_its_own(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """SP-51."""
    assert '"spad_cp = brender.files:main"' in (ROOT / "setup.py").read_text()
    assert files.main(["--help"]) == 0 and "spad_cp FROM TO" in capsys.readouterr().out
    assert (files.main(["a"]), files.main(["/nowhere", "home:"])) == (2, 1)
    found = subprocess.run([sys.executable, "-m", "brender.files", "task:a/x", "."], capture_output=True, check=False)
    assert found.returncode == 2 and b"-w WORKFLOW" in found.stderr
