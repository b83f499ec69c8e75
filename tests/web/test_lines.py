"""The lines of a long log in the page (web/parts/lines.js), under node: against a list of strings, whatever comes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

LINES = Path(__file__).parents[2] / "web" / "parts" / "lines.js"


def node(folder: Path, script: str, *words: str) -> str:
    """What a script beside this file prints."""
    shutil.copy(LINES, folder / "lines.mjs")
    shutil.copy(Path(__file__).with_name(script), folder / script)
    argv = ["node", str(folder / script), *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("seed", range(1, 9))
def test_lines_are_those_of_the_text_however_it_came(tmp_path: Path, seed: int) -> None:
    node(tmp_path, "lines_agree.mjs", str(seed))


def test_two_million_lines_make_room_for_the_newest_and_no_more_than_64_mb_are_kept(tmp_path: Path) -> None:
    found: dict[str, Any] = json.loads(node(tmp_path, "lines_many.mjs"))
    assert found["count"] == 2_000_000
    assert 60_000_000 < found["kept"] <= 64 * 1024 * 1024
    assert found["first"].startswith(f"{found['begin']} Fra:12")
    assert found["last"] == "1999999 Fra:12 Mem:400M | Rendering sample 499"
