"""Which samples of a channel are kept: types, filters, calibration, and when silence is staleness.

Pure: times are arguments, `at` in seconds since the epoch. The parameters and their defaults are the seed's (CL-43 to
CL-46, RM-49). It must not know who measures or where samples go.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, sin
from types import MappingProxyType
from typing import Any, ClassVar, Final

import msgspec
from msgspec import Struct

from brender.core.orders import ChannelSpec
from brender.errors import Invalid, nearest

Value = float | str | list[float]
Sample = tuple[float, Value | None]
STALE_MOST: Final = 300.0  # seconds without a value, however seldom it is asked for
STALE_LEAST: Final = 10.0
STALE_PERIODS: Final = 5
LONGEST_TEXT: Final = 4096
LONGEST_VECTOR: Final = 4096


class Parameters(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What all types share, also those of plug-ins, in seconds.

    `tolerance` is a part of the last kept value; `stale` 0: as the period says.
    """

    period: float = 1.0
    tolerance: float = 0.0
    burst: float = 0.0  # after a jump everything is kept for so long
    heartbeat: float = 1800.0  # a value that does not change is kept all the same
    stale: float = 0.0


class Simple(Parameters, frozen=True):
    """Every value."""


class Scalar(Parameters, frozen=True):
    """A value that differs by `delta`, or `timedelta` after the last; with neither, every value."""

    delta: float | None = None
    timedelta: float | None = None


class Delta(Parameters, frozen=True):
    """A value that differs by `delta` from the last that was kept."""

    delta: float = 0.0005


class NTime(Parameters, frozen=True):
    """A value every `timedelta` seconds."""

    timedelta: float = 5.0


class Vector(Parameters, frozen=True):
    """Lists of numbers, as scalar: one of them differs."""

    delta: float | None = None
    timedelta: float | None = None


class Easy(Parameters, frozen=True):
    """Values made here, every 100 ms."""

    period: float = 0.1


class Middle(Parameters, frozen=True):
    """Values made here, every 50 ms."""

    period: float = 0.05


class Hard(Parameters, frozen=True):
    """Values made here, every 10 ms."""

    period: float = 0.01


class Custom(Parameters, frozen=True):
    """Values made here, as often as `period` says."""


TYPES: Final[dict[str, type[Parameters]]] = {
    "simple": Simple,
    "scalar": Scalar,
    "delta": Delta,
    "ntime": NTime,
    "vector": Vector,
    "easy": Easy,
    "middle": Middle,
    "hard": Hard,
    "custom": Custom,
}
# Of every number: the least and the most. Of a list of 10,000 channels one with period 0 would be the end.
_BOUNDS: Final = {
    "period": (0.001, 86_400.0),
    "tolerance": (0.0, 10.0),
    "burst": (0.0, 86_400.0),
    "heartbeat": (0.001, 31_536_000.0),
    "stale": (0.0, 31_536_000.0),
    "delta": (0.0, 1e300),
    "timedelta": (0.0, 31_536_000.0),
}


def read(kind: str, params: dict[str, Any], plug_ins: Mapping[str, type[Filter]] = MappingProxyType({})) -> Any:
    """The parameters of a channel of this type, a struct. Raises Invalid naming the parameter and the rule."""
    plug_in = plug_ins.get(kind)
    known = TYPES.get(kind) if plug_in is None else plug_in.Params
    if known is None:
        names = (*TYPES, *plug_ins)
        raise Invalid(f"There is no channel type {kind!r}.", hint=nearest(kind, names) or f"One of {', '.join(names)}.")
    for name in params:
        if name not in known.__struct_fields__:
            hint = nearest(name, known.__struct_fields__) or f"It has {', '.join(known.__struct_fields__)}."
            raise Invalid(f"A channel of type {kind} has no parameter {name!r}.", hint=hint)
    try:
        found = msgspec.convert(params, known)
    except msgspec.ValidationError as error:
        taken = ", ".join(known.__struct_fields__)
        raise Invalid(
            f"The parameters do not fit a channel of type {kind}: {error}.", hint=f"It takes {taken}."
        ) from None
    for name, (least, most) in _BOUNDS.items():
        value = getattr(found, name, None)
        if value is not None and not least <= value <= most:
            raise Invalid(f"{name} is {least:g} to {most:g}, not {value:g}.")
    return found


def patience(params: Parameters) -> float:
    """Seconds without a value after which a channel is stale: 5 periods, 10 s at least and 300 s at most, unless its
    parameters say otherwise or it is asked more seldom than that."""
    if params.stale:
        return params.stale
    usual: float = min(STALE_MOST, max(STALE_LEAST, STALE_PERIODS * params.period))
    return max(usual, 2 * params.period + 1)


def made_up(channel: int, at: float) -> float:
    """The value of a synthetic channel: a slow wave, and no two channels alike."""
    return sin(at / 7 + channel) * 10


def calibrated(value: Any, mul: float, add: float) -> Value:
    """What is kept of what was measured: (value + add) * mul, also of each number of a list. Raises Invalid."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, (list, tuple)):
        if len(value) > LONGEST_VECTOR:
            raise Invalid(f"A vector holds {LONGEST_VECTOR} numbers at the most, not {len(value)}.")
        return [_number(one, mul, add) for one in value]
    return _number(value, mul, add)


def _number(value: Any, mul: float, add: float) -> float:
    if not isinstance(value, (int, float)):
        raise Invalid(f"{str(value)[:60]!r} is no number.")
    try:
        found = (float(value) + add) * mul
    except OverflowError:
        found = float("inf")
    if not isfinite(found):
        raise Invalid(f"{str(value)[:60]} is no number that can be kept.")
    return found


class Filter:
    """Decides for one channel. `take` gets every value and returns those to keep, oldest first.

    A type of a plug-in is a subclass with `Params` of its own (entry points `brender.channel_types`).
    """

    Params: ClassVar[type[Parameters]] = Simple

    __slots__ = ("_burst_until", "_delta", "_every", "_held", "_kept", "_kept_at", "_params", "_time")

    def __init__(self, params: Any) -> None:
        self._params = params
        delta = getattr(params, "delta", None)
        self._time: float | None = getattr(params, "timedelta", None)
        # With no criterion at all every value is kept.
        self._every = delta is None and self._time is None and not params.tolerance
        self._delta: float | None = delta if delta is not None or not params.tolerance else 0.0
        self._kept_at = 0.0
        self._kept: Value | None = None
        self._held: tuple[float, Value] | None = None  # the last one that was not kept
        self._burst_until = 0.0

    def take(self, at: float, value: Value) -> tuple[Sample, ...]:
        """One value; a jump is preceded by the last one that was not kept, so that the edge stays an edge (CL-44)."""
        if self._every or self._kept is None or at < self._kept_at:
            return self._keep(at, value)
        if self._delta is not None and self._jumped(value):
            self._burst_until = at + self._params.burst
            before = self._held
            return (before, *self._keep(at, value)) if before is not None else self._keep(at, value)
        age = at - self._kept_at
        due = age >= self._params.heartbeat or (self._time is not None and age >= self._time)
        if due or at < self._burst_until:
            return self._keep(at, value)
        self._held = (at, value)
        return ()

    def _keep(self, at: float, value: Value) -> tuple[Sample, ...]:
        self._kept_at, self._kept, self._held = at, value, None
        return ((at, value),)

    def _jumped(self, value: Value) -> bool:
        kept = self._kept
        if isinstance(value, float) and isinstance(kept, float):
            return self._differs(value, kept)
        if isinstance(value, list) and isinstance(kept, list) and len(value) == len(kept):
            return any(map(self._differs, value, kept))
        return value != kept

    def _differs(self, value: float, kept: float) -> bool:
        step = abs(value - kept)
        return step > 0 and step >= max(self._delta or 0.0, self._params.tolerance * abs(kept))


class Hosted:
    """One channel at its manager: its filter and how it is. `said` is the state its master was last told."""

    __slots__ = ("_plug_in", "filter", "heard", "missing", "params", "patience", "said", "spec", "state", "why")

    def __init__(
        self, spec: ChannelSpec, now: float, plug_ins: Mapping[str, type[Filter]] = MappingProxyType({})
    ) -> None:
        """Raises Invalid when its type and parameters do not fit. `now` is monotonic, in seconds."""
        self.spec = spec
        self.params = read(spec.type, spec.params, plug_ins)
        self._plug_in = plug_ins.get(spec.type)
        self.filter = self._new()
        self.patience = patience(self.params)
        self.heard = now
        self.missing = False  # whether the gap in its values was noticed already
        self.state, self.why = "logging", ""
        self.said = ("logging", "")

    def take(self, at: float, now: float, value: Any) -> tuple[Sample, ...]:
        """A value was measured; None: there is none now, which is no silence. What is no number is an error until the
        next that is."""
        if value is None:
            self.heard = now
            return ()
        try:
            found = calibrated(value, self.spec.mul, self.spec.add)
        except Invalid as error:
            self.fail(error.message)
            return ()
        self.heard, self.missing = now, False
        self.state, self.why = "logging", ""
        if self._plug_in is None:
            return self.filter.take(at, found)
        try:
            return tuple(map(_sample, self.filter.take(at, found)))
        except Exception as error:  # somebody else's code: whatever it is, it is this channel's alone
            self.fail(f"type {self.spec.type}: {type(error).__name__}: {error}")
            return ()

    def _new(self) -> Filter:
        if self._plug_in is None:
            return Filter(self.params)
        try:
            return self._plug_in(self.params)
        except Exception as error:
            raise Invalid(f"Type {self.spec.type} cannot begin: {type(error).__name__}: {error}.") from error

    def fail(self, why: str) -> None:
        """It could not be measured."""
        self.state, self.why = "error", why

    def silent(self, now: float) -> bool:
        """Whether there was no value for too long, and again as often as that. The next value is kept."""
        if now - self.heard < self.patience:
            return False
        self.heard = now
        self.filter = self._new()
        if self.state == "logging":
            self.state, self.why = "stale", f"no value for {self.patience:g} s"
        return True


def _sample(said: Any) -> Sample:
    """What a plug-in wants kept, if it can be. Raises Invalid or TypeError."""
    at, value = said
    return _number(at, 1.0, 0.0), None if value is None else calibrated(value, 1.0, 0.0)
