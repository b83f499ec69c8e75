"""Which project a person chose last on each farm: a small file of theirs, for commands that name none (SP-18)."""

from __future__ import annotations

import json
from pathlib import Path

from brender import address


def project(place: str) -> str:
    """The project chosen for the master at this HOST:PORT; empty if none was."""
    return str(_known().get(place, ""))


def choose(place: str, name: str) -> None:
    """Remember a project. Raises OSError when the file cannot be written."""
    known = _known()
    if name and known.get(place) != name:
        _file().parent.mkdir(parents=True, exist_ok=True)
        _file().write_text(json.dumps({**known, place: name}))


def _known() -> dict[str, str]:
    try:
        found = json.loads(_file().read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file() -> Path:
    return address.state_directory("spa_ctl") / "project.json"
