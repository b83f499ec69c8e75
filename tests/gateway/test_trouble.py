"""What goes wrong around a gateway: its master goes and comes, it goes itself, a link breaks, a page does not read."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from doors.peers import LIMIT, until
from websockets.exceptions import ConnectionClosed

from brender.web import listener, main

from .peers import Farm, Web


class Wire:
    """A way to the master that can be cut: every connection goes through here."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """End all connections; new ones are let through."""
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self.cut()
        while self._threads:
            self._threads.pop(0).join()
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._ends += [near, far]
                pair = [threading.Thread(target=self._pass, args=ends) for ends in ((near, far), (far, near))]
                self._threads += pair
                for thread in pair:
                    thread.start()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket) -> None:
        with one:
            with suppress(OSError):
                while data := one.recv(1 << 16):
                    other.sendall(data)
            with suppress(OSError):
                other.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(own: Farm) -> Iterator[Wire]:
    made = Wire(own.port)
    try:
        yield made
    finally:
        own.hang_up()
        made.close()


def gateway(farm: Farm, port: int = 0) -> Web:
    made = Web(farm.folder, port or farm.port, "--data", str(farm.folder / "web"))
    farm.programs.append(made.program)
    return made


def test_the_gateway_outlives_its_master_and_says_when_it_is_back(own: Farm) -> None:
    """Kill -9; the same page goes on, and is told that what it knew may be old."""
    web = gateway(own)
    page = web.page()
    page.state(True)
    page.call("session.hello", name="anna")
    seq = page.call("farm.subscribe", topics=["project.*"])["seq"]
    own.master.process.send_signal(signal.SIGKILL)
    own.master.process.wait()
    page.state(False)
    assert page.refused("worker.list")["code"] == 1011
    assert web.get("/")[0] == 200  # the page itself is still served
    assert b"brender_up 0.0" in until(lambda: b"brender_up 0.0" in (got := web.get("/metrics")[2]) and got, "down")
    own.start()
    page.state(True)
    assert page.event("farm.lagged")["data"]["lost"] > 0  # numbers of another life of the master: load anew
    assert page.call("farm.subscribe", topics=["project.*"], since=seq)["resumed"] is False
    made = page.call("job.create", name="after", function="noop")["jobs"][0]["id"]
    assert page.call("job.show", job=made)["submitter"] == "anna"  # its hello was said again
    page.event("project.changed")
    page.close()


def test_a_link_that_breaks_is_made_again_and_nothing_is_missed(own: Farm, wire: Wire) -> None:
    """The master has the numbers still: the one subscription resumes, and no page has to know."""
    web = gateway(own, wire.port)
    page, program = web.page(), own.json()
    page.state(True)
    page.call("farm.subscribe", topics=["project.created", "farm.lagged"])
    for number in range(5):
        wire.cut()
        program.call("project.add", name=f"cut-{number}")
        page.state(False)
        page.state(True)
    assert [page.event("project.created")["data"]["name"] for _ in range(5)] == [f"cut-{n}" for n in range(5)]
    assert "farm.lagged" not in {event["topic"] for event in page.events}
    page.close()


def test_a_request_whose_answer_was_lost_is_said_to_be_of_unknown_end(own: Farm, wire: Wire) -> None:
    web = gateway(own, wire.port)
    page = web.page()
    page.state(True)
    page.call("job.create", name="waits", function="sleep", params=[60], run=True)
    page.link.send(json.dumps({"id": "lost", "method": "job.watch", "params": {"job": "waits"}}))
    page.call("session.test")
    wire.cut()
    while "lost" not in page.answers:
        page.read()
    assert page.answers["lost"]["error"]["code"] == 1011
    assert page.answers["lost"]["error"]["data"]["outcome"] == "unknown"
    page.state(True)
    assert page.call("session.test")["text"]
    page.close()


def test_a_gateway_that_was_killed_comes_back_and_its_pages_resume(own: Farm) -> None:
    web = gateway(own)
    pages = [web.page() for _ in range(3)]
    program = own.json()
    seqs = []
    for number, page in enumerate(pages):
        page.state(True)
        page.call("farm.subscribe", topics=["project.created"])
        program.call("project.add", name=f"before-{number}")
        seqs.append(page.event("project.created")["seq"])
    web.program.process.send_signal(signal.SIGKILL)
    web.program.process.wait()
    for page in pages:
        with pytest.raises(ConnectionClosed):
            while True:
                page.read()
        page.close()
    program.call("project.add", name="meanwhile")
    own.programs.append(web.start())
    for number in (2, 0, 1):  # who comes first knows most
        page = web.page()
        page.state(True)
        assert page.call("farm.subscribe", topics=["project.created"], since=seqs[number])["resumed"]
        names = [page.event("project.created")["data"]["name"] for _ in range(3 - number)]
        assert names == [*(f"before-{n}" for n in range(number + 1, 3)), "meanwhile"]
        page.close()


def test_a_gateway_is_there_before_its_master(tmp_path: Path, own: Farm) -> None:
    own.master.stop()
    web = gateway(own)
    page = web.page()
    page.state(False)
    assert page.refused("farm.mirror")["code"] == 1011
    assert page.refused("farm.subscribe")["code"] == 1011
    own.start()
    page.state(True)
    assert page.call("farm.mirror")["workers"] == []
    page.close()


def test_a_page_that_does_not_read_is_dropped_and_others_hear_all(own: Farm) -> None:
    """CONTRACT 4.9: a bounded queue, then the end with a code that the page understands."""
    web = gateway(own)
    slow, good, program = web.page(max_queue=1), web.page(), own.json()
    for page in (slow, good):
        page.state(True)
        page.call("farm.subscribe", topics=["project.*"])
    text = "x" * 200_000
    project = program.call("project.add", name="long")["row"]["id"]
    rounds = 0
    while True:
        rounds += 1
        program.call("project.set", project=project, values={"description": f"{rounds} {text}"})
        good.event("project.changed")
        if rounds % 20 == 0 and b"brender_web_pages 1.0" in web.get("/metrics")[2]:
            break
        assert rounds < 1000
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            slow.read()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 4408
    assert good.call("session.test")["text"]
    good.close()
    slow.close()


def test_a_page_that_reads_a_long_log_slowly_is_waited_for(own: Farm, tmp_path: Path) -> None:
    """What it asked for itself comes as it reads: 30 MB are not queued for it, and it is not dropped for them."""
    programs, gate = tmp_path / "programs", tmp_path / "gate"
    programs.mkdir()
    words = "of a very very very long log"
    (programs / "long").write_text(
        f"#!/bin/sh\nseq -f 'line %.0f {words}' 1 700000\nuntil [ -e $1 ]; do sleep 0.1; done\n"
    )
    (programs / "long").chmod(0o755)
    size = sum(len(f"line {number} {words}\n") for number in range(1, 700_001))
    own.worker("w", 2, "--functions", str(programs))
    web = gateway(own)
    slow, good = web.page(max_queue=1), web.page()
    for page in (slow, good):
        page.state(True)
    good.call("job.create", name="long", function="long", params=[str(gate)], run=True)
    until(lambda: good.call("job.show", job="long")["progress"]["live"], "it runs")
    first = slow.call("task.log", step="long", start=0, follow=True)
    assert good.call("task.log", step="long", start=0, follow=True)["following"]
    while good.event("task.log")["data"]["next"] < size:
        pass
    got, following = len(first["text"]), True
    while following:
        data = slow.event("task.log")["data"]
        got += len(data["text"])
        following = data["next"] < size
    assert got == size > 25_000_000
    gate.touch()
    slow.close()
    good.close()


def test_a_gateway_that_is_told_to_stop_says_so_to_its_pages(own: Farm) -> None:
    web = gateway(own)
    page = web.page()
    page.state(True)
    web.program.process.terminate()
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            page.read()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
    assert web.program.wait() == 0
    page.close()


def test_a_taken_port_is_refused_in_words(own: Farm) -> None:
    web = gateway(own)
    words = [sys.executable, "-m", "brender.web", "--listen", f"127.0.0.1:{web.port}"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert ended.returncode == 1
    assert "is taken" in ended.stderr


@pytest.mark.parametrize("where", ["0.0.0.0:0", "10.0.0.7:8060", "farm.example:8060"])
def test_it_listens_to_this_machine_only(where: str) -> None:
    assert main(["--listen", where]) == 78


def test_what_is_sent_to_a_browser_does_not_wait_for_its_acknowledgement() -> None:
    """A head and a body are two writes: with Nagle's algorithm the second one waited 40 ms for each of fifty files."""
    with listener("127.0.0.1", 0) as made, socket.create_connection(made.getsockname()) as _, made.accept()[0] as taken:
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
