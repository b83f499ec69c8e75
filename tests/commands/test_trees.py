"""The tree at the commands' door: dump and update are each other's inverse, and jobs of others are not touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from brender.commands import COMMANDS
from brender.core import events as ev
from brender.errors import Forbidden, InvalidParams, Unsupported

from . import world

TASK = st.fixed_dictionaries(
    {
        "place": st.integers(1, 4), "exec": st.sampled_from(["await", "parallel"]),
        "params": st.lists(st.text(max_size=5)),
    },
    optional={
        "frames": st.sampled_from(["", "1-9", "1-9x2"]), "chunk": st.integers(1, 3), "retries": st.integers(0, 9),
        "timeout": st.sampled_from([None, 0.5, 7]),
    },
)  # fmt: skip


def rows(stage: Any) -> list[Any]:
    return [astuple(row) for table in ("project", "job", "step") for row in stage.farm.table(table).values()]


@given(st.lists(TASK, max_size=5), st.integers(0, 100), st.lists(st.sampled_from("ab"), unique=True))
def test_a_dump_that_is_given_to_update_changes_no_row(tasks: list[Any], priority: int, tags: list[str]) -> None:
    """SP-39: of the whole workflow and of each single task, also in equal places."""
    stage = world.stage()
    named = [{"name": f"t{i}", "function": "noop", **task} for i, task in enumerate(tasks)]
    workflow = {"name": "wf", "tasks": named, "priority": priority, "tags": tags}
    stage.do(ev.SubmitTree({"name": "pr", "workflows": [workflow]}))
    before = rows(stage)
    for words in ("dump -p pr -w wf", *(f"dump -p pr -w wf -t t{i}" for i in range(len(tasks)))):
        tree = json.loads(json.dumps(world.ask(stage, words)))
        row, params = COMMANDS.read("update", tree)
        answer = stage.do(COMMANDS.run(world.call(stage), row, params))
        assert not answer["updated"][0]["changed"]
        assert rows(stage) == before


def test_an_artist_changes_no_jobs_of_others_by_a_tree() -> None:
    stage = world.stage()
    world.ask(stage, "job create mine function=noop -p film", role="artist", name="ben")
    tree = json.dumps({"project": {"name": "film", "workflows": [{"name": "mine"}]}})
    for word in ("create", "update", "delete", "recreate"):
        with pytest.raises(Forbidden, match="submitted by ben"):
            world.ask(stage, f"{word} -j '{tree}'", role="artist", name="eve")
    assert world.ask(stage, f"delete -j '{tree}'", role="artist", name="ben")["deleted"]


def test_only_an_admin_may_force() -> None:
    """REQUIREMENTS 10.8; SP-50: kill_all is an admin's."""
    stage = world.stage()
    world.ask(stage, "run -w effects")
    for line in ("stop -w effects --force", "task kill film/shot 0 --force", "kill_all"):
        with pytest.raises(Forbidden, match="admin"):
            world.ask(stage, line, role="operator")
    assert world.ask(stage, "farm kill-all")["jobs"][0]["name"] == "effects"


def test_a_stop_finds_the_workflow_among_those_that_run() -> None:
    """SP-25: the project is optional."""
    stage = world.stage()
    world.ask(stage, "run -p advert -w shot")
    assert world.ask(stage, "stop -w shot")["job"] == 3


def test_spads_own_parameter_names_are_understood_in_json() -> None:
    """REQUIREMENTS 8.4: {project, workflow, task}."""
    for method in ("run", "status", "dump"):
        theirs = COMMANDS.read(method, {"project": "film", "workflow": "effects", "task": "sim"})
        assert theirs == COMMANDS.read(method, {"project": "film", "job": "effects", "step": "sim"})
    row, params = COMMANDS.read("set_status", {"workflow": "effects", "task": "sim", "status": "waiting"})
    assert COMMANDS.signature(row).given(params) == {"job": "effects", "step": "sim", "status": "waiting"}
    assert COMMANDS.read("delete", {"workflow": "effects"}) == COMMANDS.read("delete", {"jobs": "effects"})
    with pytest.raises(InvalidParams, match="no parameter 'workflow'"):
        COMMANDS.read("job.run", {"job": "effects", "workflow": "effects"})


def test_update_and_recreate_take_a_tree_and_nothing_else() -> None:
    stage = world.stage()
    for word in ("update", "recreate"):
        with pytest.raises(InvalidParams, match="JSON tree"):
            world.ask(stage, word)
        with pytest.raises(Unsupported, match="does not read"):
            world.ask(stage, f"{word} -f x.json")
        with pytest.raises(InvalidParams, match="Beside project"):
            world.ask(stage, f"""{word} -j '{{"project": {{"name": "film"}}, "x": 1}}'""")


def test_the_changes_of_a_tree_are_said_in_words() -> None:
    stage = world.stage()
    effects = json.dumps(world.ask(stage, "dump -w effects"))
    assert world.shown(stage, f"update -j '{effects}'") == ["OK job effects is as it was."]
    changed = effects.replace('"params": []', '"params": [1]')
    assert world.shown(stage, f"update -j '{changed}'") == ["OK job effects is replaced: sim, bake."]
    leaf = '{"project": {"name": "film", "workflows": [{"name": "effects", "tasks": [{"name": "sim"}]}]}}'
    assert world.shown(stage, f"delete -j '{leaf}'") == ["OK deleted from project film: step sim of effects."]
