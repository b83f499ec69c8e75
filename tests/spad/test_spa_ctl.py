"""spa_ctl as its documentation tells it, against a real master and worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, Site

EXAMPLES = ROOT / "examples" / "spad"
QUICK_SLEEP = "#!/bin/sh\nexec /bin/sleep 0.0$1\n"  # so that the example's ten seconds are a tenth of one


def task(name: str, function: str = "simple", *params: str, **more: object) -> dict[str, object]:
    return {"name": name, "function": function, "params": list(params), **more}


def test_the_example_of_the_documentation_runs_to_its_end(site: Site) -> None:
    """SP-12, SP-13, SP-16, SP-19, SP-23, SP-26, SP-28, SP-33, SP-53: verbatim, by the sample functions."""
    (site.folder / "sleep").write_text(QUICK_SLEEP)
    (site.folder / "sleep").chmod(0o755)
    site.start()
    assert "2 jobs new or extended" in site.say("create", "-f", str(EXAMPLES / "project.json"))
    assert site.labels("wf1") == {"t11": "not run", "t12": "not run"}
    assert "success0" in site.say("run", "-p", "pr1", "-w", "wf1", "--wait")
    site.say("start", "-w", "wf2", "--wait")
    assert site.labels("wf2") == {"t21": "success0", "t22": "success0"}
    assert [job["name"] for job in site.json("status", "-p", "pr1")["jobs"]] == ["wf2", "wf1"]
    assert site.json("status", "-p", "pr1", "-w", "wf1", "-t", "t12")["steps"][0]["place"] == 2


def test_the_programs_are_programs_and_say_what_they_can(site: Site) -> None:
    """SP-12: entry points; a word nobody knows, a missing master, and help have their exit codes."""
    setup = (ROOT / "setup.py").read_text()
    assert all(f'"{name} = brender.spad:main"' in setup for name in ("spa_ctl", "spa_conn"))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-m", "brender.spad"]
    found = subprocess.run([*run, "--help"], capture_output=True, text=True, env=env, check=True)
    words = ("select_project", "create", "recreate", "update", "delete", "run", "start", "stop", "kill_all", "status")
    assert all(f"  {word} " in found.stdout for word in (*words, "dump", "set_status"))
    assert subprocess.run([*run, "status"], capture_output=True, env=env, check=False).returncode == 3
    assert "Did you mean status" in site.say("statu", code=2)
    assert "-t" in site.say("set_status", "--help")


def test_a_project_is_selected_once_and_remembered_for_the_person(site: Site) -> None:
    """SP-01, SP-18, SP-19, SP-20, SP-23: also the one in a JSON and the one of run."""
    site.start()
    site.create("wf", task("a"), project="one")
    site.create("wf", task("b"), project="two")
    assert site.json("dump", "-w", "wf")["project"]["name"] == "two"
    site.say("select_project", "one")
    assert site.json("dump", "-w", "wf")["project"]["name"] == "one"
    assert "There is no project 'three'" in site.say("select_project", "three", code=1)
    site.say("run", "-p", "two", "-w", "wf", "--wait")
    assert site.json("dump", "-w", "wf")["project"]["name"] == "two"
    assert (site.labels("one/wf"), site.labels("two/wf")) == ({"a": "not run"}, {"b": "success0"})
    site.say("delete", "-j", json.dumps({"project": {"name": "one", "workflows": [{"name": "wf"}]}}))
    assert "There is no job 'wf'" in site.say("dump", "-w", "wf", code=1)
    assert site.json("dump", "-p", "two", "-w", "wf")


def test_an_update_of_a_dump_changes_nothing_and_a_failed_one_leaves_the_old(site: Site, tmp_path: Path) -> None:
    """SP-20, SP-21, SP-22, SP-39, SP-50, SP-59."""
    site.start()
    site.create("wf", task("a", "simple", "0"), task("b", "echo", "x", retries=3), task("c"))
    dumped = site.json("dump", "-w", "wf")
    (tmp_path / "dump.json").write_text(site.say("dump", "-w", "wf"))
    assert "as it was" in site.say("update", "-f", str(tmp_path / "dump.json"))
    assert site.json("dump", "-w", "wf") == dumped

    dumped["project"]["workflows"][0]["tasks"][0]["params"] = ["1"]
    dumped["project"]["workflows"][0]["tasks"][2]["function"] = ""
    site.say("update", "-j", json.dumps(dumped), code=2)
    assert site.json("dump", "-w", "wf")["project"]["workflows"][0]["tasks"][0]["params"] == ["0"]

    whole = {"project": {"name": "pr1", "workflows": [{"name": "wf", "tasks": [task("b", "echo", "y", place=2)]}]}}
    assert "replaced: b" in site.say("update", "-j", json.dumps(whole))
    found = site.json("dump", "-w", "wf", "-t", "b")["project"]["workflows"][0]["tasks"][0]
    assert (found["params"], "retries" in found) == (["y"], False)

    assert "1 step deleted: b" in site.say("delete", "-p", "pr1", "-w", "wf", "-t", "b")
    assert set(site.labels("wf")) == {"a", "c"}
    site.say("recreate", "-j", json.dumps(whole))
    assert set(site.labels("wf")) == {"b"}
    assert "stands for something" in site.say("delete", "-j", '{"project": {"name": "pr1"}}', code=1)


def test_what_runs_is_neither_changed_nor_deleted_nor_run_again(site: Site) -> None:
    """SP-04, SP-20, SP-22, SP-23, SP-25, SP-50: an endless workflow; stop needs no project, kill_all nothing."""
    site.start()
    site.create("wf", task("ear", "wait", exec="parallel"), task("then", "simple", "0"))
    site.say("run", "-w", "wf")
    site.becomes("wf", ear="running", then="success0")
    tree = site.say("dump", "-w", "wf")
    for words in (("update", "-j", tree), ("recreate", "-j", tree), ("delete", "-j", tree), ("run", "-w", "wf")):
        assert "running" in site.say(*words, code=1)
    assert "not stopped alone" in site.say("stop", "-w", "wf", "-t", "ear", code=1)
    site.create("wf", task("other"), project="quiet")
    site.say("select_project", "quiet")
    assert "stopped" in site.say("stop", "-w", "wf", "--wait")
    assert site.labels("pr1/wf") == {"ear": "stopped", "then": "success0"}
    site.say("run", "-p", "pr1", "-w", "wf")
    site.becomes("pr1/wf", ear="running")
    assert "1 job stopping (wf)" in site.say("kill_all")
    site.becomes("pr1/wf", ear="stopped")
    assert "no job was running" in site.say("kill_all")


def test_after_a_power_cut_what_was_running_runs_again_and_nothing_else(site: Site) -> None:
    """SP-07, SP-56: everything dies by SIGKILL at once."""
    site.start()
    for name in ("going", "stopped"):
        site.create(name, task("ear", "wait"))
        site.say("run", "-w", name)
        site.becomes(name, ear="running")
    site.create("finished", task("quick", "simple", "0"))
    site.say("run", "-w", "finished", "--wait")
    site.say("stop", "-w", "stopped", "--wait")
    before = site.pid("going", "ear")
    site.power_cut()
    site.start()
    site.until(lambda: site.pid("going", "ear") not in (0, before))
    assert site.labels("stopped") == {"ear": "stopped"}
    assert site.labels("finished") == {"quick": "success0"}
    assert site.ask("status", workflow="finished")["run"] == 1


def test_the_example_requests_are_understood(site: Site) -> None:
    """SP-14, SP-16: each file is one line as nc would send it, under the names that spad's JSON-RPC had."""
    site.start()
    for file in sorted(EXAMPLES.glob("command_*.json")):
        (line,) = file.read_text().splitlines()
        request = json.loads(line)
        if "set_status" in file.name:
            site.becomes("listen", ear="running" if request["params"]["status"] == "waiting" else "waiting")
        if "delete" in file.name or "recreate" in file.name:
            site.until(lambda: site.ask("status", workflow="listen")["state"] == "stopped")
        params = request["params"]
        answer = site.ask(request["method"], **(params[0] if isinstance(params, list) else params))
        assert answer, file
    assert [job["name"] for job in site.ask("job.list")["jobs"]] == ["listen"]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("create", "-f", "/nowhere.json"), "cannot be read", 2),
        (("create", "-j", "{"), "does not parse", 2),
        (("create", "-j", '{"project": {"name": "p", "workflowz": []}}'), "Did you mean workflows?", 2),
        (("create", "-j", '{"context": {"project": {"name": "p"}, "extra": 1}}'), "'extra'", 2),
        (("create", "-j", "{}", "-f", "x"), "two sources", 2),
        (("update",), "-j", 2),
        (("delete", "-p", "nobody", "-w", "x"), "There is no project", 1),
        (("run", "-w", "nothing"), "There is no job", 1),
        (("set_status", "-w", "wf", "-t", "a", "success0"), "waiting", 2),
        (("set_status", "-w", "wf", "-t", "a", "waiting"), "not running", 1),
        (("set_status", "-w", "wf", "-t", "a", "waiting", "limit=0"), "limit", 2),
        (("stop", "-w", "wf"), "not running", 1),
    ],
)
def test_wrong_words_are_refused_with_the_reason(site: Site, words: tuple[str, ...], said: str, code: int) -> None:
    """SP-40, SP-54, SP-59: bad input never crashes and changes nothing."""
    if words[0] != "create" or words[1] == "-j":
        site.start()
        site.create("wf", task("a"))
    assert said in site.say(*words, code=code)
