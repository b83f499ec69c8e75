"""Frames that are drawn again in place, long lines in pieces, questions, logs as they come: text in, text out."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from brender.console.asking import question, worth_asking
from brender.console.following import LONGEST, Lines
from brender.console.glance import bar
from brender.console.showing import Frame, broken
from brender.wire.screen import safe, width

PIECE = re.compile(r"\x1b\[H\x1b\[2J|\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\n\r]+")


class Terminal:
    """What a terminal of `rows` rows shows: newlines scroll, sequences for lines and places are obeyed."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.lines = [""]
        self.at = 0

    def write(self, text: str) -> None:
        for part in PIECE.findall(text):
            if part == "\n":
                self.at += 1
                if self.at == len(self.lines):
                    self.lines.append("")
            elif part == "\x1b[2K":
                self.lines[self.at] = ""
            elif part == "\x1b[J":
                del self.lines[self.at + 1 :]
            elif part == "\x1b[H\x1b[2J":
                self.lines, self.at = [""], 0
            elif part.startswith("\x1b[") and part.endswith("A"):
                self.at -= int(part[2:-1])
                assert self.at >= max(0, len(self.lines) - self.rows), "drawn over the top of the window"
            elif not part.startswith("\x1b") and part != "\r":
                self.lines[self.at] += part


def test_a_frame_is_drawn_in_its_own_place() -> None:
    frame, terminal = Frame(str), Terminal(10)
    terminal.write(frame.draw(["a", "b"], "word", (40, 10)))
    assert terminal.lines == ["a", "b", " word "]
    terminal.write(frame.draw(["c", "d", "e"], "word", (40, 10)))
    assert terminal.lines == ["c", "d", "e", " word "]
    terminal.write(frame.draw(["f"], "word", (40, 10)))
    assert terminal.lines == ["f", " word "]
    terminal.write(frame.end())
    assert terminal.lines == ["f", ""]


def test_a_frame_leaves_out_what_does_not_fit_and_says_so() -> None:
    frame, terminal = Frame(str), Terminal(6)
    terminal.write(frame.draw([f"line {number}" for number in range(20)], "any key", (40, 6)))
    assert terminal.lines == [*(f"line {number}" for number in range(4)), " 16 more lines do not fit. any key "]
    terminal.write(frame.draw(["x" * 60], "any key", (40, 6)))
    assert width(terminal.lines[0]) <= 40


def test_a_window_that_changed_is_drawn_from_its_top() -> None:
    frame, terminal = Frame(str), Terminal(10)
    terminal.write("before\n" + frame.draw(["a"], "word", (40, 10)))
    terminal.write(frame.draw(["b"], "word", (60, 10)))
    assert terminal.lines == ["b", " word "]


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(20, 90), st.integers(4, 24)).map(
            lambda one: ([f"line {number} " + "é字" * 30 for number in range(one[0])], (one[1], one[2]))
        ),
        max_size=6,
    )
)
def test_no_frame_is_higher_or_wider_than_the_window(frames: list[tuple[list[str], tuple[int, int]]]) -> None:
    frame = Frame(lambda line: safe(line, colour=False))
    for lines, size in frames:
        drawn = re.sub(r"\x1b\[\d+A", "", frame.draw(lines, "a word that says how it ends", size))
        terminal = Terminal(size[1])
        terminal.write(drawn)
        assert len(terminal.lines) <= size[1]
        assert all(width(line) <= size[0] for line in terminal.lines)


@given(st.text(alphabet="ab字é\u0301", max_size=200), st.integers(20, 60))
def test_a_long_line_in_pieces_is_the_same_line(line: str, columns: int) -> None:
    pieces = broken([line], columns)
    assert "".join(pieces) == line
    assert all(width(piece) <= columns for piece in pieces)


def test_a_question_counts_and_names_some() -> None:
    touched = {"destructive": True, "noun": "worker", "count": 7, "names": [f"w{number}" for number in range(7)]}
    said = question("worker disable", touched, 200)
    assert said == "worker disable touches 7 workers: w0, w1, w2, w3, w4 and 2 more. Do it? y or n "
    assert "\x1b" not in question("worker disable", {**touched, "names": ["\x1b[2J"]}, 80)


def test_only_what_takes_something_from_several_is_asked_about() -> None:
    for destructive, count, asked in ((True, 2, True), (True, 1, False), (True, 0, False), (False, 9, False)):
        assert worth_asking({"destructive": destructive, "count": count}) is asked


@given(st.lists(st.text(alphabet="ab\r\n", max_size=12), max_size=6))
def test_a_log_in_pieces_is_the_same_log(pieces: list[str]) -> None:
    lines, whole = Lines(), Lines()
    found = [line for piece in pieces for line in lines.feed(piece)] + lines.feed("", last=True)
    assert found == whole.feed("".join(pieces), last=True)


def test_a_log_line_is_what_a_terminal_would_show_last() -> None:
    lines = Lines()
    assert lines.feed("10 %\r50 %\r") == []
    assert lines.feed("99 %\ndone\r\n") == ["99 %", "done"]
    assert lines.feed("x" * (LONGEST + 1)) == ["x" * (LONGEST + 1)]


def test_the_bar_says_what_is_worth_a_look_and_no_more() -> None:
    data = {"workers": {"known": 300, "online": 298, "enabled": 290}, "running": 12, "queued": 1204, "failed": 0}
    said = "".join(piece[1] for piece in bar({**data, "warnings": 0, "alarms": 0}, "nobody"))
    assert said == " workers 298/300 online, 290 enabled   12 running   1,204 queued "
    pieces = bar({**data, "failed": 3, "warnings": 1, "alarms": 2}, "nobody")
    assert "".join(piece[1] for piece in pieces).endswith("3 failed   1 warning   2 alarms  ")
    assert ("class:bar.failed", "   3 failed") in pieces
    assert bar(None, "nobody answers") == [("class:bar.alarm", " nobody answers ")]
