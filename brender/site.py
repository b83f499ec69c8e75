"""spad's own files: a folder with `bin`, `home` and a folder for each task of each workflow, and moves between these.

A machine that is a farm by itself has it on its disk; machines that share work name a folder that they share
(BRENDER_SITE). File contents never pass the master. It must not know the master or the words of a command line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from brender.errors import Invalid, NotFound, nearest

SHARED = ("bin", "home")


class Workflow(Struct, frozen=True):
    """Whose folders `task:` means; `tasks` are the names of its tasks."""

    project: str
    name: str
    tasks: Sequence[str]


class Site:
    """The folder. `task:NAME/FILE`, `bin:FILE` and `home:FILE` are addresses in it; any other word is a plain path."""

    def __init__(self, root: Path, workflow: Workflow | None = None) -> None:
        self._root, self._workflow = root.absolute(), workflow

    def holds(self, word: str) -> bool:
        """Whether a word is an address here rather than a path."""
        return word.partition(":")[0] in ("task", *SHARED) and ":" in word

    def place(self, word: str) -> Path:
        """Where an address is. Raises Invalid or NotFound for what would leave its folder or names no task."""
        kind, _, rest = word.partition(":")
        if kind in SHARED:
            return self._within(self._root / kind, rest, word)
        name, _, rest = rest.partition("/")
        workflow = self._workflow
        if workflow is None:
            raise Invalid(f"{word} names a task, but no workflow is known here.", hint="Name it: -w WORKFLOW.")
        if name not in workflow.tasks:
            hint = nearest(name, workflow.tasks) or f"It has {', '.join(workflow.tasks)}."
            raise NotFound(f"Workflow {workflow.name} has no task {name!r}.", hint=hint)
        folders = self._root / "tasks"
        for part in (workflow.project, workflow.name, name):
            folders = self._within(folders, part, word)
        return self._within(folders, rest, word)

    def named(self, place: Path) -> str:
        """The address of a place here, else its path."""
        parts = place.relative_to(self._root).parts if place.is_relative_to(self._root) else ()
        if parts[:1] == ("tasks",):
            return f"task:{'/'.join(parts[3:])}"
        return f"{parts[0]}:{'/'.join(parts[1:])}" if parts else str(place)

    def copy(self, source: str, target: str) -> Path:
        """Copy one file; a folder as the target takes it under its own name. Whoever reads it sees all or nothing."""
        found, place = self._source(source), self._target(source, target)
        fresh = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            shutil.copy(found, fresh)
            os.replace(fresh, place)
        finally:
            with suppress(FileNotFoundError):
                fresh.unlink()
        return place

    def move(self, source: str, target: str) -> Path:
        """Give a file another name or another folder."""
        found, place = self._source(source), self._target(source, target)
        try:
            os.replace(found, place)
        except OSError:  # another disk
            self.copy(source, target)
            found.unlink()
        return place

    def link(self, source: str, target: str) -> Path:
        """Put a link to a file of the site at another place of it; what it leads to is not copied."""
        for word in (source, target):
            if not self.holds(word):
                raise Invalid(f"{word} is not in the site, and links lead nowhere else.", hint="Copy it: file upload.")
        found, place = self._source(source), self._target(source, target)
        if os.path.lexists(place):
            raise Invalid(f"{target} is there already.", hint=f"Remove it first: file remove {target}")
        place.symlink_to(os.path.relpath(found, place.parent))
        return place

    def remove(self, words: Sequence[str]) -> list[Path]:
        """Take away files or links of the site; none if one of them is none."""
        places = [self.place(word) for word in words]
        for word, place in zip(words, places, strict=True):
            if place.is_dir() and not place.is_symlink():
                raise Invalid(f"{word} is a folder; only files are removed.")
            if not os.path.lexists(place):
                raise NotFound(f"There is no {word}.")
        for place in places:
            place.unlink(missing_ok=True)
        return places

    def listing(self, word: str) -> list[Path]:
        """What is in a folder at an address, or the file itself; nothing yet where nobody has put anything."""
        place = self.place(word)
        if place.is_dir():
            return sorted(place.iterdir())
        return [place] if os.path.lexists(place) else []

    def _source(self, word: str) -> Path:
        found = self.place(word) if self.holds(word) else Path(word)
        if self.holds(word) and not self._inside(found):
            raise Invalid(f"{word} is a link that leads out of the site.", hint="Only files of the site are read.")
        if not found.is_file():
            what = "is a folder; files go one by one" if found.is_dir() else "is no file"
            raise NotFound(f"{word} {what}.")
        return found

    def _target(self, source: str, word: str) -> Path:
        """Where the file goes; folders of the site are made when first used."""
        if not self.holds(word):
            place = Path(word)
            return place / Path(source).name if place.is_dir() else place
        place = self.place(word)
        if place.is_dir() or word.endswith(("/", ":")) or self._is_task(word):
            place = self.place(f"{word.rstrip('/')}{'' if word.endswith(':') else '/'}{_base(source)}")
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _is_task(self, word: str) -> bool:
        return word.startswith("task:") and "/" not in word

    def _within(self, folder: Path, rest: str, word: str) -> Path:
        """The path below a folder, also after following the links on its way; itself it may be a link to anywhere."""
        place = Path(os.path.normpath(folder / rest)) if rest else folder
        if (rest and folder not in place.parents) or not self._inside(place.parent if rest else folder):
            raise Invalid(f"{word} leads out of the folder it begins in.", hint="An address stays in its folder.")
        return place

    def _inside(self, place: Path) -> bool:
        return place.resolve().is_relative_to(self._root.resolve())


def _base(word: str) -> str:
    """The last part of a path or an address."""
    return word.replace(":", "/").rstrip("/").rpartition("/")[2]
