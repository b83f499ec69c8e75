"""Reading foreign image files in small pieces: bytes at an offset, exact ends, and decompression that only counts.

Pure, and it must not know any image format: `outputs.py` (PNG, JPEG), `tiff.py` and `exr.py` build on it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

_PIECE: Final = 1 << 16


class Source(Protocol):
    """Bytes at an offset; fewer than asked only at the end of the file. `size` is in bytes."""

    size: int

    def read(self, offset: int, count: int) -> bytes: ...


class Held:
    """A Source over bytes in memory."""

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = bytes(data)
        self.size = len(self.data)

    def read(self, offset: int, count: int) -> bytes:
        return self.data[offset : offset + count]


class Bad(Exception):
    """The file is not a whole frame; the text says why."""


def exactly(source: Source, offset: int, count: int, what: str) -> bytes:
    """`count` bytes at `offset`, or Bad: `what` ends after the file."""
    if offset < 0 or count < 0 or offset + count > source.size:
        raise Bad(f"{what} ends after the file (at byte {offset + count} of {source.size})")
    return source.read(offset, count)


def pieces(source: Source, offset: int, count: int, what: str) -> Iterator[bytes]:
    """The same bytes as `exactly`, 64 KiB at a time."""
    exactly(source, offset + count, 0, what)
    for start in range(offset, offset + count, _PIECE):
        yield source.read(start, min(_PIECE, offset + count - start))


class Inflate:
    """Decompresses a zlib stream piece by piece and only counts: it must give `want` bytes and then end."""

    def __init__(self, want: int, what: str) -> None:
        self.left, self.what = want, what
        self.stream = zlib.decompressobj()

    def feed(self, piece: bytes) -> None:
        try:
            while piece:
                if self.stream.eof:
                    raise Bad(f"{self.what} has bytes after its end")
                self.left -= len(self.stream.decompress(piece, 1 << 20))
                if self.left < 0:
                    raise Bad(f"{self.what} holds more pixels than the image has")
                piece = self.stream.unconsumed_tail or self.stream.unused_data
        except zlib.error as error:
            raise Bad(f"{self.what} does not decompress: {error}") from None

    def finish(self) -> None:
        if not self.stream.eof or self.left:
            raise Bad(f"{self.what} stops {self.left} bytes of pixels before its end")


def inflate(source: Source, offset: int, count: int, want: int, what: str) -> None:
    """`count` bytes at `offset` must be one zlib stream of exactly `want` bytes."""
    stream = Inflate(want, what)
    for piece in pieces(source, offset, count, what):
        stream.feed(piece)
    stream.finish()
