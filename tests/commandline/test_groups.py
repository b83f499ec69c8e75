"""Words of a shell mean what they mean at the prompt; pages of help need no farm and say what to do next."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from brender import cli
from brender.commandline import pages
from brender.commandline.groups import Noun, Root, Verb, Vocabulary
from brender.commandline.programs import ALL
from brender.commands import COMMANDS
from brender.commands.table import Row, Table
from brender.errors import BrenderError, UnknownCommand

SPOKEN = [row for row in COMMANDS.rows.values() if row.spoken]
PROGRAMS = [(name, text) for name, (_, text) in ALL.items()]


class Heard:
    """Who carries commands out here: remembers what was wanted."""

    def __init__(self, newer: Table | None = None) -> None:
        self.said: list[tuple[str, list[str]]] = []
        self.asked = 0
        self._newer = newer
        self.root = Root(Vocabulary(COMMANDS, self.say, self.newer, PROGRAMS))

    def say(self, table: Table, row: Row, words: list[str]) -> int:
        self.said.append((row.name, words))
        return 0

    def newer(self) -> Table | None:
        self.asked += 1
        return self._newer

    def main(self, words: list[str]) -> int:
        return int(self.root.main(words, prog_name="brender", standalone_mode=False) or 0)


@pytest.mark.parametrize("row", SPOKEN, ids=lambda row: row.name)
def test_every_example_reaches_its_command_with_its_words(row: Row) -> None:
    heard = Heard()
    words = shlex.split(row.example)
    assert heard.main(words) == 0
    assert heard.said == [(row.name, COMMANDS.split(words)[1])]
    for alias in COMMANDS.aliases_of(row):
        heard.main([*alias.replace("_", "-").upper().split("."), "-x", "a b"])
        assert heard.said[-1] == (row.name, ["-x", "a b"])
    heard.main([row.name, "x"])
    assert heard.said[-1] == (row.name, ["x"])


known = [word for row in SPOKEN for word in (row.noun, row.verb, row.name)] + list(COMMANDS.aliases)
line = st.lists(
    st.sampled_from(known) | st.sampled_from(["--", "--x", "-f", "a=b", "?"]) | st.text(max_size=4), max_size=4
)


@given(line)
def test_words_mean_what_they_mean_at_the_prompt(words: list[str]) -> None:
    """BR-12. Help apart: a page of help is one of the shell's own here."""
    if not words or {"?", "-h", "--help"} & set(words) or words[0] == "--" or words[1:2] == ["--"]:
        return
    try:
        row, rest = COMMANDS.split(words)
        wanted: object = (row.name, rest)
    except UnknownCommand as error:
        wanted = error.envelope() if not COMMANDS.verbs(words[0].lower()) or len(words) > 1 else None
    heard = Heard()
    try:
        heard.main(words)
        found: object = heard.said[0] if heard.said else None
    except BrenderError as error:
        found = error.envelope()
    assert found == wanted


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_page_fits_the_window(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    texts = [pages.root(COMMANDS, PROGRAMS)]
    texts += [pages.noun(COMMANDS, noun) for noun in COMMANDS.nouns()]
    texts += [pages.command(COMMANDS, row) for row in SPOKEN]
    for text in texts:
        wide = [one for one in text.splitlines() if len(one) > width and len(one.split()) > 1]
        assert [one for one in wide if not one.strip().startswith("brender ")] == [], text


def examples(text: str) -> list[list[str]]:
    return [shlex.split(found) for found in re.findall(r"^  brender (.+?)(?:  +.*)?$", text, re.MULTILINE)]


@pytest.mark.parametrize("row", SPOKEN, ids=lambda row: row.name)
def test_a_page_of_a_command_has_its_words_an_example_and_what_is_next(row: Row) -> None:
    text = pages.command(COMMANDS, row)
    assert text.startswith(f"Usage: brender {row.usage.split()[0] if row.usage else row.words}")
    assert row.text.split()[0] in text and f"Role: {row.role or 'anybody'}" in text
    for one in COMMANDS.signature(row).parameters:
        assert one.loose or one.name.replace("_", "-") in text.replace("_", "-")
    assert text.count("\nExample:") == 1
    found = examples(text)
    assert found[0] == shlex.split(row.example)
    assert len(found) > 1 or len(COMMANDS.verbs(row.noun)) == 1
    for words in found:
        assert COMMANDS.resolve(words)


@pytest.mark.parametrize("noun", COMMANDS.nouns())
def test_a_page_of_a_noun_has_its_verbs_and_examples(noun: str) -> None:
    text = pages.noun(COMMANDS, noun)
    assert all(f"\n  {row.verb.replace('_', '-')} " in text for row in COMMANDS.verbs(noun))
    assert all(COMMANDS.resolve(words) for words in examples(text)) and examples(text)
    assert f"Next: brender {noun.replace('_', ' ')} " in text


def test_the_first_page_has_nouns_programs_flags_codes_and_first_steps() -> None:
    text = pages.root(COMMANDS, PROGRAMS)
    assert all(f"\n  {noun.replace('_', ' ')} " in text for noun in COMMANDS.nouns())
    assert all(f"brender {name}" in text for name in ALL)
    assert all(word in text for word in ("--json-lines", "--watch", "First steps:", "not understood", "no master"))


@pytest.mark.parametrize(
    ("words", "head"),
    [
        ([], "Usage: brender NOUN"),
        (["--help"], "Usage: brender NOUN"),
        (["-h"], "Usage: brender NOUN"),
        (["?"], "Usage: brender NOUN"),
        (["worker"], "Usage: brender worker VERB"),
        (["worker", "?"], "Usage: brender worker VERB"),
        (["WORKER", "--help"], "Usage: brender worker VERB"),
        (["job", "--help"], "Usage: brender job VERB"),
        (["worker", "list", "--help"], "Usage: brender worker list"),
        (["worker", "list", "-h"], "Usage: brender worker list"),
        (["worker", "list", "online", "?"], "Usage: brender worker list"),
        (["worker", "list", "--help", "online"], "Usage: brender worker list"),
        (["clients", "--help"], "Usage: brender worker list"),
        (["enable", "--help"], "Usage: brender worker enable"),
    ],
)
def test_help_needs_no_farm(words: list[str], head: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--master", "127.0.0.1:1"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(head) and said.err == ""


def test_words_that_are_files_here_are_on_the_page_of_their_noun(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["job", "--help"])
    assert "\n  submit " in capsys.readouterr().out


def newer_table() -> Table:
    def spin(call: object) -> None:
        """Spin gadgets."""

    row = Row("gadget.spin", spin, "operator", "gadget spin")
    return Table([*COMMANDS.rows.values(), row], {**COMMANDS.aliases, "spin": "gadget.spin"})


def test_words_of_a_newer_master_are_reached_and_our_own_are_not_asked_about() -> None:
    heard = Heard(newer_table())
    heard.main(["worker", "list"])
    assert heard.asked == 0
    heard.main(["gadget", "spin", "fast"])
    heard.main(["spin", "x"])
    heard.main(["gadget.spin"])
    assert heard.said[1:] == [("gadget.spin", ["fast"]), ("gadget.spin", ["x"]), ("gadget.spin", [])]


def test_a_word_that_no_master_knows_is_refused_with_the_nearest_of_ours() -> None:
    with pytest.raises(UnknownCommand, match="wroker") as refused:
        Heard(newer_table()).main(["wroker", "list"])
    assert refused.value.hint == "Did you mean worker or workers?"


def test_the_groups_are_ordinary_click_groups() -> None:
    """Whatever walks a click program (docs, completion) can walk this one."""
    root = Heard().root
    context = root.make_context("brender", [], resilient_parsing=True)
    assert root.list_commands(context) == COMMANDS.nouns()
    noun = root.get_command(context, "worker")
    assert isinstance(noun, Noun) and "list" in noun.list_commands(context)
    verb = noun.get_command(context, "list")
    assert isinstance(verb, Verb) and "worker list" in CliRunner().invoke(verb, ["--help"]).output
    assert root.get_command(context, "nothing") is None and noun.get_command(context, "nothing") is None


def test_the_main_composes_and_is_short() -> None:
    """DESIGN 2: mains compose and decide nothing."""
    assert len(Path(cli.__file__).read_text().splitlines()) <= 150
