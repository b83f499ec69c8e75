"""Columns of numbers in few bytes: what is unpacked is what was packed, and foreign bytes are refused."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.wire.packing import Damaged, column_of, in_bytes, pack, rows_of, unpack

WHOLE = st.integers(-(2**62), 2**62)
NUMBERS = st.floats(allow_nan=False)


@given(rows=st.lists(st.tuples(WHOLE, NUMBERS)), squeeze=st.booleans())
def test_a_table_comes_back(rows: list[tuple[int, float]], squeeze: bool) -> None:
    """RM-50: differences, bytes of one weight together, zlib; nothing is lost."""
    columns = (array("q", (row[0] for row in rows)), array("d", (row[1] for row in rows)))
    data = pack(columns, squeeze)
    assert unpack(data, "qd") == columns
    assert rows_of(data) == len(rows)


def test_times_at_a_steady_pace_cost_next_to_nothing() -> None:
    times = array("q", range(1_790_000_000_000_000, 1_790_003_600_000_000, 1_000_000))
    assert len(pack((times,), squeeze=True)) < len(times) // 10


def test_columns_are_little_endian_on_every_machine() -> None:
    assert in_bytes(array("I", [1, 258])) == b"\1\0\0\0\2\1\0\0"
    assert column_of("d", b"\0\0\0\0\0\0\xf0?") == array("d", [1.0])


@given(data=st.binary())
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Damaged):
        unpack(data[:4], "qd")
    with pytest.raises(Damaged):
        unpack(b"\1\5\0\0\0" + data, "q")
    with pytest.raises(Damaged):
        column_of("d", data + b"\0" * (9 - len(data) % 8 if len(data) % 8 else 1))


@given(cut=st.integers(1, 60), at=st.integers(5, 60))
def test_damage_is_noticed(cut: int, at: int) -> None:
    data = pack((array("q", range(500)), array("d", range(500))), squeeze=True)
    with pytest.raises(Damaged):
        unpack(data[:-cut], "qd")
    with pytest.raises(Damaged):
        unpack(data, "q")
