"""What a farm left on the disk, judged: nothing lost, nothing counted twice, and what is loaded is what was saved.

Two witnesses: the database, read as plain rows, and the journal that the tasks themselves wrote while they ran.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import astuple

from brender.core import invariants
from brender.core.engine import Core
from brender.core.events import Boot
from brender.core.farm import Farm
from brender.core.journal import Change
from brender.core.lifecycle import ATTEMPT_LIVE, CRASH_LIMIT, TaskState
from brender.core.rows import TABLES
from brender.store import Store

Row = dict[str, Any]


def rows(data: Path, query: str) -> list[Row]:
    """Rows of a stopped farm's database."""
    with closing(sqlite3.connect(f"file:{data / 'farm.db'}?mode=ro", uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(query)]


def load_twice(data: Path) -> Farm:
    """load(save(farm)) == farm: the farm in a directory, loaded, saved row by row, loaded again (BR-08)."""
    store = Store.open(data)
    try:
        first = store.load()
        store.save(
            Change(table, "put", row.id, astuple(row)) for table in TABLES for row in first.table(table).values()
        )
        second = store.load()
    finally:
        store.close()
    assert first.same_as(second)
    Core(second).turn([Boot()], time.time())
    assert invariants.check(second) == []
    return first


def check_successes(data: Path, tasks: int) -> list[Row]:
    """Every one of so many tasks has exactly one success, every attempt its own number; returns all attempts."""
    found = rows(data, "SELECT * FROM attempt ORDER BY id")
    wins = Counter((row["step_id"], row["task"]) for row in found if row["state"] == "success0")
    assert len(wins) == tasks
    assert set(wins.values()) == {1}
    assert [row for row in found if row["state"] in ATTEMPT_LIVE] == []
    numbers = Counter((row["step_id"], row["task"], row["run"], row["number"]) for row in found)
    assert max(numbers.values()) == 1
    last = {(row["step_id"], row["task"]): row["state"] for row in found}
    assert set(last.values()) == {"success0"}
    lost = Counter((row["step_id"], row["task"]) for row in found if row["state"] == "lost")
    assert max(lost.values(), default=0) < CRASH_LIMIT
    return found


def check_farm(data: Path, tasks: int) -> Farm:
    """The loaded farm counts what its rows say: so many successes, nothing else, nothing live."""
    farm = load_twice(data)
    counts = [sum(one.counts[state] for one in farm.tasks.values()) for state in TaskState]
    assert counts[TaskState.SUCCESS] == tasks == sum(counts)
    assert farm.attempts == {}
    assert {job.state for job in farm.jobs.values()} == {"success0"}
    return farm


def check_journal(path: Path, attempts: list[Row], steps: set[int]) -> int:
    """Every success of these steps was really executed, as that attempt; returns how many executions did not count."""
    ran = Counter(
        (int(task), int(token.rpartition(".")[2])) for task, token in map(str.split, path.read_text().splitlines())
    )
    assert max(ran.values()) == 1, "an attempt was executed twice"
    wins = {(row["task"], row["id"]) for row in attempts if row["state"] == "success0" and row["step_id"] in steps}
    assert wins <= set(ran), "a success was counted that nobody executed"
    known = {(row["task"], row["id"]) for row in attempts}
    assert set(ran) <= known, "something was executed that no attempt stands for"
    return len(ran) - len(wins)
