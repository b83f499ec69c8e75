"""What each operator has entered, kept from one login to the next: a file a person, mode 0600, a line of JSON an entry.

It must not know prompts. What may hold a secret, and what begins with a blank, is never written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from prompt_toolkit.history import History

from brender.wire.screen import safe

MOST = 1000  # entries of one operator
LONGEST = 16 * 1024  # characters of one entry
MOST_BYTES = 4 << 20  # of a file; a bigger one is none of ours
SECRETS = ("token=", "password=", "secret=")
TOKENS = re.compile(r"(online|session[ .]+(hello|online))\s+('[^']*'|\"[^\"]*\"|\S+)\s+\S")  # the word behind a name
ANYBODY = "anybody"  # whoever has not said who they are


def _may_be_secret(line: str) -> bool:
    """Of a line in lower case."""
    return any(word in line for word in SECRETS) or TOKENS.match(line) is not None


class Past(History):
    """The entries of one operator, shared by their sessions in this process. A disk that is full keeps nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._entries = _read(path)
        self._written = len(self._entries)

    def load_history_strings(self) -> Iterable[str]:
        return reversed(self._entries)

    def append_string(self, string: str) -> None:
        entry = string.rstrip()
        if not self._entries or self._entries[-1] != entry:
            super().append_string(entry)

    def store_string(self, string: str) -> None:
        self._entries.append(string)
        del self._entries[:-MOST]
        if string[:1].isspace() or len(string) > LONGEST or _may_be_secret(string.lower()):
            return
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _append(self._path, string)
            self._written += 1
            if self._written > 2 * MOST:
                self._rewrite()

    def _rewrite(self) -> None:
        """Keep the newest only; a session of another process may lose what it appends at this moment, nothing else."""
        new = self._path.with_name(f"{self._path.name}.new")
        new.unlink(missing_ok=True)
        entries = _read(self._path)[-MOST:]
        for entry in entries:
            _append(new, entry)
        new.replace(self._path)
        self._written = len(entries)


class Histories:
    """The files of all operators under one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._of: dict[str, Past] = {}

    def of(self, operator: str) -> Past:
        """The past of this operator; of nobody in particular for an empty name."""
        name = file_name(operator)
        if name not in self._of:
            self._of[name] = Past(self._folder / name)
        return self._of[name]


def file_name(operator: str) -> str:
    """A name for a file that no name of a person can lead out of the folder, and no two people share."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "_" for char in operator)[:40]
    if not operator:
        return ANYBODY
    return plain if plain == operator and plain != ANYBODY else f"{plain}.{sha256(operator.encode()).hexdigest()[:12]}"


def _append(path: Path, entry: str) -> None:
    """One write of one line, so that several processes may append to one file."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, json.dumps(entry).encode() + b"\n")
    finally:
        os.close(fd)


def _read(path: Path) -> list[str]:
    """The newest entries, oldest first; lines that are none are passed over."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return []
    with open(fd, "rb") as file:
        file.seek(max(0, os.fstat(fd).st_size - MOST_BYTES))
        lines = file.read(MOST_BYTES).split(b"\n")
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, str):
            found.append(safe(entry, colour=False))
    return found[-MOST:]
