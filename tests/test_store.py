"""The database on real files: what is acknowledged is there, what is damaged is refused, memory and disk are one."""

from __future__ import annotations

import signal
import sqlite3
import sys
from pathlib import Path
from random import Random

import pytest

from brender import models, upgrades
from brender.core.engine import Core
from brender.core.events import Boot, Fire
from brender.core.invariants import check
from brender.core.lifecycle import TaskState
from brender.core.rows import TABLES, Attempt, Limit, Preset, Project
from brender.disk import StoreFull
from brender.store import PRAGMAS, Store

sys.path.insert(0, str(Path(__file__).parent))
from store_world import World, attempt, base, delete, put, run_python


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_to_a_farm_the_disk_tells_the_same_story(tmp_path: Path, seed: int) -> None:
    """BR-08, the mirror: load(save(farm)) is the farm, after every turn of a random life."""
    world = World(Random(seed))
    store = Store.open(tmp_path)
    try:
        store.save(world.first)
        for number in range(50):
            store.save(world.step().changes)
            loaded = store.load()

            assert world.farm.same_as(loaded), f"turn {number}: {world.core.ledger.story[-1]}"
            assert check(world.farm) == []
            for table in TABLES:
                assert loaded.next_ids[table] <= world.farm.next_ids[table]
    finally:
        store.close()


def test_a_reopened_store_holds_what_was_saved_and_a_higher_epoch(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.save([*base(), attempt(1, 0, "success0"), attempt(2, 1, "running", pid=7, started_at=0.1)])
    before = store.load()
    farm_id, epoch = store.farm_id(), store.next_epoch()
    store.close()

    store = Store.open(tmp_path)
    after = store.load()
    assert after.same_as(before)
    assert after.attempts[2].pid == 7
    assert after.workers[1].config == {"ratio": 0.1}
    assert (store.farm_id(), after.epoch, store.next_epoch()) == (farm_id, epoch, epoch + 1)
    used = {"worker": 2, "project": 2, "job": 2, "step": 2, "attempt": 3}
    assert after.next_ids == {**dict.fromkeys(TABLES, 1), **used}
    store.close()


def test_tasks_are_folded_from_the_attempts_of_the_current_run(tmp_path: Path) -> None:
    """Retries, crashes, spent attempts and returned ones (lifecycle.task_after; CONTRACT D2)."""
    store = Store.open(tmp_path)
    old_run = Attempt(90, 1, 8, 0, 1, 1, "success0")
    store.save(
        [
            *base(),
            *(attempt(1, 0, "error"), attempt(2, 0, "success0", 2)),
            *(attempt(3, 1, "error"), attempt(4, 1, "error", 2, exit_code=3)),
            attempt(5, 2, "error"),
            *(attempt(6, 3, "error"), attempt(7, 3, "error", 2, spent=True)),
            *(attempt(8, 4, "lost"), attempt(9, 4, "running", 2)),
            *(attempt(10, 5, "error"), attempt(11, 5, "returned", 2)),
            *(attempt(12 + i, 6, "lost", i + 1) for i in range(5)),
            attempt(20, 7, "killed"),
            put(old_run),
        ]
    )
    farm = store.load()
    store.close()
    tasks = farm.tasks[1]
    T = TaskState
    assert [TaskState(state) for state in tasks.states] == [
        *(T.SUCCESS, T.ERROR, T.RERUN, T.NEW, T.RUNNING, T.RERUN, T.ERROR, T.KILLED, T.NEW, T.NEW)
    ]
    assert list(tasks.numbers) == [2, 2, 1, 2, 2, 2, 5, 1, 0, 0]
    assert {task: (t.last.id, t.errors, t.crashes) for task, t in tasks.trouble.items()} == {
        1: (4, 2, 0),
        2: (5, 1, 0),
        3: (7, 0, 0),
        4: (8, 0, 1),
        5: (11, 1, 0),
        6: (16, 0, 5),
        7: (20, 0, 0),
    }
    assert sum(tasks.counts) == 10
    assert list(farm.attempts) == [9]


def test_in_a_stopped_job_nothing_waits_for_a_slot(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.save([*base("1-3", desired="stop"), attempt(1, 0, "error"), attempt(2, 1, "success0")])
    assert list(store.load().tasks[1].states) == [TaskState.SKIPPED, TaskState.SUCCESS, TaskState.SKIPPED]
    store.close()


def test_deleting_a_step_deletes_its_attempts_and_no_id_comes_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.save([*base(), attempt(41, 0, "success0")])
    store.save([delete("step", 1), delete("job", 1)])
    left = store.database.execute_sql("SELECT count(*) FROM attempt").fetchone()[0]
    store.close()

    store = Store.open(tmp_path)
    assert left == 0
    assert store.load().next_ids["attempt"] == 42
    assert store.load().next_ids["step"] == 2
    store.close()


def test_of_several_changes_to_a_row_the_last_one_counts(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.save([put(Project(2, "b")), put(Project(1, "a")), put(Project(2, "c")), delete("project", 1)])
    assert [project.name for project in store.load().projects.values()] == ["c"]
    store.close()


def test_text_that_no_database_takes_does_not_stop_the_farm(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.save([*base(), attempt(1, 0, "error", reason="broken \udcff \0 \U0001f600", exit_code=1 << 70)])
    last = store.load().tasks[1].trouble[0].last
    assert last.reason == "broken \\udcff \0 \U0001f600"
    assert last.exit_code == (1 << 63) - 1
    store.close()


_WRITES = """
import os, sys
from pathlib import Path
from brender.store import Store
from brender.core.journal import Change
from brender.core.rows import Project
from msgspec.structs import astuple
store = Store.open(Path(sys.argv[1]))
first = store.load().next_ids["project"]
for n in range(first, first + 100000):
    store.save([Change("project", "put", n, astuple(Project(n, f"p{n}")))])
    os.write(1, b"%d\\n" % n)
    if n % 37 == 0:
        store.checkpoint(truncate=n % 2 == 0)
"""


def test_a_master_killed_at_any_moment_has_kept_all_it_acknowledged(tmp_path: Path) -> None:
    """F01: ten kill -9, one after another on the same farm; the lock of a dead master does not hold up the next."""
    random = Random(1)
    acknowledged = 0
    for _ in range(10):
        writer = run_python(_WRITES, str(tmp_path))
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(random.randint(1, 120))]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.readlines()
        writer.stdout.close()
        writer.wait()

        acknowledged = max(acknowledged, *map(int, lines))
        store = Store.open(tmp_path)
        kept = store.load().projects
        store.close()
        assert all(n in kept for n in range(1, acknowledged + 1))
    assert acknowledged > 10


def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """F06, with SQLite's own limit of pages: the same error as a full disk."""
    store = Store.open(tmp_path)
    store.save(base())
    pages = store.database.execute_sql("PRAGMA page_count").fetchone()[0]
    store.database.execute_sql(f"PRAGMA max_page_count = {pages}")
    many = [attempt(i + 1, i % 10, "returned", reason="x" * 500) for i in range(100)]
    with pytest.raises(StoreFull, match=r"full.*nothing more is accepted"):
        store.save(many)
    assert store.load().next_ids["attempt"] == 1

    store.database.execute_sql("PRAGMA max_page_count = 1000000")
    store.save(many)
    assert store.load().next_ids["attempt"] == 101
    store.close()


def test_every_field_of_a_row_has_its_column_in_the_same_order() -> None:
    for table, kind in TABLES.items():
        assert tuple(models.MIRRORED[table]._meta.sorted_field_names) == kind.__struct_fields__


def test_each_connection_has_the_promised_settings(tmp_path: Path) -> None:
    """CONTRACT 4.4."""
    store = Store.open(tmp_path)
    words = {"WAL": "wal", "FULL": 2, "ON": 1, "OFF": 0, "MEMORY": 2, "NORMAL": "normal", "EXCLUSIVE": "exclusive"}
    for name, value in PRAGMAS.items():
        found = store.database.execute_sql(f"PRAGMA {name}").fetchone()[0]
        assert found == words.get(value, value), name
    version = store.version()
    assert version["journal"] == "wal"
    assert version["schema"] == upgrades.SCHEMA
    store.close()


def test_checkpoints_come_by_amount_and_empty_the_log(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.save(base("1-30000"))
    assert not store.checkpoint_due
    store.save([attempt(i + 1, i, "success0") for i in range(30000)])
    assert store.checkpoint_due
    assert store.checkpoint()
    assert not store.checkpoint_due
    assert store.checkpoint(truncate=True)
    assert (tmp_path / "farm.db-wal").stat().st_size == 0
    store.close()


def test_a_farm_of_schema_1_is_opened_with_everything_it_held(tmp_path: Path) -> None:
    """F42: written by the brender before schema 2; the file before is kept beside it."""
    connection = sqlite3.connect(tmp_path / "farm.db")
    connection.executescript((Path(__file__).parent / "golden" / "schema-1.sql").read_text())
    connection.close()

    store = Store.open(tmp_path)
    farm = store.load()
    assert store.version()["schema"] == upgrades.SCHEMA == 9
    assert (tmp_path / "farm.db.schema-1").exists()
    job, render = farm.jobs[1], farm.steps[2]
    assert (job.name, job.priority, job.after, job.start_at, job.failures) == ("shot", 70, [], None, {})
    assert (render.order, render.after, render.limits, render.needs, render.retries) == ("linear", [], [], {}, 2)
    assert [list(tasks.states) for tasks in farm.tasks.values()] == [[7], [3, 7, 3], [0, 0, 0]]
    assert (farm.workers[1].facts, farm.projects[1].weight, farm.limits) == ({}, 1.0, {})
    assert farm.tasks[2].trouble[0].last.reason == "out of memory"
    Core(farm).turn([Boot()], 1_700_000_100.0)
    assert check(farm) == []

    store.save([put(Limit(farm.next_ids["limit"], "nuke", 3))])
    store.close()
    store = Store.open(tmp_path)
    assert store.load().limits[1].count == 3
    store.close()


def test_a_farm_of_schema_2_takes_presets_and_keeps_the_rest(tmp_path: Path) -> None:
    """F42: written by the brender before schema 3."""
    connection = sqlite3.connect(tmp_path / "farm.db")
    connection.executescript((Path(__file__).parent / "golden" / "schema-2.sql").read_text())
    connection.close()

    store = Store.open(tmp_path)
    farm = store.load()
    assert (store.version()["schema"], farm.presets) == (upgrades.SCHEMA, {})
    assert (tmp_path / "farm.db.schema-2").exists()
    render = farm.steps[2]
    assert (render.order, render.after, render.limits) == ("reverse", ["sim:frame"], ["nuke"])
    assert (render.needs, farm.jobs[1].most_tasks, farm.limits[1].count) == ({"memory_mb": 8000.0}, 4, 3)
    Core(farm).turn([Boot()], 1_700_000_100.0)
    assert check(farm) == []

    store.save([put(Preset(farm.next_ids["preset"], "shots", {"samples": 64, "denoise": True}))])
    store.close()
    store = Store.open(tmp_path)
    assert store.load().presets[1].params == {"samples": 64, "denoise": True}
    store.close()


def test_a_farm_of_schema_8_takes_the_history_of_schedules_and_keeps_the_rest(tmp_path: Path) -> None:
    """F42: written by the brender before schema 9."""
    connection = sqlite3.connect(tmp_path / "farm.db")
    connection.executescript((Path(__file__).parent / "golden" / "schema-8.sql").read_text())
    connection.close()

    store = Store.open(tmp_path)
    farm = store.load()
    assert (store.version()["schema"], farm.schedule_runs) == (upgrades.SCHEMA, {})
    assert (tmp_path / "farm.db.schema-8").exists()
    nightly = farm.schedules[4]
    assert (nightly.name, nightly.runs, nightly.last_result["outcome"]) == ("nightly", 1, "ok")
    assert (farm.workers[1].name, farm.workers[1].rehosted_at, len(farm.deliveries)) == ("render-07", None, 1)
    core = Core(farm)
    core.turn([Boot()], 1_700_000_100.0)
    assert check(farm) == []

    store.save(core.turn([Fire(4, 1_700_000_120.0, "worker enable all")], 1_700_000_120.0).changes)
    store.close()
    store = Store.open(tmp_path)
    run = store.load().schedule_runs[1]
    assert (run.schedule_id, run.name, run.command, run.due_at) == (4, "nightly", "worker enable all", 1_700_000_120.0)
    assert run.outcome == "running"
    store.close()


@pytest.mark.parametrize("schema", [1, 2, 8])
def test_an_upgraded_database_has_the_columns_of_a_new_one(tmp_path: Path, schema: int) -> None:
    (tmp_path / "old").mkdir()
    connection = sqlite3.connect(tmp_path / "old" / "farm.db")
    connection.executescript((Path(__file__).parent / "golden" / f"schema-{schema}.sql").read_text())
    connection.close()
    shapes = []
    for name in ("old", "new"):
        store = Store.open(tmp_path / name)
        run = store.database.execute_sql
        shapes.append({table: sorted(row[1:4] for row in run(f'PRAGMA table_info("{table}")')) for table in TABLES})
        store.close()
    assert shapes[0] == shapes[1]


def test_a_success_that_was_to_be_made_again_is_ready_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    line = attempt(2, 0, "returned", spent=True, reason="made again")
    store.save([*base("1-3"), attempt(1, 0, "success0"), line, attempt(3, 1, "success0"), attempt(4, 2, "success0")])
    store.save([attempt(5, 2, "returned", spent=True), attempt(6, 2, "success0", 2)])
    tasks = store.load().tasks[1]
    store.close()
    assert list(tasks.states) == [TaskState.NEW, TaskState.SUCCESS, TaskState.SUCCESS]
    assert list(tasks.numbers) == [1, 1, 2]
    assert tasks.trouble[0].last.id == 2
