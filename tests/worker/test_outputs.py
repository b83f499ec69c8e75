"""Frames as Blender 3.4 and 5.0 wrote them (tests/data/frames, 50 x 37 pixels), whole and damaged."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brender.worker.outputs import Expected, check

FRAMES = sorted((Path(__file__).parent.parent / "data" / "frames").iterdir())
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".tif": "TIFF", ".exr": "OPEN_EXR"}
NAMES = [path.name for path in FRAMES]
BYTES = {path.name: path.read_bytes() for path in FRAMES}
# Compressions whose decoding the standard library can follow: a hole in them is always seen.
DECODED = [name for name in NAMES if name.endswith(("png", "tif", "zip.exr", "zips.exr", "parts.exr", "pxr24.exr"))]


def expected(name: str) -> Expected:
    return Expected(FORMATS[Path(name).suffix], 50, 37)


def png(width: int, height: int, pixels: bytes) -> bytes:
    """A grey 8-bit PNG around `pixels`, a zlib stream."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", NAMES)
def test_what_blender_writes_is_whole(name: str) -> None:
    assert check(BYTES[name], expected(name)) == (True, expected(name).format, 50, 37, "")


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_is_refused(name: str) -> None:
    """F29, D6: a render killed while it wrote never passes, wherever it was cut."""
    data = BYTES[name]
    passed = [length for length in range(len(data)) if check(data[:length], expected(name)).ok]

    assert passed == []


@given(st.sampled_from(DECODED), st.data())
@settings(max_examples=300)
def test_a_hole_of_zeros_is_found(name: str, draw: st.DataObject) -> None:
    """D6: block-sized zero holes pass a structural check; decoding finds them."""
    data = BYTES[name]
    size = draw.draw(st.integers(64, 512))
    start = draw.draw(st.integers(0, len(data) - size))
    damaged = data[:start] + bytes(size) + data[start + size :]

    assert not check(damaged, expected(name)).ok


def test_a_hole_in_the_image_data_of_a_jpeg_is_found() -> None:
    data = BYTES["blender34.jpg"]
    start = data.index(b"\xff\xda") + 20

    verdict = check(data[:start] + bytes(200) + data[start + 200 :], expected("blender34.jpg"))

    assert not verdict.ok
    assert "hole of zeros" in verdict.reason


@given(st.sampled_from(NAMES), st.binary(max_size=4000), st.integers(0, 4000))
@settings(max_examples=300)
def test_no_bytes_can_make_the_check_raise(name: str, noise: bytes, start: int) -> None:
    data = BYTES[name]
    check(data[:start] + noise + data[start + len(noise) :], expected(name))
    check(data[:8] + noise, expected(name))


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("tif")])
def test_bytes_after_the_end_are_refused(name: str) -> None:
    assert not check(BYTES[name] + b"\0", expected(name)).ok


def test_a_frame_of_another_size_or_format_is_refused_by_name() -> None:
    data = BYTES["blender34.png"]

    assert check(data, Expected("PNG", 100, 37)).reason == "its width is 50, but 100 was asked for"
    assert check(data, Expected("JPEG")).reason == "it is PNG, but JPEG was asked for"
    assert check(b"", Expected("PNG")).reason == "the file is empty"
    assert "no image" in check(bytes(100), Expected("PNG")).reason


def test_a_png_with_right_checksums_and_too_few_pixels_is_refused() -> None:
    """The size in the header and the pixels in the stream must agree, both ways."""
    rows = bytes(9) * 8

    assert check(png(8, 8, zlib.compress(rows)), Expected("PNG", 8, 8)).ok
    assert not check(png(8, 8, zlib.compress(rows[:-1])), Expected("PNG", 8, 8)).ok
    assert not check(png(8, 8, zlib.compress(rows + b"\0")), Expected("PNG", 8, 8)).ok
    assert not check(png(8, 8, zlib.compress(rows)[:-4]), Expected("PNG", 8, 8)).ok


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """S19: a header that claims 50,000 pixels a side, and a stream of a gigabyte in a small image."""
    bomb = zlib.compress(bytes(64 << 20))

    assert not check(png(50000, 50000, bomb), Expected("PNG", 50, 37)).ok
    assert "more pixels" in check(png(8, 8, bomb), Expected("PNG", 8, 8)).reason
