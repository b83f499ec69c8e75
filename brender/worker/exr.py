"""OpenEXR as Blender writes it: scan lines, one part or many (5.0), a complete offset table, every chunk in its place.

ZIP, ZIPS, PXR24 and RLE are decompressed to their exact lengths; of PIZ, B44 and DWA only the structure can be judged
with the standard library. Pure; it must not know the other formats.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from brender.worker.streams import Bad, Source, exactly, inflate

_HEADER_LIMIT: Final = 4 << 20
_NONE, _RLE, _ZIPS, _ZIP, _PIZ, _PXR24 = range(6)
_LINES: Final = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)
_TILED, _DEEP, _MULTIPART = 0x200, 0x800, 0x1000
_BYTES: Final = {0: 4, 1: 2, 2: 4}
_PXR24_BYTES: Final = {0: 4, 1: 2, 2: 3}
Box = tuple[int, int, int, int]


class _Part(NamedTuple):
    """One part's header. `data` and `display` are (left, top, right, bottom) with both ends inside."""

    compression: int
    channels: list[tuple[int, int, int]]
    data: Box
    display: Box

    @property
    def lines(self) -> int:
        return _LINES[self.compression]

    @property
    def chunks(self) -> int:
        return -(-(self.data[3] - self.data[1] + 1) // self.lines)

    def size(self, top: int, sizes: dict[int, int]) -> int:
        """Bytes of pixels in the chunk that begins at line `top`, with `sizes` bytes a sample."""
        bottom = min(top + self.lines - 1, self.data[3])
        total = 0
        for kind, across, down in self.channels:
            columns = self.data[2] // across - (self.data[0] - 1) // across
            total += columns * (bottom // down - (top - 1) // down) * sizes[kind]
        return total


def read(source: Source) -> tuple[int, int, Callable[[], None]]:
    """Width, height and the function that decodes every chunk or raises Bad."""
    (version,) = struct.unpack("<I", exactly(source, 4, 4, "OpenEXR header"))
    if version & 0xFF != 2 or version & (_TILED | _DEEP):
        raise Bad(f"OpenEXR version and flags {version:#x} are not what Blender writes")
    head = source.read(8, _HEADER_LIMIT)
    at, parts = 0, []
    while True:
        part, at = _header(head, at)
        parts.append(part)
        if not version & _MULTIPART:
            break
        if head[at : at + 1] == b"\0":
            at += 1
            break
    left, top, right, bottom = parts[0].display
    return (
        right - left + 1,
        bottom - top + 1,
        lambda: _chunks(source, parts, 8 + at, bool(version & _MULTIPART)),
    )


def _header(head: bytes, at: int) -> tuple[_Part, int]:
    found: dict[str, bytes] = {}
    while True:
        name, at = _text(head, at)
        if not name:
            break
        _kind, at = _text(head, at)
        (size,) = struct.unpack_from("<i", head, at)
        if size < 0 or at + 4 + size > len(head):
            raise Bad(f"the OpenEXR header stops inside {name!r}")
        found[name] = head[at + 4 : at + 4 + size]
        at += 4 + size
    for name in ("channels", "compression", "dataWindow", "displayWindow"):
        if name not in found:
            raise Bad(f"the OpenEXR header has no {name}")
    data, display = (struct.unpack("<4i", found[name]) for name in ("dataWindow", "displayWindow"))
    if data[2] < data[0] or data[3] < data[1] or found["compression"][0] >= len(_LINES):
        raise Bad("the OpenEXR header is damaged")
    return _Part(found["compression"][0], _channels(found["channels"]), data, display), at


def _text(head: bytes, at: int) -> tuple[str, int]:
    end = head.find(b"\0", at, at + 256)
    if end < 0:
        raise Bad("the OpenEXR header is cut or damaged")
    return head[at:end].decode("utf-8", "replace"), end + 1


def _channels(raw: bytes) -> list[tuple[int, int, int]]:
    """(pixel type, x sampling, y sampling) of each channel."""
    at, channels = 0, []
    while raw[at : at + 1] != b"\0":
        _name, at = _text(raw, at)
        kind, _linear, across, down = struct.unpack_from("<iIii", raw, at)
        if kind not in _BYTES or across < 1 or down < 1:
            raise Bad("an OpenEXR channel is damaged")
        channels.append((kind, across, down))
        at += 16
    if not channels:
        raise Bad("it has no channels")
    return channels


def _chunks(source: Source, parts: list[_Part], table: int, multipart: bool) -> None:
    """Every offset of every table leads to its chunk, and header, tables and chunks fill the file without a gap."""
    begin, ends = table, []
    tables_end = table + 8 * sum(part.chunks for part in parts)
    for number, part in enumerate(parts):
        raw = exactly(source, begin, 8 * part.chunks, "OpenEXR offset table")
        begin += len(raw)
        for index, (offset,) in enumerate(struct.iter_unpack("<Q", raw)):
            if offset == 0:
                raise Bad(f"chunk {index} of part {number} was never written")
            top = part.data[1] + index * part.lines
            ends.append((offset, _chunk(source, part, top, offset, number if multipart else None)))
    for offset, end in sorted(ends):
        if offset != tables_end:
            raise Bad(f"its chunks do not follow each other at byte {tables_end}")
        tables_end = end
    if tables_end != source.size:
        raise Bad(f"{source.size - tables_end} bytes follow the end of the image")


def _chunk(source: Source, part: _Part, top: int, offset: int, number: int | None) -> int:
    """Judge one chunk; the offset of its end."""
    what = f"the chunk of line {top}"
    if number is not None:
        if exactly(source, offset, 4, what) != struct.pack("<i", number):
            raise Bad(f"{what} says it belongs to another part than {number}")
        offset += 4
    line: int
    size: int
    line, size = struct.unpack("<ii", exactly(source, offset, 8, what))
    offset += 8
    want = part.size(top, _BYTES)
    if line != top:
        raise Bad(f"{what} says it is line {line}")
    if not 0 < size <= want or offset + size > source.size:
        raise Bad(f"{what} has a wrong length ({size} bytes) or ends after the file")
    # A chunk that compression would not make smaller is stored as it is.
    if size == want:
        return offset + size
    if part.compression in (_ZIP, _ZIPS):
        inflate(source, offset, size, want, what)
    elif part.compression == _PXR24:
        inflate(source, offset, size, part.size(top, _PXR24_BYTES), what)
    elif part.compression == _RLE and _rle_length(exactly(source, offset, size, what)) != want:
        raise Bad(f"{what} does not decompress to {want} bytes")
    elif part.compression == _NONE:
        raise Bad(f"{what} is {size} bytes long, but {want} are needed")
    elif not any(exactly(source, offset, size, what)):
        raise Bad(f"{what} is all zeros")
    return offset + size


def _rle_length(data: bytes) -> int:
    at = total = 0
    while at < len(data):
        head = data[at]
        run = head + 1 if head < 128 else 256 - head
        at += 2 if head < 128 else 1 + run
        total += run
    return total if at == len(data) else -1
