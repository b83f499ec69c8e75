"""What the daemon does with the file system around a render: folders before, checking and renaming after, sweeping.

Plain blocking code for a pool thread; it must not know gevent, the wire or the farm. Everything goes through a folder
descriptor and O_NOFOLLOW, so a link planted in the output folder cannot lead a frame elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from brender.daemon import manifest
from brender.errors import Invalid
from brender.worker import looks
from brender.worker.blender import (
    PART_FOLDER,
    BlenderJob,
    Program,
    Rendered,
    final_name,
    part_name,
    part_prefix,
)
from brender.worker.outputs import Expected, check

RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "runner.py")
REMEMBERED = 1000  # lines of a manifest that may hold neighbours of a frame
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Published(NamedTuple):
    """One finished frame: its final path and its size in bytes."""

    frame: int
    path: str
    size: int
    width: int
    height: int
    format: str
    seconds: float = 0.0
    fps: float = 0.0


class Outcome(NamedTuple):
    """What became of an attempt's frames. `reason` is empty when every frame of the order is published.

    `note` is a warning about frames that were published all the same.
    """

    published: list[Published]
    reason: str
    note: str = ""


def find_program(configured: str = "") -> Program | None:
    """The configured Blender, else `blender` on PATH, else this Python when it has bpy, else None."""
    path = shutil.which(configured or "blender")
    if path:
        return Program("blender", os.path.abspath(path), RUNNER)
    if not configured and importlib.util.find_spec("bpy") is not None:
        return Program("bpy", sys.executable, RUNNER)
    return None


def prepare(params: BlenderJob, attempt: str) -> str:
    """Make the output folder and its part folder, sweep leftovers of this attempt; the prefix for `command()`.

    Invalid when a folder cannot be made, is a link or belongs to somebody else's tree of links.
    """
    try:
        os.makedirs(params.output, exist_ok=True)
        with _folder(params.output) as output, contextlib.suppress(FileExistsError):
            os.mkdir(PART_FOLDER, 0o700, dir_fd=output)
        sweep(params, attempt)
    except OSError as error:
        raise Invalid(
            f"Output folder {params.output} cannot be used: {_words(error)}.",
            hint="Choose a folder this worker may write to; links are not followed.",
        ) from error
    return part_prefix(params, attempt)


def content(path: str) -> tuple[int, ...]:
    """What tells one content of a file from another: mtime in ns, size, inode; empty when there is no such file."""
    try:
        facts = os.stat(path)
    except OSError:
        return ()
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def publish(params: BlenderJob, attempt: str, frames: Sequence[int], rendered: Sequence[Rendered]) -> Outcome:
    """Check every part of the attempt, then rename all of them; on any defect nothing is renamed.

    `frames` is what was ordered, `rendered` what the runner told. Paths are computed here, never taken from the log.
    """
    told = {one.frame: one for one in rendered}
    missing = [frame for frame in frames if frame not in told]
    if missing:
        return Outcome([], f"{len(missing)} of {len(frames)} frames were not rendered, the first is {missing[0]}")
    try:
        with _folder(params.output) as output, _folder(PART_FOLDER, output) as parts:
            ready = []
            for frame in frames:
                one = told[frame]
                if params.format is not None and one.format != params.format:
                    return Outcome([], f"frame {frame} is {one.format}, but {params.format} was asked for")
                size, reason = _judge(parts, part_name(params, attempt, frame, one.format), one)
                if reason:
                    return Outcome([], f"frame {frame} is not whole: {reason}")
                ready.append((one, size))
            return Outcome(_rename(params, attempt, ready, (output, parts)), "")
    except OSError as error:
        return Outcome([], f"frames could not be published in {params.output}: {_words(error)}")


def record(
    params: BlenderJob, attempt: str, key: str, published: Sequence[Published], seen: Mapping[int, looks.Measured]
) -> str:
    """Remember published frames in the folder's manifest; what a person should look at in them, in words.

    `key` is manifest.key_of what made them. Frames that nobody looked at are not in `seen`.
    """
    # The parts of a still are black where others are not, and unlike each other.
    judge = looks.alone if params.still is None else looks.broken
    said = {one.frame: judge(one.frame, seen[one.frame]) for one in published if one.frame in seen}
    words = [text for text in said.values() if text]
    try:
        manifest.append(params.output, [_entry(one, attempt, key, seen.get(one.frame)) for one in published])
    except OSError as error:
        words.append(f"the manifest of {params.output} was not written ({_words(error)}): skipping will not see them")
    if params.still is None:
        known = [one for one in manifest.recent(params.output, REMEMBERED) if one.key == key]
        near = looks.beside([one.frame for one in published], [looks.Near(e.frame, e.bytes, e.mean) for e in known])
        words += [text for frame, text in near.items() if not said.get(frame)]
    return looks.note(words)


def _entry(one: Published, attempt: str, key: str, seen: looks.Measured | None) -> manifest.Entry:
    return manifest.Entry(
        frame=one.frame,
        file=os.path.basename(one.path),
        bytes=one.size,
        width=one.width,
        height=one.height,
        format=one.format,
        seconds=one.seconds,
        fps=one.fps,
        mean=None if seen is None or seen.problem else seen.mean,
        attempt=attempt,
        key=key,
    )


def sweep(params: BlenderJob, attempt: str) -> int:
    """Remove every part of one attempt; how many there were. Silent when the folders do not exist."""
    ours = re.compile(rf"{re.escape(attempt)}\.-?\d+\.part\.\w+")
    removed = 0
    try:
        with _folder(params.output) as output, _folder(PART_FOLDER, output) as parts:
            for name in os.listdir(parts):
                if ours.fullmatch(name):
                    os.unlink(name, dir_fd=parts)
                    removed += 1
    except FileNotFoundError:
        return removed
    return removed


class _File:
    """A Source over an open file; pread, never mmap: a file that shrinks under a map would kill the daemon."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor, self.size = descriptor, size

    def read(self, offset: int, count: int) -> bytes:
        return os.pread(self.descriptor, min(count, max(0, self.size - offset)), offset)


def _judge(parts: int, path: str, told: Rendered) -> tuple[int, str]:
    """(size in bytes, why it is refused); a good file is on the disk when this returns."""
    try:
        descriptor = os.open(os.path.basename(path), _FILE, dir_fd=parts)
    except FileNotFoundError:
        return 0, "its file is missing"
    except OSError as error:
        if error.errno == errno.ELOOP:
            return 0, "its file is a symbolic link"
        raise
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
            return 0, "it is not a plain file of its own"
        verdict = check(_File(descriptor, facts.st_size), Expected(told.format, told.width, told.height))
        if verdict.ok:
            os.fsync(descriptor)
        return facts.st_size, verdict.reason
    finally:
        os.close(descriptor)


def _rename(
    params: BlenderJob, attempt: str, ready: list[tuple[Rendered, int]], folders: tuple[int, int]
) -> list[Published]:
    output, parts = folders
    done = []
    for one, size in ready:
        part = os.path.basename(part_name(params, attempt, one.frame, one.format))
        final = final_name(params, one.frame, one.format)
        os.rename(part, os.path.basename(final), src_dir_fd=parts, dst_dir_fd=output)
        facts = (one.width, one.height, one.format, one.seconds, one.fps)
        done.append(Published(one.frame, final, size, *facts))
    os.fsync(output)
    return done


@contextlib.contextmanager
def _folder(path: str, inside: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, _FOLDER, dir_fd=inside)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _words(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return "it is a symbolic link or no folder"
    return (error.strerror or str(error)).lower()
