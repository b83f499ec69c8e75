"""Damaged files, databases that go away and newer ones: readings wait or begin anew, and the farm goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pysqlite3
import pytest
from doors.peers import Farm as Doors

from bench.postgres import Server
from brender.errors import BrenderError, Unsupported
from brender.storage import postgres
from brender.storage.engine import Away

from .world import START, Place, columns, seconds


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Place]:
    """In SQLite."""
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("damage", ["header", "pages", "foreign text", "cut"])
def test_a_damaged_database_is_set_aside_and_a_new_one_begun(
    plain: Place, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """The farm itself must start; what was in the buffer is not lost."""
    plain.keep(*(seconds(channel, START, 3000) for channel in range(1, 30)))
    plain.move()
    plain.keep(seconds(1, START + 5000, 10))
    plain.close()
    path = plain.folder / "readings.db"
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:40] = b"\xff" * 40
    elif damage == "pages":
        content[4096:] = b"\xa5" * (len(content) - 4096)
    elif damage == "cut":
        content = content[: len(content) // 2]
    else:
        content = bytearray(b"these are my tax returns\n" * 1000)
    path.write_bytes(content)

    plain.keeper = plain._open()
    plain.move()
    aside = plain.keeper.status()["set_aside"]
    assert Path(aside).read_bytes()[4096:] == bytes(content)[4096:]  # its first page may have counted a change
    assert aside.startswith(f"{path}.damaged-2026")
    assert "is damaged" in caplog.text
    assert f"It is now {aside}; a new one is begun." in caplog.text
    assert len(plain.samples(1)) == 10
    plain.keep(seconds(1, START + 6000, 10))
    plain.crash()
    plain.move()
    assert len(plain.samples(1)) == 20


def test_a_newer_database_is_left_alone_and_readings_wait(plain: Place) -> None:
    plain.close()
    connection = pysqlite3.connect(str(plain.folder / "readings.db"))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    plain.keeper = plain._open()
    plain.keep(seconds(1, START, 10))
    plain.move()
    status = plain.keeper.status()
    assert "has schema 99" in status["trouble"]
    assert status["waiting"] == 10
    with pytest.raises(BrenderError, match="has schema 99"):
        plain.ask(1)


def test_a_database_of_another_program_is_left_alone(plain: Place) -> None:
    plain.close()
    (plain.folder / "readings.db").unlink()
    connection = pysqlite3.connect(str(plain.folder / "readings.db"))
    connection.execute("PRAGMA application_id = 7")
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    plain.keeper = plain._open()
    assert "another program" in plain.keeper.status()["trouble"]


def test_a_block_that_cannot_be_read_costs_only_itself(plain: Place, caplog: pytest.LogCaptureFixture) -> None:
    plain.keep(seconds(1, START, 100), seconds(2, START, 100))
    plain.move()
    plain.keep(seconds(1, START + 100, 100))
    plain.move()
    connection = pysqlite3.connect(str(plain.folder / "readings.db"))
    connection.execute("UPDATE block_202609 SET data = x'0102' WHERE channel = 1 AND rowid = 1")
    connection.commit()
    connection.close()
    with pytest.raises(BrenderError, match="Samples of channel 1 are damaged"):
        plain.samples(1)
    assert len(plain.samples(2)) == 100
    plain.seal()
    assert "samples of channel 1 in hour" in caplog.text
    assert len(plain.samples(1)) == 100


def test_a_full_disk_under_the_database_loses_nothing(plain: Place) -> None:
    """With SQLite's own limit of pages: the same error as a full disk."""
    plain.keep(seconds(1, START, 10))
    plain.move()
    engine = plain.keeper._archive.parts.engine
    (pages,) = engine.rows("PRAGMA page_count")[0]
    engine.rows(f"PRAGMA max_page_count = {pages}")
    plain.keep(*(seconds(channel, START + 10, 5000) for channel in range(1, 40)))
    plain.move()
    assert "is full" in plain.keeper.status()["trouble"]
    assert plain.keeper.status()["waiting"] == 39 * 5000
    assert len(plain.samples(1)) == 5010
    engine.rows("PRAGMA max_page_count = 1000000")
    plain.move()
    assert plain.keeper.status()["trouble"] == ""
    assert plain.keeper.status()["waiting"] == 0
    assert len(plain.samples(1)) == 5010


def test_what_waits_too_long_is_refused_at_last(tmp_path: Path) -> None:
    """CL-42: a database that is away fills the buffer; then senders keep theirs, and all goes on by itself."""
    place = Place(tmp_path, "postgresql://nobody@127.0.0.1:1/none", buffer_bytes=110_000, memory_samples=2000)
    place.keep(seconds(1, START, 1000))
    for at in range(5):
        place.keep(seconds(1, START + 1000 * (at + 1), 1000))
        place.keeper._buffer.close_file()
    with pytest.raises(BrenderError, match="wait for a database"):
        place.keep(seconds(1, START + 9000, 1000))
    status = place.keeper.status()
    assert "PostgreSQL does not take the readings" in status["trouble"]
    assert (status["waiting"], "wait for a database" in status["refusing"]) == (6000, True)
    assert place.keeper._buffer.in_memory <= 3000
    with pytest.raises(BrenderError, match="PostgreSQL does not take"):
        place.ask(1)
    place.close()

    place.database = ""  # as if it were back
    place.keeper = place._open()
    place.tend()
    place.keep(seconds(1, START + 9000, 1000))
    assert len(place.samples(1)) == 7000
    place.close()


def test_a_server_that_comes_back_is_used_again(tmp_path: Path, server: Server) -> None:
    """CL-42: also in the middle of what it was doing."""
    place = Place(tmp_path, server.fresh())
    place.keep(seconds(1, START, 100))
    place.move()
    server.stop()
    place.keep(seconds(1, START + 100, 100), columns([(1, START, "text")]))
    place.move()
    assert "PostgreSQL does not take the readings" in place.keeper.status()["trouble"]
    server.start()
    place.move()
    assert place.keeper.status()["trouble"] == ""
    place.seal()
    server.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'brender storage'")
    assert place.ask(1, step=3600.0).counts == [200]
    place.keep(seconds(1, START + 200, 100))
    place.move()
    place.move()
    assert len(place.samples(1)) == 300
    place.close()


def test_months_are_partitions_and_no_password_is_shown(tmp_path: Path, server: Server) -> None:
    """CL-48: a part of each table by month, as PostgreSQL's own partitions of one table."""
    url = server.fresh()
    place = Place(tmp_path, url)
    place.keep(seconds(1, START, 10), seconds(1, START + 10 * 86_400, 10))
    place.now += 11 * 86_400
    place.seal()
    import psycopg

    with psycopg.connect(url) as connection:
        parts = connection.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'brender.block'::regclass ORDER BY 1"
        ).fetchall()
        assert [row[0] for row in parts] == ["block_202609", "block_202610"]
        whole = connection.execute("SELECT sum(count) FROM brender.hour WHERE channel = 1").fetchone()
        assert whole == (20,)
    place.close()
    engine = postgres.Postgres("postgresql://user:geheim@127.0.0.1:1/x")
    with pytest.raises(Away) as refused:
        engine.rows("SELECT 1")
    assert "geheim" not in refused.value.sentence()


def test_a_url_that_is_none_is_said_and_nothing_stops(tmp_path: Path) -> None:
    place = Place(tmp_path, "postgresql://[")
    place.keep(seconds(1, START, 10))
    assert "PostgreSQL" in place.keeper.status()["trouble"]
    place.close()


def test_without_its_library_postgresql_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(Unsupported, match="psycopg") as refused:
        postgres.engines("postgresql://x")
    assert "brender[postgres]" in refused.value.hint


def test_a_farm_with_damaged_readings_starts_and_says_where_they_are(tmp_path: Path) -> None:
    data = tmp_path / "master"
    data.mkdir()
    (data / "readings.db").write_bytes(b"these are my tax returns\n" * 1000)
    farm = Doors(tmp_path)
    try:
        asks = farm.json()
        assert "row" in asks.call("project.add", name="film")
        aside = ""
        while not aside:
            aside = asks.call("farm.status")["readings"]["set_aside"]
        assert Path(aside).read_bytes().startswith(b"these are my tax returns")
        assert b"A damaged database is now" in farm.nc("farm status\n", "-N")
        assert asks.call("reading.stats")["samples"] == 0
    finally:
        farm.end()
