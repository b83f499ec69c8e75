"""What this machine offers to run: its folder of functions, its function file, its Blender. Read once, at start."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

from brender.daemon import pictures
from brender.errors import Invalid
from brender.worker.functions import Catalogue, Template, read_templates
from brender.worker.picture_functions import picture_templates

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def catalogue(folder: Path | None, file: Path | None, blender: bool, openjd: tuple[str, ...] = ()) -> Catalogue:
    """The allow-list. Invalid when the folder or the file cannot be read or a function in it breaks a rule."""
    programs = executables(folder or SAMPLES)
    # What the machine's owner calls by such a name is what it means here.
    own = {name: one for name, one in of_pictures().items() if name not in programs}
    return Catalogue(
        programs,
        {**own, **(templates(file) if file else {})},
        blender,
        python=sys.executable,
        bash=shutil.which("bash") or "bash",
        openjd=openjd,
    )


def openjd(allow: bool, rules: Path | None) -> tuple[str, ...]:
    """The command of an Open Job Description session, empty where the owner does not allow them; `rules` is a file of
    path mapping rules. Invalid where they are allowed and cannot run."""
    if not allow:
        return ()
    if importlib.util.find_spec("openjd") is None or importlib.util.find_spec("openjd.sessions") is None:
        raise Invalid(
            "--allow-openjd needs the packages openjd-model and openjd-sessions.", hint='pip install "brender[openjd]"'
        )
    if rules is not None:
        _check_rules(rules)
    # -s -P: nothing that an earlier task left in the slot's folder is imported.
    words = (sys.executable, "-s", "-P", "-m", "brender.daemon.openjd_session")
    return (*words, str(rules.absolute()) if rules else "")


def _check_rules(file: Path) -> None:
    keys = {"source_path_format", "source_path", "destination_path"}
    try:
        found = json.loads(file.read_text("utf-8"))
        listed = found["path_mapping_rules"] if found.get("version") == "pathmapping-1.0" else None
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise Invalid(f"Path mapping {file}: {error!r}.", hint="It is JSON; see docs/openjd.md.") from None
    if not isinstance(listed, list) or not all(isinstance(one, dict) and one.keys() == keys for one in listed):
        raise Invalid(
            f"Path mapping {file} is no pathmapping-1.0 with rules of {', '.join(sorted(keys))}.",
            hint="See docs/openjd.md.",
        )


def of_pictures() -> dict[str, Template]:
    """Movies, contact sheets and the like, where the extra `pictures` is installed; a movie needs an ffmpeg too."""
    if not pictures.installed():
        return {}
    found = picture_templates(pictures.program(), pictures.environment())
    if importlib.util.find_spec("imageio_ffmpeg") is None and shutil.which("ffmpeg") is None:
        del found["movie"]
    return found


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
