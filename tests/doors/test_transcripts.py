"""The telnet conversations in docs/transcripts, had again with the real telnet: every line on the screen is compared.

They are had with the master's own editor, and again in the console, which must say the same.

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

from .peers import LIMIT, Farm, Screen, until
from .tmux import Pane

HERE = Path(__file__).parents[2] / "docs" / "transcripts"
PROMPT = "brender> "
COLUMNS = 96
VARIES = {
    "port": r"\d+",
    "number": r"\d+",
    "mac": r"[0-9a-f]{12}",
    "dateandclock": r"\d\d-\d\d \d\d:\d\d:\d\d",  # as wide as what it stands for, and so is the next
    "sec": r"\d\.\d s",
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


QUESTION = re.compile(r"^\S+ \S+ touches [^?]*\? y or n (?:yes|no)\n", re.MULTILINE)
DRAWN_IN_PLACE = ("history-and-logs",)  # it watches a job, which the console draws and does not write line by line


def beside(text: str) -> str:
    """The conversation on the console's screen without what only the console has: its questions and the bar."""
    lines = QUESTION.sub("", text).split("\n")
    return "\n".join(line.rstrip() for line in lines if not line.startswith(" workers "))


@pytest.mark.parametrize(
    "path", [path for path in sorted(HERE.glob("*.txt")) if path.stem not in DRAWN_IN_PLACE], ids=lambda path: path.stem
)
def test_the_console_has_the_same_conversation(tmp_path: Path, path: Path) -> None:
    """DESIGN 1: the two doors say the same, whichever of them a person gets."""
    lines = [line.rstrip() for line in path.read_text().rstrip("\n").split("\n")[1:]]
    farm = Farm(tmp_path, console=True)
    try:
        farm.worker()
        pane = Pane(tmp_path / "pane", ["telnet", "127.0.0.1", str(farm.port)], COLUMNS, 400)
        farm.peers.append(pane)
        for place in typed(lines):
            wanted = re.compile("\n".join(map(pattern, [*lines[:place], PROMPT.rstrip()])))
            until(partial(heard, pane, wanted), f"\n{lines[:place]}\nas in\n{pane.unwrapped}")
            pane.enter(lines[place].removeprefix(PROMPT))
        pane.see("Connection closed by foreign host.")
    finally:
        farm.end()


def heard(pane: Pane, wanted: re.Pattern[str]) -> bool:
    """Whether the screen is as wanted; a question on the way there is answered with yes."""
    if pane.text.endswith("Do it? y or n"):
        pane.press("y")
        pane.wait(lambda text: not text.endswith("y or n"), "the answer")
    return wanted.fullmatch(beside(pane.unwrapped)) is not None


def test_a_poor_terminal_has_it_too_beside_a_console(tmp_path: Path) -> None:
    """TERM=dumb: the master's own editor, byte for byte, though the console is there."""
    lines = (HERE / "first-five-minutes.txt").read_text().rstrip("\n").split("\n")[1:]
    farm = Farm(tmp_path, console=True)
    try:
        farm.worker()
        screen = farm.telnet(COLUMNS, terminal="dumb")
        for place in typed(lines):
            expect(screen, lines[:place], prompted=True)
            screen.type(lines[place].removeprefix(PROMPT) + "\r")
        screen.finish()
        expect(screen, lines, prompted=False)
    finally:
        farm.end()


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
    for name in ("dateandclock", "sec"):
        text = re.sub(rf"\b{VARIES[name]}\b", f"<{name}>", text)
    path.write_text(f"$ telnet 127.0.0.1 <port>\n{text.rstrip()}\n")
