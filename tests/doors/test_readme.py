"""The tour in README.md, entered at a real farm of one worker called vm: what it says is what one sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from .peers import ROOT, Farm

README = (ROOT / "README.md").read_text()
PROMPT = "brender> "


def tour() -> list[tuple[str, str]]:
    """Each line that somebody enters, and the first line of the answer; that of telnet itself is `clients`."""
    blocks = re.findall(r"^```\n(.*?)^```$", README, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [(line.removeprefix(PROMPT), answer) for line, answer in pairwise(lines) if line.startswith(PROMPT)]


def shape(line: str) -> str:
    """A line without what is another number or another width on another day."""
    return re.sub(r" +", " ", re.sub(r"\d+(\.\d+)?", "N", line)).strip()


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    made = Farm(tmp_path)
    try:
        made.worker("vm", 2)
        yield made
    finally:
        made.end()


def test_the_tour_is_what_one_sees(farm: Farm) -> None:
    entered = tour()
    assert {"clients", "undo", "why lost", "channel list *.cpu"} <= {line for line, _ in entered}
    said = farm.nc("".join(f"{line}\n" for line, _ in entered), "-q", "10").decode().split(PROMPT)
    answers = [one.splitlines() for one in said if one.strip()]
    assert len(answers) == len(entered), said
    for (line, answer), lines in zip(entered, answers, strict=True):
        assert shape(answer) in [shape(one) for one in lines], f"{line}: {lines}"


@pytest.mark.parametrize("path", re.findall(r"\]\((docs/[^)#]+)\)", README))
def test_what_it_leads_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()
