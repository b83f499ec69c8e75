"""What the programs can be told: once for `brender client`, `master` and `up`, as flags and as lines of a YAML file.

Flags win over the file, the file over the defaults. It must not know what the settings do.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from brender import address
from brender.core.durations import seconds_of
from brender.errors import BrenderError, Invalid, nearest

if TYPE_CHECKING:
    from brender.storage.terms import Terms


class Kind(NamedTuple):
    """`types` are YAML's; `read` takes a value of these, or a flag's text."""

    words: str
    types: tuple[type, ...]
    read: Callable[[Any], Any]


class Setting(NamedTuple):
    """One word. `place` is what stands for its value in the help; without `default` the help tells what happens."""

    kind: Kind
    place: str
    help: str
    default: Any = None


def _span(value: Any) -> float:
    try:
        found = seconds_of(value)
    except BrenderError as error:
        raise ValueError(error.message) from None
    if not found > 0:
        raise ValueError(value)
    return found


def _count(value: Any) -> int:
    found = int(value)
    if found < 1:
        raise ValueError(value)
    return found


def _words(value: Any) -> list[str]:
    found = value.split(",") if isinstance(value, str) else value
    if not all(isinstance(word, str) and word for word in found):
        raise ValueError(value)
    return list(found)


def _web(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    address.check_loopback(*address.parse(value))
    return value


_BYTES = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _size(value: Any) -> int:
    unit = _BYTES.get(str(value)[-1:], 0)
    found = int(float(str(value)[:-1]) * unit) if unit else int(value)
    if not found > 0:
        raise ValueError(value)
    return found


def _kept(value: Any) -> str:
    """Checked here, read by `terms`; kept as text so that it can be a word of another command line."""
    words = str(value).split(",")
    if not 1 <= len(words) <= 2 or any(word[-1:] not in "smhdkMGT" for word in words):
        raise ValueError(value)
    for word in words:
        _size(word) if word[-1:] in _BYTES else _span(word)
    return str(value)


TEXT = Kind("text", (str,), str)
WHOLE = Kind("a whole number", (int,), int)
COUNT = Kind("a whole number of 1 or more", (int,), _count)
NUMBER = Kind("a number", (int, float), float)
SWITCH = Kind("true or false", (bool,), bool)
SPAN = Kind("a stretch of time such as 90s, 30m or 2h", (str, int, float), _span)
WEB = Kind("false, or HOST:PORT", (bool, str), _web)
SIZE = Kind("a size such as 500M or 20G", (str, int), _size)
KEPT = Kind("a time, a size or both, such as 30d,20G", (str,), _kept)
WORDS = Kind("a list of words", (list, str), _words)

CONNECTIONS = Setting(COUNT, "N", "connections that the master serves at the most: 16000, fewer where files are few")

WORKER: dict[str, Setting] = {
    "slots": Setting(WHOLE, "N", "tasks at a time (default: one per core)"),
    "tags": Setting(WORDS, "A,B", "tags of this machine, until somebody sets others on the farm", []),
    "functions": Setting(TEXT, "DIR", "programs that tasks may run (default: the samples)"),
    "function_file": Setting(TEXT, "FILE", "functions with typed parameters, TOML or YAML"),
    "blender": Setting(TEXT, "PATH", "Blender's executable (default: the one on PATH)"),
    "cold": Setting(SWITCH, "", "a Blender process for every task (also by BRENDER_WARM=off)", False),
    "warm_frames": Setting(WHOLE, "N", "frames of one open Blender (200)", 200),
    "warm_idle": Setting(NUMBER, "S", "seconds it waits for more (60)", 60.0),
    "warm_growth": Setting(NUMBER, "X", "of its memory, then it is renewed (1.5)", 1.5),
    "gpus": Setting(SWITCH, "", "tell of GPUs and give each to one task at a time (on)", True),
    "memory_floor": Setting(WHOLE, "MB", "memory kept free: under it nothing is started (5 %%, 512 or more; 0: none)"),
    "spool_warning": Setting(WHOLE, "N", "batches of readings that wait, from which the farm is told (10000)", 10_000),
    "spool_most": Setting(WHOLE, "N", "over which the oldest are lost (30000)", 30_000),
    "stalled_after": Setting(SPAN, "TIME", "tell of tasks without output and processor time for so long: 30m"),
    "stop_stalled": Setting(SWITCH, "", "and end them with an error", False),
    "channels": Setting(
        TEXT,
        "WHAT",
        "all: host channels and report this machine; hosted: only what others want; none (%(default)s)",
        "all",
    ),
    "channel_commands": Setting(TEXT, "DIR", "programs that channels of the driver `command` may run (default: none)"),
    "allow_openjd": Setting(
        SWITCH,
        "",
        "run Open Job Description templates, that is any command they name (also by BRENDER_OPENJD=allow)",
        os.environ.get("BRENDER_OPENJD", "").lower() == "allow",
    ),
    "path_mapping": Setting(TEXT, "FILE", "OpenJD's path mapping rules of this machine, JSON"),
}


READINGS: dict[str, Setting] = {
    "database": Setting(
        TEXT, "URL", "keep readings in PostgreSQL, postgresql://…, instead of readings.db in the data folder", ""
    ),
    "keep_raw": Setting(KEPT, "TIME,SIZE", "samples, so long and so much at the most (30d,20G)"),
    "keep_minutes": Setting(KEPT, "TIME,SIZE", "their sums by minutes (400d,5G)"),
    "keep_hours": Setting(KEPT, "TIME,SIZE", "their sums by hours (3650d,5G)"),
    "buffer": Setting(SIZE, "SIZE", "of readings that wait for their database; more are refused (2G)"),
}


def add_flags(parser: argparse._ActionsContainer, known: Mapping[str, Setting], defaults: bool = True) -> None:
    """A flag for each; without `defaults` what is not given is None."""
    for key, one in known.items():
        flag, default = f"--{key.replace('_', '-')}", one.default if defaults else None
        if one.kind is SWITCH:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=default, help=one.help)
        else:
            parser.add_argument(flag, type=_of_flag(one.kind), metavar=one.place, default=default, help=one.help)


def _of_flag(kind: Kind) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return kind.read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind.words}") from None

    return read


def in_flags(found: Mapping[str, Any], known: Mapping[str, Setting]) -> list[str]:
    """The settings of these that are there, as words of a command line."""
    words: list[str] = []
    for key in known:
        flag, value = key.replace("_", "-"), found.get(key)
        if value is None:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words.append(f"--{flag}={','.join(value) if isinstance(value, list) else value}")
    return words


def read_file(path: Path, known: Mapping[str, Kind], without: str = "") -> dict[str, Any]:
    """The settings in a YAML file. Raises Invalid; nothing is started from a file that is not understood (ON-03)."""
    import yaml

    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", hint=without) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not YAML: {' '.join(str(error).split())}.") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise Invalid(f"{path} holds a {type(document).__name__}; it should hold key: value lines.")
    return {str(key): _value(path, str(key), value, known) for key, value in document.items()}


def _value(path: Path, key: str, value: Any, known: Mapping[str, Kind]) -> Any:
    kind = known.get(key)
    if kind is None:
        hint = nearest(key, known) or f"It has {', '.join(known)}."
        raise Invalid(f"{path}: there is no setting {key!r}.", hint=hint)
    if isinstance(value, kind.types) and (bool in kind.types or not isinstance(value, bool)):
        try:
            return kind.read(value)
        except ValueError:
            pass
    raise Invalid(f"{path}: {key} is {kind.words}, not {value!r}.")


def terms(found: Mapping[str, Any]) -> Terms:
    """How readings are kept, by settings of READINGS; what is not there stays as it is."""
    from msgspec import structs

    from brender.storage.terms import Kept, Terms

    usual = Terms()
    kinds: dict[str, Kept] = {}
    for kind in ("raw", "minutes", "hours"):
        kept: Kept = getattr(usual, kind)
        for word in (found.get(f"keep_{kind}") or "").split(","):
            if word[-1:] in _BYTES:
                kept = Kept(kept.seconds, _size(word))
            elif word:
                kept = Kept(_span(word), kept.bytes)
        kinds[kind] = kept
    return structs.replace(usual, **kinds, buffer_bytes=found.get("buffer") or usual.buffer_bytes)
