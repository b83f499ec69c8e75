"""Of the values that all pages hear over one subscription, each page is told those of the channels that it chose.

It must not know connections: sets of channels and encoded events in, encoded events out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from brender.commands.farm import MOST_CHOSEN

VALUES = "channel.values"
Choice = frozenset[int] | None  # None: all channels


class _Data(Struct):
    values: list[tuple[int, float, Any]]


class _Params(Struct):
    seq: int
    topic: str
    data: _Data


class _Event(Struct):
    params: _Params


def together(choices: Iterable[Choice]) -> Choice:
    """What has to be heard so that everybody hears what they chose; all, where that is more than one may name."""
    found: set[int] = set()
    for choice in choices:
        if choice is None:
            return None
        found |= choice
    return frozenset(found) if len(found) <= MOST_CHOSEN else None


def covers(heard: Choice, wanted: Choice) -> bool:
    """Whether who hears the one hears all of the other."""
    return heard is None or (wanted is not None and wanted <= heard)


class Cut:
    """Events of channel.values, each decoded once however many pages want some of it."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, dict[int, tuple[int, float, Any]]]] = {}

    def of(self, line: bytes, choice: Choice) -> bytes | None:
        """The same event with the values of these channels alone; None when there is none of them."""
        if choice is None:
            return line
        if line not in self._known:
            params = msgspec.json.decode(line, type=_Event).params
            self._known[line] = params.seq, {one[0]: one for one in params.data.values}
        seq, values = self._known[line]
        some = [values[channel] for channel in sorted(values.keys() & choice)]
        if not some:
            return None
        params_ = {"seq": seq, "topic": VALUES, "data": {"values": some}}
        return msgspec.json.encode({"jsonrpc": "2.0", "method": "event", "params": params_})
