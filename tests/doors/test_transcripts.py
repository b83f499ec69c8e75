"""The telnet conversations in docs/transcripts, had again with the real telnet: every line on the screen is compared.

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
    elif line.startswith(f"{ASIDE}elsewhere: "):
        doors.nc(line.removeprefix(f"{ASIDE}elsewhere: ") + "\n", "-N")
    elif line.startswith(f"{ASIDE}until: "):
        asked, _, words = line.removeprefix(f"{ASIDE}until: ").partition(" => ")
        until(lambda: words.encode() in doors.nc(asked + "\n", "-N"), line)
    else:
        screen.type(line.removeprefix(PROMPT) + "\r")


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


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_the_farm_still_answers_as_the_transcript_says(doors: Farm, path: Path) -> None:
    """BR-05, BR-18..20, SP-26..38: a transcript that is not true fails."""
    lines = path.read_text().rstrip("\n").split("\n")
    assert lines[0] == "$ telnet 127.0.0.1 <port>"
    del lines[0]
    screen = doors.telnet(COLUMNS)
    if "BRENDER_RECORD" in os.environ:
        return record(screen, doors, path, lines)
    for place in typed(lines):
        expect(screen, lines[:place], f"\n{PROMPT}" if lines[place].startswith(PROMPT) else f"\n(?:{PROMPT})?")
        do(screen, doors, lines[place])
    screen.finish()
    expect(screen, lines, "\n*")


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
    for name in ("dateandclock", "sec"):
        text = re.sub(rf"\b{VARIES[name]}\b", f"<{name}>", text)
    text = re.sub(rf"^-- {VARIES['clock']} --$", "-- <clock> --", text, flags=re.MULTILINE)
    path.write_text(f"$ telnet 127.0.0.1 <port>\n{text.rstrip()}\n")
