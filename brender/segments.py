"""Records in append-only files of their own numbers: what both ends of the readings' way keep until it is elsewhere.

A record is its length, its CRC and its bytes. Files are only appended to in the life of the program that made them and
are deleted whole, so a torn end is never written after. It must not know what a record holds or who waits for it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

from msgspec import Struct

from brender.disk import sync_directory

HEAD = 8
_SUFFIX = ".log"


class Place(Struct, frozen=True):
    """Where a record is: the number of its file, its offset there, its length."""

    file: int
    offset: int
    length: int


class Segments:
    """The files of a folder. `sizes` is bytes by file number, oldest first. A number is never used twice.

    Numbers begin at `first` or above: with the clock there, not even a folder from a backup uses one again.
    """

    def __init__(self, folder: Path, first: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        found = sorted(int(path.stem) for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())
        self.sizes = {number: size for number in found if (size := self._path(number).stat().st_size)}
        self._next = max(max(found, default=0) + 1, first)
        self._mark = 0  # the newest file, where it is kept empty to say which numbers were used
        for number in found:
            if number not in self.sizes:
                self._put_away(number, number == found[-1])
        self._fd = -1
        self._fresh = False  # the file is there, but its directory entry may not be on the disk

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes.values())

    @property
    def current(self) -> int:
        """The number of the file that is appended to, or would be."""
        return self._next

    def append(self, bodies: Sequence[bytes], sync: bool) -> list[Place]:
        """Add records, all in one write; with `sync` they survive a power cut on return.

        OSError: none of them counts, and the next ones go to a new file.
        """
        if self._fd < 0:
            self._open()
        offset = self.sizes[self._next]
        places = []
        parts = []
        for body in bodies:
            parts += [len(body).to_bytes(4, "big"), crc32(body).to_bytes(4, "big"), body]
            places.append(Place(self._next, offset, len(body)))
            offset += HEAD + len(body)
        try:
            self._write(b"".join(parts))
            if sync:
                os.fdatasync(self._fd)
                if self._fresh:
                    sync_directory(self.folder)
                    self._fresh = False
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self.sizes[self._next])
            self.roll()
            raise
        self.sizes[self._next] = offset
        return places

    def roll(self) -> None:
        """What comes next goes to a new file."""
        if self._fd < 0:
            return
        os.close(self._fd)
        self._fd = -1
        self._next += 1
        if not self.sizes[self._next - 1]:
            self.delete(self._next - 1)

    def records(self, number: int) -> Iterator[tuple[Place, bytes]]:
        """The whole records of a file, up to the first that is damaged or cut short."""
        data = self._path(number).read_bytes()
        at = 0
        while len(data) - at >= HEAD:
            length = int.from_bytes(data[at : at + 4], "big")
            body = data[at + HEAD : at + HEAD + length]
            if len(body) < length or crc32(body) != int.from_bytes(data[at + 4 : at + HEAD], "big"):
                return
            yield Place(number, at, length), body
            at += HEAD + length

    def read(self, place: Place) -> bytes | None:
        """One record; None when it is damaged or gone."""
        try:
            with self._path(place.file).open("rb") as file:
                file.seek(place.offset)
                data = file.read(HEAD + place.length)
        except OSError:
            return None
        body = data[HEAD:]
        return body if len(body) == place.length and crc32(body) == int.from_bytes(data[4:HEAD], "big") else None

    def delete(self, number: int) -> None:
        """A whole file and all in it."""
        del self.sizes[number]
        self._put_away(number, number == self._next - 1)

    def close(self) -> None:
        """The files stay."""
        self.roll()

    def _put_away(self, number: int, newest: bool) -> None:
        """Delete a file, or empty it while it is the newest: the next start must not use its number again."""
        if newest:
            os.truncate(self._path(number), 0)
            self._mark = number
        else:
            self._path(number).unlink()

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:012d}{_SUFFIX}"

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._path(self._next), flags, 0o640)
        self.sizes[self._next] = 0
        self._fresh = True
        if self._mark:
            self._path(self._mark).unlink()
            self._mark = 0

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._fd, data) :]
