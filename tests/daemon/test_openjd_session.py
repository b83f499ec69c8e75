"""One Open Job Description task as a process: environments, stdout words, path mapping, ends and stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brender.daemon import offer
from brender.errors import Invalid
from brender.worker.functions import Catalogue

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 120.0


def action(script: str, **more: Any) -> dict[str, Any]:
    return {"command": "bash", "args": ["-c", script], **more}


def environment(name: str, enter: str, leave: str) -> dict[str, Any]:
    return {"name": name, "script": {"actions": {"onEnter": action(enter), "onExit": action(leave)}}}


def order(run: dict[str, Any], *environments: dict[str, Any], last: int = 0, **template: Any) -> dict[str, Any]:
    """What the worker's catalogue says to the program, for a step of four points."""
    space = {"taskParameterDefinitions": [{"name": "Frame", "type": "INT", "range": "10-13"}]}
    step = {"name": "Only", "parameterSpace": space, "script": {"actions": {"onRun": run}}}
    step |= template.pop("step", {})
    whole = {"specificationVersion": "jobtemplate-2023-09", "name": "job", "steps": [step], **template}
    whole |= {"jobEnvironments": list(environments)} if environments else {}
    return {"template": whole, "step": "Only", "parameters": {}, "first": 0, "last": last}


def started(folder: Path, given: dict[str, Any], rules: str = "") -> subprocess.Popen[str]:
    (folder / "slot").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "brender.daemon.openjd_session", rules, json.dumps(given)],
        cwd=folder / "slot", env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def ran(folder: Path, given: dict[str, Any], rules: str = "") -> tuple[int, list[str]]:
    """Exit code and the lines it printed; whatever its end, its working folder is gone."""
    child = started(folder, given, rules)
    said, _ = child.communicate(timeout=LIMIT_S)
    assert list((folder / "slot" / "openjd").iterdir()) == []
    return child.returncode, said.splitlines()


def test_environments_are_entered_once_for_all_points_and_left_in_reverse(tmp_path: Path) -> None:
    log = tmp_path / "log"
    outer = environment("outer", f"echo +outer >> {log}; echo 'openjd_env: A=1'", f"echo -outer $A >> {log}")
    inner = environment("inner", f"echo +inner >> {log}; echo 'openjd_unset_env: A'", f"echo -inner $A >> {log}")
    given = order(
        action(f"echo {{{{Task.Param.Frame}}}} $A. >> {log}"), outer, last=2, step={"stepEnvironments": [inner]}
    )
    assert ran(tmp_path, given)[0] == 0
    assert log.read_text().split("\n") == ["+outer", "+inner", "10 .", "11 .", "12 .", "-inner", "-outer 1", ""]


def test_a_failed_point_ends_the_task_with_its_own_words_and_leaves_the_environments(tmp_path: Path) -> None:
    left = tmp_path / "left"
    run = action(f"echo x >> {tmp_path}/ran; echo 'openjd_fail: no such scene'; exit 3")
    code, lines = ran(tmp_path, order(run, environment("e", "true", f"touch {left}"), last=3))
    assert (code, lines[-1], left.exists()) == (1, "no such scene", True)
    assert (tmp_path / "ran").read_text() == "x\n"


@pytest.mark.parametrize(
    ("run", "enter", "leave", "reason"),
    [
        (action("exit 3"), "true", "true", "step Only: failed with exit code 3"),
        (action("true"), "exit 4", "true", "environment e: failed with exit code 4"),
        (action("true"), "true", "exit 5", "leaving environment e: failed with exit code 5"),
        (action("exit 3"), "true", "exit 5", "step Only: failed with exit code 3"),
        (action("sleep 60", timeout=1), "true", "true", "step Only: it ran longer than its timeout"),
        ({"command": "/no/such/program"}, "true", "true", "step Only: failed"),
    ],
)
def test_the_last_line_says_what_failed(tmp_path: Path, run: Any, enter: str, leave: str, reason: str) -> None:
    code, lines = ran(tmp_path, order(run, environment("e", enter, f"touch {tmp_path}/left; {leave}")))
    assert code == 1
    assert lines[-1].startswith(reason)
    assert (tmp_path / "left").exists()


def test_a_secret_is_in_no_line_also_where_a_failure_tells_it(tmp_path: Path) -> None:
    """Also without the extension REDACTED_ENV_VARS; the process itself gets it."""
    word = "hunter2"
    enter = f"echo 'openjd_redacted_env: SECRET={word}'"
    run = action(
        f'echo "it is $SECRET"; [ "$SECRET" = {word[:3]}""{word[3:]} ] && echo "openjd_fail: bad word $SECRET"; exit 1'
    )
    code, lines = ran(tmp_path, order(run, environment("e", enter, "true")))
    assert code == 1
    assert "it is ********" in lines
    assert lines[-1] == "bad word ********"
    assert word not in "\n".join(lines)


def test_paths_are_mapped_by_the_rules_of_this_machine(tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rule = {"source_path_format": "WINDOWS", "source_path": "Z:\\film", "destination_path": "/srv/film"}
    rules.write_text(json.dumps({"version": "pathmapping-1.0", "path_mapping_rules": [rule]}))
    given = order(
        action("echo it is {{Param.Scene}}, was {{RawParam.Scene}}"),
        parameterDefinitions=[{"name": "Scene", "type": "PATH"}],
    )
    given["parameters"] = {"Scene": {"type": "PATH", "value": "Z:\\film\\shot.blend"}}
    code, lines = ran(tmp_path, given, str(rules))
    assert code == 0, lines
    assert "it is /srv/film/shot.blend, was Z:filmshot.blend" in lines


def test_an_embedded_file_is_written_for_the_task_and_gone_after_it(tmp_path: Path) -> None:
    file = {"name": "Note", "type": "TEXT", "filename": "note.txt", "data": "frame {{Task.Param.Frame}}\n"}
    script = {"actions": {"onRun": action("cat {{Task.File.Note}}; echo {{Task.File.Note}}")}, "embeddedFiles": [file]}
    code, lines = ran(tmp_path, order(action("true"), step={"script": script}))
    assert code == 0
    assert "frame 10" in lines


def test_a_stop_ends_the_action_politely_and_leaves_the_environments(tmp_path: Path) -> None:
    cancel = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 600}
    run = action(
        f"trap 'touch {tmp_path}/asked; kill $!; exit 1' TERM; sleep 600 & echo ready; wait", cancelation=cancel
    )
    child = started(tmp_path, order(run, environment("e", "true", f"touch {tmp_path}/left"), last=3))
    reason = stopped(child)
    assert (child.returncode, reason) == (1, "step Only: stopped")
    assert (tmp_path / "asked").exists()
    assert (tmp_path / "left").exists()


def test_an_action_that_does_not_obey_leaves_time_for_the_environments(tmp_path: Path) -> None:
    """Nor does what it has started, and holds its output: both are killed, long before they would end by themselves."""
    cancel = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": 600}
    run = action("trap '' TERM; setsid sleep 600 & echo ready; sleep 600", cancelation=cancel)
    child = started(tmp_path, order(run, environment("e", "true", f"touch {tmp_path}/left")))
    assert stopped(child) == "step Only: stopped"
    assert (tmp_path / "left").exists()


def stopped(child: subprocess.Popen[str]) -> str:
    """Stop it once its action says `ready`; its last line."""
    assert child.stdout is not None
    while (line := child.stdout.readline()) != "ready\n":
        assert line, "it ended before it was ready"
    os.killpg(child.pid, signal.SIGTERM)
    said, _ = child.communicate(timeout=LIMIT_S)
    return said.splitlines()[-1]


def test_what_a_killed_task_left_is_swept_by_the_next(tmp_path: Path) -> None:
    old = tmp_path / "slot" / "openjd" / "old"
    old.mkdir(parents=True)
    (old / "secret").touch()
    assert ran(tmp_path, order(action("true")))[0] == 0


def test_an_order_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    given = order(action("true"))
    given["template"]["steps"][0].pop("script")
    code, lines = ran(tmp_path, given)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith("the session could not be opened: ")


# ---- what the worker offers


def test_it_is_offered_only_where_the_owner_allows_it() -> None:
    assert offer.openjd(False, None) == ()
    assert "openjd" not in Catalogue({"openjd": "/bin/openjd"}).names()
    assert "openjd" in Catalogue(openjd=offer.openjd(True, None)).names()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        '{"version": "pathmapping-2.0", "path_mapping_rules": []}',
        '{"version": "pathmapping-1.0", "path_mapping_rules": [{"source_path": "/a"}]}',
        '{"version": "pathmapping-1.0", "path_mapping_rules": {}}',
    ],
)
def test_rules_that_would_fail_every_task_are_refused_at_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.json").write_text(text)
    with pytest.raises(Invalid, match="Path mapping"):
        offer.openjd(True, tmp_path / "rules.json")
    with pytest.raises(Invalid, match="Path mapping"):
        offer.openjd(True, tmp_path / "absent.json")


def test_without_the_packages_a_worker_that_should_run_it_says_what_to_install(tmp_path: Path) -> None:
    """A Python that has all of ours but these two."""
    for package in Path(msgspec.__file__).parent.parent.iterdir():
        if not package.name.startswith("openjd"):
            (tmp_path / package.name).symlink_to(package)
    code = f"import sys; sys.path += [{str(ROOT)!r}, {str(tmp_path)!r}]; from brender.client import main; main()"
    words = [sys.executable, "-I", "-S", "-c", code, "--allow-openjd", "--data", str(tmp_path / "own")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stderr == (
        "brender client: --allow-openjd needs the packages openjd-model and openjd-sessions."
        ' pip install "brender[openjd]"\n'
    )
