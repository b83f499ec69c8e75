"""What was: attempts and the event log, asked of a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import astuple

from brender import history
from brender.core import events as ev
from brender.core.engine import Core
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.core.rows import TABLE_OF, Attempt, Job, Project, Row, Step
from brender.history import Entry
from brender.store import Store


def put(row: Row) -> Change:
    return Change(TABLE_OF[type(row)], "put", row.id, astuple(row))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two jobs of one step each; the first step's task 0 failed twice and then succeeded."""
    opened = Store.open(tmp_path)
    rows: list[Row] = [Project(1, "film"), Job(1, 1, "a", run=1), Job(2, 1, "b", run=1)]
    rows += [Step(1, 1, "render", run=1, frames="1-9"), Step(2, 2, "render", run=1, frames="1-9")]
    rows += [
        Attempt(1, 1, 0, 1, 1, 7, "error", exit_code=3, assigned_at=10.0, ended_at=11.0, spent=True),
        Attempt(2, 1, 0, 1, 2, 8, "lost", assigned_at=12.0, ended_at=13.0),
        Attempt(3, 1, 0, 1, 3, 8, "success0", assigned_at=14.0, ended_at=15.0),
        Attempt(4, 2, 0, 1, 1, 8, "terminated", signal=9, assigned_at=16.0, ended_at=17.0),
    ]
    opened.save([put(row) for row in rows])
    yield opened
    opened.close()


def test_the_attempts_of_a_task_come_newest_first(store: Store) -> None:
    found = history.attempts_of(store.database, 1, 0)
    assert [attempt.id for attempt in found] == [3, 2, 1]
    assert found[2] == Attempt(1, 1, 0, 1, 1, 7, "error", exit_code=3, assigned_at=10.0, ended_at=11.0, spent=True)
    assert history.attempts_of(store.database, 1, 5) == []


def test_what_a_worker_ran_comes_newest_first_and_is_not_looked_for_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [attempt.id for attempt in history.attempts_by(store.database, 8)] == [4, 3, 2]
    assert [attempt.id for attempt in history.attempts_by(store.database, 8, limit=1)] == [4]
    assert history.attempts_by(store.database, 99) == []
    plan = store.database.execute_sql(
        "EXPLAIN QUERY PLAN SELECT t1.id FROM attempt AS t1 WHERE t1.id > 2 AND t1.worker_id = 8 ORDER BY t1.id DESC"
    ).fetchall()
    assert [row[3] for row in plan] == ["SEARCH t1 USING INTEGER PRIMARY KEY (rowid>?)"]
    monkeypatch.setattr(history, "NEWEST", 2)
    assert [attempt.id for attempt in history.attempts_by(store.database, 8)] == [4, 3]


def test_the_last_failures_of_the_farm_and_of_a_job(store: Store) -> None:
    assert [attempt.id for attempt in history.failures(store.database)] == [4, 2, 1]
    assert [attempt.id for attempt in history.failures(store.database, job=1)] == [2, 1]
    assert [attempt.id for attempt in history.failures(store.database, limit=1)] == [4]


def test_failures_are_found_by_their_index_and_not_by_reading_all_attempts(store: Store) -> None:
    plan = store.database.execute_sql(
        "EXPLAIN QUERY PLAN SELECT t1.id FROM attempt AS t1 WHERE state IN ('error', 'terminated', 'killed', 'lost') "
        "ORDER BY t1.ended_at DESC LIMIT 50"
    ).fetchall()
    assert [row[3] for row in plan] == ["SCAN t1 USING INDEX attempt_failed"]


def test_the_event_log_keeps_what_is_appended(store: Store) -> None:
    first = Entry(1.5, "job.started", "anna", "job", 1, {"run": 1, "name": "a\u20ac"})
    second = Entry(2.5, "worker.lost", "", "worker", 8)
    history.append(store.database, [first, second])

    found = history.events(store.database)
    assert [entry.topic for entry in found] == ["worker.lost", "job.started"]
    assert found[1].data == {"run": 1, "name": "a\u20ac"}
    assert [entry.at for entry in history.events(store.database, subject=("job", 1))] == [1.5]
    assert [entry.topic for entry in history.events(store.database, after=found[1].id)] == ["worker.lost"]


def test_old_entries_are_forgotten(store: Store) -> None:
    history.append(store.database, [Entry(float(at), "tick") for at in range(10)])
    assert history.forget(store.database, before=7.0) == 7
    assert [entry.at for entry in history.events(store.database)] == [9.0, 8.0, 7.0]


def test_what_is_over_is_read_from_the_disk_newest_first(tmp_path: Path) -> None:
    """Alarms, lines and letters leave memory when they are over (docs/alarms.md); silent lines never were in it."""
    core, store = Core(Farm()), Store.open(tmp_path)
    now = 1_000_000.0

    def play(*events: ev.Event) -> None:
        nonlocal now
        now += 1.0
        store.save(core.turn(events, now).changes)

    play(ev.Boot())
    play(ev.WriteLog("render", "DEBUG", "silent", data={"x": 0.1}))
    play(ev.WriteLog("render", "ALERT", "at once"), ev.TakeDelivery("here"), ev.DeliverySent(1, ["anna@example.org"]))
    for session in (1, 2):
        play(ev.Hello(session, "brender_a", "a", "box"))
        play(ev.Disconnected(session))
        now += 20.0
        play(ev.Tick())
    play(ev.Hello(3, "brender_a", "a", "box"))
    database = store.database
    assert [row.text for row in history.records_of(database, 1, None, 10)] == ["at once", "silent"]
    assert [row.data for row in history.records_of(database, None, "DEBUG", 10)] == [{"x": 0.1}]
    assert [row.done for row in history.deliveries_of(database, 10)] == [["anna@example.org"]]
    over = history.alarms_of(database, None, 10)
    assert [(row.id, row.about, row.state, row.muted) for row in over] == [
        (2, "box", "resolved", False),
        (1, "box", "resolved", False),
    ]
    assert history.alarms_of(database, 99, 10) == []
    assert core.farm.same_as(store.load())
    store.close()


def test_the_log_is_paged_to_its_end_and_searched(tmp_path: Path) -> None:
    """Beyond the 1,000 rows of one answer, too; a percent sign in what is searched is a percent sign."""
    core, store = Core(Farm()), Store.open(tmp_path)
    store.save(core.turn([ev.Boot()], 1_000_000.0).changes)
    for page in range(3):
        lines = [ev.WriteLog("render", "DEBUG", f"line {page * 500 + one}") for one in range(500)]
        store.save(core.turn(lines, 1_000_001.0 + page).changes)
    turn = core.turn([ev.WriteLog("render", "ALERT", "100% of Render-07")], 1_000_009.0)
    store.save(turn.changes)
    letter = core.farm.records[turn.answers[0]["id"]].delivery_id
    database = store.database
    oldest = history.records_of(database, None, None, 100, 1401)
    assert [row.text for row in oldest][::99] == ["line 99", "line 0"]
    assert [row.text for row in history.records_of(database, None, None, 10, 0, "0% OF render")] == [
        "100% of Render-07"
    ]
    assert history.records_of(database, None, None, 10, 0, "1%0") == []
    assert [row.text for row in history.records_of(database, None, None, 10, delivery=letter)] == ["100% of Render-07"]
    store.save(core.turn([ev.DeliverySent(letter, ["a"])], 1_000_010.0).changes)
    assert history.deliveries_of(database, 10, 1) == []
    store.close()
