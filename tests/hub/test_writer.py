"""Group commit on a thread: in order, only after the disk, and never on the hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from gevent.event import Event
from msgspec.structs import astuple

from brender import history
from brender.core.journal import Change
from brender.core.rows import Project
from brender.hub.writer import Writer
from brender.store import Store

LIMIT_S = 60.0


def put(row_id: int, name: str = "p") -> Change:
    return Change("project", "put", row_id, astuple(Project(row_id, name)))


@pytest.fixture
def fatal() -> list[Exception]:
    return []


@pytest.fixture
def writer(tmp_path: Path, fatal: list[Exception]) -> Iterator[Writer]:
    made = Writer(Store.open(tmp_path), fatal.append, retry=0.01)
    yield made
    made.close()


def on_disk(writer: Writer) -> set[int]:
    return set(writer.call(writer._store.load).projects)


def test_done_is_called_in_order_and_after_the_commit(writer: Writer) -> None:
    """D1: nothing is acknowledged that a power cut could take back."""
    said: list[int] = []
    for n in range(1, 301):
        writer.submit([put(n)] if n % 3 else [], lambda n=n: said.append(n))
    assert said == []
    assert writer.waiting == 200
    assert writer.flush()
    assert said == list(range(1, 301))
    assert writer.waiting == 0
    assert on_disk(writer) == {n for n in range(1, 301) if n % 3}
    assert writer.commits < 20


def test_nothing_to_write_is_answered_at_once(writer: Writer) -> None:
    said: list[str] = []
    writer.submit([], lambda: said.append("now"))
    assert said == ["now"]


def test_a_restart_after_close_finds_everything(tmp_path: Path, fatal: list[Exception]) -> None:
    writer = Writer(Store.open(tmp_path), fatal.append)
    writer.submit([put(1)], lambda: None)
    assert writer.close()
    store = Store.open(tmp_path)
    assert set(store.load().projects) == {1}
    store.close()
    assert fatal == []


def test_a_full_disk_is_waited_for_and_nothing_is_acknowledged_meanwhile(
    writer: Writer, fatal: list[Exception]
) -> None:
    """F06."""
    pages = writer.call(writer._store.database.execute_sql, "PRAGMA page_count").fetchone()[0]
    writer.call(writer._store.database.execute_sql, f"PRAGMA max_page_count = {pages}")
    said: list[str] = []
    writer.submit([put(n, "x" * 250) for n in range(1, 200)], lambda: said.append("written"))
    writer.submit([], lambda: said.append("read"))
    with gevent.Timeout(LIMIT_S):
        while not writer.full:
            gevent.wait(timeout=0.001, objects=[Event()])
    assert "full" in writer.full
    assert said == []
    assert not writer.flush(0.05)

    writer.call(writer._store.database.execute_sql, "PRAGMA max_page_count = 1000000")
    assert writer.flush()
    assert said == ["written", "read"]
    assert writer.full == ""
    assert fatal == []


def test_a_broken_disk_is_fatal_once_and_acknowledges_nothing(tmp_path: Path) -> None:
    """F05, F22."""
    died = Event()
    errors: list[Exception] = []

    def on_fatal(error: Exception) -> None:
        errors.append(error)
        died.set()

    writer = Writer(Store.open(tmp_path), on_fatal)
    writer.submit([put(1)], lambda: None)
    assert writer.flush()
    (tmp_path / "farm.db").unlink()
    said: list[str] = []
    writer.submit([put(2)], lambda: said.append("no"))
    assert died.wait(LIMIT_S)
    writer.submit([put(3)], lambda: said.append("no"))
    assert not writer.flush(1)
    writer.close()
    assert said == []
    assert ["removed or replaced" in str(error) for error in errors] == [True]


def test_reports_are_read_beside_the_commits(writer: Writer) -> None:
    writer.call(history.append, writer._store.database, [history.Entry(1.0, "hello")])
    assert [entry.topic for entry in writer.read(history.events)] == ["hello"]
    with pytest.raises(TypeError):
        writer.read(history.attempts_of)


def test_the_log_is_emptied_when_the_farm_is_idle(tmp_path: Path, fatal: list[Exception], monkeypatch) -> None:
    monkeypatch.setattr("brender.hub.writer._IDLE", 0.02)
    writer = Writer(Store.open(tmp_path), fatal.append)
    writer.submit([put(1)], lambda: None)
    assert writer.flush()
    with gevent.Timeout(LIMIT_S):
        while (tmp_path / "farm.db-wal").stat().st_size:
            gevent.wait(timeout=0.005, objects=[Event()])
    writer.close()
    assert fatal == []


def test_the_hub_goes_on_while_thousands_of_rows_are_written(writer: Writer) -> None:
    """A commit runs on a thread of its own: other greenlets get their turns during it (how late: bench/)."""
    beats = 0
    going = True

    def watch() -> None:
        nonlocal beats
        while going:
            gevent.sleep(0)
            beats += 1

    watcher = gevent.spawn(watch)
    for at in range(0, 20_000, 1000):
        writer.submit([put(n) for n in range(at + 1, at + 1001)], lambda: None)
    assert writer.flush()
    going = False
    watcher.join()
    assert beats > writer.commits
    assert writer.written == 20_000
