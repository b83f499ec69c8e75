"""The packets that a daemon and its guardian send each other: fields of bytes, parted by NUL.

It must not know what they mean, and imports the standard library only: the guardian starts with it.
"""

from __future__ import annotations

from collections.abc import Iterable


def pack(fields: Iterable[bytes]) -> bytes:
    """One packet: u32 length, then the fields parted by NUL (no argv, path or variable can hold a NUL)."""
    body = b"\0".join(fields)
    return len(body).to_bytes(4, "big") + body


class Packets:
    """Bytes in, packets (lists of fields) out, however the stream was cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[list[bytes]]:
        data = self._rest + data if self._rest else data
        found, at = [], 0
        while len(data) - at >= 4:
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            if len(data) < end:
                break
            found.append(data[at + 4 : end].split(b"\0"))
            at = end
        self._rest = data[at:]
        return found
