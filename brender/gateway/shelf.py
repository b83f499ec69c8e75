"""Finished files on the farm's storage, opened so that no link and no clever name leads to another one.

A frame counts when the manifest of its folder names it with the size it has. Plain blocking code for a pool thread; it
must not know HTTP or the farm.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from brender.errors import Forbidden, NotFound
from brender.worker.blender import PART_FOLDER
from brender.worker.looks import THUMBS

MANIFEST: Final = "manifest.jsonl"
MOST_MANIFEST: Final = 64 << 20  # bytes that are read of one, from its end
MOST_FOLDERS: Final = 64  # whose manifests are remembered
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# What a file begins with, and what it is then called: nothing else is ever sent, whatever its name says.
_BEGINS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"v/1\x01", "image/x-exr"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
)
SHOWN: Final = frozenset({"image/png", "image/jpeg"})  # what every browser shows


class Held(Struct, frozen=True):
    """An open file; whoever holds it closes it."""

    descriptor: int
    name: str
    kind: str
    facts: os.stat_result


class Entry(Struct):
    """What is read of a line of a manifest (daemon/manifest.py)."""

    file: str
    bytes: int


class Shelf:
    """`roots`: folders outside of which nothing is opened; none means anywhere that a step names."""

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self._roots = [root.resolve() for root in roots]
        self._known: dict[str, tuple[tuple[int, int, int], dict[str, int]]] = {}

    def frame(self, folder: str, stem: str, endings: Sequence[str]) -> Held:
        """The finished frame of this name. Raises NotFound, or Forbidden outside of the roots."""
        with self._open_folder(folder) as outer:
            name = self._finished(folder, outer, stem, endings)
            return self._hold(outer, name, name)

    def thumbnail(self, folder: str, stem: str, endings: Sequence[str]) -> Held:
        """Its thumbnail, or itself where it has none and browsers show it. Raises NotFound or Forbidden."""
        with self._open_folder(folder) as outer:
            name = self._finished(folder, outer, stem, endings)
            with contextlib.suppress(OSError, NotFound), _inside(outer, THUMBS) as inner:
                return self._hold(inner, f"{name}.jpg", name)
            found = self._hold(outer, name, name)
        if found.kind in SHOWN:
            return found
        os.close(found.descriptor)
        raise NotFound(f"{name} has no thumbnail.", hint="Workers with the extra `pictures` make them.")

    def file(self, path: str, kinds: str) -> Held:
        """A movie or a picture that a step makes, at an absolute path; `kinds` is video or image."""
        folder, name = os.path.split(path)
        with self._open_folder(folder) as outer:
            found = self._hold(outer, name, name)
        if found.kind.startswith(kinds):
            return found
        os.close(found.descriptor)
        raise NotFound(f"{name} is no {kinds}.")

    @contextlib.contextmanager
    def _open_folder(self, folder: str) -> Iterator[int]:
        if not folder.startswith("/") or ".." in folder.split("/") or "\0" in folder:
            raise Forbidden(f"{folder!r} is no absolute folder.")
        try:
            descriptor = os.open(folder, _FOLDER)
        except OSError as error:
            raise NotFound(f"{folder} cannot be opened on this machine: {error.strerror}.") from None
        try:
            real = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
            if self._roots and not any(real.is_relative_to(root) for root in self._roots):
                raise Forbidden(f"{folder} is outside of the folders that this gateway shows.", hint="--outputs DIR")
            yield descriptor
        finally:
            os.close(descriptor)

    def _hold(self, folder: int, name: str, shown: str) -> Held:
        if not name or "/" in name or "\0" in name or name in (".", ".."):
            raise NotFound(f"{shown!r} is no file's name.")
        try:
            descriptor = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            raise NotFound(f"{shown} is not there: {error.strerror}.") from None
        facts = os.fstat(descriptor)
        head = os.pread(descriptor, 12, 0) if stat.S_ISREG(facts.st_mode) else b""
        kind = next((kind for at, magic, kind in _BEGINS if head[at:].startswith(magic)), "")
        if not kind:
            os.close(descriptor)
            raise NotFound(f"{shown} is neither a picture nor a movie.")
        return Held(descriptor, name, kind, facts)

    def _finished(self, folder: str, outer: int, stem: str, endings: Sequence[str]) -> str:
        """The name under which the manifest knows a frame that has the size it had. Raises NotFound."""
        known = self._manifest(folder, outer)
        for ending in endings:
            name = f"{stem}.{ending}"
            if "/" not in name and name in known:
                with contextlib.suppress(OSError):
                    facts = os.stat(name, dir_fd=outer, follow_symlinks=False)
                    if stat.S_ISREG(facts.st_mode) and facts.st_size == known[name] > 0:
                        return name
        raise NotFound(f"Frame {stem} is not finished in {folder}.")

    def _manifest(self, folder: str, outer: int) -> dict[str, int]:
        """Sizes by file name; read anew when the manifest has changed."""
        try:
            with _inside(outer, PART_FOLDER) as inner:
                descriptor = os.open(MANIFEST, _FILE, dir_fd=inner)
        except OSError:
            return {}
        with open(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                return {}
            state = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
            known = self._known.get(folder)
            if known is None or known[0] != state:
                file.seek(max(0, facts.st_size - MOST_MANIFEST))
                known = self._known[folder] = state, _sizes(file.read(MOST_MANIFEST))
                while len(self._known) > MOST_FOLDERS:
                    del self._known[next(iter(self._known))]
        return known[1]


def _sizes(lines: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines.split(b"\n"):
        with contextlib.suppress(msgspec.MsgspecError):
            entry = msgspec.json.decode(line, type=Entry)
            found[entry.file] = entry.bytes
    return found


@contextlib.contextmanager
def _inside(folder: int, path: str) -> Iterator[int]:
    """A folder below another, none of them a link. Raises OSError."""
    descriptor = os.dup(folder)
    try:
        for name in path.split("/"):
            below = os.open(name, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)
