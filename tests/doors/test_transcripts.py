"""The telnet conversations in docs/transcripts, had again with the real telnet: every line on the screen is compared.

A transcript is what a person sees. What stands after a prompt is typed; what varies is written <so>.
`BRENDER_RECORD=1 pytest tests/doors/test_transcripts.py` writes the answers down anew; then read the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from .peers import LIMIT, Farm, Screen

HERE = Path(__file__).parents[2] / "docs" / "transcripts"
PROMPT = "brender> "
COLUMNS = 96
VARIES = {
    "port": r"\d+",
    "number": r"\d+",
    "mac": r"[0-9a-f]{12}",
    "dateandclock": r"\d\d-\d\d \d\d:\d\d:\d\d",  # as wide as what it stands for, and so is the next
    "sec": r"\d\.\d s",
    "mb": r"[ \d]\d",
}


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Farm]:
    """Each conversation has a farm of its own, so that its numbers begin at 1."""
    made = Farm(tmp_path)
    try:
        made.worker()
        yield made
    finally:
        made.end()


def pattern(line: str) -> str:
    """The regular expression of a line with <placeholders>."""
    parts = re.split(r"<([a-z]+)>", line)
    return "".join(
        VARIES[part] if place % 2 and part in VARIES else re.escape(f"<{part}>" if place % 2 else part)
        for place, part in enumerate(parts)
    )


def typed(lines: list[str]) -> list[int]:
    """The places of the lines that a person entered."""
    return [place for place, line in enumerate(lines) if line.startswith(PROMPT)]


def expect(screen: Screen, lines: list[str], prompted: bool) -> None:
    """Wait until the screen shows exactly these lines, and a prompt under them."""
    wanted = re.compile("\n".join(map(pattern, lines)) + (f"\n{PROMPT}" if prompted else "\n*"))
    while not wanted.fullmatch(screen.text):
        if not screen.more(LIMIT):
            assert screen.lines == [*lines, PROMPT if prompted else ""]


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_the_farm_still_answers_as_the_transcript_says(doors: Farm, path: Path) -> None:
    """BR-05, BR-18..20, SP-26..38: a transcript that is not true fails."""
    lines = path.read_text().rstrip("\n").split("\n")
    assert lines[0] == "$ telnet 127.0.0.1 <port>"
    del lines[0]
    screen = doors.telnet(COLUMNS)
    if "BRENDER_RECORD" in os.environ:
        return record(screen, path, lines, doors.workers()["render-01"]["mac"])
    for place in typed(lines):
        expect(screen, lines[:place], prompted=True)
        screen.type(lines[place].removeprefix(PROMPT) + "\r")
    screen.finish()
    expect(screen, lines, prompted=False)


def told(ends: int, text: str) -> bool:
    """Whether so many jobs have ended on the screen, and a prompt follows."""
    return text.count("\n[job.ended]") >= ends and text.endswith(PROMPT)


def record(screen: Screen, path: Path, lines: list[str], mac: str) -> None:
    """Have the conversation once and keep what was seen; an event that the old text has is waited for."""
    screen.prompt()
    places = typed(lines)
    for place, after in zip(places, [*places[1:], len(lines)], strict=True):
        line = lines[place].removeprefix(PROMPT)
        if line == "quit":
            screen.type("quit\r")
            screen.finish()
            break
        screen.enter(line)
        ends = sum(answer.startswith("[job.ended]") for answer in lines[:after])
        screen.wait(partial(told, ends), f"the end of {ends} jobs")
    text = re.sub(r"(after number |starts in |has )\d+(?=\.| s\.| MiB)", r"\1<number>", screen.text)
    text = text.replace(mac, "<mac>")
    text = re.sub(r"(error13  )[ \d]\d(?=  )", r"\1<mb>", text)
    for name in ("dateandclock", "sec"):
        text = re.sub(rf"\b{VARIES[name]}\b", f"<{name}>", text)
    path.write_text(f"$ telnet 127.0.0.1 <port>\n{text.rstrip()}\n")
