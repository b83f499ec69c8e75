"""The console's life under the master: started for the first person, ended when it hangs, started again, left out."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from brender.config import DEFAULT
from brender.hub import consoles
from brender.hub import port as port_module
from brender.hub.consoles import Consoles
from brender.hub.links import Link
from brender.hub.port import GONE, Port
from brender.wire.messages import Reply, Request
from brender.wire.session import Conversation
from brender.wire.telnet import DO, ECHO, IAC, NAWS, OFFER, SB, SE, SGA, TTYPE, WILL

LIMIT_S = 60.0
ANSWERS = bytes((IAC, DO, ECHO, IAC, DO, SGA, IAC, WILL, NAWS, IAC, WILL, TTYPE))
NAME = bytes((IAC, SB, TTYPE, 0)) + b"xterm" + bytes((IAC, SE))
ABOUT = {"columns": 80, "rows": 24, "terminal": "xterm", "typed": ""}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consoles]:
    monkeypatch.setattr(consoles, "ENDING", LIMIT_S)  # for one that is asked to end while it still begins
    found = Consoles(tmp_path)
    yield found
    found.stop()
    over(found)


def over(made: Consoles) -> None:
    """Wait until its present child has ended, and what follows from that."""
    attending = made._attending
    if attending is not None:
        attending.join(LIMIT_S)
        assert attending.dead


def test_it_is_started_once_and_ends_when_its_line_is_closed(made: Consoles) -> None:
    assert made.lends
    made.wake()
    child = made._child
    made.wake()
    assert made._child is child and child is not None
    made.stop()
    over(made)
    assert child.returncode == 0
    assert not made.lends


def test_one_that_is_not_wanted_is_never_started(tmp_path: Path) -> None:
    off = Consoles(tmp_path, enabled=False)
    off.wake()
    assert off._child is None and not off.lends
    one, other = socket.socketpair()
    with one, other:
        assert not off.lend(one.fileno(), other.fileno(), 1, ABOUT)


def test_one_that_cannot_be_started_leaves_everybody_to_the_master(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(consoles.sys, "executable", str(tmp_path / "no-python"))
    broken = Consoles(tmp_path)
    with caplog.at_level(logging.WARNING):
        broken.wake()
    assert "the console cannot be started" in caplog.text
    assert not broken.lends


def test_one_that_hangs_is_ended_and_started_again(
    made: Consoles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGSTOP stands for a loop without end: no sign of life for too long."""
    monkeypatch.setattr(consoles, "SILENT", 4.0)
    monkeypatch.setattr(consoles, "PAUSES", (0.01,))
    made.wake()
    child = made._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    with caplog.at_level(logging.WARNING):
        over(made)
    assert made._child not in (child, None)
    assert child.returncode == -signal.SIGKILL
    assert "has said nothing" in caplog.text


def test_pauses_grow_while_it_dies_young(made: Consoles) -> None:
    pauses = [made._pause() for _ in range(8)]
    assert pauses == [*consoles.PAUSES, consoles.PAUSES[-1], consoles.PAUSES[-1]]
    assert not made.lends


def test_it_has_room_for_so_many_and_no_more(made: Consoles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes then has the master's own prompt: a console session costs a megabyte."""
    monkeypatch.setattr(consoles, "MOST_SESSIONS", 2)
    one, other = socket.socketpair()
    with one, other:
        assert made.lend(one.fileno(), other.fileno(), 1, ABOUT)
        assert made.lend(one.fileno(), other.fileno(), 2, ABOUT)
        assert not made.lends and not made.lend(one.fileno(), other.fileno(), 3, ABOUT)
        assert made.returned(1) == (80, 24)
        assert made.lends


class Taker(Consoles):
    """Stands where the console would: it keeps what is handed over, and may refuse it."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.handed: list[tuple[socket.socket, socket.socket, dict[str, Any]]] = []
        self.came = Event()
        self.takes = True

    def wake(self) -> None:
        """There is nothing to start."""

    def lend(self, person: int, asking: int, session: int, about: dict[str, Any]) -> bool:
        if self.takes:
            mine = [socket.socket(fileno=os.dup(fd)) for fd in (person, asking)]
            self.handed.append((mine[0], mine[1], {"session": session, **about}))
            self._sizes[session] = (about["columns"], about["rows"])
            self.came.set()
        return self.takes


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Taker, Port, Any]]:
    """A port whose hub answers `heard`, and ends the session that says goodbye."""
    monkeypatch.setattr(port_module, "NAMING", LIMIT_S)
    taker = Taker()

    def take(link: Link, requests: list[Request]) -> None:
        for request in requests:
            link.bye = request.method == "session.bye"
            link.answer(request, Reply(result="heard", text=lambda _: "heard"))
            if link.bye:
                link.hang_up()

    port = Port(lambda: Conversation(banner="hello", lends=taker.lends), take, lambda link: None, DEFAULT, taker)
    address = port.listen(("127.0.0.1", 0)).address
    yield taker, port, address
    with gevent.Timeout(LIMIT_S):
        while port.links:
            gevent.sleep(0)
    port.stop()
    assert not port._of_address


def person(address: Any) -> socket.socket:
    """A telnet that has shown what it is."""
    sock = socket.create_connection(address, LIMIT_S)
    until(sock, OFFER)
    sock.sendall(ANSWERS)
    until(sock, bytes((TTYPE, 1, IAC, SE)))
    sock.sendall(NAME)
    return sock


def until(sock: socket.socket, wanted: bytes) -> bytes:
    found = b""
    while wanted not in found:
        data = sock.recv(4096)
        assert data, f"closed after {found!r}"
        found += data
    return found


def test_a_person_is_lent_with_a_line_to_ask_on_until_it_says_goodbye(room: tuple[Taker, Port, Any]) -> None:
    taker, _, address = room
    with person(address) as sock:
        assert taker.came.wait(LIMIT_S)
        (theirs, asking, about), *_ = taker.handed
        assert about["terminal"] == "xterm" and about["session"] in (2, 3)
        theirs.sendall(b"from the console")
        assert sock.recv(100) == b"from the console"
        asking.sendall(b'{"id":1,"method":"session.test"}\n{"id":2,"method":"session.bye"}\n')
        until(asking, b'"id":2')
        assert sock.recv(100) == b""  # the master has closed it
        for one in (theirs, asking):
            one.close()


def test_when_the_line_ends_without_goodbye_the_master_goes_on(room: tuple[Taker, Port, Any]) -> None:
    """DESIGN 1: the end of that line is enough, whatever the reason; the window is the last that was told."""
    taker, _, address = room
    with person(address) as sock:
        assert taker.came.wait(LIMIT_S)
        (theirs, asking, about), *_ = taker.handed
        taker._sizes[about["session"]] = (44, 12)
        theirs.close()
        asking.close()
        assert GONE.encode() in until(sock, b"brender> ")
        sock.sendall(b"who\r\0")
        assert b"heard" in until(sock, b"heard\r\n")


def test_when_nobody_takes_it_the_person_has_the_masters_prompt_at_once(room: tuple[Taker, Port, Any]) -> None:
    taker, _, address = room
    taker.takes = False
    with person(address) as sock:
        said = until(sock, b"brender> ")
        assert b"hello" in said and GONE.encode() not in said


def test_a_terminal_that_never_names_itself_is_not_waited_for_long(
    room: tuple[Taker, Port, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_module, "NAMING", 0.2)
    taker, _, address = room
    with socket.create_connection(address, LIMIT_S) as sock:
        until(sock, OFFER)
        sock.sendall(ANSWERS)
        assert b"hello" in until(sock, b"brender> ")
    assert not taker.handed
