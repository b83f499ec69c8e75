"""Commands about what was measured: keep samples, ask for those of a stretch of time, say how the storage is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from brender.commands.calls import AskReadings, Call, KeepReadings
from brender.commands.kinds import LOOSE, Arg, Kind, Others, Span
from brender.commands.moments import PAST
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id
from brender.core.farm import Farm
from brender.core.rows import Channel
from brender.errors import BrenderError, Invalid, InvalidParams, NotFound, nearest
from brender.wire.readings import MOST, collected

SEE = "See channel list."
NO_KEY = ("", "-", None)  # in place of a key: the source is a channel
POINTS = 100_000
HOUR = 3600.0
Aggregate = Literal["count", "last", "max", "mean", "min", "raw", "sum"]  # as a document of the API sorts them


class Channels:
    """The farm's channels by all their names, for as many look-ups as one command makes."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._hinted = False  # the first wrong name gets a hint: to look for what is near costs much on a large farm
        self._by_name: dict[str, Channel] = {}
        for channel in farm.channels.values():
            for name in (channel.short_name, channel.name):
                if name:
                    self._by_name[name] = channel
        self._by_pair = {(one.device_id, one.key_id): one for one in farm.channels.values()}
        self._devices = {device.name: device.id for device in farm.devices.values()}
        self._keys = {key.name: key.id for key in farm.keys.values()}

    def named(self, word: str | int) -> Channel:
        """The channel of this name, short name, `device/key` or id. Raises NotFound with the nearest names."""
        found = self._by_name.get(word) if isinstance(word, str) else None
        if found is not None:
            return found
        if isinstance(word, str) and "/" in word:
            device, _, key = word.rpartition("/")
            return self.of(device, key)
        number = as_id(word)
        found = self._farm.channels.get(number) if number is not None else None
        if found is None:
            raise NotFound(f"There is no channel {word!r}.", hint=self._near(word, self._by_name) or SEE)
        return found

    def of(self, device: str | int, key: str | int) -> Channel:
        """The channel of a key of a device. Raises NotFound naming which of the three is not there."""
        device_id = self._id("device", self._devices, self._farm.devices, device)
        key_id = self._id("key", self._keys, self._farm.keys, key)
        found = self._by_pair.get((device_id, key_id))
        if found is None:
            raise NotFound(f"Device {device} has no channel for key {key}.", hint=self._elsewhere(key_id))
        return found

    def _elsewhere(self, key_id: int) -> str:
        """Which devices have a channel for the key."""
        devices = [self._farm.devices[one] for one, of in self._by_pair if of == key_id and one in self._farm.devices]
        return f"That is measured at {', '.join(device.name for device in devices[:3])}. {SEE}" if devices else SEE

    def _id(self, noun: str, names: dict[str, int], rows: Mapping[int, Any], word: str | int) -> int:
        number = names.get(word) if isinstance(word, str) else None
        if number is None:
            number = as_id(word)
        if number is None or number not in rows:
            raise NotFound(f"There is no {noun} {word!r}.", hint=self._near(word, names) or f"See {noun} list.")
        return number

    def _near(self, word: str | int, names: Mapping[str, Any]) -> str:
        hinted, self._hinted = self._hinted, True
        return "" if hinted else nearest(str(word)[:80], names)


class ChannelRef(Kind):
    """One channel: its name or short name, `device/key`, or id."""

    wire = str | int
    expects = "a channel, or device/key"

    def parse(self, call: Call, value: Any, others: Others) -> Channel:
        return Channels(call.farm).named(value)

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [channel.name for channel in call.farm.channels.values()])


class Source(Kind):
    """Where a sample was taken: a device, or with the key `-` a channel."""

    wire = str | int
    expects = "a device (or a channel, with the key -)"

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        devices = [device.name for device in call.farm.devices.values()]
        return starting(prefix, [*devices, *(channel.name for channel in call.farm.channels.values())])


class KeyWord(Kind):
    """What was measured there."""

    wire = str | int
    expects = "a key, or - for a channel"

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [*(key.name for key in call.farm.keys.values()), "-"])


class Measured(Kind):
    """A number; what is none is kept as a text, a list of numbers as a vector."""

    wire = str | int | float | list[float]
    expects = "a number, a text, or [1, 2, 3]"

    def parse(self, call: Call, value: Any, others: Others) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return float(value)
        except ValueError:
            return value


class Step(Span):
    """How much of the time one point stands for."""

    expects = "seconds, or 10s, 1m, 1h, 1d"


def put(
    call: Call,
    source: Annotated[str | int | None, Source(), Arg(text="a device, or with the key - a channel")] = None,
    key: Annotated[str | int | None, KeyWord(), Arg(text="what was measured there")] = None,
    value: Annotated[Any, Measured(), Arg(text="what was measured")] = None,
    at: Annotated[float | None, PAST, Arg(text="when; now when left out")] = None,
    *,
    samples: Annotated[Any, LOOSE, Arg(text="many at once: [[device or channel, key, seconds, value], …]")] = None,
) -> KeepReadings:
    """Keep what was measured. It is answered when it is on the disk; what is refused is named, the rest is kept."""
    channels = Channels(call.farm)
    if samples is None:
        if source is None or key is None or value is None:
            raise InvalidParams("reading put needs a source, a key and a value, or samples=.")
        channel = channels.named(source) if key in NO_KEY else channels.of(source, key)
        one = collected([(channel.id, call.wall if at is None else at, value)])
        return KeepReadings(one, {channel.id: _words(source, key)}, [])
    if source is not None:
        raise InvalidParams("Samples are given twice.", hint="Leave out one of them.")
    if not isinstance(samples, list):
        raise InvalidParams("samples= is a list.", hint="[[device or channel, key, seconds, value], …]")
    if len(samples) > MOST:
        raise Invalid(f"{len(samples)} samples are more than {MOST}.", hint="Send them in parts.")
    found, refused = [], Counter[tuple[str, str]]()
    names: dict[int, str] = {}
    known: dict[tuple[Any, Any], Channel | BrenderError] = {}
    for sample in samples:
        if not _is_sample(sample):
            refused[str(sample)[:80], "it is no [device or channel, key, seconds, value]"] += 1
            continue
        source, key, seconds, value = sample
        if (source, key) not in known:
            known[source, key] = _channel(channels, source, key)
        meant = known[source, key]
        if isinstance(meant, BrenderError):
            refused[_words(source, key), meant.sentence()] += 1
        else:
            names[meant.id] = _words(source, key)
            found.append((meant.id, call.wall if seconds is None else float(seconds), value))
    return KeepReadings(collected(found), names, [(name, why, count) for (name, why), count in refused.items()])


def _is_sample(sample: Any) -> bool:
    if not isinstance(sample, list) or len(sample) != 4:
        return False
    source, key, seconds, value = sample
    numbers = isinstance(value, list) and all(isinstance(one, (int, float)) for one in value)
    return (
        isinstance(source, (str, int))
        and isinstance(key, (str, int, type(None)))
        and isinstance(seconds, (int, float, type(None)))
        and (numbers or isinstance(value, (str, int, float, type(None))))
    )


def _words(source: Any, key: Any) -> str:
    return str(source) if key in NO_KEY else f"{source}/{key}"


def _channel(channels: Channels, source: Any, key: Any) -> Channel | BrenderError:
    try:
        return channels.named(source) if key in NO_KEY else channels.of(source, key)
    except NotFound as error:
        return error


def within(
    call: Call,
    channel: Annotated[Channel, ChannelRef(), Arg(text="which channel")],
    *,
    from_: Annotated[float | None, PAST, Arg(text="beginning; an hour before the end when left out")] = None,
    to: Annotated[float | None, PAST, Arg(text="end; now when left out")] = None,
    step: Annotated[float | None, Step(), Arg(text="what one point stands for; what suits when left out")] = None,
    agg: Annotated[Aggregate | None, Arg(text="of each step; raw: the samples themselves, however many")] = None,
    most: Annotated[int, Meta(ge=1, le=POINTS), Arg(text="points of the answer, 1000 when left out")] = 1000,
) -> AskReadings:
    """Show what a channel measured in a stretch of time: its samples while they are few, else sums of steps.

    The answer has columns for plots: times, values, and for steps also lowest, highest and counts.
    """
    end = call.wall if to is None else to
    begin = end - HOUR if from_ is None else from_
    key = call.farm.keys.get(channel.key_id)
    about = {"name": channel.name, "unit": key.unit if key is not None else "", "from": begin, "to": end}
    return AskReadings((channel.id, begin, end, step, agg or "", most), about)


def stats(call: Call) -> AskReadings:
    """Show how the storage of readings is: how much it has, how fast it grows, what waits, what is wrong."""
    return AskReadings(None, {})
