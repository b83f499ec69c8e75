"""What programs rely on in answers: every row says who it is, lists are paged, `show` knows all that `list` knows."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

import pytest
from core.builders import Stage

from brender.commands import COMMANDS, TABLE
from brender.commands.calls import MACHINE, Act
from brender.core import events as ev

from . import world

# noun -> (list, one of its rows shown). A task has no id of its own: it is a number in a step.
LISTS = {
    "worker": ("worker list", "worker show render-01"),
    "project": ("project list", "project show advert"),
    "limit": ("limit list", "limit show nuke"),
    "preset": ("preset list", "preset show shots"),
    "job": ("job list", "job show film/effects"),
    "step": ("step list effects", "step show effects/bake"),
    "task": ("task list film/shot", "task show film/shot/render 1"),
}
# A list counts these, `show` has them one by one.
COUNTED = {"project": {"jobs"}, "job": {"steps"}}


@pytest.fixture
def stage() -> Stage:
    made = world.stage()
    for line in ("limit add nuke 10", "preset add shots samples=64", "step set effects/sim limits=nuke"):
        world.ask(made, line)
    return made


def rows_of(stage: Stage, noun: str, more: str = "") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    data = world.ask(stage, f"{LISTS[noun][0]} {more}")
    return data[f"{noun}s"], data


@pytest.mark.parametrize("noun", LISTS)
def test_every_row_of_a_list_says_who_it_is(stage: Stage, noun: str) -> None:
    """BR-07, BR-12: an id that no other row has, a name, and the version that `set` compares."""
    rows, _ = rows_of(stage, noun)
    assert rows
    for row in rows:
        if noun == "task":
            assert (row["job_id"], row["step_id"], row["task"]) and row["job"] and row["step"]
        else:
            assert row["name"]
            assert (row["id"] is None and row["version"] is None) == bool(row.get("built_in"))


@pytest.mark.parametrize("noun", LISTS)
def test_every_list_is_paged_in_the_same_way(stage: Stage, noun: str) -> None:
    """BR-12: `limit` and `offset` in, `total` and `offset` out; pages put together are the list."""
    rows, data = rows_of(stage, noun)
    assert (data["total"], data["offset"]) == (len(rows), 0)
    pages = [rows_of(stage, noun, f"limit=1 offset={offset}") for offset in range(len(rows) + 1)]
    assert [row for page, _ in pages for row in page] == rows
    assert {(told["total"], told["offset"]) for _, told in pages} == {(len(rows), at) for at in range(len(rows) + 1)}


@pytest.mark.parametrize("noun", LISTS)
def test_show_knows_all_that_a_list_knows(stage: Stage, noun: str) -> None:
    """BR-12: the same words mean the same in both."""
    shown = world.ask(stage, LISTS[noun][1])
    shown = shown["workers"][0] if noun == "worker" else shown
    key = "task" if noun == "task" else "name"
    row = next(row for row in rows_of(stage, noun)[0] if row[key] == shown[key])
    counted = COUNTED.get(noun, set())
    assert {name: value for name, value in row.items() if name not in counted} == {
        name: shown[name] for name in row.keys() - counted
    }
    assert all(row[name] == len(shown[name]) for name in counted)


@pytest.mark.parametrize("line", ["limit show {}", "limit set {} count=3"])
def test_a_limit_is_also_known_by_its_id(stage: Stage, line: str) -> None:
    assert world.ask(stage, line.format(1))
    assert world.ask(stage, "limit show nuke")["count"] == (3 if "set" in line else 10)


def test_a_preset_of_the_farm_is_also_known_by_its_id(stage: Stage) -> None:
    world.ask(stage, "preset set 1 samples=128")
    assert world.ask(stage, "preset show 1")["params"] == {"samples": 128}


@pytest.mark.parametrize(
    ("before", "line", "noun"),
    [
        ((), "job run effects", "job"),
        (("job run effects",), "job pause effects", "job"),
        (("job run effects",), "job stop effects", "job"),
        (("job run film/shot",), "task kill film/shot/render all", "step"),
    ],
)
def test_words_about_one_thing_answer_with_its_id_and_name(
    stage: Stage, before: tuple[str, ...], line: str, noun: str
) -> None:
    """BR-12: `id` and `name` are those of what was named; the noun beside them is what older scripts read."""
    for word in before:
        world.ask(stage, word)
    answer = world.ask(stage, line)
    rows = world.ask(stage, "step list film/shot" if noun == "step" else "job list")[f"{noun}s"]
    assert answer["name"] == next(row["name"] for row in rows if row["id"] == answer["id"])
    assert answer[noun] == answer["id"]


@pytest.mark.parametrize("row", [row for row in TABLE if row.role != MACHINE], ids=lambda row: row.name)
def test_whoever_may_not_change_the_farm_may_call_only_what_does_not(row: Any) -> None:
    """What a client may ask again after a broken connection (docs/python.md): whatever makes no event."""
    given = get_type_hints(row.run)["return"]
    makes = inspect.isclass(given) and issubclass(given, ev.Event)
    assert not makes or row.changes
    if inspect.isclass(given) and issubclass(given, Act):
        assert not row.changes


def test_the_description_of_the_api_says_what_changes_the_farm() -> None:
    methods = {one["name"]: one for one in world.ask(world.stage(), "rpc discover")["methods"]}
    assert {name: one["x-changes"] for name, one in methods.items()} == {
        name: row.changes for name, row in COMMANDS.rows.items()
    }
    assert [methods[name]["x-changes"] for name in ("worker.list", "farm.why", "worker.enable", "job.create")] == [
        False, False, True, True,
    ]  # fmt: skip
