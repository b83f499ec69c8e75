"""A telnet session that somebody else may go on with: who is lent, with what, and how we take over again."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.wire.session import Conversation, Lent, Limits
from brender.wire.telnet import ASK_TTYPE, DO, ECHO, IAC, NAWS, OFFER, SB, SE, TTYPE, WONT
from brender.wire.terminal import RESTORE

from .peers import ANSWERS, WINDOW, pieces, says, talk


def named(terminal: bytes) -> bytes:
    return bytes((IAC, SB, TTYPE, 0)) + terminal + bytes((IAC, SE))


def undecided(limits: Limits | None = None) -> Conversation:
    """A peer that has shown it speaks telnet; nobody has greeted it."""
    port = Conversation(limits or Limits(), banner="brender", lends=True)
    port.silence()
    assert port.feed(ANSWERS + WINDOW) == (ASK_TTYPE, [])
    assert port.undecided and not port.lendable
    return port


def test_a_session_at_a_real_terminal_is_lent_with_its_window_and_what_was_typed() -> None:
    port = undecided()
    port.feed(b"worker li")
    assert port.feed(named(b"XTERM")) == (b"", [])
    assert port.lendable
    assert port.lend() == Lent(80, 24, "XTERM", b"worker li")
    assert not port.undecided and not port.lendable


@pytest.mark.parametrize("answer", [named(b"dumb"), named(b"unknown"), named(b""), bytes((IAC, WONT, TTYPE))])
def test_a_terminal_that_can_do_nothing_keeps_our_editor(answer: bytes) -> None:
    port = Conversation(banner="brender", lends=True)
    port.silence()
    refused = WONT in answer
    first = bytes((IAC, DO, ECHO)) if refused else ANSWERS
    port.feed(first + WINDOW)
    out, requests = port.feed(answer + b"test\r\0")
    assert b"brender\r\n\rbrender> \x1b[Ktest\r\n" in out
    assert [request.words for request in requests] == [["test"]]
    assert not port.undecided and not port.lendable


def test_a_terminal_that_never_says_its_name_is_taken_over_with_what_it_typed() -> None:
    port = undecided()
    port.feed(b"test\r\0wor")
    out, requests = port.take_over()
    assert [request.words for request in requests] == [["test"]]
    assert out.startswith(b"brender\r\n")
    assert port.answer(requests[0], says("yes")).endswith(b"yes\r\n\rbrender> wor\x1b[K")


def test_more_than_a_line_typed_before_the_name_is_ours() -> None:
    port = undecided(Limits(telnet_line=20))
    out, _ = port.feed(b"x" * 21)
    assert b"brender> " in out and not port.undecided


def test_nc_and_who_typed_before_telnet_was_spoken_are_never_lent() -> None:
    port = Conversation(banner="brender", lends=True)
    port.silence()
    port.feed(b"ec")
    out, _ = port.feed(ANSWERS + WINDOW + named(b"xterm"))
    assert not port.undecided and not port.lendable
    assert b"brender> ec" in out


def test_without_lending_everybody_is_greeted_at_once() -> None:
    port = Conversation(banner="brender")
    port.silence()
    out, _ = port.feed(ANSWERS + WINDOW)
    assert b"brender\r\n\rbrender> " in out
    assert not port.undecided
    port.feed(named(b"xterm"))
    assert not port.lendable


def test_when_the_borrower_is_gone_we_go_on_with_a_word_in_the_window_as_it_is_now() -> None:
    port = undecided()
    port.feed(named(b"xterm"))
    port.lend()
    out, requests = port.take_over("It is gone.", (40, 12))
    assert requests == []
    assert out == RESTORE.encode() + b"It is gone.\r\n\rbrender> \x1b[K"
    assert port.size == (40, 12)
    out, requests = port.feed(b"test\r\0")
    assert [request.words for request in requests] == [["test"]]


def test_a_session_that_nobody_took_is_greeted_after_all() -> None:
    port = undecided()
    port.feed(named(b"xterm") + b"te")
    port.lend()
    assert port.take_over()[0].endswith(b"brender\r\n\rbrender> \x1b[Kte")


def test_it_is_not_lent_in_the_middle_of_a_sequence() -> None:
    port = undecided()
    port.feed(named(b"xterm") + bytes((IAC, SB, NAWS, 0, 100)))
    assert not port.lendable
    port.feed(bytes((0, 30, IAC, SE)))
    assert port.lendable
    assert port.lend() == Lent(100, 30, "xterm", b"")


@given(st.lists(st.integers(0, 200), max_size=5))
def test_however_it_is_cut_the_same_is_lent(cuts: list[int]) -> None:
    port = Conversation(banner="brender", lends=True)
    port.silence()
    out, requests = talk(port, pieces(ANSWERS + WINDOW + b"wor" + named(b"xterm") + b"ker\r\0", cuts))
    assert (out, requests) == (ASK_TTYPE, [])
    assert port.lend() == Lent(80, 24, "xterm", b"worker\r\0")


def test_the_offer_is_made_once_and_nothing_is_echoed_meanwhile() -> None:
    port = Conversation(banner="brender", lends=True)
    out, _ = port.feed(ANSWERS)  # it spoke first
    assert out.startswith(OFFER)
    out += port.feed(b"abc")[0]
    assert not re.search(rb"[a-z]", out.replace(OFFER, b""))
