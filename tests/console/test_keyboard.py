"""Keys that come over a wire: Enter in all its forms, slices, and what never ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.keys import Keys

from brender.console.keyboard import MOST_PASTED, MOST_WAITING, SLICE, Keyboard


def keyboard(full: Callable[[bool], None] = lambda _: None) -> Keyboard:
    return Keyboard("test", full)


async def taken(keys: Keyboard) -> list[str]:
    """All keys that are there, as one who is attached gets them."""
    found: list[str] = []
    with keys.attach(lambda: found.extend(str(getattr(key.key, "value", key.key)) for key in keys.read_keys())):
        while keys._keys:
            await asyncio.sleep(0)
    return found


def pressed(*texts: str) -> list[str]:
    async def run() -> list[str]:
        keys = keyboard()
        for text in texts:
            keys.feed(text)
        return await taken(keys)

    return asyncio.run(run())


def test_enter_is_one_key_however_telnet_sends_it() -> None:
    enter = Keys.ControlM.value
    assert pressed("a\r\0b\r\nc\r", "\nd\r", "\0e\r") == ["a", enter, "b", enter, "c", enter, "d", enter, "e", enter]


def test_arrows_and_pastes_are_keys() -> None:
    assert pressed("\x1b[A", "\x1b[200~a\r", "b\x1b[201~x") == ["up", "<bracketed-paste>", "x"]


@given(st.text(alphabet="ab\r\n\0é\x03", max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_the_keys_are_the_same_however_the_text_is_cut(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    parts = [text[start:end] for start, end in pairwise(places)]
    assert pressed(*parts) == pressed(text)


def test_much_is_handed_on_in_slices_and_the_peer_is_not_read_meanwhile() -> None:
    told: list[bool] = []

    async def run() -> None:
        keys = keyboard(told.append)
        keys.feed("x" * (MOST_WAITING + 100))
        assert told == [True]
        assert len(keys.read_keys()) == SLICE
        assert len(await taken(keys)) == MOST_WAITING + 100 - SLICE
        assert told == [True, False]

    asyncio.run(run())


@pytest.mark.parametrize(("end", "rest"), [("\x1b[201~z", ["z"]), ("\x03z", ["z"]), ("\x1b[2", [])])
def test_a_paste_that_is_too_long_is_dropped_whole_and_so_is_the_line(end: str, rest: list[str]) -> None:
    """What comes after the limit must not be taken for lines that somebody entered."""

    async def run() -> None:
        keys = keyboard()
        keys.feed("\x1b[200~")
        for _ in range(MOST_PASTED // 1000 + 2):
            keys.feed("worker delete all\r" * 60)
        keys.feed("worker delete all\r" * 1000)
        for char in end:
            keys.feed(char)
        assert await taken(keys) == ["c-c", *rest]
        assert len(keys._swallowing) < 10

    asyncio.run(run())


def test_who_attaches_late_is_told_of_what_came_before_and_of_the_end() -> None:
    async def run() -> None:
        keys = keyboard()
        keys.feed("ab")
        keys.end()
        assert not keys.closed
        assert await taken(keys) == ["a", "b"]
        assert keys.closed
        called = asyncio.Event()
        with keys.attach(called.set):
            await called.wait()

    asyncio.run(run())
