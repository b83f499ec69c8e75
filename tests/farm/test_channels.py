"""Real managers: they report themselves, float channels between them, and survive each other's kill -9."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import programs
from .programs import Farm, Line


def channels(line: Line, *which: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in line.ask("channel.list", channels=list(which) or ["all"])["channels"]}


def logging(line: Line, *names: str) -> dict[str, dict[str, Any]] | None:
    """These channels, once all of them have values."""
    found = channels(line)
    mine = {name: found[name] for name in names if name in found}
    good = len(mine) == len(names) and all(row["state"] == "logging" and row["at"] for row in mine.values())
    return mine if good else None


def wait(question: Any) -> Any:
    """Ask until it is so: samples are no events of the real."""
    found: list[Any] = []

    def asked() -> bool:
        found[:] = [question()]
        return bool(found[0])

    programs.eventually(asked)
    return found[0]


def test_a_machine_that_connects_is_measured_without_anybodys_doing(real: Farm) -> None:
    """RM-26, RM-36, the thread of REQUIREMENTS 5.1, step 3."""
    line = real.start("hal")
    found = wait(lambda: logging(line, "hal.memory", "hal.load", "hal.disk"))
    assert 0 < found["hal.memory"]["value"] < 100
    (device,) = [row for row in line.ask("device.list")["devices"] if row["name"] == "hal"]
    assert (device["driver"], device["worker"]) == ("host", "hal")
    (manager,) = line.ask("manager.list")["managers"]
    assert manager["pid"] == real.workers["hal"].pid
    assert Path(manager["pid_path"]).read_text() == f"{manager['pid']}\n"
    assert manager["modified_at"] >= manager["started_at"]
    real.workers["hal"].send_signal(signal.SIGTERM)
    assert programs.ended(real.workers["hal"], programs.LIMIT_S)
    assert not Path(manager["pid_path"]).exists()


def test_floating_channels_of_a_manager_that_is_killed_go_on_elsewhere_and_nothing_else_is_touched(real: Farm) -> None:
    """CL-16, CL-35, CL-49: counts fall on manager loss; pids and starts of the others stay."""
    line = real.start("one", "two")
    wait(lambda: logging(line, "one.load", "two.load"))
    names = [f"f{number}" for number in range(8)]
    line.ask("channel.add", channels=[{"name": name, "type": "custom", "period": 0.1} for name in names])
    before = wait(lambda: logging(line, *names))
    counts = {row["name"]: row["floating"] for row in line.ask("manager.list")["managers"]}
    assert counts == {"one": 4, "two": 4}
    line.ask("channel.delete", channels=["f0"])
    line.ask("channel.set", channels=["f1"], values={"period": 0.2})
    real.workers["one"].kill()
    real.workers["one"].wait()
    after = wait(lambda: logging(line, *names[1:]) if _all_at(line, "two", names[1:]) else None)
    stayed = [name for name in names[2:] if before[name]["manager"] == "two"]
    assert stayed
    assert all(after[name]["started_at"] == before[name]["started_at"] for name in stayed)
    rows = {row["name"]: row for row in line.ask("manager.list")["managers"]}
    assert (rows["one"]["floating"], rows["two"]["floating"]) == (0, 7)
    assert rows["two"]["pid"] == real.workers["two"].pid
    assert channels(line, "one.*")["one.load"]["state"] == "stale"
    moved = next(name for name in names[2:] if before[name]["manager"] == "one")
    at = after[moved]["at"]
    wait(lambda: channels(line, moved)[moved]["at"] > at)
    real.start_worker("one")
    wait(lambda: logging(line, "one.load"))
    assert {row["manager"] for row in channels(line, "f*").values()} == {"two"}


def _all_at(line: Line, manager: str, names: list[str]) -> bool:
    return {channels(line, name)[name]["manager"] for name in names} == {manager}


def test_a_master_that_is_killed_finds_its_channels_where_they_were(real: Farm) -> None:
    """CL-35, CONTRACT: started_at stays, for the managers never stopped."""
    line = real.start("one")
    line.ask("channel.add", channels=[{"name": "t", "type": "easy"}])
    before = wait(lambda: logging(line, "t", "one.load"))
    assert real.master is not None
    real.master.kill()
    real.master.wait()
    real.start_master()
    line = real.answers()
    after = wait(lambda: logging(line, "t", "one.load"))
    assert {name: row["started_at"] for name, row in after.items()} == {
        name: row["started_at"] for name, row in before.items()
    }


def test_rows_edited_by_hand_are_taken_over_at_sighup_without_a_restart(real: Farm) -> None:
    """RM-34 to RM-37."""
    line = real.start("one")
    before = wait(lambda: logging(line, "one.load"))
    with sqlite3.connect(real.folder / "master" / "farm.db", timeout=programs.LIMIT_S) as database:
        database.execute("UPDATE key SET mul = 0, unit = 'procs' WHERE name = 'load'")
        database.execute("UPDATE key SET description = 'of all processors' WHERE name = 'cpu'")
        database.execute("INSERT INTO device (name, driver, config) VALUES ('etc', 'file', '{\"path\": \"/etc\"}')")
        database.execute("INSERT INTO key (name) VALUES ('count')")
        database.execute(
            "INSERT INTO channel (name, device_id, key_id) SELECT 'etc.count', device.id, key.id FROM device, key "
            "WHERE device.name = 'etc' AND key.name = 'count'"
        )
        database.execute("DELETE FROM channel WHERE name = 'one.disk'")
    database.close()
    assert real.master is not None
    real.master.send_signal(signal.SIGHUP)
    found = wait(lambda: logging(line, "etc.count", "one.load"))
    assert found["etc.count"]["value"] > 1
    assert found["one.load"]["started_at"] == before["one.load"]["started_at"]
    assert "one.disk" not in channels(line)
    keys = {row["name"]: row for row in line.ask("key.list")["keys"]}
    assert (keys["cpu"]["description"], keys["load"]["unit"]) == ("of all processors", "")
    said = line.ask("farm.reload")
    assert [thing for thing, _ in said["refused"]] == ["key load"]
    assert (said["added"], said["changed"], said["deleted"]) == ([], [], [])
    line.ask("channel.stop", channels=["etc.count"])
    real.stop()
    real.start_master()
    assert channels(real.answers(), "etc.count")["etc.count"]["state"] == "stopped"


def test_a_file_of_lines_is_read_where_the_person_is(real: Farm) -> None:
    """CL-47."""
    line = real.start("one")
    wait(lambda: logging(line, "one.load"))
    path = real.folder / "lines.txt"
    path.write_text('# mine\nCHL_ADD ||| a b {"type": "easy"}\nCHL_DEL ||| a\nCHL_ADD ||| b\nnonsense\n', "utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "brender.cli", "channel", "load", "-f", str(path)],
        env={**os.environ, "PYTHONPATH": str(programs.ROOT), "BRENDER_MASTER": f"127.0.0.1:{real.port}"},
        capture_output=True, text=True, check=False, timeout=programs.LIMIT_S,
    )  # fmt: skip
    assert told.stdout.splitlines()[0] == "OK 2 lines run, 2 lines refused.", told.stderr
    assert "line 4: A channel named 'b' exists already." in told.stdout
    assert "line 5: There is no command 'nonsense'." in told.stdout
    assert {"b"} <= channels(line).keys()
    assert "a" not in channels(line)


def test_a_real_render_is_told_by_its_workers_channels(real: Farm) -> None:
    """Issue 5, 2: frames a minute, seconds a frame, samples, and the most memory that a task held."""
    scene = real.folder / "scene.blend"
    made = (
        "import bpy; r = bpy.context.scene.render; r.engine = 'CYCLES'; r.resolution_x = r.resolution_y = 64; "
        f"bpy.ops.wm.save_as_mainfile(filepath={str(scene)!r})"
    )
    argv = ["blender", "-b", "--factory-startup", "--python-exit-code", "9", "--python-expr", made]
    subprocess.run(argv, check=True, capture_output=True)
    line = real.start("hal")
    wait(lambda: logging(line, "hal.tasks.task_memory"))
    keys = {row["name"]: row["unit"] for row in line.ask("key.list")["keys"]}
    assert (keys["samples"], keys["peak_memory"], keys["frame_seconds"]) == ("", "MiB", "s")
    names = [f"hal.tasks.{key}" for key in ("frames_per_minute", "frame_seconds", "samples", "peak_memory")]
    for name in names:  # so that the test need not wait for five seconds
        line.ask("channel.set", channels=[name], values={"period": 0.1})
    params = {"blend": str(scene), "output": str(real.folder / "out"), "samples": 4, "denoise": False}
    line.ask("job.create", name="render", function="blender", frames="1-2", params=params, run=True)
    wait(lambda: channels(line, names[2])[names[2]]["value"] == 4)
    found = wait(lambda: logging(line, *names))
    assert found[names[0]]["value"] > 0
    assert 0 < found[names[1]]["value"] < 600
    assert 30 < found[names[3]]["value"] < 4000
