"""docs/cli.md says what is so: flags, exit codes, settings, and examples that the grammar understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from brender import endings
from brender.commandline.flags import FLAGS, take
from brender.commandline.pages import CODES
from brender.commandline.settings import KNOWN
from brender.commands import COMMANDS

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
EXAMPLES = re.findall(r"^\$ brender (.+)$", PAGE, re.MULTILINE)


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_flag_is_there_and_no_other() -> None:
    told = set(re.findall(r"--[a-z][a-z-]+", section("Flags").partition("Programs of their own")[0]))
    told |= {"--color", "--no-colour"}  # the other spelling goes without saying
    assert told == {name for flag in FLAGS for name in flag.names}


def test_every_exit_code_is_there_and_no_other() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)}
    known = {value for name, value in vars(endings).items() if name.isupper() and isinstance(value, int)}
    assert told == known == {int(code) for code, _ in CODES}


def test_every_setting_is_there_with_its_variable() -> None:
    rows = section("Settings")
    for key, one in KNOWN.items():
        assert f"`{one.variable}`" in rows and f"`{key}: " in rows


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_understood(line: str) -> None:
    assert COMMANDS.resolve(take(shlex.split(line.partition(" | ")[0])).words)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3
