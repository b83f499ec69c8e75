"""The port's patience and room: who says nothing whole, and who comes too often (CONTRACT S15)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import gevent
import pytest
from gevent import socket
from msgspec.structs import replace

from brender.config import DEFAULT
from brender.hub.links import Link
from brender.hub.port import Port
from brender.wire.messages import Reply, Request
from brender.wire.session import Conversation

LIMIT_S = 60.0
SHORT = replace(DEFAULT, opening_seconds=0.5, connections_of_loopback=3)


def take(link: Link, requests: list[Request]) -> None:
    """A hub that answers everything at once."""
    for request in requests:
        link.answer(request, Reply(result="heard", text=lambda _: "heard"))


Connect = Callable[[bytes], Any]


@pytest.fixture
def connect() -> Iterator[Connect]:
    port = Port(lambda: Conversation(banner="hello"), take, lambda link: None, SHORT)
    address = port.listen(("127.0.0.1", 0)).address
    socks: list[Any] = []

    def connected(first: bytes) -> Any:
        socks.append(socket.create_connection(address, LIMIT_S))
        if first:
            socks[-1].sendall(first)
        return socks[-1]

    yield connected
    for sock in socks:
        sock.close()
    with gevent.Timeout(LIMIT_S):
        while port.links:
            gevent.sleep(0)
    port.stop()
    assert not port._of_address


def rest(sock: Any) -> bytes:
    """All that comes until the other side ends; a timeout fails the test."""
    found = b""
    while data := sock.recv(4096):
        found += data
    return found


@pytest.mark.parametrize(
    "first",
    [b"", b"\x16", b"GET / HT", b"identify_cli", b'{"jsonrpc":', b"\xc1\x00\x00", b"identify_client\n"],
)
def test_who_says_nothing_whole_is_hung_up(connect: Connect, first: bytes) -> None:
    """S15: nothing at all, half an opening, half a line, half a frame, half a greeting."""
    said = rest(connect(first))
    assert (b"nothing was said for 0.5 s" in said) == (first in (b"", b"\x16", b"GET / HT", b"identify_cli"))


@pytest.mark.parametrize("greeting", [b"\xff\xfd\x03", b"cli"])
def test_a_person_who_was_greeted_may_take_their_time(connect: Connect, greeting: bytes) -> None:
    """Telnet, and nc with half a word typed: still there when a mute peer that came later was hung up."""
    person = connect(greeting)
    assert b"nothing was said" in rest(connect(b""))
    person.sendall(b"test\r\n")
    said = b""
    while b"heard" not in said:
        said += person.recv(4096)


def test_a_program_that_has_spoken_may_be_silent(connect: Connect) -> None:
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "session.test"}).encode() + b"\n"
    program = connect(request)
    lines = program.makefile("rb")
    assert json.loads(lines.readline())["result"] == "heard"
    rest(connect(b""))
    program.sendall(request)
    assert json.loads(lines.readline())["result"] == "heard"
    lines.close()


def test_a_trickle_is_no_opening(connect: Connect) -> None:
    """S15: a byte now and then does not buy more time."""
    peer, said = connect(b"{"), None
    peer.settimeout(0.05)
    with gevent.Timeout(LIMIT_S):
        while said is None:
            peer.sendall(b" ")
            with suppress(TimeoutError):
                said = peer.recv(4096)
    assert said == b""


def test_one_address_has_only_so_many_connections_and_gets_them_back(connect: Connect) -> None:
    """S15: the fourth is refused with the reason; when one has left, the next one is served."""
    held = [connect(b"test\r\n") for _ in range(3)]
    for sock in held:
        assert sock.recv(4096)
    assert b"serves 3 connections of one address at the most" in rest(connect(b""))
    held[0].close()
    with gevent.Timeout(LIMIT_S):
        while b"at the most" in (peer := connect(b"test\r\n")).recv(4096):
            peer.close()
