"""Whatever the network does to a stream, it means the same; nothing in it breaks us (S11, S13, F18, F30)."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from brender.wire.packed import frame
from brender.wire.session import Conversation, Limits, Reply

from .peers import ANSWERS, WINDOW, pieces, talk

SMALL = Limits(opening=64, telnet_line=40, json_line=120, frame=200, pending=6, faults=4, batch=4)

REQUESTS = st.builds(
    lambda i, m: json.dumps({"id": i, "method": m}).encode() + b"\n", st.integers(0, 9), st.text(max_size=6)
)
FRAMES = st.lists(st.just({"id": 1, "method": "m"}), max_size=3).map(frame)
TYPED = st.sampled_from(
    [
        ANSWERS,
        WINDOW,
        b"enable w1\r\n",
        b"help\r\0",
        b"caf\xc3\xa9 \xe6\xbc\xa2",
        b"\x1b[D\x1b[D",
        b"\x1b[A",
        b"e\t\t",
        b"\x03",
        b"\x7f",
        b"quit\n",
        b"'open\r",
        b"\xff\xfd\x22",
        b"\xff\xfa\x1f\x00\x20\x00\x20\xff\xf0",
    ]
)
LEGACY = st.sampled_from([b"identify_client\n", b"123 host\n", b"ready\n", b"busy\n", b"nonsense\n"])
STREAMS = st.tuples(
    st.sampled_from(
        [b"", b" \n", b"\xef\xbb\xbf", b"identify_client\n", b"G", b"GET / HTTP/1.1\n", b"\x16\x03", ANSWERS]
    ),
    st.lists(REQUESTS | FRAMES | TYPED | LEGACY | st.binary(max_size=12), max_size=10),
    st.sampled_from([b"", b"x" * 250, b'{"item":"client","action":"read"}\n', b"[" * 40 + b"]" * 40 + b"\n"]),
).map(lambda parts: parts[0] + b"".join(parts[1]) + parts[2])


def complete(line: str, cursor: int) -> tuple[int, list[str]]:
    return 0, [word for word in ("enable", "enlist", "help") if word.startswith(line[:cursor])]


def port_for(limits: Limits, soft: bool) -> Conversation:
    port = Conversation(limits, complete, banner="brender")
    if soft:
        port.silence()
    return port


@settings(max_examples=300, deadline=None)
@given(STREAMS, st.lists(st.integers(0, 1000), max_size=10), st.booleans(), st.booleans())
def test_any_cutting_gives_the_same_requests_and_bytes(stream: bytes, cuts: list[int], soft: bool, small: bool) -> None:
    limits = SMALL if small else Limits()
    whole, cut = port_for(limits, soft), port_for(limits, soft)

    assert talk(cut, pieces(stream, cuts)) == talk(whole, [stream])
    assert (cut.kind, cut.closing, cut.size, cut.unread) == (
        whole.kind,
        whole.closing,
        whole.size,
        whole.unread,
    )


@settings(max_examples=50, deadline=None)
@given(STREAMS, st.booleans())
def test_one_byte_at_a_time_gives_the_same(stream: bytes, soft: bool) -> None:
    """F18: one-byte segments."""
    bytes_apart = [stream[at : at + 1] for at in range(len(stream))]

    assert talk(port_for(SMALL, soft), bytes_apart) == talk(port_for(SMALL, soft), [stream])


@settings(max_examples=200, deadline=None)
@given(st.lists(STREAMS | st.binary(max_size=80), max_size=4))
def test_no_bytes_raise_and_every_request_can_be_answered(streams: list[bytes]) -> None:
    """F30."""
    port = port_for(Limits(), soft=True)
    for stream in streams:
        _, requests = port.feed(stream)
        for request in requests:
            assert isinstance(port.answer(request, Reply("done")), bytes)


def kept(port: Conversation) -> int:
    """Bytes and characters that a conversation still holds."""
    held = len(port.unread)
    codec = port._codec
    for name in ("_buffer", "_reader", "_telnet", "_editor"):
        part = getattr(codec, name, b"")
        held += len(getattr(part, "_buffer", part if isinstance(part, (bytes, bytearray)) else b""))
        held += len(getattr(part, "_sub", b""))
        held += len(part._line.chars) if hasattr(part, "_line") else 0
    return held


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([b"", b"{", b"\xc1\0\0\0\x90", b"\xff\xfa\x18", b"a", b"identify_client\n", b"\x16\x03", b"\x1b["]),
    st.binary(min_size=1, max_size=30),
)
def test_a_peer_that_never_ends_its_line_fills_no_memory(first: bytes, noise: bytes) -> None:
    """S13, F30: what is kept is bounded by the limits, however much is sent."""
    port = port_for(SMALL, soft=False)
    noise = noise.replace(b"\n", b"x").replace(b"\r", b"x") * 50
    port.feed(first)
    for _ in range(50):
        port.feed(noise)

    assert kept(port) <= 64 * 1024 + len(noise) if port.kind == "tls" else kept(port) <= 400
