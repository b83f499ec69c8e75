"""The page docs/python.md is true and whole, and the library is as light and as typed as it says."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from doors.peers import LIMIT, ROOT

import brender
from brender.api.rows import Row, Rows

PAGE = (ROOT / "docs" / "python.md").read_text()
CLASSES = [kind for name in brender.__all__ if inspect.isclass(kind := getattr(brender, name))]
ERRORS = [kind for kind in CLASSES if issubclass(kind, BaseException)]
SECTIONS = {
    name: text
    for heading, text in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    for name in re.findall(r"`(\w+)`", heading)
}


def code(text: str) -> str:
    """All that stands in a text as code."""
    return "\n".join(block or span for block, span in re.findall(r"```python\n(.*?)```|`([^`\n]+)`", text, re.DOTALL))


def members(kind: type) -> set[str]:
    """The public names of a class itself, not of those above it."""
    own = {name for name in (*vars(kind), *inspect.get_annotations(kind)) if not name.startswith("_")}
    return own - set().union(*(inspect.get_annotations(base) for base in kind.__mro__[1:]))


@pytest.mark.parametrize("name", brender.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert re.search(rf"\b{re.escape(name)}\b", code(PAGE)), name


@pytest.mark.parametrize("kind", [Row, Rows, *(kind for kind in CLASSES if kind not in ERRORS)])
def test_every_public_member_is_documented_in_the_section_of_its_class(kind: type) -> None:
    said = code(SECTIONS[kind.__name__])
    assert [name for name in sorted(members(kind)) if not re.search(rf"\b{name}\b", said)] == []


def test_every_public_thing_of_a_farm_and_of_errors_is_documented(farm: brender.Farm) -> None:
    """What is set in __init__, too."""
    said = code(SECTIONS["Farm"])
    assert [name for name in vars(farm) if not name.startswith("_") and name not in said] == []
    named = {kind.__name__ for kind in ERRORS}
    assert named == {name for name in re.findall(r"\w+", code(PAGE.partition("## Errors")[2])) if name in named}
    for name in ("message", "hint", "code", "data", "outcome"):
        assert hasattr(brender.NotFound("x"), name) and name in PAGE.partition("## Errors")[2]


def test_the_code_on_the_page_runs(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its first line to its last, in one go."""
    monkeypatch.setenv("BRENDER_MASTER", address)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert names["job"].succeeded and names["worker"].tags == ["gpu", "fast"] and names["task"].number == 0


def modules(statement: str, *more: str) -> set[str]:
    """The modules that a Python which runs this has loaded."""
    argv = [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)", *more]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_brender_loads_next_to_nothing() -> None:
    """Issue 4: no part of the API before it is asked for."""
    loaded = modules("import brender")
    assert not {"brender.api", "brender.errors", "socket", "json", "msgspec", "ssl"} & loaded


def test_a_conversation_with_a_farm_loads_no_gevent_no_database_and_no_table_of_commands(address: str) -> None:
    """Issue 4: plain sockets; whoever uses the API may have an event loop of their own."""
    loaded = modules("import sys, brender\nwith brender.connect(sys.argv[1]) as farm: list(farm.workers)", address)
    assert "brender.api.farm" in loaded
    assert not {"gevent", "peewee", "asyncio", "prompt_toolkit", "rich", "click", "brender.commands"} & loaded


def test_the_library_tells_type_checkers_that_it_is_typed(tmp_path: Path) -> None:
    """PEP 561: where it is installed, mypy sees its types, and a mistake."""
    venv.create(tmp_path / "venv")
    (site,) = tmp_path.glob("venv/lib/python*/site-packages")
    shutil.copytree(ROOT / "brender", site / "brender", ignore=shutil.ignore_patterns("__pycache__"))
    good = 'import brender\nfarm = brender.connect("x")\nnames: list[str] = [job.name for job in farm.jobs]\n'
    for text, wrong in ((good, []), (good + "farm.jobs.create(1)\n", ["call-arg", "arg-type"])):
        (tmp_path / "mine.py").write_text(text)
        argv = [sys.executable, "-m", "mypy", "--strict", f"--python-executable={tmp_path}/venv/bin/python", "mine.py"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
        assert re.findall(r"error: .*\[([a-z-]+)\]", done.stdout) == wrong, done.stdout
    assert '"py.typed"' in (ROOT / "setup.py").read_text()


def test_there_is_nothing_of_that_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        _ = brender.conect  # type: ignore[attr-defined]
    assert set(brender.__all__) <= set(dir(brender))
