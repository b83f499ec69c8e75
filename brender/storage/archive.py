"""Readings in a database: moved there in pieces, sealed into one block an hour with its sums.

Sums are made of sealed hours only, so nothing counts twice: a late sample opens its hour again, and it is summed up
anew. One thread writes. It must not know which database it is (engine.py) or how questions are answered (ranges.py).
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from brender.storage import blocks
from brender.storage.blocks import Samples, Sums
from brender.storage.engine import Engine, Row
from brender.storage.parts import Parts
from brender.storage.tables import BLOCK, HOUR, MINUTE, OTHER, UNSEALED, month_of, table_of
from brender.storage.terms import Terms
from brender.wire.packing import Damaged
from brender.wire.readings import Other

log = logging.getLogger("brender.storage")

SQUEEZE_FROM = 256  # samples of a piece; under it zlib costs more time than it saves bytes
CHANNELS_A_SLICE = 200  # that are sealed in one transaction
_JSON = msgspec.json.Encoder()


class Archive:
    """`writing` and `asking` are engines of one database, which may be the same one. `owner`: see Parts."""

    def __init__(self, writing: Engine, asking: Engine, owner: str) -> None:
        self.asking = asking
        self.parts = Parts(writing, owner)
        self.dropped = 0  # samples that came when their hour was forgotten already
        self._writing = writing
        self._sealing = (0, -1)  # the hour that is being sealed, and the last channel that is

    @property
    def alone(self) -> bool:
        """Whether one connection does both, so that nobody may ask while another writes."""
        return self.asking is self._writing

    def close(self) -> None:
        """Let go of the database; the next use connects again."""
        self.parts.met = self.parts.ready = False
        self._writing.close()
        self.asking.close()

    def set_aside(self, stamp: str) -> str:
        """Put a damaged database out of the way, so that the next use makes a new one; says where it is."""
        self.close()
        return self._writing.set_aside(stamp)

    # ---- in

    def move(self, source: str, number: int, tails: Mapping[int, Samples], others: Sequence[Other], now: float) -> None:
        """Take in what stands in file `number` of a buffer called `source`; a file that was taken in is passed over."""
        parts = self.parts
        parts.prepare()
        if parts.moved.get(source, 0) >= number:
            return
        with parts.change():
            parts.touch(sorted(self._add_pieces(tails) | self._add_others(others)), now)
            parts.note(f"moved:{source}", str(number))
            parts.moved[source] = number

    def _add_pieces(self, tails: Mapping[int, Samples]) -> set[int]:
        rows: dict[int, list[Row]] = defaultdict(list)
        hours = set()
        for channel in sorted(tails):
            for hour, samples in blocks.by_hours(blocks.merge([tails[channel]])):
                count = len(samples[0])
                if self._forgotten(hour, count):
                    continue
                hours.add(hour)
                rows[month_of(hour)].append((hour, channel, 0, count, blocks.packed(samples, count >= SQUEEZE_FROM)))
        for month, pieces in rows.items():
            pieces.sort(key=lambda row: row[:2])  # in the order of the index
            self.parts.load(BLOCK, month, pieces, samples=sum(row[3] for row in pieces))
        return hours

    def _add_others(self, others: Sequence[Other]) -> set[int]:
        rows: dict[int, list[Row]] = defaultdict(list)
        for channel, seconds, value in others:
            at = blocks.micros(seconds)
            hour = at // blocks.HOUR
            if not self._forgotten(hour, 1):
                rows[month_of(hour)].append((hour, channel, at, _JSON.encode(value).decode()))
        for month, found in rows.items():
            self.parts.add_missing(OTHER, month, found)
        return {row[0] for found in rows.values() for row in found}

    def _forgotten(self, hour: int, count: int) -> bool:
        late = hour < self.parts.horizons["raw"]
        self.dropped += count if late else 0
        return late

    # ---- sealing

    def seal_some(self, now: float, terms: Terms) -> bool:
        """Seal some channels of the oldest hour that is over. False: there is none."""
        self.parts.prepare()
        over = math.floor((now - terms.seal_after) / 3600)
        due = self._writing.rows(
            f"SELECT hour, touched FROM {UNSEALED.name} WHERE hour < ? AND touched <= ? ORDER BY hour LIMIT 1",
            (over, now - terms.seal_after),
        )
        if not due:
            return False
        hour, touched = due[0]
        if self._sealing[0] != hour:
            self._sealing = (hour, -1)
        channels = self._in_pieces(hour, after=self._sealing[1])
        with self.parts.change():
            if channels:
                self._seal(hour, channels)
            else:
                self._writing.run(f"DELETE FROM {UNSEALED.name} WHERE hour = ? AND touched = ?", (hour, touched))
        self._sealing = (hour, channels[-1]) if channels else (0, -1)
        return True

    def _in_pieces(self, hour: int, after: int) -> list[int]:
        """Some channels that have pieces in this hour."""
        month = month_of(hour)
        if not self.parts.has(BLOCK, month):
            return []
        rows = self._writing.rows(
            f"SELECT DISTINCT channel FROM {table_of(BLOCK, month)} WHERE hour = ? AND channel > ? AND sealed = 0"
            f" ORDER BY channel LIMIT {CHANNELS_A_SLICE}",
            (hour, after),
        )
        return [row[0] for row in rows]

    def _seal(self, hour: int, channels: list[int]) -> None:
        month = month_of(hour)
        chosen, value = self._writing.among("channel", channels)
        pieces = self._writing.rows(
            f"SELECT channel, data FROM {table_of(BLOCK, month)} WHERE hour = ? AND {chosen}"
            " ORDER BY channel, sealed DESC",
            (hour, value),
        )
        sealed: list[Row] = []
        minutes: list[Row] = []
        hours: list[Row] = []
        for channel, group in groupby(pieces, key=lambda row: row[0]):
            samples = blocks.merge(_readable(hour, channel, [row[1] for row in group]))
            of_minutes: dict[int, Sums] = {}
            of_hour: dict[int, Sums] = {}
            blocks.fold(samples, blocks.MINUTE, of_minutes)
            blocks.fold_again(of_minutes, blocks.HOUR, of_hour)
            for sums in of_hour.values():
                sealed.append((hour, channel, 1, sums.count, blocks.packed(samples, squeeze=True)))
                minutes.append((hour, channel, sums.count, blocks.packed_sums(of_minutes)))
                hours.append((hour, channel, sums.count, sums.lowest, sums.highest, sums.total, sums.last))
        for shape, rows in ((BLOCK, sealed), (MINUTE, minutes), (HOUR, hours)):
            self.parts.remove(shape, month, f"hour = ? AND {chosen}", (hour, value))
            self.parts.load(shape, month, rows, sum(row[3] for row in rows) if shape is BLOCK else len(rows))


def _readable(hour: int, channel: int, pieces: Sequence[Any]) -> list[Samples]:
    """The pieces that can be read; one that cannot is told and left out, or its hour would never be sealed."""
    found = []
    for piece in pieces:
        try:
            found.append(blocks.unpacked(bytes(piece)))
        except Damaged as error:
            log.error("samples of channel %s in hour %s are lost: %s", channel, hour, error)
    return found
