"""What is said about readings: batches that come from where things are measured, and what became of them.

A batch is three columns of equal length (channel, time, value) and a list for all that is no number. Both ends use it.
It must not know which channels exist or how readings are kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from brender.errors import Invalid
from brender.wire.packing import Column, Damaged, column_of, in_bytes

METHOD: Final = "worker.readings"
SAVED: Final = "saved"
UNSAVED: Final = "unsaved"
MOST: Final = 65_536  # samples of one batch: 1.3 MB, and a few milliseconds of whoever looks at it

Value = str | list[float] | None  # what is no number: a text, a vector, or that there was nothing
Other = tuple[int, float, Value]  # channel, seconds since the epoch, value
Refused = tuple[int, str, int]  # channel, why, how many of its samples; channel 0: the batch as a whole


class Batch(Struct):
    """Samples on the wire: `channels` as 4-byte ids, `times` (seconds since the epoch) and `values` as doubles.

    `batch` is the sender's own number, told back when the samples are on the disk.
    """

    batch: int
    channels: bytes = b""
    times: bytes = b""
    values: bytes = b""
    others: list[Other] = field(default_factory=list)


class Saved(Struct, frozen=True):
    """The batch is on the disk, except what is refused for good: it need not be sent again."""

    batch: int
    refused: list[Refused] = field(default_factory=list)


class Unsaved(Struct, frozen=True):
    """Nothing of the batch is kept; it may be sent again after so many seconds."""

    batch: int
    reason: str
    after: float


class Columns(Struct, eq=False):
    """Samples in memory, in the order they came."""

    channels: Column
    times: Column
    values: Column
    others: list[Other]

    @property
    def count(self) -> int:
        """How many samples."""
        return len(self.channels) + len(self.others)

    def batch(self, number: int) -> Batch:
        """The same on the wire."""
        return Batch(number, in_bytes(self.channels), in_bytes(self.times), in_bytes(self.values), self.others)


def columns_of(batch: Batch) -> Columns:
    """The samples of a batch. Raises Invalid when its columns are no columns of one length, or too long."""
    try:
        found = Columns(
            column_of("I", batch.channels), column_of("d", batch.times), column_of("d", batch.values), batch.others
        )
    except Damaged as error:
        raise Invalid(f"The columns of a batch do not fit: {error}.") from error
    lengths = {len(found.channels), len(found.times), len(found.values)}
    if len(lengths) > 1:
        raise Invalid(f"The columns of a batch have {', '.join(map(str, sorted(lengths)))} numbers.")
    if found.count > MOST:
        raise Invalid(f"A batch of {found.count} samples is over the limit of {MOST}.")
    return found


def collected(samples: Iterable[tuple[int, float, float | Value]]) -> Columns:
    """Columns of single samples (channel, seconds since the epoch, value)."""
    found = Columns(array("I"), array("d"), array("d"), [])
    for channel, at, value in samples:
        if isinstance(value, (int, float)):
            found.channels.append(channel)
            found.times.append(at)
            found.values.append(value)
        else:
            found.others.append((channel, at, value))
    return found
