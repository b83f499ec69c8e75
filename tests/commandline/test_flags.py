"""brender's own flags may stand anywhere among the words of a command, and take nothing else with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.commandline.flags import BY_NAME, FLAGS, take
from brender.commands import COMMANDS
from brender.errors import InvalidParams

NAMES = sorted(BY_NAME)
words = st.lists(st.text(min_size=1, max_size=8).filter(lambda word: word.partition("=")[0] not in BY_NAME))
flag = st.sampled_from(FLAGS).flatmap(
    lambda one: st.sampled_from(one.names).map(lambda name: [name, "word"] if one.place else [name])
)


@given(words, flag, st.data())
def test_a_flag_is_taken_out_wherever_it_stands(line: list[str], found: list[str], data: st.DataObject) -> None:
    end = line.index("--") if "--" in line else len(line)
    at = data.draw(st.integers(0, end))
    given = take([*line[:at], *found, *line[at:]])
    assert given.words == line
    key = BY_NAME[found[0]].key
    assert given.said[key] == (found[1] if len(found) > 1 else BY_NAME[found[0]].value, found[0])
    assert list(given.said) == [key]


@given(words, flag)
def test_what_stands_after_two_dashes_is_the_commands(line: list[str], found: list[str]) -> None:
    before = [word for word in line if word != "--"]
    given = take([*before, "--", *found])
    assert (given.words, given.said) == ([*before, "--", *found], {})


@pytest.mark.parametrize("line", [["--master"], ["a", "--as"], ["--format", "--", "json"]])
def test_a_flag_without_its_word_is_refused(line: list[str]) -> None:
    with pytest.raises(InvalidParams, match="needs a word"):
        take(line)


def test_a_value_may_follow_an_equals_sign_and_the_last_of_two_holds() -> None:
    given = take(["--master=a:1", "jobs", "--json", "--master", "b:2", "--json-lines"])
    assert given.words == ["jobs"]
    assert given.said["master"] == ("b:2", "--master") and given.said["format"].value == "json-lines"
    assert take(["--json=x"]).words == ["--json=x"], "a word of the command's own, which its grammar refuses"


def test_no_flag_is_the_name_of_a_parameter() -> None:
    """`--name x` is a parameter at every door; only json is ours here, where -j is the parameter."""
    names = {
        one.name.replace("_", "-")
        for row in COMMANDS.rows.values()
        if row.spoken
        for one in COMMANDS.signature(row).parameters
    }
    assert names & {name.removeprefix("--") for name in NAMES} == {"json"}
