"""Samples that were taken in and are not in the database yet: on the disk before anybody is answered, and in memory.

A file is closed when it is large or old enough, moved to the database as a whole, then deleted. In memory the samples
stand by channel, for questions and for the move. One thread appends, one moves, others ask. It must not know SQL.
"""

from __future__ import annotations

import logging
import os
import secrets
from array import array
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import msgspec
from msgspec import Struct, field

from brender.disk import StoreFull, judge, sync_directory
from brender.errors import Busy
from brender.segments import HEAD, Segments
from brender.storage.blocks import Samples, micros, micros_of
from brender.storage.ranges import Recent
from brender.storage.terms import Terms
from brender.wire.packing import column_of
from brender.wire.readings import Columns, Other

log = logging.getLogger("brender.storage")


class Entry(Struct, array_like=True):
    """A record: the columns of one batch as they came."""

    channels: bytes
    times: bytes
    values: bytes
    others: list[Other]


class Waiting(Struct, eq=False):
    """The samples of one file. `loaded` is False for those that are on the disk only."""

    number: int
    since: float  # when its first sample came
    count: int = 0
    loaded: bool = True
    tails: dict[int, Samples] = field(default_factory=dict)
    others: list[Other] = field(default_factory=list)

    def add(self, columns: Columns) -> None:
        """Sort these samples to their channels."""
        tails = self.tails
        for channel, at, value in zip(columns.channels, micros_of(columns.times), columns.values, strict=True):
            tail = tails.get(channel)
            if tail is None:
                tail = tails[channel] = (array("q"), array("d"))
            tail[0].append(at)
            tail[1].append(value)
        self.others += columns.others
        self.count += columns.count

    def unload(self) -> None:
        """Give the memory back; the file still has all of it."""
        self.tails, self.others, self.loaded = {}, [], False


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)


class Buffer:
    """The files of a folder. `name` says which buffer it is, wherever its samples go."""

    def __init__(self, folder: Path, terms: Terms, now: float) -> None:
        self._segments = Segments(folder, first=int(now))
        self._terms = terms
        self._lock = Lock()  # over the lists below, never while the disk is waited for
        self._open: Waiting | None = None
        self._closed: deque[Waiting] = deque()
        self.name = _name(folder)
        for number in list(self._segments.sizes):
            waiting = Waiting(number, now, loaded=self.in_memory < terms.memory_samples)
            self._read(waiting)
            self._closed.append(waiting)

    def count(self, moved: int) -> int:
        """Samples that wait; files up to number `moved` are in the database."""
        return sum(one.count for one in self._all() if one.number > moved)

    @property
    def in_memory(self) -> int:
        """Of these, the ones that questions see."""
        return sum(one.count for one in self._all() if one.loaded)

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return self._segments.size

    @property
    def since(self) -> float | None:
        """When the first sample that waits came; None when none does."""
        return min((one.since for one in self._all() if one.count), default=None)

    def append(self, batches: Sequence[Columns], now: float) -> None:
        """Take samples in; on return they survive a power cut. Raises Busy (of disk.py StoreFull and others).

        Without batches it only closes the file that is old enough.
        """
        if batches:
            self._check_room()
            entries = [_ENCODER.encode(_entry(columns)) for columns in batches]
            try:
                self._segments.append(entries, sync=True)
            except OSError as error:
                self._close()
                raise _refusal(error, self._segments.folder) from error
            with self._lock:
                if self._open is None:
                    self._open = Waiting(self._segments.current, now)
                for columns in batches:
                    self._open.add(columns)
        waiting, terms = self._open, self._terms
        if waiting is not None and (
            waiting.count >= terms.segment_samples or now - waiting.since >= terms.segment_seconds
        ):
            self.close_file()

    def close_file(self) -> None:
        """What comes next goes to a new file; this one may be moved."""
        self._segments.roll()
        self._close()

    def oldest(self) -> Waiting | None:
        """The file to move first, in memory; None when none is closed."""
        with self._lock:
            found = self._closed[0] if self._closed else None
        if found is not None and not found.loaded:
            loaded = Waiting(found.number, found.since)
            self._read(loaded)
            with self._lock:
                self._closed[0] = loaded
            return loaded
        return found

    def forget(self, waiting: Waiting) -> None:
        """It is in the database."""
        with self._lock:
            self._closed.remove(waiting)
        self._segments.delete(waiting.number)

    def recent(self, channel: int) -> Recent:
        """What waits of a channel, as far as it is in memory."""
        with self._lock:
            files = [*self._closed, *([self._open] if self._open is not None else ())]
            tails = [tail for one in files if (tail := one.tails.get(channel)) is not None]
            samples = [(times[:], values[:]) for times, values in tails]
            others = [(micros(at), value) for one in files for who, at, value in one.others if who == channel]
        return Recent(samples, others)

    def close(self) -> None:
        """The files stay, and are read at the next start."""
        self._segments.close()

    def _all(self) -> list[Waiting]:
        with self._lock:
            return [*self._closed, *([self._open] if self._open is not None else ())]

    def _close(self) -> None:
        with self._lock:
            waiting, self._open = self._open, None
            if waiting is None:
                return
            self._closed.append(waiting)
        if self.in_memory > self._terms.memory_samples:
            with self._lock:
                waiting.unload()

    def _read(self, waiting: Waiting) -> None:
        """What a file holds; what a crash cut short was never acknowledged."""
        end = 0
        for place, body in self._segments.records(waiting.number):
            entry = _DECODER.decode(body)
            columns = Columns(
                column_of("I", entry.channels), column_of("d", entry.times), column_of("d", entry.values), entry.others
            )
            if waiting.loaded:
                waiting.add(columns)
            else:
                waiting.count += columns.count
            end = place.offset + HEAD + place.length
        left = self._segments.sizes[waiting.number] - end
        if left:
            log.warning("the last %s bytes of file %s of the buffer make no record", left, waiting.number)

    def _check_room(self) -> None:
        """Readings are refused before the farm itself is short of disk."""
        terms = self._terms
        if self._segments.size > terms.buffer_bytes:
            raise Busy(
                f"{self._segments.size / (1 << 20):.1f} MiB of readings wait for a database that does not take them.",
                hint="See farm status; it goes on by itself.",
            )
        status = os.statvfs(self._segments.folder)
        free = status.f_bavail * status.f_frsize
        if free < terms.reserve_bytes:
            raise StoreFull(
                f"{free >> 20} MiB are free where readings are; the last {terms.reserve_bytes >> 20} are the farm's.",
                hint="Make room there; it goes on by itself.",
            )


def _entry(columns: Columns) -> Entry:
    batch = columns.batch(0)
    return Entry(batch.channels, batch.times, batch.values, batch.others)


def _refusal(error: OSError, folder: Path) -> Exception:
    found = judge(error, folder)
    if isinstance(found, Busy):
        return found
    return Busy(f"Readings cannot be written to {folder}: {error.strerror}.", hint="Look at that disk.")


def _name(folder: Path) -> str:
    """A name for this buffer that no other has, kept beside its files."""
    path = folder / "name"
    try:
        found = path.read_text().strip()
        if found:
            return found
    except FileNotFoundError:
        pass
    found = secrets.token_hex(8)
    path.write_text(found + "\n")
    sync_directory(folder)
    return found
