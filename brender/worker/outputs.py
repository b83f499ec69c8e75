"""Is this file the whole frame that was asked for? PNG, JPEG, TIFF and OpenEXR, judged to the last byte.

Exit code 0 proves nothing: a full disk or a cut network mount leaves half files with good headers and blocks of zeros.
Memory stays small whatever a header claims. Pure: it must not know files; a `Source` gives it bytes at an offset.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from brender.worker import exr, tiff
from brender.worker.streams import Bad, Held, Inflate, Source, exactly, pieces

_JPEG_LIMIT: Final = 256 << 20


class Expected(NamedTuple):
    """What the frame must be; width and height in pixels, 0 where nobody knows them beforehand."""

    format: str
    width: int = 0
    height: int = 0


class Verdict(NamedTuple):
    """`ok`, or the reason in words; format, width and height as far as the file told them."""

    ok: bool
    format: str = ""
    width: int = 0
    height: int = 0
    reason: str = ""


def check(data: bytes | bytearray | memoryview | Source, expected: Expected) -> Verdict:
    """Read the whole frame and judge it. Never raises for bad bytes; errors of reading pass through."""
    source: Source = Held(data) if isinstance(data, (bytes, bytearray, memoryview)) else data
    if source.size == 0:
        return Verdict(False, reason="the file is empty")
    head = source.read(0, 8)
    known = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if not known:
        return Verdict(False, reason=f"it is no image: it begins with {head.hex(' ')}")
    width = height = 0
    try:
        # An OpenEXR file of many layers and one of a single layer are the same kind of file.
        if known != expected.format.removesuffix("_MULTILAYER"):
            raise Bad(f"it is {known}, but {expected.format} was asked for")
        width, height, decode = _READERS[known](source)
        for side, got, want in (("width", width, expected.width), ("height", height, expected.height)):
            if want and got != want:
                raise Bad(f"its {side} is {got}, but {want} was asked for")
        # Only a file of the right size is decoded, so a header that claims a million pixels a side costs nothing.
        decode()
    except Bad as bad:
        return Verdict(False, known, width, height, str(bad))
    except (struct.error, ValueError, IndexError, KeyError, OverflowError) as error:
        return Verdict(False, known, width, height, f"its structure is damaged ({type(error).__name__}: {error})")
    return Verdict(True, known, width, height)


# ---- PNG


def _png(source: Source) -> tuple[int, int, Callable[[], None]]:
    header = exactly(source, 8, 25, "PNG header")
    if header[:8] != b"\0\0\0\rIHDR":
        raise Bad("its first chunk is not IHDR")
    width, height, depth, colour, _method, _filter, interlace = struct.unpack(">IIBBBBB", header[8:21])
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes: tuple[tuple[int, int, int, int], ...] = ((0, 0, 1, 1),)
    if interlace:
        passes = (
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        )
    want = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        want += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    return width, height, lambda: _png_chunks(source, want)


def _png_chunks(source: Source, want: int) -> None:
    offset, kind = 8, b""
    pixels = Inflate(want, "the pixel stream")
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", exactly(source, offset, 8, "a PNG chunk"))
        name = f"PNG chunk {kind.decode('latin-1')!r} at byte {offset}"
        crc = zlib.crc32(kind)
        for piece in pieces(source, offset + 8, length, name):
            crc = zlib.crc32(piece, crc)
            if kind == b"IDAT":
                pixels.feed(piece)
        if exactly(source, offset + 8 + length, 4, name) != crc.to_bytes(4, "big"):
            raise Bad(f"{name} has a wrong checksum")
        offset += 12 + length
    pixels.finish()
    if offset != source.size:
        raise Bad(f"{source.size - offset} bytes follow the end of the image")


# ---- JPEG

_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)


def _jpeg(source: Source) -> tuple[int, int, Callable[[], None]]:
    if source.size > _JPEG_LIMIT:
        raise Bad(f"a JPEG of {source.size} bytes is larger than the {_JPEG_LIMIT} that are checked")
    data = source.read(0, source.size)
    for kind, start, _end in _jpeg_segments(data):
        if kind in (0xC0, 0xC1, 0xC2):
            height, width = struct.unpack(">HH", data[start + 1 : start + 5])
            return width, height, lambda: _jpeg_walk(data)
    raise Bad("it has no frame header")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's content; the entropy data after SOS is skipped by looking for a marker."""
    at = 2
    while True:
        found = _MARKER.match(data, at)
        if not found:
            raise Bad(f"JPEG marker missing at byte {at} of {len(data)}")
        kind, at = data[found.end() - 1], found.end()
        if kind == 0xD9:
            yield kind, at, at
            return
        size = int.from_bytes(data[at : at + 2], "big")
        if size < 2 or at + size > len(data):
            raise Bad(f"JPEG segment {kind:02x} ends after the file")
        yield kind, at + 2, at + size
        at += size
        if kind == 0xDA:
            following = _MARKER.search(data, at)
            at = following.start() if following else len(data)


def _jpeg_walk(data: bytes) -> None:
    first_symbol: dict[int, int] = {}
    scans, baseline, end = 0, True, 0
    for kind, start, end in _jpeg_segments(data):
        baseline = baseline and kind != 0xC2
        if kind == 0xC4:
            while start < end:
                first_symbol[data[start]] = data[start + 17]
                start += 17 + sum(data[start + 1 : start + 17])
        if kind == 0xDA:
            scans += 1
            tables = [data[start + 2 + 2 * n] & 15 for n in range(data[start])]
            _jpeg_entropy(data, end, baseline and any(first_symbol[0x10 | table] for table in tables))
    if not scans:
        raise Bad("it has no image data")
    if end != len(data):
        raise Bad(f"{len(data) - end} bytes follow the end of the image")


def _jpeg_entropy(data: bytes, start: int, zeros_mean_noise: bool) -> None:
    following = _MARKER.search(data, start)
    stop = following.start() if following else len(data)
    if stop == start:
        raise Bad("its image data is empty")
    # Where code 00 is not «end of block», a run of zero bytes would be blocks of pure noise: it is a hole in the file.
    hole = data.find(bytes(64), start, stop) if zeros_mean_noise else -1
    if hole >= 0:
        raise Bad(f"a hole of zeros at byte {hole}")


_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II\x2a\0", "TIFF"),
    (b"MM\0\x2a", "TIFF"),
    (b"II\x2b\0", "TIFF"),
    (b"MM\0\x2b", "TIFF"),
    (b"\x76\x2f\x31\x01", "OPEN_EXR"),
)
_READERS: Final[dict[str, Callable[[Source], tuple[int, int, Callable[[], None]]]]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "TIFF": tiff.read,
    "OPEN_EXR": exr.read,
}
