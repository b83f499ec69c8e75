"""`brender storage` as a program, and `Storage` as a class: start() and nothing else, one door, no HTTP."""

from __future__ import annotations

import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from farm.programs import ROOT

from brender import storage as room
from brender.storage import Storage
from brender.storage.keeper import Keeper
from brender.storage.storage import Storage as Same
from brender.storage.terms import Terms
from brender.wire.packed import FrameReader, Message, frame
from brender.wire.readings import METHOD, Batch, collected

LIMIT_S = 60.0
STORAGE = (sys.executable, "-m", "brender.cli", "storage")


class Program:
    """`brender storage` on a port of its own choice."""

    def __init__(self, folder: Path, *words: str, before: Sequence[str] = ()) -> None:
        self.folder = folder
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*before, *STORAGE, "--listen", "127.0.0.1:0", "--data", str(folder), *words],
                stdout=subprocess.PIPE, stderr=log, cwd=ROOT, start_new_session=True, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()
        self.port = int(self.first.split("127.0.0.1:")[1].split(",")[0]) if "127.0.0.1:" in self.first else 0
        self.peers: list[Peer] = []

    def peer(self) -> Peer:
        self.peers.append(Peer(self.port))
        return self.peers[-1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        for peer in self.peers:
            peer.sock.close()
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def end(self) -> None:
        for peer in self.peers:
            peer.sock.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert "Traceback" not in (self.folder / "log").read_text()


class Peer:
    """Speaks frames."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self.reader = FrameReader()
        self.heard: list[Message] = []

    def say(self, *messages: dict[str, Any]) -> None:
        self.sock.sendall(frame(messages))

    def hear(self) -> Message:
        while not self.heard:
            data = self.sock.recv(1 << 16)
            assert data, "hung up"
            self.heard += self.reader.feed(data)
        return self.heard.pop(0)

    def put(self, number: int, samples: list[tuple[int, float, Any]]) -> Any:
        self.say({"method": METHOD, "params": collected(samples).batch(number)})
        message = self.hear()
        return message.method, message.params_as(object)

    def ask(self, method: str, **params: Any) -> Any:
        self.say({"id": 7, "method": method, "params": params})
        message = self.hear()
        return message.result_as(object) if message.error is None else message.error


@pytest.fixture
def program(tmp_path: Path, database: str) -> Iterator[Program]:
    made = Program(tmp_path, *(["--database", database] if database else []))
    try:
        yield made
    finally:
        made.end()


def test_a_class_named_storage_has_start_and_nothing_else() -> None:
    """CL-04, CL-05, CL-08."""
    assert Storage is Same
    assert room.__doc__ is not None
    assert [name for name in dir(Storage) if not name.startswith("_")] == ["start"]
    assert list(inspect.signature(Storage.start).parameters) == ["self"]
    with pytest.raises(AttributeError):
        room.Keeper  # noqa: B018


def test_storage_only_puts_parts_together_that_may_be_others(tmp_path: Path) -> None:
    """CL-06, CL-10: it starts what it is given, and holds no words of a protocol or of SQL."""
    seen: list[Any] = []

    class Parts:
        address = ("127.0.0.1", 1)

        def __init__(self, *words: Any) -> None:
            seen.append(words)

        def __getattr__(self, name: str) -> Any:
            return lambda *_: seen.append(name)

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        parts: Any = Parts
        Storage(tmp_path, "127.0.0.1:0", "", Terms(), keeper=parts, listener=parts).start()
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert seen[0] == (tmp_path, "", "", Terms())
    assert seen[1][:2] == ("127.0.0.1", 0)
    assert seen[2:].count("serve") == 1
    assert seen[-1] == "close"
    source = inspect.getsource(inspect.getmodule(Storage) or Storage)
    assert not any(word in source for word in ("frame(", "SELECT", "INSERT", "worker.readings", "recv"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_alone_and_ends_cleanly(program: Program, number: int) -> None:
    """CL-01; what was acknowledged is there at the next start."""
    now = round(time.time(), 6)
    assert program.peer().put(1, [(1, now, 2.5)]) == ("saved", {"batch": 1, "refused": []})
    assert program.stop(number) == 0
    assert program.process.stdout is not None
    assert "what was acknowledged is saved" in program.process.stdout.read()
    words = program.process.args
    assert isinstance(words, list)
    again = Program(program.folder, *words[words.index(str(program.folder)) + 1 :])
    try:
        found = again.peer().ask("reading.range", channel=1, **{"from": now - 1, "to": now + 1})
        assert (found["times"], found["values"]) == ([now], [2.5])
        assert again.stop() == 0
    finally:
        again.end()


def test_a_client_saves_a_batch_and_reads_it_back(program: Program) -> None:
    """CL-03, CL-09: through the same wire; many batches at once; what is refused is named; figures."""
    now = round(time.time(), 6)
    peer = program.peer()
    samples: list[tuple[int, float, Any]] = [(channel, now - at, at / 3) for channel in (1, 2) for at in range(500)]
    assert peer.put(5, [*samples, (1, now + 900, 1.0), (3, now, "text")])[1] == {
        "batch": 5, "refused": [[1, "its time is more than 60 s in the future: look at the clock of that machine", 1]]
    }  # fmt: skip
    found = peer.ask("reading.range", channel=2, agg="raw", **{"from": now - 1000, "to": now + 1})
    assert list(zip(found["times"], found["values"], strict=True)) == sorted(
        (at, value) for c, at, value in samples if c == 2
    )
    assert peer.ask("reading.range", channel=3, **{"from": 0, "to": now + 1})["values"] == ["text"]
    of_step = peer.ask("reading.range", channel=1, step=1000, agg="count", **{"from": now - 1000, "to": now})
    assert sum(of_step["counts"]) == 500
    assert peer.ask("reading.stats")["samples"] == 1001
    for number in range(200):
        peer.say({"method": METHOD, "params": collected([(9, now - number, 1.0)]).batch(number)})
    assert {peer.hear().params_as(dict)["batch"] for _ in range(200)} == set(range(200))


def test_nothing_is_acknowledged_that_a_power_cut_could_take_back(tmp_path: Path) -> None:
    """CL-09, CL-42: the kernel's own record: samples are written, the file is synced, its name too; then `saved`."""
    record = tmp_path / "calls"
    tracing = ["strace", "-D", "-f", "-o", str(record), "-e", "trace=write,fdatasync,fsync,sendto", "-s", "200", "-xx"]
    program = Program(tmp_path, before=tracing)
    try:
        for number in (1, 2):
            assert program.peer().put(number, [(1, time.time(), 1.5)])[0] == "saved"
        assert program.stop() == 0
    finally:
        program.end()
    saved = "".join(f"\\x{byte:02x}" for byte in b"saved")
    calls = [line.split(maxsplit=1)[1] for line in record.read_text().splitlines()]
    calls = [call for call in calls if "resumed" not in call]
    answers = [at for at, call in enumerate(calls) if call.startswith("sendto") and saved in call]
    assert len(answers) == 2
    before = -1
    for at, answer in enumerate(answers):
        between = [call.split("(")[0] for call in calls[before + 1 : answer]]
        synced = len(between) - 1 - between[::-1].index("fdatasync")
        assert "write" in between[:synced]
        assert at or "fsync" in between[synced:]  # the first one is in a new file
        before = answer


def test_what_makes_no_sense_is_answered_and_the_next_thing_is_done(program: Program) -> None:
    peer = program.peer()
    assert peer.ask("reading.range", channel=1)["code"] == -32602
    assert peer.ask("reading.range", channel=1, **{"from": 5, "to": 1})["code"] == 1006
    assert peer.ask("worker.list")["code"] == -32601
    peer.say({"method": METHOD, "params": {"batch": "x"}})
    assert peer.hear().error is not None
    peer.say({"method": METHOD, "params": Batch(3, b"\0" * 4, b"", b"")})
    assert peer.hear().params_as(dict)["refused"][0][0] == 0
    assert peer.put(4, [(1, time.time(), 1.0)])[0] == "saved"


def test_no_http_and_no_other_door_is_open(program: Program) -> None:
    """CL-07: of all sockets of the process one listens, and it hangs up who speaks HTTP."""
    inodes = set()
    for entry in Path(f"/proc/{program.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it has closed a file meanwhile
            inodes |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(entry)))
    listening = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{program.process.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (fields[3] == "0A" or table.startswith("udp")):
                listening.append((table, int(fields[1].split(":")[1], 16)))
    assert listening == [("tcp", program.port)]
    with socket.create_connection(("127.0.0.1", program.port), LIMIT_S) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        while data := sock.recv(4096):
            said += data
    children = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children").read_text()
    assert children.split() == []  # CL-09: no other process between the socket and the first store
    assert b"HTTP" not in said
    assert FrameReader().feed(said)[0].error is not None


def test_two_storages_do_not_share_a_directory(program: Program) -> None:
    second = Program(program.folder)
    assert second.process.wait(LIMIT_S) == 78
    assert second.first == ""
    assert f"pid {program.process.pid} already runs" in (program.folder / "log").read_text()
    second.end()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "0.0.0.0:0"], "does not listen on"),
        (["--keep-raw", "30x"], "is not a time, a size or both"),
        (["--buffer", "much"], "is not a size"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path: Path, words: list[str], said: str) -> None:
    program = subprocess.run(
        [*STORAGE, "--data", str(tmp_path), *words],
        capture_output=True, text=True, cwd=ROOT, timeout=LIMIT_S,
    )  # fmt: skip
    assert program.returncode in (2, 78)
    assert said in program.stderr
    assert "Traceback" not in program.stderr


def test_the_parts_of_a_keeper_are_not_shown() -> None:
    """CL-04: what is asked of a keeper names no database."""
    shown = [name for name in dir(Keeper) if not name.startswith("_")]
    assert shown == ["answer", "close", "keep", "oldest", "stats", "status", "tend"]
