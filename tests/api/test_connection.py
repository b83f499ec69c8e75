"""Asking a master over connections that break: reads are asked again, changes never, and whoever asked is told so."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from doors.peers import LIMIT, ROOT
from doors.peers import Farm as Programs

import brender
from brender.api.connection import Connection, Patience, changes
from brender.api.link import Master

from .wire import Wire


@contextmanager
def server(*lines: bytes) -> Iterator[str]:
    """Something at an address that says these lines to everybody who comes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    link, _ = door.accept()
                    with link, suppress(OSError):
                        link.recv(1 << 16)
                        link.sendall(b"".join(lines))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)
        thread.join(LIMIT)


def projects(farm: brender.Farm) -> list[str]:
    return [project.name for project in farm.projects]


def test_a_read_whose_connection_breaks_is_asked_again(wire: Wire) -> None:
    with brender.connect(wire.address) as farm:
        for answered in (True, False):
            wire.cut_at(b"worker.list", answered)
            assert [worker.name for worker in farm.workers] == ["render-01"]
        assert wire.said.count(b"worker.list") == 4


@pytest.mark.parametrize(("name", "answered"), [("done", True), ("not-done", False)])
def test_a_change_whose_connection_breaks_is_not_repeated_and_its_outcome_is_called_unknown(
    wire: Wire, farm: brender.Farm, name: str, answered: bool
) -> None:
    """Issue 4: never repeats a change silently. The two cases look the same to whoever asked."""
    with brender.connect(wire.address) as broken:
        wire.cut_at(b"project.add", answered)
        with pytest.raises(brender.NoMaster) as caught:
            broken.projects.add(name)
        assert caught.value.outcome == "unknown"
        assert "project.add" in str(caught.value) and "not known" in str(caught.value)
        assert wire.said.count(b"project.add") == 1
        assert (name in projects(farm)) == answered
        assert (name in projects(broken)) == answered  # it goes on by itself


def test_a_connection_that_broke_while_nobody_looked_is_replaced_before_a_change_is_asked(
    wire: Wire, farm: brender.Farm
) -> None:
    """A master that was restarted over night must not make the first change of the morning fail."""
    with brender.connect(wire.address) as resting:
        wire.cut()
        assert resting.projects.add("morning").name == "morning"
    assert wire.accepted == 2 and wire.said.count(b"project.add") == 1


def test_a_master_that_is_away_for_a_moment_is_waited_for_by_reads_and_changes(tmp_path: Path) -> None:
    """F01: nothing was sent, so a change may wait as well."""
    programs = Programs(tmp_path)
    try:
        with brender.connect(f"127.0.0.1:{programs.port}") as farm:
            for ask in (lambda: farm.status()["version"], lambda: farm.projects.add("later").name):
                programs.master.process.kill()
                programs.master.wait()
                with ThreadPoolExecutor(1) as pool:
                    answer = pool.submit(ask)
                    programs.start()
                    assert answer.result(LIMIT) in (brender.__version__, "later")
    finally:
        programs.end()


def test_a_master_that_stays_away_is_given_up_and_nothing_was_done(wire: Wire) -> None:
    with brender.connect(wire.address, patience=0.3) as farm:
        wire.close()
        for ask in (farm.status, lambda: farm.projects.add("never")):
            with pytest.raises(brender.NoMaster) as caught:
                ask()
            assert caught.value.outcome == "not done"


def test_patience_pauses_longer_and_longer_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins anew when the master was met; the time it ends at is never passed over by a pause."""
    clock = [100.0]
    monkeypatch.setattr("brender.api.connection.time.monotonic", lambda: clock[0])
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(round(seconds, 6))
        clock[0] += seconds

    error = brender.NoMaster("gone")
    patience = Patience(3.0, pause=pause)
    for _ in range(7):
        patience.wait(error)
    assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 0.5]
    with pytest.raises(brender.NoMaster):
        patience.wait(error)
    patience.met()
    patience.wait(error)
    assert pauses[7:] == [0.0]
    with pytest.raises(brender.NoMaster):
        Patience(60.0, until=clock[0], pause=pause).wait(error)


def test_an_answer_that_does_not_come_ends_with_the_timeout(wire: Wire) -> None:
    """A late answer must not be taken for that of another question: the connection is not used again."""
    with brender.connect(wire.address) as farm:
        wire.hold()
        with pytest.raises(brender.TimedOut) as read:
            farm.ask("farm.status", timeout=1.0)
        with pytest.raises(brender.TimedOut) as change:
            farm.ask("project.add", {"name": "late"}, timeout=1.0)
    assert (read.value.outcome, change.value.outcome) == ("not done", "unknown")
    assert "within 1 s" in str(read.value) and "not known" in str(change.value)
    wire.wait_for(2)
    assert wire.accepted == 2


def test_nobody_at_the_address_is_said_at_once_with_the_next_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(brender.NoMaster) as caught:
        brender.connect(f"127.0.0.1:{port}")
    assert isinstance(caught.value, brender.BrenderError)
    assert f"127.0.0.1:{port}" in str(caught.value) and "brender up" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (b"", brender.NoMaster, "hung up without a word"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", brender.NoMaster, "no brender master: it says «SSH-2.0-OpenSSH_9.2»"),
        (b"brender: this master serves 16000 connections at the most; try later.\r\n", brender.NoMaster, "16000"),
        (b"\r\n{what\r\n", brender.NoMaster, "it says «{what»"),
        (b"\x1b[2J\x07evil\r\n", brender.NoMaster, "\\x1b[2J"),
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"No."}}\n', brender.ParseError, "No."),
    ],
)
def test_what_is_no_master_is_told_from_one(said: bytes, kind: type[Exception], words: str) -> None:
    """Its own words are shown, and harmless."""
    with server(said) as address, pytest.raises(kind) as caught:
        brender.connect(address)
    assert words in str(caught.value)


def test_a_master_that_has_no_room_has_not_done_what_it_was_asked() -> None:
    """Its own words are passed on, and the change may be asked again, here or by whoever asked."""
    full = b"brender: this master serves 512 connections of one address at the most; close some.\r\n"
    with server(full) as address, pytest.raises(brender.NoMaster, match="512 connections") as caught:
        Connection(Master(address), patience=0.2).ask("project.add", {"name": "film"})
    assert caught.value.outcome == "not done"


def test_a_hello_that_is_refused_is_the_refusal(farm: brender.Farm) -> None:
    """Every later release may ask for a key here."""
    refusal = b'{"jsonrpc":"2.0","id":1,"error":{"code":1001,"message":"Who are you?","data":{"hint":"Show a key."}}}\n'
    with server(refusal) as address, pytest.raises(brender.Unauthorised) as caught:
        brender.connect(address)
    assert str(caught.value) == "Who are you? Show a key."


def test_a_telnet_offer_before_the_first_answer_is_passed_over() -> None:
    """FINDINGS B 1.1: a client that was slow to speak gets one; ours speaks at once, a busy machine may be slower."""
    offer = bytes.fromhex("fffb01fffb03fffd1ffffd18") + b"\r\x1b[K"
    greeting = b'{"jsonrpc":"2.0","id":1,"result":{"name":"anna","role":"admin"}}\n'
    with server(offer + greeting) as address, brender.connect(address) as farm:
        assert (farm.name, farm.role) == ("anna", "admin")


def test_the_first_bytes_leave_with_the_connection(wire: Wire, farm: brender.Farm) -> None:
    """FINDINGS B 1.1: who is silent for 200 ms is taken for telnet; the farm knows us by our door."""
    with brender.connect(wire.address, name="early") as early:
        doors = {row["name"]: row["door"] for row in early.call("session.list")["sessions"]}
    assert (doors["early"], doors["anna"]) == ("json", "json")
    assert wire.said.startswith(b'{"jsonrpc": "2.0", "id": 1, "method": "session.hello"')


def test_many_threads_ask_at_once_and_each_gets_its_own_answer(farm: brender.Farm) -> None:
    def ask(thread: int) -> list[str]:
        return [farm.call("session.echo", text=f"{thread} {number}")["text"] for number in range(100)]

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(ask, range(12)))
    assert found == [[f"{thread} {number}" for number in range(100)] for thread in range(12)]


def test_a_thread_that_waits_holds_up_nobody(farm: brender.Farm) -> None:
    job = farm.jobs.create("waited-for", function="sleep", params=[600], run=True)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(farm.call, "job.watch", job=job.id)
        assert farm.jobs["waited-for"].run
        job.stop(force=True)
        assert waits.result(LIMIT)["state"] in ("stopped", "terminated", "killed", "error")


def test_a_process_that_forked_asks_over_connections_of_its_own(address: str) -> None:
    """Parent and child ask a hundred times each at the same time; an answer in the wrong hands would show."""
    code = """
import brender, os, sys
farm = brender.connect(sys.argv[1])
child = os.fork()
who = "child" if child == 0 else "parent"
for number in range(100):
    assert farm.call("session.echo", text=f"{who} {number}")["text"] == f"{who} {number}"
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
farm.close()
print("well")
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, address],
        capture_output=True, text=True, timeout=LIMIT, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("well\n", "")


def test_after_close_what_is_asked_is_refused(address: str) -> None:
    farm = brender.connect(address)
    events = farm.events()
    farm.close()
    with pytest.raises(brender.WrongState, match="closed"):
        farm.status()
    assert list(events) == []


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), b"bytes"])
def test_what_json_cannot_hold_is_refused_here_and_the_farm_goes_on(farm: brender.Farm, value: Any) -> None:
    with pytest.raises(brender.InvalidParams, match=r"session\.echo"):
        farm.call("session.echo", text=value)
    assert farm.call("session.echo", text="still here")


def test_paths_are_sent_as_texts_and_too_long_a_line_is_not_sent(farm: brender.Farm) -> None:
    """A master hangs up after 1 MiB, and a change in it would be called unknown."""
    assert farm.call("session.echo", text=Path("/a/ö"))["text"] == "/a/ö"
    with pytest.raises(brender.Invalid, match="bytes"):
        farm.jobs.create("long", function="noop", params=["x" * (1 << 20)])
    assert farm.call("session.echo", text="still here")


def test_what_a_master_refuses_is_the_error_of_that_code(farm: brender.Farm) -> None:
    """BR-12: the tree of brender/errors.py, with message, hint and data."""
    with pytest.raises(brender.NotFound, match="Did you mean render-01"):
        farm.workers["rendr-01"]
    with pytest.raises(brender.UnknownCommand):
        farm.call("worker.paint")
    with pytest.raises(brender.InvalidParams) as caught:
        farm.call("worker.list", limit="many")
    assert caught.value.data["usage"].startswith("worker list")
    assert caught.value.outcome == "not done"


def test_a_refusal_costs_no_connection(wire: Wire) -> None:
    with brender.connect(wire.address) as farm:
        for _ in range(3):
            with pytest.raises(brender.NotFound):
                farm.jobs["nothing"]
    assert wire.accepted == 1


def test_the_masters_address_is_that_of_the_environment_unless_one_is_given(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRENDER_MASTER", address)
    with brender.connect() as farm:
        assert farm.place == address
    with pytest.raises(brender.Invalid):
        brender.connect("host:port")


@pytest.mark.parametrize(
    ("method", "changing"),
    [("worker.list", False), ("clients", False), ("job.run", True), ("enable", True), ("no.such", True)],
)
def test_only_what_is_known_to_change_nothing_is_asked_twice(method: str, changing: bool) -> None:
    """Also by its other names; a method of a later release counts as a change."""
    assert changes(method) is changing
