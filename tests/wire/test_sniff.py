"""The first bytes decide (DESIGN 5, FINDINGS B 1.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.wire.sniff import sniff

CASES = [
    (b"\xff\xfb\x1f", "telnet"),
    (b"\x16\x03\x01\x02", "tls"),
    (b"\x16\x04", "line"),
    (b"\xc1\x00\x00\x00\x01\x90", "packed"),
    (b'{"jsonrpc"', "json"),
    (b"[", "json"),
    (b" \r\n\t{", "json"),
    (b"\xef\xbb\xbf{", "json"),
    (b"\xef\xbb\xbf\n[", "json"),
    (b"GET / HTTP/1.1\r\n", "http"),
    (b"GET /\r\n", "http"),
    (b"POST /rpc HTTP/1.0\n", "http"),
    (b"PRI * HTTP/2.0\r\n", "http"),
    (b"GET frames\n", "line"),
    (b"DELETE key\n", "line"),
    (b"get frames\n", "line"),
    (b"GETTING", "line"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "refused"),
    (b"\x83\xa2id\x01", "refused"),
    (b"\xde\x00\x10", "line"),
    (b"\xf8", "refused"),
    (b"identify_client\n", "legacy-worker"),
    (b"identify_client\r\n", "legacy-worker"),
    (b"identify_client now\n", "line"),
    (b"identify\n", "line"),
    (b"clients\n", "line"),
    (b"\xc3\xa9t\xc3\xa9\n", "line"),
    (b"ENABLE ALL\n", "line"),
]
OPEN = [
    b"",
    b"\x16",
    b"\xef",
    b"\xef\xbb",
    b" \r\n",
    b"G",
    b"GET",
    b"GET /x HTT",
    b"SSH",
    b"i",
    b"identify_client",
    b"P",
]


@pytest.mark.parametrize(("opening", "kind"), CASES)
def test_known_openings_are_told_apart(opening: bytes, kind: str) -> None:
    assert sniff(opening) == kind


@pytest.mark.parametrize("opening", OPEN)
def test_an_opening_that_may_become_several_kinds_waits(opening: bytes) -> None:
    assert sniff(opening) is None


@pytest.mark.parametrize(("opening", "kind"), CASES)
def test_one_byte_at_a_time_gives_the_same_kind(opening: bytes, kind: str) -> None:
    first = next(found for end in range(len(opening) + 1) if (found := sniff(opening[:end])) is not None)

    assert first == kind


@given(st.sampled_from([case for case, _ in CASES]), st.binary(max_size=30))
def test_a_decision_is_never_taken_back(opening: bytes, more: bytes) -> None:
    stream = opening + more
    kinds = {sniff(stream[:end]) for end in range(len(stream) + 1)} - {None}

    assert len(kinds) == 1
