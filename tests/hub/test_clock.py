"""What lets others have their turn: sockets and timers are served between two slices, not after fifty of them."""

from __future__ import annotations

import gevent
from gevent import socket

from brender.hub.clock import breathe


def test_a_socket_is_heard_between_two_slices_of_one_who_never_stops() -> None:
    """S16; gevent.sleep(0) in its place hears nobody here."""
    ours, theirs = socket.socketpair()
    heard: list[bytes] = []
    with ours, theirs:
        reader = gevent.spawn(lambda: heard.append(ours.recv(16)))
        gevent.sleep(0.001)
        theirs.send(b"are you there")
        for _ in range(3):
            breathe()
        reader.kill()
    assert heard == [b"are you there"]


def test_a_timer_that_is_due_rings_between_two_slices() -> None:
    rung: list[int] = []
    gevent.spawn_later(0, rung.append, 1)
    breathe()
    breathe()
    assert rung == [1]
