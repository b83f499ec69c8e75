"""Every example that help shows is said to a real farm on which it can succeed, and does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from brender.commands import TABLE

from .peers import LIMIT, ROOT, Farm, until

SPOKEN = {row.name: row for row in TABLE if row.spoken}
MARK = "here it comes"
STEP = {"name": "noop", "function": "noop", "frames": "1-100"}


def tree(**step: object) -> str:
    """The job of the examples as spad's JSON tree."""
    flow = {"name": "shot-010", "tasks": [STEP | step]}
    return json.dumps({"project": {"name": "film", "workflows": [flow]}})


IDLE = [f"job create -j '{tree()}'"]
DONE = [f"job create -j '{tree()}' --run", "until success0"]
RENDER = {"name": "render", "function": "blender", "params": {"blend": "/scenes/x.blend", "output": "/frames"}}
RENDERS = [f"job create -j '{tree(**RENDER)}'"]
GOING = [f"job create -j '{tree(function='sleep', params=[600])}' --run", "until running"]
FAILED = [f"job create -j '{tree(function='error', retries=0, frames='1-3')}' --run", "until error"]
LIMIT_THERE, PRESET_THERE = ["limit add nuke 4"], ["preset add shots engine=CYCLES"]
WORKER_THERE = ["worker add render-08 mac=bc:ae:c5:71:22:fc"]

NIGHTLY = ["schedule once-after 9h name=nightly enable all"]
NAS, SECONDS = 'device add nas driver=http config={"url":"http://nas/"}', "key add seconds unit=s"
NAS_THERE, KEY_THERE = [NAS], [SECONDS]
CHANNEL = [NAS, SECONDS, "channel add nas.seconds"]

HOT = ["alarm rule add hot condition=above threshold=85"]
SPOKEN_OF = ["log info render hello"]

# What has to be there for an example to make sense. Whatever is not named needs a farm with one worker and a project.
BEFORE: dict[str, list[str]] = {
    "worker.delete": WORKER_THERE,
    **dict.fromkeys(["limit.show", "limit.set", "limit.delete"], LIMIT_THERE),
    **dict.fromkeys(["preset.set", "preset.delete"], PRESET_THERE),
    "job.create": [],
    **dict.fromkeys(["job.recreate", "job.update", "job.run", "job.delete", "job.show", "job.dump"], IDLE),
    **dict.fromkeys(["job.status", "job.priority", "job.set", "farm.why"], IDLE),
    **dict.fromkeys(["step.list", "step.show", "step.add", "step.set", "step.delete"], IDLE),
    **dict.fromkeys(["job.stop", "job.stop_all", "job.pause", "task.kill", "task.set_status"], GOING),
    "job.resume": [*GOING, "job pause shot-010"],
    **dict.fromkeys(["job.watch", "job.history", "task.show", "task.history", "task.log"], DONE),
    **dict.fromkeys(["job.unblock", "job.requeue", "task.retry", "task.list"], FAILED),
    **dict.fromkeys(["job.files", "task.files"], RENDERS),
    **dict.fromkeys(["schedule.once_after", "schedule.repeat_o_clock"], IDLE),
    **dict.fromkeys(
        ["schedule.show", "schedule.history", "schedule.remove", "schedule.run_now", "schedule.pause"], NIGHTLY
    ),
    "schedule.resume": [*NIGHTLY, "schedule pause nightly"],
    "schedule.start": ["schedule stop"],
    "device.add": [],
    **dict.fromkeys(["device.show", "device.set", "device.delete"], NAS_THERE),
    **dict.fromkeys(["key.set", "key.delete"], KEY_THERE),
    "channel.add": [NAS, SECONDS],
    **dict.fromkeys([f"channel.{verb}" for verb in ("set", "start", "stop", "restart", "move", "delete")], CHANNEL),
    "manager.group_remove": ["manager group-add render-07 slow"],
    **dict.fromkeys(["alarm_rule.show", "alarm_rule.set", "alarm_rule.delete"], HOT),
    **dict.fromkeys(["log.config", "log.list"], SPOKEN_OF),
    "project.add": ["project set film name=yesterday"],
    "session.undo": ["worker disable render-07"],
}
# Refused on purpose, with the way out in the words: what the command would do is what it says it never does.
REFUSED = {"project.delete": "project archive film"}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("farm"))
    try:
        made.worker("render-07", slots=8)
        with made.json() as peer:
            peer.call("worker.set", workers=["render-07"], values={"tags": ["gpu"]})
        yield made
    finally:
        made.end()


@pytest.fixture(autouse=True)
def clean(doors: Farm) -> Iterator[None]:
    """Each example meets the same farm."""
    doors.nc("project add film\n", "-N")
    yield
    doors.nc("alarm rule delete hot\n", "-N")
    with doors.json() as peer:
        peer.ask("job.stop", {"job": "shot-010", "force": True})
        until(lambda: not any(job["progress"]["live"] for job in peer.call("job.list")["jobs"]), "nothing runs")
        peer.ask("job.delete", {"jobs": ["all"]})
        peer.ask("channel.delete", {"channels": ["nas.*"]})
        peer.ask("device.delete", {"device": "nas"})
        peer.ask("key.delete", {"key": "seconds"})
        peer.ask("manager.group_remove", {"manager": "render-07", "group": "slow"})
        peer.ask("limit.delete", {"limit": "nuke"})
        peer.ask("preset.delete", {"preset": "shots"})
        peer.ask("worker.delete", {"workers": ["render-08"]})
        for row in peer.call("schedule.list")["schedules"]:
            peer.ask("schedule.remove", {"uuid": row["id"]})
        peer.ask("schedule.start")
        peer.ask("worker.enable", {"workers": ["all"]})
        peer.ask("project.set", {"project": "film", "values": {"state": "active"}})


def prepare(doors: Farm, lines: list[str]) -> list[str]:
    """Say what must be there before; what belongs to the session itself is given back to be said in it."""
    for line in lines:
        if line.startswith("until "):
            with doors.json() as peer:
                until(lambda: _is(peer, line.removeprefix("until ")), line)  # noqa: B023
        elif not line.startswith("worker disable"):
            said = doors.nc(line + "\n", "-N").decode()
            assert "OK" in said, said
    return [line for line in lines if line.startswith("worker disable")]


def _is(peer: object, state: str) -> bool:
    status = peer.call("job.status", job="shot-010")  # type: ignore[attr-defined]
    return bool(status["counts"].get("running") == 8) if state == "running" else status["state"] == state


@pytest.mark.parametrize("name", SPOKEN)
def test_the_example_of_every_command_succeeds(doors: Farm, tmp_path: Path, name: str) -> None:
    """BR-12: help shows nothing that does not work."""
    line = SPOKEN[name].example
    mine = prepare(doors, BEFORE.get(name, []))
    if " -f " in line:
        assert _from_a_shell(doors, tmp_path, line).startswith("OK")
        return
    after = ["unsubscribe"] if name in ("rpc.watch", "channel.watch") else []
    said = doors.nc("\n".join([*mine, f"echo {MARK}", line, *after]) + "\n", "-N").decode()
    answer = said.partition(MARK)[2]
    assert answer.strip(), said
    if name in REFUSED:
        assert "ERR " in answer and REFUSED[name] in answer
    else:
        assert "ERR " not in answer, answer


def _from_a_shell(doors: Farm, folder: Path, line: str) -> str:
    """The same words after `brender`, in a folder with the file that they name."""
    (folder / "shot.json").write_text(tree(retries=2))
    (folder / "channels.txt").write_text("key list\n")
    argv = [sys.executable, "-m", "brender.cli", *line.split(), "--master", f"127.0.0.1:{doors.port}"]
    ran = subprocess.run(
        argv, capture_output=True, text=True, timeout=LIMIT, check=False, cwd=folder, env={"PYTHONPATH": str(ROOT)}
    )
    return ran.stdout or ran.stderr
