"""A farm's directory when things go wrong: two masters, damaged files, vanished files, schemas of other versions."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from brender import master
from brender.core.lifecycle import TaskState
from brender.disk import StoreBroken, StoreRefused, check_file_system, file_system_of
from brender.store import Store
from brender.upgrades import SCHEMA

sys.path.insert(0, str(Path(__file__).parent))
from store_world import attempt, base, run_python

ROOT = Path(__file__).parent.parent


def test_a_second_master_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    """F40."""
    store = Store.open(tmp_path)
    with pytest.raises(StoreRefused) as refusal:
        Store.open(tmp_path)
    store.close()
    for part in (str(os.getpid()), str(tmp_path), "another directory"):
        assert part in refusal.value.sentence()
    Store.open(tmp_path).close()


def test_the_file_system_of_a_directory_is_read_from_the_mounts(tmp_path: Path) -> None:
    mounts = (
        "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
        f"2 1 0:9 / {tmp_path} rw,relatime shared:1 - nfs4 server:/farm rw\n"
        f"3 1 0:9 / {tmp_path}-other rw - tmpfs none rw\n"
    )
    assert file_system_of(tmp_path / "farm", mounts) == "nfs4"
    assert file_system_of(tmp_path.parent, mounts) == "ext4"


def _damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "header":
        data[:16] = b"no database at a"
    elif how == "page":
        data[4096 : 4096 + 2048] = b"\xff" * 2048
    elif how == "truncated":
        del data[len(data) // 2 // 4096 * 4096 :]
    elif how == "empty":
        data.clear()
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["header", "page", "truncated", "empty"])
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path, how: str) -> None:
    """F21: nothing is served from it, and it is kept."""
    store = Store.open(tmp_path)
    store.save([*base("1-5000"), *(attempt(i + 1, i, "success0") for i in range(5000))])
    store.close()
    path = tmp_path / "farm.db"
    _damage(path, how)
    damaged = path.read_bytes()
    with pytest.raises(StoreBroken) as refusal:
        Store.open(tmp_path).load()
    assert str(path) in refusal.value.message
    assert "backup" in refusal.value.hint
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("seed", range(30))
def test_flipped_bytes_give_a_farm_or_a_refusal_never_another_error(tmp_path: Path, seed: int) -> None:
    """F21: random bytes anywhere in the file."""
    store = Store.open(tmp_path)
    store.save([*base("1-500"), *(attempt(i + 1, i, "error") for i in range(500))])
    store.close()
    random = Random(seed)
    path = tmp_path / "farm.db"
    data = bytearray(path.read_bytes())
    for _ in range(random.randint(1, 20)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    path.write_bytes(data)
    try:
        store = Store.open(tmp_path)
    except (StoreBroken, StoreRefused):
        return
    try:
        assert len(store.load().tasks) <= 1
    except StoreBroken as error:
        assert error.hint
    finally:
        store.close()


@pytest.mark.parametrize("state", ["error", "success0", "running"])
@pytest.mark.parametrize(
    ("column", "value"), [("task", -7000), ("task", -1), ("task", "x"), ("number", 70_000), ("started_at", "x")]
)
def test_an_attempt_that_cannot_be_is_a_refusal_or_nothing(
    tmp_path: Path, state: str, column: str, value: object
) -> None:
    """F21: what a flipped bit makes of a row of its own, in a page that is sound."""
    store = Store.open(tmp_path)
    store.save([*base("1-500"), *(attempt(i + 1, i, "error") for i in range(9)), attempt(10, 9, state)])
    store.database.execute_sql(f'UPDATE attempt SET "{column}" = ? WHERE id = 10', (value,))
    store.close()
    store = Store.open(tmp_path)
    try:
        farm = store.load()
        assert [farm.tasks[1].states[task] for task in range(9)] == [farm.tasks[1].states[0]] * 9
        assert list(farm.tasks[1].states[9:]).count(farm.tasks[1].states[0]) <= 1
        assert TaskState.SUCCESS not in farm.tasks[1].states[10:]
    except StoreBroken as error:
        assert error.hint
    finally:
        store.close()


@pytest.mark.parametrize("name", ["farm.db", "farm.db-wal"])
def test_a_database_that_vanishes_while_running_is_noticed_before_the_answer(tmp_path: Path, name: str) -> None:
    """F22."""
    store = Store.open(tmp_path)
    store.save(base())
    (tmp_path / name).unlink()
    with pytest.raises(StoreBroken, match="removed or replaced"):
        store.save([attempt(1, 0, "success0")])
    store.close()


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from brender.errors import BrenderError
from brender.store import Store
from store_world import base
disk = Path(sys.argv[1])
store = Store.open(disk / "farm")
store.save(base())
store.close()
try:
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(bytes(4096)):
            pass
except OSError:
    pass
for name in ("farm", "another"):
    try:
        Store.open(disk / name)
    except BrenderError as error:
        print(type(error).__name__, error.sentence())
(disk / "ballast").unlink()
store = Store.open(disk / "farm")
print(len(store.load().jobs))
store.close()
"""


def test_a_start_on_a_full_disk_says_so_and_harms_nothing(tmp_path: Path) -> None:
    """F06: there is no room even for the log; SQLite calls that an I/O error, as it does a dying disk."""
    inside = 'mount -t tmpfs -o size=2m none "$0" && exec "$@" "$0"'
    words = ["unshare", "--mount", "--map-root-user", "sh", "-c", inside, str(tmp_path)]
    where = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    ran = subprocess.run(
        [*words, sys.executable, "-c", ON_A_FULL_DISK], capture_output=True, text=True, env=where, check=True
    )
    said = ran.stdout.splitlines()
    for line, name in zip(said, ("farm", "another"), strict=False):
        assert line.startswith(f"StoreFull The disk that holds {tmp_path / name / 'farm.db'} is full"), ran.stdout
        assert "Make room there, then start the master again." in line
    assert said[2:] == ["1"]


def test_a_log_without_its_database_is_never_poured_into_a_new_one(tmp_path: Path) -> None:
    """F22: SQLite would replay it over the fresh file, and the farm were a mixture of two."""
    lived, found = tmp_path / "lived", tmp_path / "found"
    store = Store.open(lived)
    store.save(base())
    found.mkdir()
    for name in ("farm.db-wal", "farm.db-shm"):
        (found / name).write_bytes((lived / name).read_bytes())
    with pytest.raises(StoreBroken, match=r"farm\.db is missing, but its log farm\.db-wal is there") as refused:
        Store.open(found)
    assert "Put farm.db back" in refused.value.hint
    assert not (found / "farm.db").exists()
    (found / "farm.db").write_bytes((lived / "farm.db").read_bytes())
    again = Store.open(found)
    assert again.load().projects.keys() == store.load().projects.keys() != set()
    again.close()
    store.close()
    assert not (lived / "farm.db-wal").exists()
    (lived / "farm.db").unlink()
    Store.open(lived).close()


def test_a_foreign_database_and_a_newer_schema_are_refused(tmp_path: Path) -> None:
    """F42."""
    Store.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "farm.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreRefused, match=f"schema 99; this brender knows schemas up to {SCHEMA}"):
        Store.open(tmp_path)
    with sqlite3.connect(tmp_path / "farm.db") as connection:
        connection.execute("PRAGMA application_id = 1")
    connection.close()
    with pytest.raises(StoreRefused, match="another program"):
        Store.open(tmp_path)


_CRASHING_UPGRADE = """
import os, signal, sys
from pathlib import Path
from brender.store import Store
def step(connection):
    for number, sql in enumerate(("ALTER TABLE project ADD COLUMN colour TEXT", "UPDATE project SET colour = 'red'",
                                  "CREATE TABLE extra (id INTEGER)")):
        if number == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        connection.execute(sql)
from brender.upgrades import SCHEMA
Store.open(Path(sys.argv[1]), upgrades={SCHEMA + 1: step})
"""


@pytest.mark.parametrize("statement", range(4))
def test_a_crash_in_a_schema_step_leaves_the_old_or_the_new_schema(tmp_path: Path, statement: int) -> None:
    """F42: at every statement of the step; the last one is no crash."""
    store = Store.open(tmp_path)
    store.save(base())
    store.close()
    process = run_python(_CRASHING_UPGRADE, str(tmp_path), str(statement))
    process.communicate()

    def seen(connection: Any) -> tuple[int, bool, bool]:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        columns = [row[1] for row in connection.execute("PRAGMA table_info(project)")]
        extra = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone()[0]
        return version, "colour" in columns, bool(extra)

    connection = sqlite3.connect(tmp_path / "farm.db")
    assert seen(connection) == ((SCHEMA + 1, True, True) if statement == 3 else (SCHEMA, False, False))
    connection.close()
    backup = sqlite3.connect(tmp_path / f"farm.db.schema-{SCHEMA}")
    assert backup.execute("SELECT name FROM project").fetchall() == [("film",)]
    backup.close()
    if statement < 3:
        store = Store.open(tmp_path)
        assert store.load().projects[1].name == "film"
        store.close()


def test_a_directory_that_cannot_be_one_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreRefused, match="cannot be opened"):
        Store.open(tmp_path / "file")


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 22 0:31 / /srv rw - nfs4 filer:/srv rw
37 36 0:32 / /srv/local\\040disk rw - xfs /dev/vdb rw
"""


def test_a_file_system_that_keeps_no_promises_is_refused_and_the_way_round_it_exists() -> None:
    """F40: SQLite's locks and fsync over a network are wishes; who knows better has a flag for it."""
    check_file_system(Path("/var/lib/brender"), MOUNTS)
    check_file_system(Path("/srv/local disk/farm"), MOUNTS)
    with pytest.raises(StoreRefused, match="/srv/farm is on a nfs4 file system") as refused:
        check_file_system(Path("/srv/farm"), MOUNTS)
    flag = re.search(r"--\w+", refused.value.hint)
    assert flag and master.parser().parse_args([flag[0]])
