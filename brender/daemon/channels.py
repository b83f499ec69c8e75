"""The channels this machine hosts: reads probes when they are due, keeps what the filters keep, tells how each is.

Channels of one device and period share a read. What may wait is read in a thread with a deadline: a probe that hangs
or raises is the error of its own channels and of no others. What is kept and when is decided by worker/sampling.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import gevent
from msgspec import Struct

from brender.core.lifecycle import SYNTHETIC
from brender.core.orders import ChannelSpec, CountChannels, Host
from brender.daemon.instrument import Instrument, Instruments
from brender.daemon.lanes import Lane, Round
from brender.errors import BrenderError
from brender.probes.registry import Registry
from brender.wire.packed import Message, frame
from brender.worker.instruments import INSTRUMENTS, check_key
from brender.worker.sampling import Hosted, made_up

SWEEP_S: Final = 1.0
A_MESSAGE: Final = 2000  # channels of one report
Put = Callable[[int, float, Any], None]


class ReadyReport(Struct):
    """What became of channels that the master gave: they began, went on as they were, or [channel, why not]."""

    started: list[int]
    kept: list[int]
    failed: list[tuple[int, str]]


class Channels:
    """`put` keeps one sample; `post` sends bytes over the present connection, if there is one."""

    def __init__(self, instruments: Instruments, put: Put, post: Callable[[bytes], None]) -> None:
        self._instruments, self._put, self._post = instruments, put, post
        self._hosted: dict[int, Hosted] = {}
        self._rounds: dict[int, Round] = {}  # by channel
        self._lanes: dict[str, Lane] = {}
        self._opening: dict[int, set[int]] = {}  # instrument (its id()) -> channels to report when it is open

    def __len__(self) -> int:
        return len(self._hosted)

    def run(self) -> None:
        """Look for silence, and tell what has changed; kill the greenlet to end it."""
        while True:
            gevent.sleep(SWEEP_S)
            now = time.monotonic()
            for hosted in self._hosted.values():
                if hosted.spec.driver and hosted.silent(now):
                    if not hosted.missing:
                        hosted.missing = True
                        self._put(hosted.spec.id, time.time(), None)  # the gap shows in what is kept (RM-49)
                    self._instruments.of(hosted.spec).reopen()
            self._tell_states()

    def close(self) -> None:
        """No more reads; what hangs is left to the end of the process."""
        for lane in self._lanes.values():
            lane.close()
        self._instruments.close()

    # ---- the master's words

    def hear(self, message: Message) -> bool:
        """What the master says of channels. False: it says something else."""
        if message.method == CountChannels.wire:
            census = message.params_as(CountChannels).census
            self._say("worker.counted", {"census": census, "count": len(self._hosted)})
        elif message.method == Host.wire:
            self._host(message.params_as(Host))
        else:
            return False
        return True

    def _host(self, order: Host) -> None:
        if order.keep is not None:
            kept = set(order.keep)
            self._drop([one for one in self._hosted if one not in kept])
        self._drop(order.drop)
        report = ReadyReport([], [], [])
        for spec in order.put:
            self._put_one(spec, order.again, report)
        if report.started or report.kept or report.failed:
            self._say("worker.channels_ready", report)
        self._tell_states()

    def _put_one(self, spec: ChannelSpec, again: bool, report: ReadyReport) -> None:
        known = self._hosted.get(spec.id)
        if known is not None and not again and _alike(known.spec, spec):
            self._regroup(known, spec)
            known.said = ("logging", "")
            report.kept.append(spec.id)
            return
        self._drop([spec.id])
        try:
            hosted = Hosted(spec, time.monotonic(), self._instruments.types)
            if spec.driver:
                check_key(spec.driver, spec.key)
            instrument = self._instrument_of(spec)
        except BrenderError as error:
            report.failed.append((spec.id, error.sentence()))
            return
        self._hosted[spec.id] = hosted
        self._enter(hosted, instrument)
        if instrument is None or instrument.ready:
            report.started.append(spec.id)
        else:
            self._opening.setdefault(id(instrument), set()).add(spec.id)
            instrument.when_open(self._opened)

    def _regroup(self, known: Hosted, spec: ChannelSpec) -> None:
        """The same channel in another group, or under another name: it goes on."""
        moved, known.spec = known.spec.group != spec.group, spec
        if not moved:
            return
        instrument = self._instrument_of(spec)
        if instrument is not None:
            instrument.users.add(0)  # nobody's id: the probe stays open between the two
        self._leave(known)
        self._enter(known, instrument)
        if instrument is not None:
            instrument.users.discard(0)

    def _opened(self, instrument: Instrument) -> None:
        """A probe is open, or cannot be: its channels began, or why not."""
        waiting = self._opening.pop(id(instrument), set()) & self._hosted.keys()
        report = ReadyReport([], [], [])
        for channel in sorted(waiting):
            why = instrument.fault
            if not why:
                report.started.append(channel)
                continue
            self._hosted[channel].fail(why)
            self._hosted[channel].said = ("error", why)
            report.failed.append((channel, why))
        if waiting:
            self._say("worker.channels_ready", report)

    def _drop(self, channels: Iterable[int]) -> None:
        for channel in channels:
            hosted = self._hosted.pop(channel, None)
            if hosted is not None:
                self._leave(hosted)

    # ---- rounds

    def _instrument_of(self, spec: ChannelSpec) -> Instrument | None:
        return self._instruments.of(spec) if spec.driver else None

    def _enter(self, hosted: Hosted, instrument: Instrument | None) -> None:
        spec = hosted.spec
        if instrument is not None:
            instrument.users.add(spec.id)
        elif spec.type not in SYNTHETIC:
            return  # its values come from elsewhere, by `reading put`
        lane = self._lanes.get(spec.group)
        if lane is None:
            lane = self._lanes[spec.group] = Lane(self._read)
        self._rounds[spec.id] = lane.enter(spec.id, instrument, hosted.params.period)

    def _leave(self, hosted: Hosted) -> None:
        channel = hosted.spec.id
        round_ = self._rounds.pop(channel, None)
        if round_ is None:
            return
        round_.channels.discard(channel)
        if round_.instrument is not None:
            round_.instrument.users.discard(channel)
            if not round_.instrument.users:
                self._instruments.forget(round_.instrument)

    def _read(self, round_: Round) -> None:
        """A round is due."""
        instrument = round_.instrument
        if instrument is None:
            at, now = time.time(), time.monotonic()
            hosted, put = self._hosted, self._put
            for channel in round_.channels:
                for sample in hosted[channel].take(at, now, made_up(channel, at)):
                    put(channel, *sample)
        else:
            instrument.read(lambda found: self._found(round_, found))

    def _found(self, round_: Round, found: dict[str, Any] | str) -> None:
        """What a probe said, or why it said nothing."""
        at, now = time.time(), time.monotonic()
        for channel in list(round_.channels):
            hosted = self._hosted.get(channel)
            if hosted is None:
                continue
            if isinstance(found, str):
                hosted.fail(found)
                continue
            key = hosted.spec.key
            if key not in found and found and not _known(round_.instrument, key):
                hosted.fail(f"{hosted.spec.driver} says nothing of {key!r}, but of {', '.join(list(found)[:12])}")
                continue
            if key in found:
                for sample in hosted.take(at, now, found[key]):
                    self._put(channel, *sample)

    # ---- what is told

    def _tell_states(self) -> None:
        changed = []
        for channel, hosted in self._hosted.items():
            if (hosted.state, hosted.why) != hosted.said:
                hosted.said = (hosted.state, hosted.why)
                changed.append((channel, hosted.state, hosted.why[:500]))
        for at in range(0, len(changed), A_MESSAGE):
            self._say("worker.channel_states", {"channels": changed[at : at + A_MESSAGE]})

    def _say(self, method: str, params: Any) -> None:
        self._post(frame([{"method": method, "params": params}]))


def _alike(one: ChannelSpec, other: ChannelSpec) -> bool:
    """Whether a channel that is told again is measured as before; its name and group do not matter for that."""
    fields = ("type", "params", "device", "driver", "config", "key", "mul", "add")
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def _known(instrument: Instrument | None, key: str) -> bool:
    """Whether the probe has this key, though it says nothing of it now."""
    return instrument is not None and instrument.keys is not None and key in instrument.keys


def own_devices(registry: Registry, slots: int) -> list[dict[str, Any]]:
    """What this machine reports of itself unasked: the host, its GPUs, its tasks where it runs any."""
    from brender.probes import machine

    every = {"period": 5.0, "heartbeat": 60.0}
    found: list[dict[str, Any]] = [
        {"name": "", "driver": "host", "config": {}, "keys": machine.present(), "params": {**every, "tolerance": 0.02}}
    ]
    if slots:
        keys = {key: unit for key, unit in INSTRUMENTS["render"].keys.items() if key != "frames"}
        found.append(
            {"name": "tasks", "driver": "render", "config": {}, "keys": keys, "params": {**every, "delta": 0.01}}
        )
    if "nvidia" in registry.names():
        from brender.probes import nvidia

        for index, card in enumerate(nvidia.cards()):
            about = {"name": f"gpu{index}", "driver": "nvidia", "config": {"index": index}, **card}
            found.append({**about, "keys": INSTRUMENTS["nvidia"].keys, "params": {**every, "tolerance": 0.02}})
    return found
