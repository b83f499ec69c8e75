"""How long and how much of each kind of reading is kept, and the paces of the way there, each with its reason."""

from __future__ import annotations

from msgspec import Struct

DAY = 86_400.0
GIB = 1 << 30


class Kept(Struct, frozen=True):
    """Of one kind: for how long, in seconds, and how many bytes at the most. Whatever is reached first counts."""

    seconds: float
    bytes: int


class Terms(Struct, frozen=True):
    """Raw samples are asked for days, minutes for a season, hours for years; each kind is a tenth of the one before."""

    raw: Kept = Kept(30 * DAY, 20 * GIB)
    minutes: Kept = Kept(400 * DAY, 5 * GIB)
    hours: Kept = Kept(3650 * DAY, 5 * GIB)
    buffer_bytes: int = 2 * GIB  # of samples that wait for the database: more are refused
    reserve_bytes: int = 256 << 20  # of the disk, for the farm itself: readings are refused first
    segment_samples: int = 1_000_000  # that are moved to the database together
    segment_seconds: float = 60.0  # after which fewer are
    memory_samples: int = 4_000_000  # of those that wait: more are only on the disk, and not seen by questions
    seal_after: float = 300.0  # seconds after an hour's end, and after the last late sample, until it is summed up
    slice_seconds: float = 0.5  # of work on sealing and forgetting between two moves
    longest_answer: float = 5.0  # seconds that a question may take
    most_points: int = 100_000  # of one answer
