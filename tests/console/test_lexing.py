"""The line as it is typed: nothing is lost in cutting it, and it goes on while something is open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.commands import COMMANDS
from brender.console.lexing import goes_on, pieces
from brender.wire.words import split

LINES = st.text(alphabet="wok er.list'\"\\{}[]=-,:aä1\n\t", max_size=60)


def kinds(line: str) -> list[tuple[str, str]]:
    return [piece for piece in pieces(COMMANDS, line) if piece[0] != "space"]


@given(LINES)
def test_the_pieces_are_the_line(line: str) -> None:
    assert "".join(text for _, text in pieces(COMMANDS, line)) == line


@given(LINES)
def test_a_line_that_is_whole_can_be_split_into_words(line: str) -> None:
    """What does not go on is understood, or refused with a reason: it never waits for ever."""
    if not goes_on(line) and not line.rstrip().endswith("\\"):
        try:
            split(line)
        except ValueError:
            assert line.endswith("\n")  # the empty line that ends whatever was open


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("worker list", [("noun", "worker"), ("verb", "list")]),
        ("ENABLE all", [("verb", "ENABLE"), ("word", "all")]),
        ("worker disable tag=gpu", [("noun", "worker"), ("verb", "disable"), ("word", "tag=gpu")]),
        (
            "worker list limit=5 -x --all",
            [*kinds("worker list"), ("key", "limit="), ("word", "5"), *kinds("x -x --all")[1:]],
        ),
        ("wroker list", [("error", "wroker"), ("word", "list")]),
        ("worker lsit", [("noun", "worker"), ("error", "lsit")]),
        ("wor", [("word", "wor")]),
        ("wor ", [("error", "wor")]),
        ("worker li", [("noun", "worker"), ("word", "li")]),
        ("worker ?", [("noun", "worker"), ("flag", "?")]),
        ("alarm rule list", [("noun", "alarm"), ("noun", "rule"), ("verb", "list")]),
        ("alarm list", [("noun", "alarm"), ("verb", "list")]),
        ("alarm rule lsit", [("noun", "alarm"), ("noun", "rule"), ("error", "lsit")]),
        ("alarm ru", [("noun", "alarm"), ("word", "ru")]),
        ("alarm rule", [("noun", "alarm"), ("noun", "rule")]),
        ("alarm rule ?", [("noun", "alarm"), ("noun", "rule"), ("flag", "?")]),
        (
            "alarm rule add hot condition=above",
            [*kinds("alarm rule"), ("verb", "add"), ("word", "hot"), ("key", "condition="), ("word", "above")],
        ),
        ("quit", [("verb", "quit")]),
        ("echo 'a b' x", [("verb", "echo"), ("string", "'a b'"), ("word", "x")]),
        ("task kill shot/noop -3", [("noun", "task"), ("verb", "kill"), ("word", "shot/noop"), ("word", "-3")]),
    ],
)
def test_each_piece_is_told_what_it_is(line: str, found: list[tuple[str, str]]) -> None:
    assert kinds(line) == found


def test_json_is_one_string_with_its_blanks() -> None:
    line = 'job create x params={"a": [1, 2], "b": "} c"} function=echo'
    assert ("key", "params=") in kinds(line)
    assert ("string", '{"a": [1, 2], "b": "} c"}') in kinds(line)


@pytest.mark.parametrize(
    "line",
    [
        "echo 'it",
        'echo "a',
        'x params={"a": [1,',
        "x params={",
        'x {"a": "}',
        'job create -j \'{"project":',
        "x [1, [2]",
    ],
)
def test_a_line_goes_on_while_a_quote_or_a_bracket_is_open(line: str) -> None:
    assert goes_on(line)
    assert not goes_on(f"{line}\n")  # an empty line ends it


@pytest.mark.parametrize(
    "line",
    ["", "worker list", "echo it\\'s", 'x params={"a": "]"}', "worker list render-[01", "x {} []", "'a' \"b\"", "x }"],
)
def test_a_whole_line_is_entered_at_once(line: str) -> None:
    assert not goes_on(line)
