"""What the daemon itself has said, for whoever asks over the farm: its newest lines, over its restarts, bounded.

Everything that goes to the daemon's stderr goes here too, also the last words of a defect. Files are named by the
position of their first byte, so positions go on when the daemon is started anew. It must not know the wire.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TextIO

MIB = 1 << 20


class Said:
    """Bytes go in by `write`, and never raise; `read` gives them back from any position that is kept still.

    Up to twice `most` bytes are kept, in two files of the folder.
    """

    def __init__(self, folder: Path, most: int = MIB) -> None:
        self._folder, self._most = folder, most
        self._lock = Lock()
        self._files: list[tuple[int, Path]] = []  # by their first positions
        self.stored = 0  # bytes that were said, where `read` ends
        self._out = -1
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            self._files = sorted((int(path.stem), path) for path in folder.glob("*.log") if path.stem.isdigit())
            if self._files:
                first, path = self._files[-1]
                self.stored = first + path.stat().st_size

    def write(self, data: bytes) -> None:
        """Keep these bytes; what a full disk does not take is lost here, and still on stderr."""
        with self._lock, suppress(OSError):
            if self._out < 0 or self.stored - self._files[-1][0] >= self._most:
                self._open()
            self.stored += os.write(self._out, data)

    def read(self, start: int, size: int) -> tuple[int, bytes]:
        """Bytes from a position on, and where they begin: later where what was asked for is gone."""
        if start > self.stored or not self._files:  # said by a daemon whose folder was taken away
            start = 0
        for at, (first, path) in enumerate(self._files):
            end = self._files[at + 1][0] if at + 1 < len(self._files) else self.stored
            if start < end:
                begin = max(start, first)
                with suppress(OSError), path.open("rb") as file:
                    file.seek(begin - first)
                    return begin, file.read(min(size, end - begin))
        return self.stored, b""

    def beside(self, stream: TextIO) -> TextIO:
        """A stream that writes to another one and here."""
        return _Both(stream, self)  # type: ignore[return-value]

    def _open(self) -> None:
        """Go on with the newest file, or begin another one and let go of the oldest."""
        if self._out < 0 and self._files and self.stored - self._files[-1][0] < self._most:
            path = self._files[-1][1]
        else:
            path = self._folder / f"{self.stored}.log"
            self._files = [*self._files[-1:], (self.stored, path)]
            for other in self._folder.glob("*.log"):
                if other not in [kept for _, kept in self._files]:
                    other.unlink()
        out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        if self._out >= 0:
            os.close(self._out)
        self._out = out


class _Both:
    """stderr, and a copy of it. What it cannot do itself the first stream does."""

    def __init__(self, stream: TextIO, said: Said) -> None:
        self._stream, self._said = stream, said

    def write(self, text: str) -> int:
        self._said.write(text.encode("utf-8", "backslashreplace"))
        return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def keep(folder: Path) -> Said:
    """From now on what this process says on stderr is kept in this folder."""
    said = Said(folder)
    sys.stderr = said.beside(sys.stderr)
    return said
