"""Readings of this machine until the master has them: batches in files, bounded; losses are told, the oldest first.

A batch is written when it is closed, without fsync: it survives SIGKILL of the daemon; what was put since the last
close does not, and a power cut costs what the kernel had not written yet. While the master is away a full file is
packed into a few large batches by channel, and that is synced (RM-50, CL-42). It must not know the wire's timing.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from brender.errors import Invalid
from brender.segments import Place, Segments
from brender.wire.packing import Damaged, pack, rows_of, unpack
from brender.wire.readings import Columns, Other, collected

SAMPLES_A_BATCH: Final = 16_384  # 330 KB on the wire, a few milliseconds of the master's hub
BATCHES_A_FILE: Final = 300
SAMPLES_A_FILE: Final = 32_768  # what is packed at once: some 30 ms
WORTH_PACKING: Final = 8  # batches of a file; fewer are large already
IN_MEMORY: Final = 64  # batches that the disk did not take; then the oldest are lost
SQUEEZE_FROM: Final = 64  # samples


class Limits(Struct, frozen=True):
    """Batches that wait: from `warning` on the farm is told, over `most` the oldest are lost; so over `bytes`."""

    warning: int = 10_000
    most: int = 30_000
    bytes: int = 512 << 20


class Entry(Struct, array_like=True):
    """A record: when the first sample of a batch was taken, its channels, times and values, and what is no number."""

    since: float
    channels: bytes
    samples: bytes
    others: list[Other] = field(default_factory=list)


class Pending(Struct, eq=False):
    """A batch that is not acknowledged. `columns` are kept for those that the disk did not take, and the newest one."""

    number: int
    since: float
    count: int
    place: Place | None
    columns: Columns | None


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Entry)


class Spool:
    """The folder `spool`. `say` tells people; `put` is for whoever measures, the rest for whoever sends."""

    def __init__(self, folder: Path, limits: Limits, say: Callable[[str], None]) -> None:
        try:
            self._segments = Segments(folder / "spool")
        except OSError as error:
            raise Invalid(f"{folder} cannot keep readings: {error.strerror}.") from error
        self._limits, self._say = limits, say
        self.pending: dict[int, Pending] = {}  # by number, oldest first
        self.next_number = 1
        self.lost = 0  # samples, since all had arrived
        self.refused = 0  # samples that were no readings, since the start
        self._fault = ""
        self._left: Counter[int] = Counter()  # by file: its batches that are pending
        self._in_file = [0, 0]  # batches and samples of the current file
        self._now = collected(())
        self._load()

    # ---- for whoever measures

    def put(self, channel: int, at: float, value: float | str | list[float] | None) -> None:
        """Keep one sample: `at` is seconds since the epoch. A number that is none is refused and counted."""
        if not _is_reading(at, value):
            self.refused += 1
        elif isinstance(value, (int, float)):
            self._now.channels.append(channel)
            self._now.times.append(at)
            self._now.values.append(value)
        else:
            self._now.others.append((channel, at, value))

    # ---- for whoever sends

    @property
    def warning(self) -> str:
        """What the farm should know; empty when all is well."""
        if self.lost:
            return f"{self.lost} readings were lost: the master was away too long"
        if self._fault:
            return self._fault
        if len(self.pending) >= self._limits.warning:
            return f"{len(self.pending)} batches of readings wait; over {self._limits.most} the oldest are lost"
        return ""

    def close_batch(self) -> None:
        """What was put since the last call becomes one batch, or several if it is much, and goes to the disk."""
        columns, self._now = self._now, collected(())
        for at in range(0, columns.count, SAMPLES_A_BATCH):
            self._keep(_part(columns, at))
        self._lose()

    def columns(self, number: int) -> Columns | None:
        """The samples of a pending batch; None when it cannot be read, and then it is given up."""
        one = self.pending[number]
        if one.columns is not None:
            return one.columns
        body = self._segments.read(one.place) if one.place is not None else None
        try:
            if body is not None:
                return _unpacked(_DECODER.decode(body))
        except (msgspec.DecodeError, Damaged):
            pass
        self._give_up(one, "they cannot be read from the disk")
        return None

    def acked(self, number: int) -> None:
        """The master has it. A number that is not pending is passed over."""
        one = self.pending.get(number)
        if one is not None:
            self._forget(one)
        if not self.pending:
            self.lost = 0  # it was told; all that there is now has arrived

    def pack_up(self) -> None:
        """Nobody takes the batches: a file that is full is written anew as a few large ones, sorted by channel."""
        current = self._segments.current
        files = Counter(one.place.file for one in self.pending.values() if one.place is not None)
        for number, count in files.items():
            small = number != current and count >= WORTH_PACKING
            if small and sum(self._of(number, lambda one: one.count)) <= 2 * SAMPLES_A_FILE:
                self._pack(number)
                return

    def close(self) -> None:
        """The files stay, with what was put last."""
        self.close_batch()
        self._segments.close()

    # ---- the disk

    def _load(self) -> None:
        found: list[tuple[float, int, Place]] = []
        for number in list(self._segments.sizes):
            before = len(found)
            for place, body in self._segments.records(number):
                entry = _DECODER.decode(body)
                found.append((entry.since, rows_of(entry.samples) + len(entry.others), place))
            if len(found) == before:
                self._segments.delete(number)
        for since, count, place in sorted(found, key=lambda one: one[0]):
            self._add(Pending(self.next_number, since, count, place, None))

    def _keep(self, columns: Columns, sync: bool = False) -> None:
        number, entry = self.next_number, _packed(columns)
        place: Place | None = None
        try:
            (place,) = self._segments.append([_ENCODER.encode(entry)], sync)
            self._fault = ""
        except OSError as error:
            self._fault = f"readings cannot be written to {self._segments.folder}: {error.strerror}"
            self._say(self._fault)
        previous = self.pending.get(number - 1)
        if previous is not None and previous.place is not None:
            previous.columns = None
        self._add(Pending(number, entry.since, columns.count, place, columns))
        self._in_file[0] += 1
        self._in_file[1] += columns.count
        if self._in_file[0] >= BATCHES_A_FILE or self._in_file[1] >= SAMPLES_A_FILE:
            self._roll()

    def _roll(self) -> None:
        self._segments.roll()
        self._in_file = [0, 0]

    def _add(self, one: Pending) -> None:
        self.pending[one.number] = one
        self.next_number = one.number + 1
        if one.place is not None:
            self._left[one.place.file] += 1

    def _forget(self, one: Pending) -> None:
        if self.pending.pop(one.number, None) is None or one.place is None:
            return
        self._left[one.place.file] -= 1
        if not self._left[one.place.file]:
            if one.place.file == self._segments.current:
                self._roll()
            del self._left[one.place.file]
            self._segments.delete(one.place.file)

    def _pack(self, file: int) -> None:
        chosen = self._of(file, lambda one: one)
        together = collected(())
        for one in chosen:
            columns = self.columns(one.number)
            if columns is not None:
                together.channels += columns.channels
                together.times += columns.times
                together.values += columns.values
                together.others += columns.others
        rows = sorted(zip(together.channels, together.times, together.values, strict=True))
        ordered = Columns(
            array("I", (row[0] for row in rows)), array("d", (row[1] for row in rows)),
            array("d", (row[2] for row in rows)), together.others,
        )  # fmt: skip
        self._roll()
        for at in range(0, ordered.count, SAMPLES_A_BATCH):
            self._keep(_part(ordered, at), sync=True)
        self._roll()
        for one in chosen:
            self._forget(one)
        self.pending = dict(sorted(self.pending.items(), key=lambda pair: pair[1].since))

    def _of(self, file: int, what: Callable[[Pending], Any]) -> list[Any]:
        return [what(one) for one in self.pending.values() if one.place is not None and one.place.file == file]

    # ---- losses

    def _lose(self) -> None:
        """Over the limits the oldest go, and everybody is told."""
        unwritten = [one for one in self.pending.values() if one.place is None]
        for one in unwritten[: max(0, len(unwritten) - IN_MEMORY)]:
            self._give_up(one, "the disk did not take them")
        while len(self.pending) > self._limits.most or self._segments.size > self._limits.bytes:
            oldest = next(iter(self.pending.values()), None)
            if oldest is None:
                return
            self._give_up(oldest, "the master was away too long")

    def _give_up(self, one: Pending, why: str) -> None:
        if not self.lost:
            self._say(f"readings are lost from now on: {why}")
        self.lost += one.count
        self._forget(one)


def _part(columns: Columns, at: int) -> Columns:
    """So many samples of a batch; what is no number follows the numbers."""
    end, count = at + SAMPLES_A_BATCH, len(columns.channels)
    others = columns.others[max(0, at - count) : max(0, end - count)]
    return Columns(columns.channels[at:end], columns.times[at:end], columns.values[at:end], others)


def _is_reading(at: float, value: Any) -> bool:
    try:
        return isfinite(at) and all(map(isfinite, value if isinstance(value, list) else [value]))
    except OverflowError:
        return False
    except TypeError:
        return value is None or isinstance(value, str)


def _packed(columns: Columns) -> Entry:
    since = min([*columns.times, *(other[1] for other in columns.others)])
    squeeze = columns.count >= SQUEEZE_FROM
    times = array("q", map(round, map((1e6).__mul__, columns.times)))
    channels = pack((array("q", columns.channels),), squeeze)
    return Entry(since, channels, pack((times, columns.values), squeeze), columns.others)


def _unpacked(entry: Entry) -> Columns:
    (channels,) = unpack(entry.channels, "q")
    times, values = unpack(entry.samples, "qd")
    return Columns(array("I", channels), array("d", (at / 1e6 for at in times)), values, entry.others)
