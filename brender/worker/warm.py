"""When a Blender that stays open may take one more task, and what it says when it has done one.

Pure: numbers and names only. It must not know processes, pipes or files; daemon/warm.py has those.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

_MARK: Final = b"brender: {"


class Terms(Struct, frozen=True):
    """The limits of one process. `growth` is of its memory after the first task, `slack_mb` MiB are always allowed."""

    frames: int = 200
    growth: float = 1.5
    slack_mb: int = 512
    idle_s: float = 60.0


class Subject(Struct, frozen=True):
    """What a process is about and cannot change in place: the file, its content and the environment of its function.

    `content` is mtime in ns, size in bytes and inode; empty where there is no such file.
    """

    blend: str
    content: tuple[int, ...]
    env: tuple[tuple[str, str], ...] = ()

    def differs(self, wanted: Subject) -> str:
        """Why a process about this is of no use for what is wanted; empty when it is."""
        if self.blend != wanted.blend:
            return "another file is wanted"
        if self.content != wanted.content:
            return "its file has changed"
        return "another environment is wanted" if self.env != wanted.env else ""


class Done(Struct, frozen=True):
    """The end of one request. `code` is what an exit code would be; `recycle`: the process is not to be trusted.

    In MiB: `memory_mb` is what the process holds now, `peak_mb` what it held at the most during the request.
    """

    request: str
    code: int
    memory_mb: int = 0
    recycle: bool = False
    peak_mb: int = 0


class Age(Struct):
    """What a process has behind it; memory in MiB."""

    tasks: int = 0
    frames: int = 0
    first_mb: int = 0
    memory_mb: int = 0

    def add(self, frames: int, memory_mb: int) -> None:
        """One more task of so many frames, after which it holds so much."""
        self.tasks += 1
        self.frames += frames
        self.memory_mb = memory_mb
        self.first_mb = self.first_mb or memory_mb

    def spent(self, terms: Terms) -> str:
        """Why it should go now; empty while it may stay."""
        if self.frames >= terms.frames:
            return f"it has rendered {self.frames} frames"
        if self.memory_mb > max(self.first_mb * terms.growth, self.first_mb + terms.slack_mb):
            return f"its memory has grown from {self.first_mb} to {self.memory_mb} MiB"
        return ""


class _Told(Struct):
    event: str
    request: str = ""
    code: int = 1
    memory_mb: int = 0
    peak_mb: int = 0
    recycle: bool = False


def done_of(line: bytes, request: str) -> Done | None:
    """The end of this request, when the line tells it; other text before it on the line does no harm.

    No text of a file can tell it, since `request` holds a secret.
    """
    place = line.rfind(_MARK)
    if place < 0 or request.encode() not in line:
        return None
    try:
        told = msgspec.json.decode(line[place + len(_MARK) - 1 :], type=_Told)
    except msgspec.DecodeError:
        return None
    if told.event != "done" or told.request != request:
        return None
    return Done(request, told.code, told.memory_mb, told.recycle, told.peak_mb)
