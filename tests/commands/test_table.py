"""The table as a whole: every row is documented, allowed to somebody, and the same at every door."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.commands import COMMANDS, TABLE
from brender.commands.calls import MACHINE, ROLES, check, may
from brender.commands.reference import document
from brender.core import events as ev
from brender.errors import BrenderError, Forbidden, InvalidParams, Unauthorised, UnknownCommand

from . import world

SPOKEN = [row for row in TABLE if row.spoken]
STAGE = world.stage()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_row_has_a_summary_a_known_role_and_described_parameters(row: Any) -> None:
    assert row.summary.endswith((".", ".)")), row.summary
    assert row.role in ("", MACHINE, *ROLES)
    if row.spoken:
        assert all(one.text or one.kind for one in COMMANDS.signature(row).parameters)


@pytest.mark.parametrize("row", SPOKEN, ids=lambda row: row.name)
def test_the_example_of_every_command_is_understood_as_that_command(row: Any) -> None:
    found, _ = COMMANDS.resolve(shlex.split(row.example))
    assert found is row


def test_every_alias_names_a_row_that_exists() -> None:
    assert set(COMMANDS.aliases.values()) <= set(COMMANDS.rows)
    assert not set(COMMANDS.aliases) & set(COMMANDS.rows)


def test_no_noun_is_also_a_short_word() -> None:
    assert not set(COMMANDS.nouns()) & set(COMMANDS.aliases)


def test_the_reference_in_docs_is_the_one_the_table_gives() -> None:
    assert Path(__file__).parents[2].joinpath("docs/commands.md").read_text("utf-8") == document()


@pytest.mark.parametrize("row", SPOKEN, ids=lambda row: row.name)
def test_words_and_json_and_the_command_line_give_the_same_params(row: Any) -> None:
    """BR-12: what the CLI sends is what the words meant."""
    found, params = COMMANDS.resolve(shlex.split(row.example))
    wire = msgspec.json.decode(msgspec.json.encode(COMMANDS.signature(found).given(params)))
    assert COMMANDS.read(row.name, wire) == (row, params)
    assert COMMANDS.read(row.name.replace("_", "-"), wire) == (row, params)


WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [word for row in SPOKEN for word in row.example.split()]
        + [
            "-j",
            "-f",
            "-p",
            "-w",
            "-t",
            "--run",
            "--",
            "tag=gpu",
            "all",
            "{}",
            "[",
            "1-9999999999",
            "limit=0",
            "x=y",
            "params=[",
        ]
    ),
)


@given(st.lists(WORDS, max_size=6))
def test_hostile_words_meet_errors_of_brender_or_make_events(words: list[str]) -> None:
    """Bad input never crashes: whatever is typed is data, an event, an act, or a BrenderError."""
    try:
        row, params = COMMANDS.resolve(words)
        COMMANDS.run(world.call(STAGE), row, params)
    except BrenderError as error:
        assert error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(TABLE), st.data())
def test_hostile_params_meet_errors_of_brender(row: Any, data: Any) -> None:
    names = [one.name for one in COMMANDS.signature(row).parameters]
    keys = st.sampled_from(names) if names else st.text(max_size=5)
    params = data.draw(st.dictionaries(keys, JSON, max_size=4) | st.lists(JSON, max_size=3) | st.none())
    try:
        found, read = COMMANDS.read(row.name, params)
        COMMANDS.run(world.call(STAGE, role=MACHINE if row.role == MACHINE else "admin"), found, read)
    except BrenderError as error:
        assert error.message


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_role_meets_every_row_as_the_table_says(row: Any) -> None:
    for role in ("", MACHINE, "somebody", *ROLES):
        if may(role, row.role):
            check(role, row.role, row.words)
        else:
            with pytest.raises((Forbidden, Unauthorised)):
                check(role, row.role, row.words)


def test_roles_climb_and_machines_stand_beside() -> None:
    assert [may(role, "operator") for role in ROLES] == [False, False, True, True]
    assert not may(MACHINE, "viewer") and not may("admin", MACHINE) and may(MACHINE, MACHINE)
    assert not may("admin", "a role nobody knows")


def test_an_unknown_command_names_the_nearest() -> None:
    with pytest.raises(UnknownCommand, match="no verb 'enabel'") as caught:
        COMMANDS.resolve(["worker", "enabel", "x"])
    assert caught.value.hint == "Did you mean enable?"
    with pytest.raises(UnknownCommand, match="no command 'clinets'") as caught:
        COMMANDS.resolve(["clinets"])
    assert "clients" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("job priority shot", "needs <priority>"),
        ("job priority shot high", "priority must be a whole number"),
        ("job priority shot 101", "priority must be"),
        ("job priority shot 1 2", "'2' is one word too many"),
        ("worker show x colour=red", "no parameter 'colour'"),
        ("job create x priority=", "priority must be a whole number"),
        ("job run x -p", "-p needs a value"),
        ("job run x -p a -p b", "project is given twice"),
        ("worker set x", "needs <values>"),
        ("job create x run=perhaps", "run must be true or false."),
    ],
)
def test_wrong_arguments_are_named_with_the_usage(line: str, said: str) -> None:
    with pytest.raises(InvalidParams, match="Usage") as caught:
        _raise_whole(line)
    assert said in caught.value.message


def _raise_whole(line: str) -> None:
    try:
        COMMANDS.resolve(shlex.split(line))
    except InvalidParams as error:
        raise _Whole(error) from error


class _Whole(InvalidParams):
    def __init__(self, error: InvalidParams) -> None:
        super().__init__(error.message, hint=error.hint)

    def __str__(self) -> str:
        return self.sentence()


@pytest.mark.parametrize(
    ("word", "meant"), [("yes", True), ("on", True), ("TRUE", True), ("1", True), ("no", False), ("off", False)]
)
def test_a_switch_takes_the_words_that_people_use(word: str, meant: bool) -> None:
    """BR-12."""
    _, params = COMMANDS.resolve(["job", "create", "x", f"run={word}"])
    assert params.run is meant


def test_unknown_json_params_are_refused_by_name() -> None:
    with pytest.raises(InvalidParams, match="no parameter 'colour'"):
        COMMANDS.read("worker.list", {"colour": "red"})
    with pytest.raises(InvalidParams, match="priority must be a whole number"):
        COMMANDS.read("job.priority", {"job": "x", "priority": "70"})


def test_json_params_may_be_a_list_and_spads_one_object() -> None:
    """SP: the original sent params:[{…}]."""
    assert COMMANDS.read("job.run", ["shot", "a"]) == COMMANDS.read("job.run", {"job": "shot", "step": "a"})
    assert COMMANDS.read("job.run", [{"job": "shot"}]) == COMMANDS.read("job.run", {"job": "shot"})


def test_openrpc_describes_every_method_with_a_schema_for_every_param() -> None:
    found = world.ask(STAGE, "rpc discover")
    assert [one["name"] for one in found["methods"]] == [row.name for row in TABLE]
    assert all("schema" in param for one in found["methods"] for param in one["params"])
    msgspec.json.encode(found)


def test_no_command_of_the_table_changes_a_farm_by_itself() -> None:
    """Commands return values: only a turn of the core changes anything."""
    stage = world.stage()
    before = msgspec.json.encode(
        [list(stage.farm.table(name).values()) for name in ("worker", "project", "job", "step")]
    )
    for row in SPOKEN:
        try:
            found, params = COMMANDS.resolve(shlex.split(row.example))
            answer = COMMANDS.run(world.call(stage), found, params)
        except BrenderError:
            continue
        assert answer is None or isinstance(answer, ev.Event | dict | list | msgspec.Struct)
    after = msgspec.json.encode(
        [list(stage.farm.table(name).values()) for name in ("worker", "project", "job", "step")]
    )
    assert before == after
