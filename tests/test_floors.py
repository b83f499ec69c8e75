"""The floors of DESIGN 2: imports only go down, never sideways, and the pure rooms touch no world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "brender"

# Every room and the floor it is on. A room is a folder or a file of brender/.
FLOORS: dict[str, int] = {
    **dict.fromkeys(["errors", "config"], 0),
    **dict.fromkeys(["core", "wire", "worker", "openjd"], 1),
    **dict.fromkeys(
        [
            "alarms",
            "commands",
            "models",
            "upgrades",
            "store",
            "statements",
            "rebuild",
            "disk",
            "history",
            "address",
        ],
        2,
    ),
    **dict.fromkeys(["blendfile", "bundle", "inventory", "probes", "segments", "storage"], 2),
    **dict.fromkeys(["hub", "daemon", "console", "gateway", "notify", "pictures"], 3),
    **dict.fromkeys(["api", "chosen", "options", "scheduler", "site", "wish"], 3),
    **dict.fromkeys(["master", "client", "cli", "spad", "up", "demo", "render", "watch", "__init__"], 4),
    **dict.fromkeys(["caller", "commandline", "endings", "files", "leash", "logs", "shell", "submit", "web"], 4),
    **dict.fromkeys(["mail_server"], 4),
}
# Files that stand above the rest of their room: nobody on their floor or below imports them.
ABOVE = {"storage.listener": 3, "storage.storage": 3, "storage.__main__": 4}
# Rooms that are one room in several files.
ONE_ROOM = dict.fromkeys(
    [
        "models",
        "alarms",
        "inventory",
        "upgrades",
        "store",
        "statements",
        "rebuild",
        "history",
        "segments",
        "storage",
    ],
    "disk",
)
# Of these, what opens no database: files of records, and what there is to say of readings.
NO_DATABASE = ("brender.segments", "brender.storage.terms", "brender.storage.blocks")
# Down is not the only way here: the worker's half of the contract is the core's events and orders, and both stand on
# frames and StepSpec. It imports nothing else of the core.
VOCABULARY = {"core.events", "core.orders", "core.frames"}
BETWEEN: dict[tuple[str, str], set[str]] = {("worker", "core"): VOCABULARY, ("openjd", "core"): VOCABULARY}
# Data folders with scripts of their own, and what runs inside Blender: no part of a floor.
OUTSIDE = ("samples", "scenes", "daemon/runner.py", "daemon/blender_scene.py", "daemon/blender_parts.py")
# fmt: off
PURE_MAY = {
    "__future__", "abc", "array", "ast", "bisect", "codecs", "collections", "dataclasses", "difflib", "enum",
    "fnmatch", "functools", "heapq", "inspect", "io", "itertools", "json", "keyword", "math", "operator", "re",
    "shlex", "string", "struct", "textwrap", "types", "typing", "unicodedata", "zlib",
    "msgpack", "msgspec", "brender",
}
# fmt: on
# Dates and zones are reckoned in the core; what time it is now is asked nowhere in it (CLOCKS).
PURE_MAY_HERE = {"wire": {"wcwidth"}, "openjd": {"yaml"}, "core": {"datetime", "zoneinfo", "cronsim"}}
CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")
FORBIDDEN_WORDS = ("util", "utils", "helper", "helpers", "manager", "common", "misc")


class Import:
    def __init__(self, path: Path, module: str, line: int) -> None:
        self.path, self.module, self.line = path, module, line

    def __repr__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


def files(root: Path = ROOT) -> list[Path]:
    found = [path.relative_to(root) for path in sorted(root.rglob("*.py"))]
    return [path for path in found if not str(path).startswith(OUTSIDE)]


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def floor_of(module: str) -> int:
    """The floor of a module, named from brender on: its own, or that of its room."""
    return ABOVE.get(".".join(module.split(".")[:2]), FLOORS[module.split(".")[0]])


def imports(path: Path, root: Path = ROOT) -> Iterator[Import]:
    """All imports of a file, also those inside functions, as absolute module names."""
    package = ("brender", *path.parts[:-1])
    for node in ast.walk(ast.parse((root / path).read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield Import(path, module, node.lineno)
            for alias in node.names:
                if module.startswith("brender"):
                    yield Import(path, f"{module}.{alias.name}", node.lineno)


def floors_broken(root: Path = ROOT) -> list[str]:
    """Every import that goes up or sideways."""
    broken = []
    for path in files(root):
        room = room_of(path)
        if room not in FLOORS:
            broken.append(f"{path} is in no known room")
            continue
        for found in imports(path, root):
            parts = found.module.split(".")
            if parts[0] != "brender" or len(parts) == 1 or parts[1] not in FLOORS:
                continue
            other = parts[1]
            floor, below = floor_of(".".join(path.with_suffix("").parts)), floor_of(".".join(parts[1:]))
            together = ONE_ROOM.get(room, room) == ONE_ROOM.get(other, other) and (room == other or floor >= below)
            if together:
                continue
            spoken = BETWEEN.get((room, other), set())
            if any(".".join(parts[1:]).startswith(word) for word in spoken) or (spoken and len(parts) == 2):
                continue
            if below >= floor and not (floor == 4 and room != "__init__"):
                broken.append(f"{found!r}, which is not below floor {floor}")
    return broken


def pure_broken(root: Path = ROOT) -> list[str]:
    """Every import in floors 0 and 1 of something that is not pure."""
    broken = []
    for path in files(root):
        room = room_of(path)
        if FLOORS.get(room, 9) > 1:
            continue
        may = PURE_MAY | PURE_MAY_HERE.get(room, set())
        broken += [repr(found) for found in imports(path, root) if found.module.split(".")[0] not in may]
    return broken


def calls_broken(root: Path = ROOT) -> list[str]:
    """Calls that nobody may make: monkey patches, code from data, a shell."""
    broken = []
    for path in files(root):
        for node in ast.walk(ast.parse((root / path).read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            shell = any(
                keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
                for keyword in node.keywords
            )
            last = name.rsplit(".", 1)[-1]
            pure = FLOORS.get(room_of(path), 9) <= 1
            if (
                (pure and name.endswith(CLOCKS))
                or name in ("eval", "exec", "os.system", "yaml.load", "yaml.unsafe_load", "__import__")
                or last in ("patch_all", "patch_socket", "patch_thread")
                or (shell and last in ("Popen", "run", "call", "check_call", "check_output"))
            ):
                broken.append(f"{path}:{node.lineno} calls {name}")
    return broken


def database_broken(root: Path = ROOT) -> list[str]:
    """Every import of the database's rooms by a program that is not the master's."""
    broken = []
    for path in files(root):
        if room_of(path) in {*ONE_ROOM, "disk", "master", "hub"}:
            continue
        rooms = {f"brender.{room}" for room in ONE_ROOM}
        for found in imports(path, root):
            opens = ".".join(found.module.split(".")[:2]) in rooms and found.module != "brender.storage"
            if opens and not found.module.startswith(NO_DATABASE):
                broken.append(repr(found))
    return broken


def test_imports_only_go_down() -> None:
    assert floors_broken() == []


def test_the_pure_floors_import_only_pure_things() -> None:
    assert pure_broken() == []


def test_nobody_patches_evaluates_or_opens_a_shell() -> None:
    """DESIGN 1 and 9."""
    assert calls_broken() == []


def test_gevent_is_imported_by_name_in_the_rooms_that_touch_the_world_only() -> None:
    """BR-01."""
    found = [found for path in files() for found in imports(path) if found.module.split(".")[0] == "gevent"]
    assert [repr(f) for f in found if "monkey" in f.module] == []
    assert [repr(f) for f in found if FLOORS[room_of(f.path)] < 3] == []


def test_each_process_has_one_loop() -> None:
    """DESIGN 1: the master and the worker are gevent, the console is asyncio, and its library is nowhere else."""
    found = [found for path in files() for found in imports(path)]
    console = {f.module.split(".")[0] for f in found if room_of(f.path) == "console"}
    assert "asyncio" in console and "gevent" not in console
    inside = ("hub", "daemon", "core", "wire", "worker", "commands")
    assert [repr(f) for f in found if room_of(f.path) in inside and f.module.split(".")[0] == "asyncio"] == []
    users = {room_of(f.path) for f in found if f.module.split(".")[0] == "prompt_toolkit"}
    assert users == {"console"}


def test_only_the_master_opens_the_database() -> None:
    """BR-10: workers, commands and pages have nothing to open it with."""
    assert database_broken() == []


def test_peewee_stays_with_the_disk() -> None:
    """Only the disk's room speaks SQL."""
    allowed = {"disk", *ONE_ROOM}
    found = [
        f for path in files() for f in imports(path) if f.module.split(".")[0] in ("peewee", "playhouse", "sqlite3")
    ]
    assert [repr(f) for f in found if room_of(f.path) not in allowed] == []


def test_psycopg_stays_in_one_file() -> None:
    """CL-04: whoever uses the storage does not know which database it is in."""
    found = {str(f.path) for path in files() for f in imports(path) if f.module.split(".")[0] == "psycopg"}
    assert found == {"storage/postgres.py"}


def test_nobody_reads_foreign_pickles() -> None:
    """DESIGN 9."""
    bad = ("pickle", "marshal", "shelve", "dill", "cloudpickle")
    assert [repr(f) for path in files() for f in imports(path) if f.module.split(".")[0] in bad] == []


def test_no_file_is_named_for_having_no_name() -> None:
    """MODELS 17."""
    names = [path for path in files() if set(path.stem.split("_")) & set(FORBIDDEN_WORDS)]
    names += [path for path in files() if set(path.parts) & set(FORBIDDEN_WORDS)]
    assert names == []


def test_every_file_opens_with_its_reason_to_exist() -> None:
    """MODELS 14."""
    silent = [str(path) for path in files() if not ast.get_docstring(ast.parse((ROOT / path).read_text()))]
    assert silent == []


def test_every_room_is_on_a_floor_and_every_room_of_the_floors_is_there() -> None:
    assert {room_of(path) for path in files()} == set(FLOORS)
    assert len(files()) > 20


@pytest.mark.parametrize(
    ("path", "text", "check"),
    [
        ("core/x.py", "from brender.commands import table", floors_broken),
        ("core/x.py", "def f():\n    import brender.hub.links", floors_broken),
        ("core/x.py", "from brender.wire import packed", floors_broken),
        ("wire/x.py", "from ..core import farm", floors_broken),
        ("worker/x.py", "from brender.core.farm import Farm", floors_broken),
        ("daemon/x.py", "from brender.hub import links", floors_broken),
        ("store.py", "from brender.commands import table", floors_broken),
        ("hub/x.py", "from brender.storage.listener import Listener", floors_broken),
        ("store.py", "from brender.storage import listener", floors_broken),
        ("storage/x.py", "from brender.address import parse", floors_broken),
        ("somewhere/x.py", "", floors_broken),
        ("daemon/x.py", "def f():\n    from brender.store import Store", database_broken),
        ("cli.py", "from brender import models", database_broken),
        ("core/x.py", "import time", pure_broken),
        ("core/x.py", "def f():\n    from random import random", pure_broken),
        ("worker/x.py", "import os.path", pure_broken),
        ("worker/x.py", "import datetime", pure_broken),
        ("core/x.py", "from datetime import UTC, datetime\ndatetime.now(UTC)", calls_broken),
        ("core/x.py", "import datetime\ndatetime.date.today()", calls_broken),
        ("config.py", "import gevent", pure_broken),
        ("hub/x.py", "from gevent import monkey\nmonkey.patch_all()", calls_broken),
        ("hub/x.py", "eval('1')", calls_broken),
        ("daemon/x.py", "import subprocess\nsubprocess.run('x', shell=True)", calls_broken),
        ("cli.py", "import yaml\nyaml.load('x')", calls_broken),
    ],
)
def test_each_way_of_breaking_the_floors_is_noticed(tmp_path: Path, path: str, text: str, check: object) -> None:
    """The test has teeth."""
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    assert callable(check)
    assert len(check(tmp_path)) >= 1


def test_what_is_allowed_is_allowed(tmp_path: Path) -> None:
    for path, text in {
        "worker/x.py": "from brender.core.orders import Run\nfrom brender.core import events\nimport math",
        "hub/x.py": "from brender import store\nfrom gevent import sleep\nfrom brender.core.engine import Core",
        "master.py": "from brender.hub import hub\nfrom brender.store import Store",
        "daemon/x.py": "from brender.segments import Segments\nfrom brender.storage.blocks import merge",
        "storage/listener.py": "from brender.address import parse\nfrom brender.storage.blocks import merge",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    checks = (floors_broken, pure_broken, calls_broken, database_broken)
    assert [broken for check in checks for broken in check(tmp_path)] == []
