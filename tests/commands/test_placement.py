"""Placement at the prompt: orders, limits, waits, workers that fail; and what `job status` says of a job that waits."""

from __future__ import annotations

import pytest

from brender.core import events as ev
from brender.core.lifecycle import BLOCK_LIMIT
from brender.errors import Invalid, NotFound

from .world import ask, shown, stage


def test_a_job_is_made_with_everything_that_places_it() -> None:
    farm = stage()
    ask(farm, "limit add nuke 2 description=licences")
    line = "job create comp function=noop frames=1-9 order=binary limits=nuke after=shot later=10m most_tasks=4"
    ask(farm, line + " project=film needs='{\"cores\": 2}'")
    step = ask(farm, "step show comp")
    assert (step["order"], step["limits"], step["needs"]) == ("binary", ["nuke"], {"cores": 2})
    job = ask(farm, "job show comp")
    assert (job["after"], job["most_tasks"], job["start_at"]) == (["shot"], 4, farm.now + 600)
    tree = ask(farm, "job dump comp")["project"]["workflows"][0]
    assert (tree["after"], tree["tasks"][0]["order"]) == (["shot"], "binary")


def test_limits_are_listed_with_what_uses_them() -> None:
    farm = stage()
    assert "limit add" in " ".join(shown(farm, "limit list"))
    ask(farm, "limit add nuke 1")
    ask(farm, "job create comp function=noop frames=1-9 limits=nuke --run")
    assert ask(farm, "limit list")["limits"][0]["used"] == 1
    assert ask(farm, "limit show nuke")["users"] == {"comp": 1}
    assert any("nuke" in line for line in shown(farm, "limits"))
    with pytest.raises(NotFound, match="nuk"):
        ask(farm, "limit show nuk")
    ask(farm, "limit set nuke count=3")
    assert ask(farm, "limit list")["limits"][0]["used"] == 2  # its worker has two slots


def test_job_status_says_why_nothing_of_a_running_job_runs() -> None:
    farm = stage()
    ask(farm, "job create big function=noop needs='{\"memory_mb\": 64000}' --run")
    said = " ".join(shown(farm, "job status big", 200))
    assert "None of the farm's 3 workers can run it." in said
    assert "the step needs 64000" in said
    ask(farm, "job create late function=noop --run later=1h")
    assert "starts in 3600 s" in " ".join(shown(farm, "job status late", 200))


def test_frames_are_made_again_by_their_own_numbers() -> None:
    farm = stage()
    farm.do(ev.RunJob(farm.farm.jobs[1].id))
    worker = farm.farm.worker_keys["brender_000000000001"]
    while live := farm.live(worker):
        farm.end(worker, live[0])
    assert ask(farm, "task retry film/shot frames=4-7 --again")["tasks"] == 2
    with pytest.raises(NotFound, match="no frame 11"):
        ask(farm, "task retry film/shot frames=9-11 --again")
    with pytest.raises(Invalid):
        ask(farm, "task retry film/shot frames=x")


def test_a_worker_that_failed_is_let_in_again() -> None:
    farm = stage()
    farm.worker("other")
    ask(farm, "job create bad function=noop frames=1-30 retries=9 --run")
    worker = farm.farm.worker_keys["brender_000000000001"]
    for _ in range(BLOCK_LIMIT):
        farm.end(worker, farm.live(worker)[0], "error", seconds=9.0)
    assert "render-01" in " ".join(shown(farm, "job unblock bad"))


@pytest.mark.parametrize("word", ["soon", "-5", "10y"])
def test_what_is_no_stretch_of_time_is_refused(word: str) -> None:
    with pytest.raises(Invalid, match="stretch of time"):
        ask(stage(), f"job run film/shot later={word}")
