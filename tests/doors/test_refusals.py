"""When the master says no at its start, and when the disk says no to the master."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .peers import LIMIT, ROOT, Farm, until


def start(*words: str) -> tuple[int, str]:
    """Exit code and words of a master that is not expected to run."""
    argv = [sys.executable, "-m", "brender.master", *words]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=False, cwd=ROOT)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("address", ["0.0.0.0:6000", "[::]:6000", "192.0.2.7:6000", ":6000:7", "farm.example:6000"])
def test_no_master_listens_to_strangers(tmp_path: Path, address: str) -> None:
    """S1, S2: exit 78 with the reason and the way out; nothing is made and no port is opened."""
    code, said = start("--listen", address, "--data", str(tmp_path / "data"))
    assert code == 78
    assert said.startswith("brender master: ") and said.count("\n") == 1
    assert "Listen on 127.0.0.1" in said or "is no address" in said
    assert not (tmp_path / "data").exists()


def test_a_second_master_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    """One master a directory, one a port: exit 78 each time, with what to do."""
    farm = Farm(tmp_path)
    try:
        code, said = start("--listen", "127.0.0.1:0", "--data", str(farm.data))
        assert (code, f"pid {farm.master.process.pid} already runs" in said) == (78, True)
        code, said = start("--listen", f"127.0.0.1:{farm.port}", "--data", str(tmp_path / "other"))
        assert code == 78 and "cannot listen" in said and "Traceback" not in said
    finally:
        farm.end()


FEW_FILES = ["sh", "-c", 'ulimit -n 256; exec "$@"', "sh"]


@pytest.mark.parametrize(
    ("before", "more", "most"), [([], ["--connections", "3"], 3), (FEW_FILES, [], 128)], ids=["told so", "few files"]
)
def test_a_full_master_refuses_one_more_in_words(tmp_path: Path, before: list[str], more: list[str], most: int) -> None:
    """BR-35, F27: the limit is the farm's to set, and never more than the files that the system lets it open."""
    farm = Farm(tmp_path, before, more)
    try:
        peers = [farm.json() for _ in range(most)]
        for peer in peers:
            assert peer.call("session.test") == {"text": "test>"}
        for _ in range(3):
            assert (
                farm.say(b"test\n") == b"brender: this master serves %d connections at the most; try later.\r\n" % most
            )
        assert peers[0].call("project.add", name="film")["row"]["name"] == "film"
        peers.pop().close()
        until(lambda: farm.say(b"test\n").startswith(b"test>"), "there is room for one again")
        assert "Traceback" not in farm.master.log.read_text()
    finally:
        farm.end()


@pytest.mark.parametrize("damage", ["header", "pages", "no database"])
def test_a_damaged_database_ends_the_start_with_the_steps_to_restore_it(tmp_path: Path, damage: str) -> None:
    """CONTRACT: CORRUPT and NOTADB refuse the start; the file stays as it is, and the words say what to do."""
    farm = Farm(tmp_path)
    try:
        with farm.json() as peer:
            for number in range(50):
                peer.call("project.add", name=f"p{number}", values={"description": "x" * 2000})
        assert farm.master.stop() == 0
    finally:
        farm.end()
    path = farm.data / "farm.db"
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:40] = b"\xff" * 40
    elif damage == "pages":
        content[4096:] = b"\xa5" * (len(content) - 4096)
    else:
        content = bytearray(b"these are my tax returns\n" * 1000)
    path.write_bytes(content)
    code, said = start("--listen", "127.0.0.1:0", "--data", str(farm.data))
    assert code == 78, said
    assert str(path) in said and "mv " in said and "backup" in said and "start the master again" in said
    assert "Traceback" not in said
    assert path.read_bytes() == bytes(content)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Farm]:
    """A farm on a disk of three megabytes, in a mount namespace that ends with its master."""
    disk = tmp_path / "master"
    disk.mkdir()
    inside = f'mount -t tmpfs -o size=3m none "{disk}" && exec "$@"'
    farm = Farm(tmp_path, before=["unshare", "--mount", "--map-root-user", "sh", "-c", inside, "sh"])
    try:
        farm.worker()
        yield farm
    finally:
        farm.end()


def test_a_full_disk_stops_changes_and_nothing_else_and_they_go_on_when_there_is_room(small: Farm) -> None:
    """F06: no change is acknowledged that is not stored; reads answer and say why; it goes on by itself."""
    disk = Path(f"/proc/{small.master.process.pid}/root{small.data}")
    watcher, peer = small.json(), small.json()
    peer.call("job.create", name="before", function="noop")
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    # Changes until one is not answered: it waits for the disk, unacknowledged.
    number = 0

    def full() -> str:
        said: str = watcher.call("farm.status")["writer"]["full"]
        return said

    acknowledged: list[str] = []
    waiting = 0
    while not full():
        number += 1
        values = {"description": "x" * 20_000}
        peer.send(
            {
                "jsonrpc": "2.0",
                "id": number,
                "method": "project.add",
                "params": {"name": f"p{number}", "values": values},
            }
        )
        answer = None
        peer.link.settimeout(0.5)
        while answer is None and not full():  # a disk that is only slow answers later
            with suppress(TimeoutError):
                answer = peer.answer(number)
        peer.link.settimeout(LIMIT)
        if answer is None:
            waiting = number
        elif "result" in answer:
            acknowledged.append(f"p{number}")
    assert "full" in full() and "room" in full().lower()
    for method, params in (
        ("worker.disable", {"workers": ["all"]}),
        ("job.create", {"name": "late", "function": "noop"}),
    ):
        error = watcher.refused(method, **params)
        assert error["code"] == 1007 and "full" in error["message"], error
    assert small.nc("disable ALL\n", "-N").startswith(b"ERR 1007 ")
    assert small.nc("clients\n", "-N").startswith(b"id  name")
    stored = _projects(disk, small.folder)
    assert set(acknowledged) <= set(stored)
    ballast.unlink()
    until(lambda: not full(), "there is room again")
    if waiting:  # the change that met the full disk first is answered now
        assert "result" in peer.answer(waiting)
        acknowledged.append(f"p{waiting}")
    assert watcher.call("worker.disable", workers=["all"])["state"] == "disabled"
    assert watcher.call("worker.enable", workers=["all"])["state"] == "enabled"
    until(lambda: small.workers()["render-01"]["presence"] == "online", "the worker is here")
    watcher.call("farm.subscribe", topics=["job.ended"])
    watcher.call("job.run", job="before")
    assert watcher.event("job.ended")["data"]["state"] == "success0"
    names = [row["name"] for row in watcher.call("project.list", limit=1000)["projects"]]
    assert set(acknowledged) <= set(names)


def _projects(disk: Path, folder: Path) -> list[str]:
    """The names in a copy of the database and its log: what a power cut would leave."""
    for name in ("farm.db", "farm.db-wal"):
        (folder / name).write_bytes((disk / name).read_bytes() if (disk / name).exists() else b"")
    database = sqlite3.connect(folder / "farm.db")
    try:
        return [name for (name,) in database.execute("SELECT name FROM project")]
    finally:
        database.close()


def test_a_master_that_is_killed_knows_all_workers_when_it_is_back(tmp_path: Path) -> None:
    """BR-13, BR-17: listed offline before any of them connects, with the state they had."""
    farm = Farm(tmp_path)
    try:
        with farm.json() as peer:
            for number in range(3):
                peer.call("worker.add", name=f"box-{number}", values={"mac": f"02:00:00:00:01:{number:02}"})
            peer.call("worker.disable", workers=["box-1"])
        farm.master.process.kill()
        farm.master.wait()
        farm.start()
        found = [(row["name"], row["state"], row["presence"]) for row in farm.workers().values()]
        wanted = ["enabled", "disabled", "enabled"]
        assert found == [(f"box-{number}", state, "offline") for number, state in enumerate(wanted)]
    finally:
        farm.end()


def test_a_stopped_master_says_goodbye_and_leaves_no_port(tmp_path: Path) -> None:
    """BR-17: SIGTERM answers what was asked, ends the sessions and exits 0."""
    farm = Farm(tmp_path)
    try:
        screen, peer = farm.telnet(), farm.json()
        screen.prompt()
        peer.call("worker.add", name="kept", values={"mac": "02:00:00:00:02:01"})
        assert farm.master.stop() == 0
        assert "the farm is saved" in farm.master.line()
        screen.finish()
        assert "Connection closed" in screen.text
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", farm.port), LIMIT)
        assert not os.path.exists(f"/proc/{farm.master.process.pid}")
        farm.start()
        assert farm.workers()["kept"]["presence"] == "offline"
    finally:
        farm.end()
