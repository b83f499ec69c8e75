"""What lies finished in an output folder: `.brender/manifest.jsonl`, one line for each published frame.

«There is a file of that name» proves nothing: it may be of other settings or another scene. So each line carries the
key of what made it. Several workers append to one file: one write a line, and a torn line is skipped, never an error.
Plain blocking code for a pool thread; it must not know gevent, the wire or the farm.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from brender.worker.blender import PART_FOLDER, BlenderJob

NAME: Final = "manifest.jsonl"
LINE_BYTES: Final = 1 << 16
TAIL_BYTES: Final = 1 << 18
# What says where a frame goes and how it is made, but not what is on it.
NOT_IN_THE_KEY: Final = ("output", "existing")


class Entry(Struct, frozen=True, kw_only=True):
    """One published frame. `bytes` is its file's size, `seconds` its render's, `fps` its scene's rate (0: unknown).

    `mean` is None where nobody looked.
    """

    frame: int
    file: str  # its name inside the folder
    bytes: int
    width: int = 0
    height: int = 0
    format: str = ""
    seconds: float = 0.0
    fps: float = 0.0
    mean: float | None = None
    attempt: str = ""
    key: str = ""


def key_of(job: BlenderJob, content: tuple[int, ...]) -> str:
    """What made a frame: the job's parameters and the .blend's content as `frames.content` tells it."""
    params = msgspec.to_builtins(job)
    # What is None says nothing: a parameter that a later brender adds makes no finished frame unfinished.
    told = {name: params[name] for name in sorted(params) if name not in NOT_IN_THE_KEY and params[name] is not None}
    # Time and size only: the number of an inode is another on each machine that mounts the share.
    return hashlib.sha256(msgspec.json.encode([told, content[:2]])).hexdigest()[:24]


def append(output: str, entries: Sequence[Entry]) -> None:
    """Add lines, each in one write. Raises OSError; links are not followed."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with _folder(output) as folder:
        descriptor = os.open(NAME, flags, 0o644, dir_fd=folder)
        try:
            for entry in entries:
                size = os.fstat(descriptor).st_size
                # A full disk may have cut the line before: it must not take this one with it. While another worker
                # writes, this may see half of its line and leave an empty one, which is passed over.
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                os.write(descriptor, b"\n" * torn + msgspec.json.encode(entry) + b"\n")
        finally:
            os.close(descriptor)


def finished(output: str, frames: Sequence[int], key: str = "") -> dict[int, Entry]:
    """Those of `frames` that lie whole in `output`, made by `key` (empty: by anything); empty without a manifest.

    Only the last line of a file counts, and only while the file is there with the size it had.
    """
    wanted = set(frames)
    last: dict[str, Entry] = {entry.file: entry for entry in lines(output) if entry.frame in wanted}
    found: dict[int, Entry] = {}
    for entry in last.values():
        if (not key or entry.key == key) and _stands(output, entry):
            found[entry.frame] = entry
    return found


def recent(output: str, count: int) -> list[Entry]:
    """The last `count` lines at most, whatever became of their files: what frames like these weigh."""
    return list(deque(lines(output, TAIL_BYTES), count))


def lines(output: str, tail: int = 0) -> Iterator[Entry]:
    """Every line that can be read, oldest first; with `tail` those of the last bytes only."""
    try:
        with _folder(output) as folder:
            descriptor = os.open(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return
    with open(descriptor, "rb") as file:
        if tail:
            file.seek(max(0, os.fstat(descriptor).st_size - tail))
        while line := file.readline(LINE_BYTES):
            with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
                yield msgspec.json.decode(line, type=Entry)


def _stands(output: str, entry: Entry) -> bool:
    if not entry.file or "/" in entry.file or "\0" in entry.file:
        return False
    try:
        facts = os.lstat(os.path.join(output, entry.file))
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size == entry.bytes > 0


@contextlib.contextmanager
def _folder(output: str) -> Iterator[int]:
    """The part folder of an output folder; neither may be a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    outer = os.open(output, flags)
    try:
        inner = os.open(PART_FOLDER, flags, dir_fd=outer)
    finally:
        os.close(outer)
    try:
        yield inner
    finally:
        os.close(inner)
