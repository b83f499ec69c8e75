"""TIFF as Blender writes it: the directory, every strip inside the file, every strip decompressed to its exact length.

Pure; it must not know the other formats.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from brender.worker.streams import Bad, Source, exactly, inflate

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_INTS = {1: "B", 3: "H", 4: "I", 16: "Q"}


def read(source: Source) -> tuple[int, int, Callable[[], None]]:
    """Width, height and the function that decodes all strips or raises Bad."""
    tags = _tags(source)
    width, height = tags[256][0], tags[257][0]
    samples = tags.get(277, [1])[0]
    pixel = sum(tags[258]) if len(tags[258]) == samples else tags[258][0] * samples
    planes = 1
    if tags.get(284, [1])[0] == 2:
        pixel, planes = tags[258][0], samples
    if 322 in tags:
        tile_width, tile_height = tags[322][0], tags[323][0]
        across, down = -(-width // tile_width), -(-height // tile_height)
        sizes = [(tile_width * pixel + 7) // 8 * tile_height] * (across * down)
        where = list(zip(tags[324], tags[325], strict=True))
    else:
        rows = min(tags.get(278, [height])[0], height)
        line = (width * pixel + 7) // 8
        sizes = [line * min(rows, height - top) for top in range(0, height, rows)]
        where = list(zip(tags[273], tags[279], strict=True))
    return width, height, lambda: _pixels(source, tags.get(259, [1])[0], sizes * planes, where)


def _tags(source: Source) -> dict[int, list[int]]:
    """Integer tags of the first directory; every value that lies elsewhere must lie inside the file."""
    head = source.read(0, 16)
    end = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"\x2b\0", b"\0\x2b")
    word, entry, counter = ("Q", 20, 8) if big else ("I", 12, 2)
    wide = struct.calcsize(word)
    (at,) = struct.unpack(f"{end}{word}", head[8:16] if big else head[4:8])
    if at == 0:
        raise Bad("the TIFF directory was never written")
    (count,) = struct.unpack(f"{end}{'Q' if big else 'H'}", exactly(source, at, counter, "TIFF directory"))
    table = exactly(source, at + counter, min(count, 65536) * entry + wide, "TIFF directory")
    (following,) = struct.unpack(f"{end}{word}", table[-wide:])
    exactly(source, following, 0, "the next TIFF directory")
    tags: dict[int, list[int]] = {}
    for start in range(0, count * entry, entry):
        tag, kind, values = struct.unpack_from(f"{end}HH{word}", table, start)
        raw = table[start + 4 + wide : start + entry]
        size = values * _SIZES[kind]
        if size > wide:
            (where,) = struct.unpack(f"{end}{word}", raw)
            raw = exactly(source, where, size, f"TIFF tag {tag}")
        if kind in _INTS:
            tags[tag] = list(struct.unpack_from(f"{end}{values}{_INTS[kind]}", raw))
    return tags


def _pixels(source: Source, method: int, sizes: list[int], where: list[tuple[int, int]]) -> None:
    if len(sizes) != len(where):
        raise Bad(f"it has {len(where)} strips, but its size needs {len(sizes)}")
    for number, ((offset, count), want) in enumerate(zip(where, sizes, strict=True)):
        what = f"TIFF strip {number}"
        if offset == 0 or count == 0:
            raise Bad(f"{what} was never written")
        if method in (8, 32946):
            inflate(source, offset, count, want, what)
            continue
        data = exactly(source, offset, count, what)
        if method not in _LENGTHS:
            raise Bad(f"TIFF compression {method} is not one that Blender writes")
        got = _LENGTHS[method](data)
        if got != want:
            raise Bad(f"{what} holds {got} bytes of pixels, but {want} are needed")


def _packbits_length(data: bytes) -> int:
    at = total = 0
    while at < len(data):
        head = data[at]
        if head == 128:
            at += 1
        else:
            run = head + 1 if head < 128 else 257 - head
            at += 1 + run if head < 128 else 2
            total += run
    if at != len(data):
        raise Bad("a packed strip stops inside a run")
    return total


def _lzw_length(data: bytes) -> int:
    """Length of TIFF's LZW (high bits first, codes widen one entry early); only lengths are kept, never pixels."""
    lengths: list[int] = []
    width, held, bits, total, last = 9, 0, 0, 0, -1
    for byte in data:
        held, bits = (held << 8 | byte) & 0xFFFFFF, bits + 8
        if bits < width:
            continue
        bits -= width
        code = held >> bits & (1 << width) - 1
        if code == 257:
            return total
        if code == 256:
            lengths, width, last = [1] * 258, 9, -1
            continue
        if last >= 0:
            lengths.append(lengths[last] + 1)
        total += lengths[code]
        last = code
        width = min(12, max(9, (len(lengths) + 1).bit_length()))
    raise Bad("a strip stops before its end mark")


_LENGTHS: Final[dict[int, Callable[[bytes], int]]] = {1: len, 5: _lzw_length, 32773: _packbits_length}
