"""States in colour, and nothing else, in lines of tables and fields."""

from __future__ import annotations

import re

import pytest

from brender.commands import text
from brender.commands.layout import Column, columns, fields
from brender.console.painting import GREEN, PLAIN, RED, YELLOW, painted

SPEC = (Column("name", "name"), Column("state", "state"), Column("failed", "failed", right=True))


def lines(*rows: tuple[str, str, object]) -> list[str]:
    return columns(SPEC, [dict(zip(("name", "state", "failed"), row, strict=True)) for row in rows], 80)


@pytest.mark.parametrize(
    ("state", "colour"),
    [
        ("online", GREEN),
        ("success0", GREEN),
        ("running 40 %", YELLOW),
        ("running (paused)", YELLOW),
        ("lost", YELLOW),
        ("error13", RED),
        ("immortal(123)", RED),
        ("terminated-9", RED),
        ("not run", ""),
        ("unheard-of", ""),
    ],
)
def test_a_state_has_its_colour(state: str, colour: str) -> None:
    head, line = lines(("x", state, ""))
    assert painted(head) == head
    assert painted(line) == (line.replace(state, f"{colour}{state}{PLAIN}") if colour else line)


def test_a_thing_that_is_called_like_a_state_is_not_coloured() -> None:
    _, line = lines(("error", "online", ""))
    assert painted(line) == f"error  {GREEN}online{PLAIN}"


def test_trouble_is_coloured_whatever_it_says() -> None:
    _, line = lines(("x", "running", 3))
    assert f"{RED}3{PLAIN}" in painted(line)
    assert f"{YELLOW}disk slow{PLAIN}" in painted(fields({"warning": "disk slow"}, ("warning",), 80)[0])


def test_fields_are_coloured_after_their_name() -> None:
    found = [
        painted(line) for line in fields({"name": "error", "admin_state": "disabled"}, ("name", "admin_state"), 80)
    ]
    assert found == ["name         error", f"admin_state  {RED}disabled{PLAIN}"]


def test_plain_sentences_stay_as_they_are_and_are_made_safe() -> None:
    assert painted("job x is error, run 1") == "job x is error, run 1"
    assert painted("\x1b[31mred\x07") == "red\\x07"


def test_colours_change_no_column() -> None:
    """What is seen is what a pipe gets."""
    worker = {"id": 1, "name": "工作站\x1b[2J", "state": "enabled", "presence": "lost", "activity": "busy", "used": 1}
    data = {"workers": [{**worker, "slots": 2, "mac": "", "tags": ["é"], "warning": "w"}], "total": 1, "offset": 0}
    for room in range(20, 120):
        for line in text.lines("worker.list", data, room):
            assert re.sub(r"\x1b\[\d+m", "", painted(line)) == line
