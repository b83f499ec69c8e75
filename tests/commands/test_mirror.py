"""What a page is told when it opens, and the grid of a step."""

from __future__ import annotations

import base64
from array import array
from typing import Any

from core.builders import Stage
from msgspec import json

from brender.commands import COMMANDS
from brender.core import events as ev
from brender.core.lifecycle import TaskState
from brender.core.rules.rows import row_of

from .world import call, stage


def ask(stage: Stage, method: str, role: str = "admin", **params: Any) -> Any:
    row, read = COMMANDS.read(method, params)
    return COMMANDS.run(call(stage, role=role), row, read)


def test_a_mirror_has_every_noun_with_what_may_be_done_with_each_row() -> None:
    found = ask(stage(), "farm.mirror")
    assert [row["name"] for row in found["jobs"]] == ["shot", "effects", "shot"]  # the newest first
    assert {row["name"]: row["presence"] for row in found["workers"]}["weaver"] == "lost"
    for noun in ("workers", "projects", "jobs"):
        assert all(row["can"] for row in found[noun]), noun
    assert found["totals"]["job"] == 3
    assert found["status"]["workers"]["known"] == 3
    assert json.decode(json.encode(found)) == found


def test_a_viewer_is_offered_nothing_that_changes() -> None:
    found = ask(stage(), "farm.mirror", role="viewer")
    assert [row["can"] for row in (*found["jobs"], *found["workers"]) if row["can"]] == []
    assert "worker.enable" not in found["may"]
    assert "worker.list" in found["may"]


def test_the_rows_of_a_mirror_have_the_names_that_their_events_have() -> None:
    """A page lays `job.changed` over its row."""
    farm = stage()
    found = ask(farm, "farm.mirror")
    job, worker = found["jobs"][0], found["workers"][0]
    assert row_of(farm.farm.jobs[job["id"]]).items() <= job.items()
    told = row_of(farm.farm.workers[worker["id"]])
    assert {name: value for name, value in told.items() if name in worker}.items() <= worker.items()
    assert {"id", "name", "admin_state", "presence", "slots", "tags", "warning", "version"} <= worker.keys()


def test_a_mirror_is_bounded_and_says_how_much_there_is() -> None:
    found = ask(stage(), "farm.mirror", limit=1)
    assert [len(found[noun]) for noun in ("workers", "jobs", "projects")] == [1, 1, 1]
    assert found["totals"]["worker"] == 3


def test_a_grid_has_a_byte_of_state_and_the_tenths_of_each_success() -> None:
    farm = Stage()
    worker = farm.worker(slots=1)
    job = farm.job({"frames": "1-4"})
    attempt = farm.live(worker)[0]
    farm.start(worker, attempt)
    farm.now += 2.34
    farm.end(worker, attempt, seconds=2.34)
    found = ask(farm, "task.grid", step=f"{job.name}/s1")
    states = base64.b64decode(found["states"])
    assert len(states) == found["tasks"] == 4
    assert states[0] == TaskState.SUCCESS
    assert found["labels"][states[0]] == "success0"
    seconds = array("H", base64.b64decode(found["seconds"]))
    assert list(seconds) == [23, 0, 0, 0]


def test_what_a_success_took_is_forgotten_when_it_is_made_again() -> None:
    farm = Stage()
    worker = farm.worker(slots=1)
    job = farm.job({"frames": "1-2"})
    for _ in range(2):
        attempt = farm.live(worker)[0]
        farm.start(worker, attempt)
        farm.now += 1
        farm.end(worker, attempt, seconds=1)
    tasks = farm.farm.tasks[farm.step(job).id]
    assert [tasks.took(0), tasks.took(1)] == [10, 10]
    farm.do(ev.RetryTasks(farm.step(job).id, [0], "anna", True))
    assert [tasks.took(0), tasks.took(1)] == [0, 10]


def test_a_turn_tells_which_tasks_moved_and_who_is_busy() -> None:
    farm = Stage()
    worker = farm.worker(slots=1)
    job = farm.job({"frames": "1-3"})
    step = farm.step(job).id
    attempt = farm.live(worker)[0]
    turn = farm.turn(ev.Started(farm.session(worker), [(attempt.id, 77)]))
    assert turn.moved[step] == {attempt.task}
    assert turn.busy == {worker}
    assert farm.turn(ev.Tick()).moved == {}
    assert farm.turn(ev.StopJob(job.id)).moved[step] is None or farm.live(worker)


def test_a_channel_of_a_mirror_says_whose_machine_it_is_of_and_what_may_be_done_with_it() -> None:
    """A page puts what a machine measures of itself beside the machine."""
    farm = stage()
    worker = farm.farm.worker_keys["brender_000000000001"]
    farm.do(ev.Create("device", {"name": "render-01", "worker_id": worker}, "anna"))
    farm.do(ev.Create("key", {"name": "cpu", "unit": "%"}, "anna"))
    farm.do(ev.AddChannels([{"name": "render-01.cpu", "device_id": 1, "key_id": 1, "placement": "floating"}], "anna"))
    farm.do(ev.AddChannels([{"name": "made-up", "type": "easy"}], "anna"))
    farm.farm.latest[1] = (7.0, 41.5)
    own, other = ask(farm, "farm.mirror")["channels"]
    assert (own["worker_id"], own["device"], own["key"], own["unit"]) == (worker, "render-01", "cpu", "%")
    assert (own["at"], own["value"]) == (7.0, 41.5)
    assert (other["worker_id"], other["at"], other["value"]) == (0, None, None)
    assert {"channel.stop", "channel.set", "channel.move", "channel.delete"} <= set(own["can"])
    told = row_of(farm.farm.channels[1])
    assert told.items() <= own.items()


def test_a_mirror_says_which_files_a_worker_has_warm() -> None:
    farm = stage()
    worker = next(iter(farm.farm.workers))
    farm.farm.loads[worker].opens("/srv/shot.blend", 2)
    assert ask(farm, "farm.mirror")["workers"][0]["warm"] == ["/srv/shot.blend"]


def test_only_a_machine_that_is_away_can_be_woken() -> None:
    rows = {row["name"]: row["can"] for row in ask(stage(), "farm.mirror")["workers"]}
    assert {name: "worker.wake" in can for name, can in rows.items()} == {
        "render-01": False,
        "render-02": False,
        "weaver": True,
    }


def test_channels_that_a_mirror_has_no_room_for_come_in_parts_of_the_same_shape() -> None:
    farm = stage()
    farm.do(ev.AddChannels([{"name": f"c{at}", "type": "easy"} for at in range(7)], "anna"))
    whole = ask(farm, "farm.mirror")["channels"]
    assert [row["name"] for row in ask(farm, "farm.mirror", limit=3)["channels"]] == ["c0", "c1", "c2"]
    parts = [ask(farm, "channel.mirror", offset=at, limit=2) for at in (3, 5, 7)]
    assert [row for part in parts for row in part["channels"]] == whole[3:]
    assert {part["total"] for part in parts} == {7}
    assert [row["can"] for row in ask(farm, "channel.mirror", role="viewer")["channels"]] == [[]] * 7
