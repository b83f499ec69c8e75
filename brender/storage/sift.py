"""Which samples of a batch may be kept: what is refused is named with its reason, the rest goes on untouched.

The usual batch has nothing to refuse, and is looked at by C loops only. It must not know a farm: which channels do not
exist is a function it is given.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Set
from math import isfinite
from typing import Any

from brender.wire.readings import Columns, Other, Refused

AHEAD = 60.0  # seconds that a sender's clock may be ahead of ours
LONGEST_TEXT = 4096
LONGEST_VECTOR = 4096
UNKNOWN = "there is no such channel"
FUTURE = f"its time is more than {AHEAD:g} s in the future: look at the clock of that machine"
NO_TIME = "its time is no time"
TOO_OLD = "it is older than what is kept"
NO_NUMBER = "it is no finite number"
TOO_LONG = f"a text has at most {LONGEST_TEXT} characters, a vector {LONGEST_VECTOR} numbers"

Unknown = Callable[[Set[int]], Set[int]]


def nobody_asks(channels: Set[int]) -> Set[int]:
    """Where no farm says which channels there are."""
    return frozenset()


def sift(columns: Columns, unknown: Unknown, now: float, oldest: float = 0.0) -> tuple[Columns, list[Refused]]:
    """What is kept of these samples, and what is not: (channel, why, how many).

    `unknown` picks the ids that are no channels, `now` and `oldest` are seconds since the epoch.
    """
    bad = unknown({*columns.channels, *(other[0] for other in columns.others)})
    if not bad and not columns.others and _all_well(columns, now, oldest):
        return columns, []
    refused: Counter[tuple[int, str]] = Counter()
    kept = Columns(array("I"), array("d"), array("d"), [])
    for channel, at, value in zip(columns.channels, columns.times, columns.values, strict=True):
        why = UNKNOWN if channel in bad else _wrong_time(at, now, oldest) or ("" if isfinite(value) else NO_NUMBER)
        if why:
            refused[channel, why] += 1
        else:
            kept.channels.append(channel)
            kept.times.append(at)
            kept.values.append(value)
    for other in columns.others:
        why = UNKNOWN if other[0] in bad else _wrong_time(other[1], now, oldest) or _wrong_value(other)
        if why:
            refused[other[0], why] += 1
        else:
            kept.others.append(other)
    return kept, [(channel, why, count) for (channel, why), count in refused.items()]


def _all_well(columns: Columns, now: float, oldest: float) -> bool:
    """Whether nothing is wrong, at the price of a few passes in C; a sum that overflows is looked at one by one."""
    times, values = columns.times, columns.values
    if not times:
        return True
    fine = isfinite(sum(times)) and isfinite(sum(values))
    return fine and min(times) > 0 and min(times) >= oldest and max(times) <= now + AHEAD


def _wrong_time(at: float, now: float, oldest: float) -> str:
    if not isfinite(at) or at <= 0:
        return NO_TIME
    if at > now + AHEAD:
        return FUTURE
    return TOO_OLD if at < oldest else ""


def _wrong_value(other: Other) -> str:
    value: Any = other[2]
    if isinstance(value, str):
        return TOO_LONG if len(value) > LONGEST_TEXT else ""
    if isinstance(value, list):
        if len(value) > LONGEST_VECTOR:
            return TOO_LONG
        return "" if all(map(isfinite, value)) else NO_NUMBER
    return ""
