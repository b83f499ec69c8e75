"""The libraries that the page brings along are what VENDOR.md says they are, and name nobody outside."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "web" / "vendor"
ROWS = re.findall(
    r"^\| ([\w.-]+) \| (\S+) \| (\S+) \| (\S+) \| ([0-9a-f]{64}) \|$", (VENDOR / "VENDOR.md").read_text(), re.M
)


def test_every_file_is_the_one_that_was_recorded() -> None:
    found = {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name, *_ in ROWS}

    assert found == {name: digest for name, _, _, _, digest in ROWS}


def test_every_library_is_recorded_with_its_licence() -> None:
    files = {path.name for path in VENDOR.iterdir() if path.suffix in (".mjs", ".css", ".js")}

    assert files == {name for name, *_ in ROWS}
    for _, package, _, _, _ in ROWS:
        assert (VENDOR / "licences" / f"{package.replace('/', '-')}.txt").stat().st_size > 500


def test_imports_are_relative_so_that_the_strict_policy_of_the_page_holds() -> None:
    for path in VENDOR.glob("*.mjs"):
        for name in re.findall(r'(?:from|import)\s*"([^"]+)"', path.read_text()):
            assert name.startswith("./"), f"{path.name} imports {name}"
            assert (VENDOR / name).exists(), f"{path.name} imports {name}"
