"""The telnet conversations in docs/transcripts, had again with the real telnet: every line on the screen is compared.

They are had with the master's own editor, and again in the console, which must say the same.

A transcript is what a person sees. What stands after a prompt is typed; what varies is written <so>. A line that begins
with # is not on the screen: `# elsewhere: LINE` is said by somebody else meanwhile, `# until: LINE => WORDS` waits for
such an answer, `# Ctrl-C` is a key.
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
ASIDE = "# "
COLUMNS = 96
VARIES = {
    "port": r"\d+",
    "number": r"\d+",
    "mac": r"[0-9a-f]{12}",
    "dateandclock": r"\d\d-\d\d \d\d:\d\d:\d\d",  # as wide as what it stands for, and so is the next
    "sec": r"\d\.\d s",
    "uuid": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "moment": r"(?:today|\w{3} \d\d \w{3}(?: \d{4})?) \d\d:\d\d(?::\d\d)?",
    "clock": r"\d\d:\d\d:\d\d",
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
    """The places of the lines at which somebody did something."""
    return [place for place, line in enumerate(lines) if line.startswith((PROMPT, ASIDE))]


def do(screen: Screen, doors: Farm, line: str) -> None:
    """What a line of a transcript says that was typed or done."""
    if line == f"{ASIDE}Ctrl-C":
        screen.type("\x03")
    elif line.startswith(ASIDE):
        aside(doors, line)
    else:
        screen.type(line.removeprefix(PROMPT) + "\r")


def aside(doors: Farm, line: str) -> None:
    """What somebody else does meanwhile, or what has to have happened before it goes on."""
    if line.startswith(f"{ASIDE}elsewhere: "):
        doors.nc(line.removeprefix(f"{ASIDE}elsewhere: ") + "\n", "-N")
    elif line.startswith(f"{ASIDE}until: "):
        asked, _, words = line.removeprefix(f"{ASIDE}until: ").partition(" => ")
        until(lambda: words.encode() in doors.nc(asked + "\n", "-N"), line)


def expect(screen: Screen, lines: list[str], end: str) -> None:
    """Wait until the screen shows exactly these lines, and an end as this pattern has it."""
    on_it = [line for line in lines if not line.startswith(ASIDE)]
    wanted = re.compile("\n".join(map(pattern, on_it)) + end)
    while not wanted.fullmatch(screen.text):
        if not screen.more(LIMIT):
            shown = screen.lines[:-1]
            same = [
                told if re.fullmatch(pattern(told), line) else line for told, line in zip(on_it, shown, strict=False)
            ]
            assert [*same, *shown[len(same) :]] == on_it, f"and then {screen.lines[-1]!r}, which is not {end!r}"


def follow(screen: Screen, doors: Farm, lines: list[str]) -> None:
    """Have the conversation of a transcript, line by line."""
    for place in typed(lines):
        expect(screen, lines[:place], f"\n{PROMPT}" if lines[place].startswith(PROMPT) else f"\n(?:{PROMPT})?")
        do(screen, doors, lines[place])
    screen.finish()
    expect(screen, lines, "\n*")


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_the_farm_still_answers_as_the_transcript_says(doors: Farm, path: Path) -> None:
    """BR-05, BR-18..20, SP-26..38: a transcript that is not true fails."""
    lines = path.read_text().rstrip("\n").split("\n")
    assert lines[0] == "$ telnet 127.0.0.1 <port>"
    del lines[0]
    screen = doors.telnet(COLUMNS)
    if "BRENDER_RECORD" in os.environ:
        return record(screen, doors, path, lines)
    follow(screen, doors, lines)


QUESTION = re.compile(r"^\S+ \S+ touches [^?]*\? y or n (?:yes|no)\n", re.MULTILINE)
DRAWN_IN_PLACE = (
    "history-and-logs",
    "watch-a-list",
)  # the console draws in one place what the editor writes line by line


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
            until(partial(heard, pane, lines[:place]), f"{lines[:place]}")
            if lines[place].startswith(PROMPT):
                pane.enter(lines[place].removeprefix(PROMPT))
            else:
                aside(farm, lines[place])
        pane.closed()
    finally:
        farm.end()


def heard(pane: Pane, lines: list[str]) -> bool:
    """Whether the screen shows these lines and a prompt; a question on the way there is answered with yes."""
    if pane.text.endswith("Do it? y or n"):
        pane.press("y")
        pane.wait(lambda text: not text.endswith("y or n"), "the answer")
    on_it = [pattern(line) for line in lines if not line.startswith(ASIDE)]
    return re.fullmatch("\n".join([*on_it, PROMPT.rstrip()]), beside(pane.unwrapped)) is not None


def beside(text: str) -> str:
    """The conversation on the console's screen without what only the console has: its questions and the bar."""
    lines = QUESTION.sub("", text).split("\n")
    return "\n".join(line.rstrip() for line in lines if not line.startswith(" workers "))


def test_a_poor_terminal_has_it_too_beside_a_console(tmp_path: Path) -> None:
    """TERM=dumb: the master's own editor, byte for byte, though the console is there."""
    lines = (HERE / "first-five-minutes.txt").read_text().rstrip("\n").split("\n")[1:]
    farm = Farm(tmp_path, console=True)
    try:
        farm.worker()
        follow(farm.telnet(COLUMNS, terminal="dumb"), farm, lines)
    finally:
        farm.end()


COUNTED = ("[job.ended]", "-- ")  # what comes by itself, not as an answer


def came(ends: list[str], rows: int, last: str, text: str) -> bool:
    """Whether so many lines are on the screen, among them what came by itself in the old text."""
    shown = text.split("\n")
    by_itself = all(sum(one.startswith(word) for one in shown) >= ends.count(word) for word in COUNTED)
    return by_itself and len(shown) > rows and shown[-1] == last


def record(screen: Screen, doors: Farm, path: Path, lines: list[str]) -> None:
    """Have the conversation once and keep what was seen; an event that the old text has is waited for."""
    mac = doors.workers()["render-01"]["mac"]
    screen.prompt()
    places = typed(lines)
    asides: list[tuple[int, str]] = []
    for place, after in zip(places, [*places[1:], len(lines)], strict=True):
        if lines[place].startswith(ASIDE):
            asides.append((len(screen.lines) - 1, lines[place]))
        before = len(screen.lines) - lines[place].startswith(ASIDE)
        do(screen, doors, lines[place])
        if lines[place].startswith(f"{ASIDE}until"):
            continue
        if lines[place] == f"{PROMPT}quit":
            screen.finish()
            break
        ends = [word for line in lines[:after] for word in COUNTED if line.startswith(word)]
        prompted = after == len(lines) or lines[after].startswith((PROMPT, f"{ASIDE}until"))
        rows = before if prompted else before + max(1, after - place - 1)
        screen.wait(partial(came, ends, rows, PROMPT if prompted else ""), f"what follows {lines[place]}")
    seen = screen.lines
    for at, aside in reversed(asides):
        seen.insert(at, aside)
    text = re.sub(r"(after number |starts in |has )\d+(?=\.| s\.| MiB)", r"\1<number>", "\n".join(seen))
    text = text.replace(mac, "<mac>")
    text = re.sub(r"(error13  )[ \d]\d(?=  )", r"\1<mb>", text)
    for name in ("dateandclock", "sec", "uuid", "moment"):
        text = re.sub(rf"\b{VARIES[name]}\b", f"<{name}>", text)
    text = re.sub(rf"^-- {VARIES['clock']} --$", "-- <clock> --", text, flags=re.MULTILINE)
    path.write_text(f"$ telnet 127.0.0.1 <port>\n{text.rstrip()}\n")
