"""What lets others have their turn, and clocks that are read together though the system runs others in between."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from gevent import socket
from gevent.event import Event

from brender.hub.clock import ONE_INSTANT, SteadyClock, breathe


def test_a_socket_is_heard_between_two_slices_of_one_who_never_stops() -> None:
    """S16; gevent.sleep(0) in its place hears nobody here."""
    ours, theirs = socket.socketpair()
    heard: list[bytes] = []
    listens = Event()

    def read() -> None:
        listens.set()
        heard.append(ours.recv(16))

    with ours, theirs:
        reader = gevent.spawn(read)
        listens.wait()
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


def interrupted(*calls: int) -> Callable[[], float]:
    """The wall's clock, whose reader is kept from its processor for a while at these of its calls."""
    count = 0

    def wall() -> float:
        nonlocal count
        count += 1
        shown, until = time.time(), time.monotonic() + 20 * ONE_INSTANT
        while count in calls and time.monotonic() < until:
            continue
        return shown

    return wall


def test_a_master_that_is_interrupted_while_it_reads_the_clock_has_the_right_time() -> None:
    """F24: else the wall's clock would seem to have moved."""
    assert abs(SteadyClock(interrupted(1)).shift()) < 5 * ONE_INSTANT


def test_a_clock_that_was_set_is_seen_also_when_the_first_look_at_it_is_interrupted() -> None:
    """F24: readings of that second would be refused as of the future."""
    wall, moved = interrupted(2), 0.0
    clock = SteadyClock(lambda: wall() + moved)
    moved = 3600.0
    assert abs(clock.shift() - 3600.0) < 5 * ONE_INSTANT
