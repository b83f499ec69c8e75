"""Records in files: what was written is read, up to a torn end; numbers are never used twice."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.segments import HEAD, Segments


def bodies(segments: Segments) -> list[bytes]:
    return [body for number in segments.sizes for _, body in segments.records(number)]


def test_records_come_back_after_a_crash(tmp_path: Path) -> None:
    """CL-42: no close, as after SIGKILL."""
    first = Segments(tmp_path)
    first.append([b"one", b""], sync=True)
    first.append([b"two"], sync=False)
    first.roll()
    places = first.append([b"three"], sync=True)

    again = Segments(tmp_path)
    assert bodies(again) == [b"one", b"", b"two", b"three"]
    assert again.sizes == first.sizes
    assert again.read(places[0]) == b"three"
    again.append([b"four"], sync=True)
    assert len(again.sizes) == 3  # nothing is written after what another life has written


@given(cut=st.integers(1, 40))
def test_a_torn_end_is_no_record(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("torn")
    segments = Segments(folder)
    segments.append([b"x" * 20] * 3, sync=False)
    segments.close()
    (path,) = folder.glob("*.log")
    path.write_bytes(path.read_bytes()[:-cut])
    assert len(bodies(Segments(folder))) == (2 if cut <= 20 + HEAD else 1)


def test_a_record_that_changed_on_the_disk_is_not_read(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    place, _ = segments.append([b"x" * 20, b"y" * 20], sync=False)
    segments.close()
    (path,) = tmp_path.glob("*.log")
    data = bytearray(path.read_bytes())
    data[HEAD + 3] ^= 1
    path.write_bytes(data)
    assert segments.read(place) is None
    assert bodies(segments) == []


def test_a_number_is_never_used_twice(tmp_path: Path) -> None:
    """Whoever remembers that file 3 was taken in must never meet another file 3."""
    used: list[int] = []
    for _ in range(4):
        segments = Segments(tmp_path)
        for _ in range(2):
            (place,) = segments.append([b"x"], sync=True)
            used.append(place.file)
            segments.roll()
        for number in list(segments.sizes):
            segments.delete(number)
        assert len(list(tmp_path.glob("*.log"))) == 1
        assert segments.sizes == {}
    assert used == sorted(set(used))


def test_numbers_begin_where_they_are_told_to(tmp_path: Path) -> None:
    """A folder that comes back from a backup must not use numbers that were used since."""
    early = Segments(tmp_path, first=100)
    (place,) = early.append([b"x"], sync=True)
    assert place.file == 100
    (place,) = Segments(tmp_path, first=50).append([b"x"], sync=True)
    assert place.file == 101
    (place,) = Segments(tmp_path, first=500).append([b"x"], sync=True)
    assert place.file == 500


def test_a_write_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    """With the system's limit of a file's size: the error of a full disk comes the same way, after half a write."""
    segments = Segments(tmp_path)
    segments.append([b"kept" * 100], sync=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            segments.append([b"lost" * 100, b"lost" * 100], sync=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    segments.append([b"after"], sync=True)
    assert bodies(segments) == [b"kept" * 100, b"after"]
    assert bodies(Segments(tmp_path)) == [b"kept" * 100, b"after"]
    assert segments.size == sum(path.stat().st_size for path in tmp_path.glob("*.log"))
