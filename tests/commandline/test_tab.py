"""What Tab is offered without any farm, and what each shell is given of it."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender import cli
from brender.commandline import completion
from brender.commandline.programs import ALL
from brender.commandline.tab import Offer, Tab, tab
from brender.commands import COMMANDS

NOBODY = "--master 127.0.0.1:1"
BREAKS = " \t\n\"'@><=;|&(:"  # bash's own
PIECES = [
    "worker",
    "list",
    "job",
    "create",
    "-f",
    "--",
    "--master",
    "127.0.0.1:1",
    "render",
    "'",
    '"',
    "\\",
    "=",
    "tag=",
]


def texts(line: str) -> list[str]:
    return [offer.text for offer in tab(line).offers]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("brender {} ", ["worker", "job", "render", "config", "clients"]),
        ("brender {} wo", ["worker", "workers"]),
        ("brender {} job ", ["submit", "check", "list", "stop-all"]),
        ("brender {} worker list ", ["online", "limit="]),
        ("brender {} worker list --", ["--json", "--json-lines", "--watch", "--as"]),
        ("brender {} job create a --", ["--run", "--json"]),
        ("brender --format ", ["text", "json", "json-lines"]),
        ("brender --colour a", ["auto", "always"]),
        ("brender {} -", ["--json", "--no-color"]),
        ("brender render --m", ["--movie", "--master"]),
        ("brender job submit --par", ["--parameters"]),
        ("brender completion ", ["bash", "zsh", "fish"]),
        ("/opt/brender/bin/brender {} worker en", ["enable"]),
        ("brender {} worker disable ", ["all", "tag="]),
    ],
)
def test_words_that_need_no_farm_are_offered(line: str, wanted: list[str]) -> None:
    found = texts(line.format(NOBODY))
    if wanted[-1] == "tag=":
        wanted = wanted[:-1]  # tags are the farm's
    assert set(wanted) <= set(found), found


def test_flags_that_are_there_or_mean_nothing_here_are_not_offered() -> None:
    assert "--json" not in texts(f"brender {NOBODY} worker list --json --")
    assert "--watch" not in texts(f"brender {NOBODY} worker enable --") and "--yes" not in texts(
        "brender worker list --"
    )
    assert "--wait" in texts(f"brender {NOBODY} job run --") and "--wait" not in texts(f"brender {NOBODY} job stop --")


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("brender render ", True),
        ("brender render --movie ", True),
        ("brender job create -f ", True),
        ("brender job create file=", True),
        ("brender job submit ", True),
        ("brender task log a -f ", False),
        ("brender worker list ", False),
        ("brender --master ", False),
    ],
)
def test_files_are_meant_where_a_program_or_a_parameter_reads_one(line: str, files: bool) -> None:
    assert (
        tab(line.replace("brender ", f"brender {NOBODY} ") if "worker" in line or "log" in line else line).files
        is files
    )


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=6))
def test_no_line_is_a_reason_to_fail(words: list[str]) -> None:
    line = f"brender {NOBODY} {' '.join(words)}"
    found = tab(line)
    assert line.endswith(found.typed)
    assert all(offer.text for offer in found.offers)


@given(st.text(min_size=1, max_size=12).filter(str.isprintable), st.integers(0, 12))
def test_bash_gets_a_word_that_it_reads_as_that_word(word: str, cut: int) -> None:
    """The part after the last break replaces the part after the last break; together they are the word."""
    name = f"tag={word}"
    typed = "tag=" + word[:cut] if re.fullmatch(r"\w*", word[:cut]) else "tag="
    [text] = completion._for_bash(Tab(typed, [Offer(name)]), BREAKS)
    kept = typed[: typed.rindex("=") + 1]
    if not text.endswith("="):
        assert shlex.split(kept + text) == [name]


def test_in_open_quotes_bash_quotes_by_itself() -> None:
    assert completion._for_bash(Tab('"two w', [Offer("two words")]), BREAKS) == ["two words"]


def test_what_a_word_is_fits_beside_it_and_is_harmless() -> None:
    offers = [Offer("a", "Stop a job: nothing new starts."), Offer("b", "x" * 99), Offer("c", "\x1b[2Jd\te")]
    lines = completion._with_meaning(Tab("", offers))
    assert lines[0] == "a\tStop a job" and len(lines[1]) == completion.WIDEST + 2
    assert lines[2] == "c\t\\x1b[2Jd\\x09e"


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_shell_has_a_script_and_an_answer(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    assert "completion answer" in capsys.readouterr().out
    assert cli.main(["completion", "answer", shell, f"brender {NOBODY} worker ena", BREAKS]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "words" and second.split("\t")[0] == "enable"
    cli.main(["completion", "answer", shell, "brender render ", BREAKS])
    assert capsys.readouterr().out == "files\n"


def test_a_shell_that_is_not_known_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "fsh"]) == 2
    assert "Did you mean fish" in capsys.readouterr().err
    assert cli.main(["completion"]) == 0
    assert "source <(brender completion bash)" in capsys.readouterr().out


def test_every_program_can_be_asked_for_its_options() -> None:
    for name in ALL:
        if name != "completion":
            assert texts(f"brender {name} --"), name


def test_every_word_that_begins_a_command_is_offered() -> None:
    found = set(texts(f"brender {NOBODY} "))
    nouns = {noun.partition("_")[0] for noun in COMMANDS.nouns()}  # `alarm rule` begins with alarm
    assert found >= {*nouns, *(name.split()[0] for name in ALL)}
