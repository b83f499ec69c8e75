"""The frame range from the first blocks of a .blend, whatever machine and version wrote it."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brender.blendfile import Range, frame_range

HEADS = {
    b"BLENDER_v259": "<4siIii",
    b"BLENDER-v304": "<4siQii",
    b"BLENDER-V249": ">4siQii",
    b"BLENDER17-01v0500": "<4siQqq",
}


def block(form: str, code: bytes, data: bytes) -> bytes:
    fields = [code, 0, 7, len(data), 1] if form.endswith("qq") else [code, len(data), 7, 0, 1]
    return struct.pack(form, *fields) + data


def written(start: bytes, first: int, last: int) -> bytes:
    form = HEADS[start]
    info = struct.pack(f"{form[0]}2i", first, last) + b"Shot\xc3\xa9".ljust(64, b"\0")
    return start + block(form, b"TEST", b"picture") + block(form, b"REND", info) + block(form, b"ENDB", b"")


@pytest.mark.parametrize("start", HEADS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_range_is_read_from_every_form_of_file(tmp_path: Path, start: bytes, pack: type[bytes]) -> None:
    path = tmp_path / "a.blend"
    path.write_bytes(pack(written(start, -5, 250)))

    assert frame_range(path) == Range(-5, 250, "Shoté")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.sampled_from(sorted(HEADS)), st.integers(0, 200), st.binary(max_size=40))
def test_a_file_that_is_cut_or_something_else_has_no_range(tmp_path: Path, start: bytes, cut: int, junk: bytes) -> None:
    path = tmp_path / "a.blend"
    whole = written(start, 1, 2)
    path.write_bytes(whole[:cut])
    assert frame_range(path) in (None, Range(1, 2, "Shoté"))
    path.write_bytes(junk)
    assert frame_range(path) is None
    path.write_bytes(b"\x1f\x8b" + junk)
    assert frame_range(path) is None
