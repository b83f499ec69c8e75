"""A terminal behind telnet, over a real connection: its window, its keys, and one that is not read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from prompt_toolkit.input.typeahead import get_typeahead
from prompt_toolkit.key_binding.key_processor import KeyPress

from brender.console.seat import UNREAD, Left, TelnetSeat
from brender.console.showing import keys_of, named
from brender.wire.telnet import IAC, NAWS, SB, SE

LIMIT_S = 60.0


@asynccontextmanager
async def seated(buffers: int = 0) -> AsyncIterator[tuple[TelnetSeat, socket.socket]]:
    """A seat, and the other end of its connection, which does not block."""
    ours, theirs = socket.socketpair()
    if buffers:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
    ours.setblocking(False)
    seat = TelnetSeat(f"test {id(ours)}", 80, 24, "xterm")
    await seat.take(theirs)
    try:
        yield seat, ours
    finally:
        seat.let_go()
        await asyncio.sleep(0)
        theirs.close()
        ours.close()


def run(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(LIMIT_S):
            await scene()

    asyncio.run(limited())


async def heard(sock: socket.socket, size: int = 4096) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, size)


def test_a_new_window_is_told_and_text_goes_out_with_telnets_line_ends() -> None:
    async def scene() -> None:
        async with seated() as (seat, peer):
            told = asyncio.Event()
            seat.changed = told.set
            peer.send(bytes((IAC, SB, NAWS, 0, 120, 0, 50, IAC, SE)))
            await told.wait()
            assert seat.size == (120, 50)
            seat.write("one\ntwo\r\n é")
            assert await heard(peer) == "one\r\ntwo\r\n é".encode()

    run(scene)


def test_options_are_answered_as_the_master_does() -> None:
    """S11: what nobody needs is refused once."""

    async def scene() -> None:
        async with seated() as (_, peer):
            peer.send(bytes((IAC, 251, 39)) * 3)
            assert await heard(peer) == bytes((IAC, 254, 39))

    run(scene)


def test_keys_are_heard_in_order_and_those_not_wanted_wait_for_the_next_prompt() -> None:
    async def scene() -> None:
        async with seated() as (seat, peer):
            stopped = asyncio.Event()

            def wanted(key: KeyPress) -> bool:
                stopped.set()
                return named(key) == "c-c"

            with seat.listening(wanted):
                peer.send(b"ab\x03c")
                await stopped.wait()
            assert [named(key) for key in get_typeahead(seat.input)] == ["a", "b", "c"]

    run(scene)


def test_what_was_typed_before_is_no_answer() -> None:
    async def scene() -> None:
        async with seated() as (seat, peer):
            peer.send(b"y\r\0")
            while not seat.typed_ahead():
                await asyncio.sleep(0)
            with keys_of(seat) as keys:
                peer.send(b"n")
                assert await keys.get() == "n"
            assert [named(key) for key in get_typeahead(seat.input)] == ["y", "enter"]

    run(scene)


def test_only_enter_and_blanks_are_not_worth_calling_typed_ahead() -> None:
    async def scene() -> None:
        async with seated() as (seat, peer):
            peer.send(b"\r\0 \r\0")
            while not seat.input.read_keys():  # they have come
                await asyncio.sleep(0)
            assert not seat.typed_ahead()

    run(scene)


def test_a_lone_escape_is_a_key_after_a_moment() -> None:
    async def scene() -> None:
        async with seated() as (seat, peer):
            with keys_of(seat) as keys:
                peer.send(b"\x1b")
                assert await keys.get() == "escape"
                peer.send(b"\x1b[A")
                assert await keys.get() == "up"

    run(scene)


def test_who_leaves_is_missed_at_once() -> None:
    async def scene() -> None:
        async with seated() as (seat, peer):
            peer.shutdown(socket.SHUT_WR)
            try:
                await seat.unless_gone(asyncio.get_running_loop().create_future())
            except Left:
                return
            raise AssertionError("nobody has left")

    run(scene)


def test_a_terminal_that_is_not_read_is_given_up() -> None:
    """S16: it costs no more than its bound."""

    async def scene() -> None:
        async with seated(buffers=4096) as (seat, _):
            for _ in range(2 * UNREAD // 60_000):
                seat.write("x" * 60_000)
            await seat.gone
            seat.write("nothing more is kept")
            assert seat._transport is not None
            assert seat._transport.get_write_buffer_size() == 0

    run(scene)
