"""What can be measured on the manager itself: its tasks, a file or folder, a program that its owner allows."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from brender.errors import Invalid, Unsupported
from brender.probes import Probe, Surroundings, Values
from brender.worker.instruments import INSTRUMENTS, OfCommand, OfFile

LONGEST_NUMBER = 64  # bytes of a file that is a number
MOST_OUTPUT = 1 << 16
MOST_ENTRIES = 1_000_000


class Render(Probe):
    """The tasks of the worker this runs in: frames a minute, seconds a frame, frames since its start, samples of a
    pixel in the last frame, memory of what runs, and the most that the last task held."""

    keys = INSTRUMENTS["render"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._ask = surroundings.tasks

    def read(self) -> Values:
        return self._ask()


class File(Probe):
    """`value` is the number that a small file holds; `count` how many entries a folder has."""

    Config = OfFile
    keys = INSTRUMENTS["file"].keys

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        self._path = Path(config.path)

    def read(self) -> Values:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return {"exists": 0.0}
        values: Values = {"exists": 1.0, "size": float(found.st_size), "age": max(0.0, time.time() - found.st_mtime)}
        if self._path.is_dir():
            values["count"] = float(self._entries())
        elif self._path.is_file():
            values["value"] = self._number()
        return values

    def _entries(self) -> int:
        with os.scandir(self._path) as entries:
            return sum(1 for _, _ in zip(entries, range(MOST_ENTRIES), strict=False))

    def _number(self) -> float | None:
        with self._path.open("rb") as file:
            text = file.read(LONGEST_NUMBER + 1)
        try:
            return float(text) if len(text) <= LONGEST_NUMBER else None
        except ValueError:
            return None


class Command(Probe):
    """A program of the folder that the worker's owner named; arguments reach it as they are, no shell sees them."""

    Config = OfCommand

    def __init__(self, config: Any, surroundings: Surroundings) -> None:
        if surroundings.commands is None:
            raise Unsupported("This worker runs no channel commands.", hint="brender client --channel-commands DIR")
        path = surroundings.commands / config.command
        if not path.is_file() or not os.access(path, os.X_OK):
            raise Invalid(f"{config.command!r} is no program in {surroundings.commands}.")
        self._words = [str(path.absolute()), *config.arguments]
        self._timeout = config.timeout
        self.deadline = config.timeout + 2.0

    def read(self) -> Values:
        # A session of its own, so that what it started ends with it.
        with subprocess.Popen(
            self._words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as child:
            try:
                out, err = child.communicate(timeout=self._timeout)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
                raise TimeoutError(f"it did not end in {self._timeout:g} s") from None
        if child.returncode:
            said = err.decode(errors="replace").strip().splitlines()
            raise RuntimeError(f"exit code {child.returncode}" + (f": {said[-1][:200]}" if said else ""))
        return printed(out[:MOST_OUTPUT].decode(errors="replace"))


def printed(text: str) -> Values:
    """`12.5` is the key `value`; lines of a key and a number, or of a key and a text, are keys of their own."""
    values: Values = {}
    for line in text.splitlines():
        key, _, rest = line.strip().partition(" ")
        if rest:
            values[key] = _as_number(rest.strip())
        elif key:
            values["value"] = _as_number(key)
    return values


def _as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
