"""When a running task is taken for stuck: no output, no new bytes in its files and no processor time for a long while.

Pure: samples in, verdicts out. A renderer that died under a wrapper that waits for it looks healthy to everything else
(CONTRACT R32). It must not know processes or files; daemon/pulse.py samples them.
"""

from __future__ import annotations

from math import inf
from typing import Final

from msgspec import Struct

# Of one core since the last look. A wrapper that polls now and then uses less, a renderer that waits for its disk more.
LEAST_LOAD: Final = 0.01


class Watched(Struct, frozen=True):
    """After how many quiet seconds to tell; `end`: and to end it."""

    after: float
    end: bool = False


UNWATCHED: Final = Watched(inf)


class Sample(Struct, frozen=True):
    """What one attempt has done since it began: bytes printed, bytes in its part files, seconds of processor time."""

    attempt: int
    printed: int = 0
    written: int = 0
    cpu_s: float = 0.0


class Verdict(Struct, frozen=True):
    """News of one attempt: quiet for `seconds`, its limit; 0: it moves again."""

    attempt: int
    seconds: float
    end: bool = False


class _Life(Struct):
    terms: Watched
    moved_at: float
    seen_at: float
    last: Sample | None = None
    told: bool = False


class Stalls:
    """All attempts that are watched. The first sample of one only begins its time."""

    def __init__(self) -> None:
        self._lives: dict[int, _Life] = {}

    @property
    def watched(self) -> list[int]:
        """The attempts whose samples are wanted."""
        return list(self._lives)

    @property
    def quiet(self) -> dict[int, float]:
        """Those that stand still now, with their limits: for a master that has to be told again."""
        return {attempt: life.terms.after for attempt, life in self._lives.items() if life.told}

    def begin(self, attempt: int, terms: Watched, now: float) -> None:
        """Watch it from now on."""
        self._lives[attempt] = _Life(terms, now, now)

    def end(self, attempt: int) -> None:
        """It has ended, or waits for something on purpose."""
        self._lives.pop(attempt, None)

    def look(self, sample: Sample, now: float) -> Verdict | None:
        """What this sample says of its attempt; None when that is no news."""
        life = self._lives.get(sample.attempt)
        if life is None:
            return None
        last, passed = life.last, now - life.seen_at
        life.last, life.seen_at = sample, now
        if last is None or _moved(last, sample, passed):
            life.moved_at = now
            if life.told:
                life.told = False
                return Verdict(sample.attempt, 0.0)
            return None
        if life.told or now - life.moved_at < life.terms.after:
            return None
        life.told = True
        return Verdict(sample.attempt, life.terms.after, life.terms.end)


def _moved(last: Sample, sample: Sample, passed: float) -> bool:
    """A process that ended takes its processor time along: less than before is no sign of life."""
    if sample.printed != last.printed or sample.written != last.written:
        return True
    return sample.cpu_s - last.cpu_s >= LEAST_LOAD * passed > 0


def in_words(seconds: float) -> str:
    """«no output and no processor time for 30 min»."""
    if seconds >= 7200:
        span = f"{seconds / 3600:.3g} h"
    elif seconds >= 120:
        span = f"{seconds / 60:.3g} min"
    else:
        span = f"{seconds:.3g} s"
    return f"no output and no processor time for {span}"
