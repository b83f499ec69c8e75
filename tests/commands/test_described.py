"""A table made from an rpc.discover document reads words as the table does that the document describes."""

from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from brender.commands import COMMANDS
from brender.commands.channel_values import PARAMETERS
from brender.commands.described import table_of
from brender.commands.discovery import openrpc, page
from brender.commands.table import Row
from brender.errors import BrenderError, Unsupported

DOCUMENT = json.loads(json.dumps(openrpc(COMMANDS, "3.0.0")))
THEIRS = table_of(DOCUMENT)
SPOKEN = [row for row in COMMANDS.rows.values() if row.spoken]
PIECES = [
    "a",
    "tag=gpu",
    "all",
    "3",
    "--run",
    "--force",
    "-f",
    "-w",
    "-j",
    "x=1",
    "limit=5",
    "name=b",
    "--",
    "params=[1]",
]


def read(table: object, name: str, words: list[str]) -> object:
    row = table.rows[name]  # type: ignore[attr-defined]
    signature = table.signature(row)  # type: ignore[attr-defined]
    try:
        return signature.given(signature.read_words(words))
    except BrenderError as error:
        return error.code


@example(COMMANDS.rows["worker.set"], ["tag=gpu", "all", "tags=x"])
@example(COMMANDS.rows["session.echo"], ["a=b", "name=c"])
@given(st.sampled_from(SPOKEN), st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=6))
def test_words_are_read_the_same(row: Row, words: list[str]) -> None:
    """BR-12. Bounds of numbers are the farm's own to check."""
    ours, theirs = read(COMMANDS, row.name, words), read(THEIRS, row.name, words)
    assert ours == theirs or (ours == -32602 and isinstance(theirs, dict))


@pytest.mark.parametrize("row", SPOKEN, ids=lambda row: row.name)
def test_rows_look_the_same(row: Row) -> None:
    theirs = THEIRS.rows[row.name]
    assert THEIRS.signature(theirs).usage == COMMANDS.signature(row).usage
    mine, told = page(COMMANDS, row), page(THEIRS, theirs)
    assert {**mine, "parameters": []} == {**told, "parameters": []}
    assert [one["name"] for one in mine["parameters"]] == [one["name"] for one in told["parameters"]]
    for name in Row.__struct_fields__:
        if name not in ("run", "reads", "silent", "selects", "moving"):
            assert getattr(theirs, name) == getattr(row, name), name


def test_every_example_is_resolved_to_the_same_params() -> None:
    for row in SPOKEN:
        words = shlex.split(row.example)
        (mine, given), (told, taken) = COMMANDS.resolve(words), THEIRS.resolve(words)
        assert mine.name == told.name
        assert COMMANDS.signature(mine).given(given) == THEIRS.signature(told).given(taken)


def test_nouns_and_aliases_are_the_same() -> None:
    assert THEIRS.nouns() == COMMANDS.nouns()
    assert THEIRS.aliases == COMMANDS.aliases


def test_a_bare_document_of_another_maker_still_gives_words() -> None:
    """Nothing but what OpenRPC asks for: every parameter is then written key=value."""
    method = {
        "name": "gadget.spin",
        "params": [
            {"name": "gadget", "required": True, "schema": {"type": "string"}},
            {"name": "times", "schema": {"type": "integer"}},
            {"name": "fast", "schema": {"type": "boolean"}},
            {"name": "how", "schema": {"enum": ["left", "right"]}},
            {"name": "odd", "schema": {}},
        ],
    }
    table = table_of({"methods": [method]})
    row, params = table.resolve(["gadget", "spin", "gadget=g", "times=3", "--fast", "how=left", "odd=x"])
    given = table.signature(row).given(params)
    assert given == {"gadget": "g", "times": 3, "fast": True, "how": "left", "odd": "x"}
    with pytest.raises(BrenderError, match="times must be"):
        table.resolve(["gadget", "spin", "gadget=g", "times=many"])
    with pytest.raises(Unsupported):
        row.run(None)


@pytest.mark.parametrize("document", [{}, {"methods": 3}, {"methods": [{}]}, {"methods": [{"name": "a.b"}]}])
def test_what_is_no_such_document_is_no_table(document: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        table_of(document)


def test_a_form_is_told_the_attributes_that_travel_as_one_object() -> None:
    """Issue 6 item 3: a page makes a field of each."""
    (rule,) = [one for one in DOCUMENT["methods"] if one["name"] == "alarm_rule.add"]
    (values,) = [one for one in rule["params"] if one["name"] == "values"]
    told = {one["name"]: one for one in values["x-word"]["attributes"]}
    assert list(told)[:5] == ["source", "selector", "condition", "threshold", "for"]
    assert told["condition"]["choices"] == ["above", "below", "change", "absent", "rate"]
    assert told["enabled"]["choices"] == ["false", "true"]
    assert all(one["about"] for one in told.values())
    assert "attributes" not in rule["params"][0]["x-word"]


@pytest.mark.parametrize("method", ["channel.add", "channel.set"])
def test_a_form_of_a_channel_has_a_field_for_each_parameter_of_its_types(method: str) -> None:
    (document,) = [one for one in DOCUMENT["methods"] if one["name"] == method]
    (values,) = [one for one in document["params"] if one["name"] == "values"]
    told = {one["name"]: one["about"] for one in values["x-word"]["attributes"]}
    assert {"device", "key", "type", *PARAMETERS} <= told.keys()
    assert ("name" in told, "manager" in told) == ((False, True) if method == "channel.add" else (True, False))
    assert all(told.values())
