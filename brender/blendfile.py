"""The frame range that a .blend names in its first blocks, read without Blender: so `brender render` knows its default.

Blender writes it there for render managers (block REND). It must not know anything else of a scene.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_BLOCKS = 64  # the range stands among the first; a file of another kind is not read through
MOST_BYTES = 64 << 20


class Range(NamedTuple):
    """First and last frame, both rendered, and the scene's name."""

    first: int
    last: int
    scene: str


class Header(NamedTuple):
    """How the blocks of a file are headed: a struct format, and where in it code and length stand."""

    format: str
    code: int
    length: int
    integers: str


def frame_range(path: Path) -> Range | None:
    """The range of the file's first scene; None when it is compressed in a way Python cannot read, or no .blend.

    Raises OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(file) as inside:
                return _range(inside)  # type: ignore[arg-type]
        return _range(file)


def _range(file: BinaryIO) -> Range | None:
    try:
        header = _header(file)
        if header is None:
            return None
        size = struct.calcsize(header.format)
        for _ in range(MOST_BLOCKS):
            fields = struct.unpack(header.format, file.read(size))
            code, length = fields[header.code], fields[header.length]
            if code == b"ENDB" or not 0 <= length <= MOST_BYTES:
                return None
            data = file.read(length)
            if code == b"REND" and 8 <= length == len(data):
                first, last = struct.unpack(header.integers, data[:8])
                return Range(first, last, data[8:].split(b"\0")[0].decode("utf-8", "replace"))
    except (struct.error, EOFError, gzip.BadGzipFile, zlib.error):
        return None
    return None


def _header(file: BinaryIO) -> Header | None:
    """The form of the block heads, from the file's own first bytes; None for what is no .blend."""
    start = file.read(12)
    if start[:7] != b"BLENDER":
        return None
    if start[7:8] in b"_-":  # until 4.x: pointer size, byte order, version
        order = ">" if start[8:9] == b"V" else "<"
        return Header(f"{order}4si{'I' if start[7:8] == b'_' else 'Q'}ii", 0, 1, f"{order}2i")
    if start[7:10] != b"17-":
        return None
    file.read(5)  # since 5.0: a head of 17 bytes, blocks with 64-bit lengths
    return Header("<4siQqq", 0, 3, "<2i")
