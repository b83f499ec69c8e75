"""Long output, a screen at a time: what each key shows."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from brender.console.paging import BACK, FORWARD, LEAVE, LINE, Pager

SIZE = (60, 11)  # ten lines and the line that says how it goes on
LINES = [f"line {number:03}" for number in range(1, 41)]


def shown(text: str) -> list[str]:
    """The lines that a terminal keeps of this: what is wiped or said in reverse is gone."""
    text = re.sub(r"\x1b\[7m.*?\x1b\[0m", "", text).replace("\r\x1b[K", "")
    return text.splitlines()


def word(text: str) -> str:
    found = re.findall(r"\x1b\[7m (.*?) \x1b\[0m", text)
    assert found, text
    return str(found[-1])


def test_it_is_needed_when_the_lines_and_a_prompt_do_not_fit() -> None:
    assert not Pager.needed(LINES[:10], SIZE)
    assert Pager.needed(LINES[:11], SIZE)


def test_a_page_a_line_and_the_end() -> None:
    pager = Pager(LINES, SIZE)
    first = pager.begin()
    assert shown(first) == LINES[:10]
    assert word(first).startswith("10 of 40 lines (25 %)")
    assert shown(pager.press("enter")) == LINES[10:11]
    assert shown(pager.press(" ")) == LINES[11:21]
    assert shown(pager.press("b")) == LINES[1:11]
    assert not pager.done
    assert shown(pager.press("G")) == LINES[11:]
    assert pager.done


def test_q_leaves_and_wipes_its_own_line() -> None:
    for key in LEAVE:
        pager = Pager(LINES, SIZE)
        pager.begin()
        assert pager.press(key) == "\r\x1b[K"
        assert pager.done


def test_a_search_goes_on_at_the_next_line_that_has_the_text() -> None:
    pager = Pager(LINES, SIZE)
    pager.begin()
    assert shown(pager.press("/")) == ["/"]
    for char in "LINE 02x":
        pager.press(char)
    assert shown(pager.press("backspace")) == ["/LINE 02"]
    assert shown(pager.press("enter")) == LINES[19:29]
    assert shown(pager.press("n")) == LINES[20:30]
    pager.press("/")
    for char in "nowhere":
        pager.press(char)
    assert word(pager.press("enter")) == "not found"
    assert not pager.done
    assert word(pager.press("x")).startswith("30 of 40")
    pager.press("/")
    assert word(pager.press("c-c")).startswith("30 of 40")
    assert not pager.done


def test_a_line_is_made_fit_when_it_is_shown() -> None:
    asked: list[str] = []

    def made(line: str) -> str:
        asked.append(line)
        return line.upper()

    pager = Pager(LINES, SIZE, made)
    assert shown(pager.begin()) == [line.upper() for line in LINES[:10]]
    assert asked == LINES[:10]


def test_the_word_fits_a_narrow_window() -> None:
    pager = Pager(LINES, (20, 5))
    assert len(word(pager.begin())) <= 17
    assert len(word(pager.resize((30, 5)))) <= 27


@given(st.lists(st.sampled_from([*FORWARD, *LINE, *BACK, "/", "n", "x", "1", "backspace", "pageup"])))
def test_no_keys_show_a_line_that_is_none_or_end_before_the_last(keys: list[str]) -> None:
    pager = Pager(LINES, SIZE)
    seen = shown(pager.begin())
    for key in keys:
        if pager.done:
            break
        seen += [line for line in shown(pager.press(key)) if not line.startswith("/")]
    assert set(seen) <= set(LINES)
    assert not pager.done or LINES[-1] in seen
