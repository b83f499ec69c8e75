"""Columns of numbers as bytes and back: plain little-endian on the wire, few bytes on a disk.

A packed table is its rows' count and its columns one after another. Squeezed, integers stand as differences to the one
before, bytes of one weight side by side, and zlib goes over all of it: times of a clock's pace cost two bytes each.
It must not know what the columns mean.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, islice
from operator import sub
from struct import Struct
from typing import Any, TypeAlias

Column: TypeAlias = "array[Any]"

_BIG_ENDIAN = array("H", [1]).tobytes()[0] == 0
_HEAD = Struct("<BI")  # how it is packed, rows
PLAIN, SQUEEZED = 0, 1
LEVEL = 1  # of zlib: higher levels take thrice the time for a twentieth less


class Damaged(ValueError):
    """Bytes that no table of these columns packs to."""


def in_bytes(column: Column) -> bytes:
    """The column's numbers, little-endian."""
    if _BIG_ENDIAN:
        column = column[:]
        column.byteswap()
    return column.tobytes()


def column_of(typecode: str, data: bytes) -> Column:
    """The column of these bytes. Raises Damaged when they are no whole number of items."""
    column: Column = array(typecode)
    try:
        column.frombytes(data)
    except ValueError as error:
        raise Damaged(f"{len(data)} bytes are no column of {column.itemsize}-byte numbers") from error
    if _BIG_ENDIAN:
        column.byteswap()
    return column


def pack(columns: Sequence[Column], squeeze: bool) -> bytes:
    """Columns of equal length, each of 'q' (64-bit integers) or 'd' (doubles), as one run of bytes."""
    head = _HEAD.pack(SQUEEZED if squeeze else PLAIN, len(columns[0]))
    if not squeeze:
        return head + b"".join(map(in_bytes, columns))
    return head + zlib.compress(b"".join(_side_by_side(in_bytes(_differences(one))) for one in columns), LEVEL)


def unpack(data: bytes, typecodes: str) -> tuple[Column, ...]:
    """The columns that were packed. Raises Damaged."""
    try:
        form, rows = _HEAD.unpack_from(data)
        body = zlib.decompress(data[_HEAD.size :]) if form == SQUEEZED else data[_HEAD.size :]
    except Exception as error:  # struct.error and zlib.error have no common root but this
        raise Damaged(f"{len(data)} bytes are no packed table: {error}") from error
    if form > SQUEEZED or len(body) != rows * 8 * len(typecodes):
        raise Damaged(f"{len(data)} bytes are no packed table of {len(typecodes)} columns")
    found = []
    for at, typecode in enumerate(typecodes):
        part = body[at * rows * 8 : (at + 1) * rows * 8]
        if form == PLAIN:
            found.append(column_of(typecode, part))
        else:
            column = column_of(typecode, _one_by_one(part))
            found.append(array("q", accumulate(column)) if typecode == "q" else column)
    return tuple(found)


def rows_of(data: bytes) -> int:
    """How many rows a packed table has, read from its head."""
    return int(_HEAD.unpack_from(data)[1])


def _differences(column: Column) -> Column:
    if column.typecode != "q" or not column:
        return column
    found = array("q", [column[0]])
    found.extend(map(sub, islice(column, 1, None), column))
    return found


def _side_by_side(data: bytes) -> bytes:
    return b"".join(data[at::8] for at in range(8))


def _one_by_one(data: bytes) -> bytes:
    rows = len(data) // 8
    found = bytearray(len(data))
    for at in range(8):
        found[at::8] = data[at * rows : (at + 1) * rows]
    return bytes(found)
