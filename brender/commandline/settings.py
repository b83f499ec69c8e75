"""Where the command line's settings come from: flags, then the environment, then a file, then defaults.

Each value remembers who said it, so that `brender config` and errors can tell. It must not know commands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from brender import address
from brender.caller import Master
from brender.config import PORT
from brender.errors import BrenderError, InvalidParams, nearest

FILE_VARIABLE = "BRENDER_CONFIG"
DEFAULT = "the default"


class Said(NamedTuple):
    """A value, and who said it: `--master`, `BRENDER_MASTER`, the path of a file, or the default."""

    value: str
    origin: str


class Setting(Struct, frozen=True):
    """One setting: its environment variable, what it is, its default; `read` gives its value or raises BrenderError."""

    variable: str
    text: str
    default: Callable[[Mapping[str, str]], str]
    read: Callable[[str], str]


def _place(value: str) -> str:
    return address.in_words(*address.parse(value))


def _word(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise InvalidParams(f"{value!r} is no name.")
    return value.strip()


def _one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            hint = nearest(value, words) or f"It is one of {', '.join(words)}."
            raise InvalidParams(f"{value!r} is not possible.", hint=hint)
        return value

    return read


COLOURS = ("auto", "always", "never")
FORMS = ("text", "json", "json-lines")
KNOWN: dict[str, Setting] = {
    "master": Setting("BRENDER_MASTER", "which farm to ask, HOST:PORT", lambda _: f"127.0.0.1:{PORT}", _place),
    "name": Setting("BRENDER_NAME", "who you are to it", lambda environ: environ.get("USER") or "cli", _word),
    "colour": Setting("BRENDER_COLOUR", "auto (at a terminal), always or never", lambda _: "auto", _one_of(*COLOURS)),
    "format": Setting("BRENDER_FORMAT", "text, json or json-lines", lambda _: "text", _one_of(*FORMS)),
}


class Settings(Struct, frozen=True):
    """All values with their origins; `path` is the file they were looked for in."""

    said: dict[str, Said]
    path: Path

    def __getitem__(self, key: str) -> str:
        return self.said[key].value

    @property
    def master(self) -> Master:
        place, origin = self.said["master"]
        return Master(place, origin, self["name"])


def read(flags: Mapping[str, Said], environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that hold for one command. Raises InvalidParams naming who said what cannot be."""
    path = file_path(environ)
    filed = _file(path, FILE_VARIABLE in environ)
    found: dict[str, Said] = {}
    for key, setting in KNOWN.items():
        said = flags.get(key) or _of_environment(key, setting, environ)
        if said is None and key in filed:
            said = Said(filed[key], str(path))
        value, origin = said or Said(setting.default(environ), DEFAULT)
        try:
            found[key] = Said(setting.read(value), origin)
        except BrenderError as error:
            raise InvalidParams(f"{key}: {error.message}", hint=f"{origin} says so. {error.hint}".strip()) from None
    return Settings(found, path)


def master_of(flag: str | None) -> Master:
    """Whom a program with a parser of its own asks, given what its --master said."""
    return read({"master": Said(flag, "--master")} if flag else {}).master


def file_path(environ: Mapping[str, str]) -> Path:
    """$BRENDER_CONFIG, else brender/config.yml in the user's configuration."""
    named = environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    folder = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(folder) / "brender" / "config.yml"


def _of_environment(key: str, setting: Setting, environ: Mapping[str, str]) -> Said | None:
    """The setting's own variable; NO_COLOR is everybody's (no-color.org)."""
    if environ.get(setting.variable):
        return Said(environ[setting.variable], setting.variable)
    if key == "colour" and environ.get("NO_COLOR"):
        return Said("never", "NO_COLOR")
    return None


def _file(path: Path, named: bool) -> dict[str, str]:
    """What the file says; a file that nobody named may be missing."""
    if not named and not path.is_file():
        return {}
    from brender import options  # only where there is a file to read

    word = options.Kind("a word", (str, int, bool), lambda value: value)
    try:
        found = options.read_file(path, dict.fromkeys(KNOWN, word), f"It was named by {FILE_VARIABLE}.")
    except BrenderError as error:
        raise InvalidParams(error.message, hint=error.hint) from None
    return {key: _text(value) for key, value in found.items()}


def _text(value: str | int | bool) -> str:
    """YAML reads `yes`, `no`, `on` and `off` as truth values; of the settings only a colour may be meant so."""
    if isinstance(value, bool):
        return "auto" if value else "never"
    return str(value)
