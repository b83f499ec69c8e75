"""What machines say: a report's params become the core's event in one decoding, with the session put in by the master.

This is the hot path of the farm: no table look-up by words, no generic conversion. A worker cannot speak for another
session, because the session is never read from the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, fields

from brender.commands import legacy
from brender.commands.calls import Heard
from brender.core import events
from brender.wire import logs
from brender.wire import progress as progress_
from brender.wire import readings as readings_

T = TypeVar("T")


class Told(Protocol):
    """A request whose params can be decoded once, straight into a type (wire.messages.Request)."""

    method: str

    def params_as(self, kind: type[T]) -> T: ...


def _wire_of(kind: type[events.Event]) -> type[Struct]:
    """The event's fields without the session, which comes first in every event a machine can cause."""
    first, *rest = fields(kind)
    assert first.name == "session"
    return msgspec.defstruct(f"{kind.__name__}Report", [_field(one) for one in rest])


def _field(one: Any) -> Any:
    if one.default_factory is not msgspec.NODEFAULT:
        return one.name, one.type, msgspec.field(default_factory=one.default_factory)
    if one.default is not msgspec.NODEFAULT:
        return one.name, one.type, one.default
    return one.name, one.type


HelloReport = _wire_of(events.Hello)
HeartbeatReport = _wire_of(events.Heartbeat)
StartedReport = _wire_of(events.Started)
ResultsReport = _wire_of(events.Results)
ReturnedReport = _wire_of(events.Returned)
ImmortalReport = _wire_of(events.Immortal)
StalledReport = _wire_of(events.Stalled)
ClockReport = _wire_of(events.Clock)
CountedReport = _wire_of(events.Counted)
ReadyReport = _wire_of(events.ChannelsReady)
ChannelStatesReport = _wire_of(events.ChannelStates)
ByeReport = msgspec.defstruct("ByeReport", [])


def hello(session: int, report: Struct) -> events.Event:
    """A worker daemon introduces itself and says what it runs and what results it holds."""
    return events.Hello(session, *astuple(report))


def heartbeat(session: int, report: Struct) -> events.Event:
    """A worker is alive."""
    return events.Heartbeat(session, *astuple(report))


def started(session: int, report: Struct) -> events.Event:
    """Attempts began, as [attempt, pid]."""
    return events.Started(session, *astuple(report))


def results(session: int, report: Struct) -> events.Event:
    """Attempts ended; each result is acknowledged by its number once it is on the disk."""
    return events.Results(session, *astuple(report))


def returned(session: int, report: Struct) -> events.Event:
    """Attempts came back before they started."""
    return events.Returned(session, *astuple(report))


def immortal(session: int, report: Struct) -> events.Event:
    """Processes survived every signal, as [attempt, pid]."""
    return events.Immortal(session, *astuple(report))


def stalled(session: int, report: Struct) -> events.Event:
    """Attempts show no sign of life, as [attempt, seconds]; 0 seconds: they move again."""
    return events.Stalled(session, *astuple(report))


def clock(session: int, report: Struct) -> events.Event:
    """What a worker's clock says now, in seconds since the epoch."""
    return events.Clock(session, *astuple(report))


def counted(session: int, report: Struct) -> events.Event:
    """A manager has so many channels at this moment."""
    return events.Counted(session, *astuple(report))


def channels_ready(session: int, report: Struct) -> events.Event:
    """A manager has set up channels: those that began, those that went on, and [channel, why not]."""
    return events.ChannelsReady(session, *astuple(report))


def channel_states(session: int, report: Struct) -> events.Event:
    """Channels fell silent, failed or are back, as [channel, logging | stale | error, why]."""
    return events.ChannelStates(session, *astuple(report))


def bye(session: int, report: Struct) -> events.Event:
    """A worker is shut down in order."""
    return events.Disconnected(session, bye=True)


LogReport = logs.Piece


def log(session: int, report: logs.Piece) -> Heard:
    """Some bytes of an attempt's log, which the master asked for."""
    return Heard(report)


ProgressReport = progress_.Marks


def progress(session: int, report: progress_.Marks) -> Heard:
    """How far attempts are, as [attempt, fraction, note]; kept in memory only."""
    return Heard(report)


ReadingsReport = readings_.Batch


def readings(session: int, report: readings_.Batch) -> Heard:
    """Samples of channels, in columns; answered `saved` when they are on the disk."""
    return Heard(report)


READERS: dict[str, tuple[type[Struct], Callable[[int, Any], events.Event | Heard]]] = {
    "worker.hello": (HelloReport, hello),
    "worker.heartbeat": (HeartbeatReport, heartbeat),
    "worker.started": (StartedReport, started),
    "worker.results": (ResultsReport, results),
    "worker.returned": (ReturnedReport, returned),
    "worker.immortal": (ImmortalReport, immortal),
    "worker.stalled": (StalledReport, stalled),
    "worker.log": (LogReport, log),
    "worker.progress": (ProgressReport, progress),
    "worker.readings": (ReadingsReport, readings),
    "worker.bye": (ByeReport, bye),
    "worker.clock": (ClockReport, clock),
    "worker.counted": (CountedReport, counted),
    "worker.channels_ready": (ReadyReport, channels_ready),
    "worker.channel_states": (ChannelStatesReport, channel_states),
    "legacy.hello": (legacy.Greeting, legacy.hello),
    "legacy.word": (legacy.Word, legacy.word),
}


def event_of(request: Told, session: int) -> events.Event | Heard | None:
    """The event a machine's request stands for, or None when it is no report. Raises InvalidParams.

    The caller has checked the role: `check(role, MACHINE, request.method)`.
    """
    reader = READERS.get(request.method)
    if reader is None:
        return None
    kind, made = reader
    return made(session, request.params_as(kind))
