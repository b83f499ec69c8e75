"""The farm as objects: workers, projects, limits and presets of a real master."""

from __future__ import annotations

import pytest

import brender


def test_workers_are_listed_found_and_switched(farm: brender.Farm) -> None:
    """BR-18..20."""
    (worker,) = farm.workers
    assert farm.workers["render-01"] == farm.workers[worker.id] == worker
    assert (worker.name, worker.state, worker.presence, worker.enabled) == ("render-01", "enabled", "online", True)
    worker.disable()
    assert (worker.enabled, farm.workers["render-01"].enabled) == (False, False)
    worker.enable()
    assert (worker.enabled, worker.refresh().enabled) == (True, True)
    assert worker["slots"] == 2 and "noop" in worker["functions"]
    assert repr(worker) == "<Worker render-01 (id 1): enabled, online>"


def test_selectors_are_those_of_the_prompt(farm: brender.Farm) -> None:
    """BR-36: globs, states, tags, as a union."""
    for number, tags in enumerate((["gpu"], ["gpu", "fast"], []), 10):
        farm.workers.add(f"node-{number}", mac=f"beef000000{number}", tags=tags)
    names = [worker.name for worker in farm.workers.select("tag=gpu", "node-12")]
    assert names == ["node-10", "node-11", "node-12"]
    answer = farm.workers.disable("tag=fast", farm.workers["node-12"])
    assert [one["name"] for one in answer["changed"]] == ["node-11", "node-12"]
    assert {worker.name for worker in farm.workers.select("disabled")} == {"node-11", "node-12"}
    assert len(farm.workers.enable("all")["unchanged"]) == 2
    assert farm.workers.count() == len(list(farm.workers)) == 4
    for worker in farm.workers.select("node-*"):
        worker.delete()
    assert [worker.name for worker in farm.workers] == ["render-01"]


@pytest.mark.parametrize("name", ["tag=none", "all", "online", "render-*", 77, "rendr-01"])
def test_one_worker_is_named_by_name_or_id_only(farm: brender.Farm, name: str | int) -> None:
    """`farm.workers["online"]` must not be whoever happens to be alone there."""
    with pytest.raises(brender.NotFound):
        farm.workers[name]


def test_nothing_selected_changes_nothing(farm: brender.Farm) -> None:
    """BR-20."""
    with pytest.raises(brender.Invalid, match="No worker selected"):
        farm.workers.disable()
    assert farm.workers["render-01"].enabled


def test_a_change_can_be_made_to_depend_on_the_version(farm: brender.Farm) -> None:
    """BR-07: two people at once; the second is told."""
    mine, theirs = farm.workers["render-01"], farm.workers["render-01"]
    theirs.set(tags=["theirs"], version=theirs.version)
    with pytest.raises(brender.Conflict, match="changed meanwhile"):
        mine.set(tags=["mine"], version=mine.version)
    assert mine.refresh().tags == ["theirs"]
    mine.set(tags=[], version=mine.version)
    assert (mine.tags, mine.state, mine.enabled) == ([], "enabled", True)


def test_a_value_that_is_not_known_yet_is_asked_for_and_one_that_does_not_exist_is_named(farm: brender.Farm) -> None:
    (worker,) = farm.workers
    assert "attempts" not in worker.data
    assert worker["attempts"] == []
    with pytest.raises(KeyError, match="A worker has no 'colour'"):
        worker["colour"]


def test_why_says_what_a_worker_waits_for(farm: brender.Farm) -> None:
    why = farm.workers["render-01"].why()
    assert why["subject"] == "worker render-01" and why["reasons"][0]["text"]


def test_projects_are_made_changed_and_archived(farm: brender.Farm) -> None:
    """SP-18, SP-20."""
    film = farm.projects.add("film", description="the short one")
    assert (film.description, film.state, farm.projects["film"]) == ("the short one", "active", film)
    film.set(description="the long one", version=film.version)
    assert farm.projects[film.id].description == "the long one"
    job = farm.jobs.create("shot", function="noop", project="film")
    assert list(film.jobs()) == [job] == list(film.jobs("shot"))
    film.archive()
    assert film.state == farm.projects["film"].state == "archived"
    film.set(state="active")
    with pytest.raises(brender.Exists):
        farm.projects.add("film")
    assert {project.name for project in farm.projects} == {"film"}


def test_limits_are_made_changed_and_deleted(farm: brender.Farm) -> None:
    limit = farm.limits.add("nuke", 10, description="licences")
    limit.set(count=12, version=limit.version)
    assert (limit.total, limit.used, list(farm.limits), farm.limits["nuke"]) == (12, 0, [limit], limit)
    assert farm.limits[limit.id]["description"] == "licences"
    limit.delete()
    assert farm.limits.count() == 0
    with pytest.raises(brender.NotFound):
        limit.refresh()


def test_presets_are_made_changed_and_deleted_and_built_in_ones_are_not(farm: brender.Farm) -> None:
    preset = farm.presets.add("shots", samples=64, description="for shots")
    preset.set(samples=128, denoise=True, version=preset.version)
    assert (preset.params, preset.built_in) == ({"samples": 128, "denoise": True}, False)
    preset.set(denoise=None)
    assert farm.presets["shots"].params == {"samples": 128}
    assert farm.presets["shots"]["description"] == "for shots"
    assert preset in set(farm.presets) and farm.presets["HD"].built_in
    with pytest.raises(brender.WrongState):
        farm.presets["HD"].set(samples=1)
    preset.delete()
    assert preset not in set(farm.presets)


def test_a_list_of_more_than_a_page_is_read_whole(farm: brender.Farm) -> None:
    """BR-12: 1,203 jobs in pages of 500, each once and newest first."""
    names = [f"many-{number:04}" for number in range(1203)]
    farm.jobs.submit({"project": {"name": "many", "workflows": [{"name": name, "tasks": []} for name in names]}})
    assert [job.name for job in farm.jobs.select(project="many")] == names[::-1]


def test_every_other_command_is_a_call(farm: brender.Farm) -> None:
    """BR-12: nothing that the prompt has is missing."""
    assert farm.call("session.echo", text="hello") == {"text": "hello"}
    assert {one["name"] for one in farm.call("rpc.discover")["methods"]} >= {"job.create", "farm.why"}
    assert farm.status()["version"] == brender.__version__
    assert (farm.name, farm.role) == ("anna", "admin")
