"""IAC sequences: few answers, small buffers, no loops (S11)."""

from hypothesis import given
from hypothesis import strategies as st

from brender.wire.telnet import (
    ASK_TTYPE,
    DO,
    DONT,
    ECHO,
    IAC,
    NAWS,
    SB,
    SB_MOST,
    SE,
    SGA,
    TTYPE,
    WILL,
    WONT,
    Keys,
    Name,
    Send,
    Spoke,
    Telnet,
    Window,
)

from .peers import ANSWERS, pieces

NEW_ENVIRON, LINEMODE, AUTH = 39, 34, 37


def said(data: bytes) -> list[object]:
    return list(Telnet().feed(data))


def test_a_usual_client_is_asked_for_its_terminal_and_nothing_else() -> None:
    assert said(ANSWERS) == [Spoke(), Send(ASK_TTYPE)]


def test_dangerous_options_are_refused() -> None:
    """S11: NEW-ENVIRON, LINEMODE and AUTHENTICATION are answered DONT or WONT."""
    for option in (NEW_ENVIRON, LINEMODE, AUTH, ECHO):
        assert Send(bytes((IAC, DONT, option))) in said(bytes((IAC, WILL, option)))
    for option in (NEW_ENVIRON, LINEMODE, AUTH, NAWS):
        assert Send(bytes((IAC, WONT, option))) in said(bytes((IAC, DO, option)))
    assert Send(bytes((IAC, DO, SGA))) in said(bytes((IAC, WILL, SGA)))


def test_what_the_environment_says_goes_nowhere() -> None:
    """S11, CVE-2026-24061: USER='-f root'."""
    sub = bytes((IAC, SB, NEW_ENVIRON, 0, 0)) + b"USER\x01-f root" + bytes((IAC, SE))

    assert said(sub + b"x") == [Spoke(), Keys(b"x")]


def test_the_window_is_read_and_bounded() -> None:
    def window(body: bytes) -> object:
        return said(bytes((IAC, SB, NAWS)) + body + bytes((IAC, SE)))[-1]

    assert window(b"\x00\x78\x00\x28") == Window(120, 40)
    assert window(b"\xff\xff\xff\xff\xff\xff\xff\xff") == Window(500, 300)
    assert window(b"\x00\x00\x00\x00") == Window(80, 24)
    assert window(b"\x00\x01\x00\x01") == Window(20, 4)


def test_the_terminal_name_is_cut_and_printable() -> None:
    sub = bytes((IAC, SB, TTYPE, 0)) + b"\x1b[31mXTERM" + b"A" * 50 + bytes((IAC, SE))

    assert said(sub) == [Spoke(), Name("[31mXTERM" + "A" * 30)]


def test_an_overlong_subnegotiation_is_dropped_whole() -> None:
    sub = bytes((IAC, SB, TTYPE, 0)) + b"x" * 10_000

    assert said(sub + bytes((IAC, SE)) + b"k") == [Spoke(), Keys(b"k")]


def test_a_doubled_iac_is_a_byte_and_interrupt_is_control_c() -> None:
    assert said(b"a\xff\xffb") == [Keys(b"a"), Keys(b"\xff"), Keys(b"b")]
    assert said(bytes((IAC, 244))) == [Spoke(), Keys(b"\x03")]
    assert said(bytes((IAC, 243))) == [Spoke(), Keys(b"\x03")]


STREAMS = st.lists(
    st.one_of(
        st.binary(max_size=6),
        st.tuples(st.sampled_from((WILL, WONT, DO, DONT, SB)), st.integers(0, 255)).map(lambda x: bytes((IAC, *x))),
        st.just(bytes((IAC, SE))),
        st.just(bytes((IAC,))),
    ),
    max_size=40,
).map(b"".join)


def flat(items: list[object]) -> list[object]:
    """Keys joined, since a cut may divide them."""
    joined: list[object] = []
    for item in items:
        if isinstance(item, Keys) and joined and isinstance(joined[-1], Keys):
            joined[-1] = Keys(joined[-1].data + item.data)
        else:
            joined.append(item)
    return joined


@given(STREAMS, st.lists(st.integers(0, 200), max_size=8))
def test_any_cutting_means_the_same(stream: bytes, cuts: list[int]) -> None:
    parser = Telnet()
    parts = [item for part in pieces(stream, cuts) for item in parser.feed(part)]

    assert flat(parts) == flat(said(stream))


@given(STREAMS)
def test_each_option_is_answered_at_most_once_in_each_direction(stream: bytes) -> None:
    """S11: no answer loops, whatever the peer keeps asking."""
    parser = Telnet()
    sends = [item.data for _ in range(3) for item in parser.feed(stream) if isinstance(item, Send)]

    assert len(sends) == len(set(sends))
    assert len(parser._sub) <= SB_MOST + 1
