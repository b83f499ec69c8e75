"""What this machine offers to run: its folder of functions, its function file, its Blender. Read once, at start."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

from brender.errors import Invalid
from brender.worker.functions import Catalogue, Template, read_templates

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def catalogue(folder: Path | None, file: Path | None, blender: bool) -> Catalogue:
    """The allow-list. Invalid when the folder or the file cannot be read or a function in it breaks a rule."""
    return Catalogue(
        executables(folder or SAMPLES),
        templates(file) if file else {},
        blender,
        python=sys.executable,
        bash=shutil.which("bash") or "bash",
    )


def executables(folder: Path) -> dict[str, str]:
    """Programs and links to programs in a folder, by file name (SP-13); `.py` and `.sh` need no execute bit."""
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise Invalid(f"Functions folder {folder}: {error.strerror}.", hint="Give a folder by --functions.") from error
    found = {}
    for path in files:
        runs = path.suffix in (".py", ".sh") or os.access(path, os.X_OK)
        if path.is_file() and runs and not path.name.startswith("."):
            found[path.name] = str(path.absolute())
    return found


def templates(file: Path) -> dict[str, Template]:
    """A function file, TOML or YAML by its ending."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"Function file {file}: {error}.", hint="Give a readable file by --function-file.") from error
    return read_templates(_decode(file, text))


def _decode(file: Path, text: str) -> Any:
    if file.suffix == ".toml":
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Invalid(f"Function file {file}: {error}.") from None
    import yaml  # only where a YAML file is used

    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise Invalid(f"Function file {file}: {' '.join(str(error).split())}.") from None
