"""Results on the disk until the master has them: one append-only file, one write() a turn, no fsync.

It survives SIGKILL of the daemon; a power cut may cost the last results, whose tasks are then run again, never a wrong
count. It must not know the wire or who acknowledges: Results and numbers go in, what is left comes out at next start.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from brender.core.events import Result

REWRITE_AT: Final = 1 << 20  # bytes under which a file with something to hold is not written anew
EMPTY_AT: Final = 1 << 16  # the same, when nothing is left to hold


class Batch(msgspec.Struct, array_like=True):
    """One record: the number that comes next, results that came, numbers that went."""

    next: int
    keep: list[Result]
    forget: list[int]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Batch)


class Outbox:
    """The file `outbox` in a folder. `held` and `next_number` are what a Duty starts from."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "outbox"
        self._live: dict[int, Result] = {}
        self.next_number = 1
        self._fd = -1
        self._size = self._limit = 0
        self._load()
        with contextlib.suppress(OSError):  # a full disk: the first write says so
            self._rewrite()

    @property
    def held(self) -> list[Result]:
        """Results not forgotten yet, in order of their numbers."""
        return list(self._live.values())

    def write(self, keep: list[Result], forget: list[int]) -> None:
        """Both at once. OSError when the disk refuses: then memory still holds all, and the next write brings all."""
        for result in keep:
            self._live[result.number] = result
            self.next_number = max(self.next_number, result.number + 1)
        for number in forget:
            self._live.pop(number, None)
        if self._fd < 0:
            self._rewrite()
            return
        data = _record(Batch(self.next_number, keep, forget))
        try:
            _write_all(self._fd, data)
        except OSError:
            self._drop_file()  # it may end in half a record: nothing may follow that
            raise
        self._size += len(data)
        if self._size > (self._limit if self._live else EMPTY_AT):
            self._rewrite()

    def close(self) -> None:
        """The file stays, as small as it can be."""
        if self._fd >= 0 and self._size:
            self._rewrite()
        self._drop_file()

    def _load(self) -> None:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        for batch in batches(data):
            self.next_number = max(self.next_number, batch.next)
            for result in batch.keep:
                self._live[result.number] = result
            for number in batch.forget:
                self._live.pop(number, None)

    def _rewrite(self) -> None:
        """A new generation with only what is still held; the old file stays until the new one is whole."""
        fresh = self._path.with_suffix(".new")
        data = _record(Batch(self.next_number, self.held, []))
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            _write_all(fd, data)
            os.replace(fresh, self._path)
        except OSError:
            os.close(fd)
            raise
        self._drop_file()
        self._fd, self._size = fd, len(data)
        # Twice what is held: a long night alone is not written over and over.
        self._limit = max(REWRITE_AT, 2 * len(data))

    def _drop_file(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def batches(data: bytes) -> list[Batch]:
    """The whole records at the beginning; whatever follows the first broken one is ignored (a torn or zeroed tail)."""
    found: list[Batch] = []
    at = 0
    while len(data) - at >= 8:
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 8 : at + 8 + length]
        if not length or len(body) < length or crc32(body) != int.from_bytes(data[at + 4 : at + 8], "big"):
            break
        try:
            found.append(_DECODER.decode(body))
        except msgspec.DecodeError:
            break
        at += 8 + length
    return found


def _record(batch: Batch) -> bytes:
    body = _ENCODER.encode(batch)
    return len(body).to_bytes(4, "big") + crc32(body).to_bytes(4, "big") + body


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
