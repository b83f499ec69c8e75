"""What is measured, alarms, loggers and their letters.

It must not know who carries it out.
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from brender.core.events.event import Event


class Readings(Event):
    """Samples of channels that some alarm rule looks at, as (channel, seconds since the epoch, value)."""

    samples: list[tuple[int, float, Any]]


class AckAlarms(Event):
    """Somebody looks after these; they are not told of again until they are over."""

    alarms: list[int]
    by: str = ""


class SkipAlarms(Event):
    """Silence for so many seconds (None: until they are over)."""

    alarms: list[int]
    seconds: float | None = None
    by: str = ""


class ConfigLogger(Event):
    """When lines of a level of a logger are mailed, or to whom all of them are."""

    logger: str
    level: str = ""
    schedule: str = ""
    sinks: list[str] | None = None
    by: str = ""


class WriteLog(Event):
    """One line. `schedule` is for once, in place of what its level has."""

    logger: str
    level: str
    text: str
    host: str = ""
    mac: str = ""
    schedule: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    by: str = ""


class FlushLog(Event):
    """Make letters of what waits for this digest (empty: for any), of one logger or of all."""

    schedule: str = ""
    logger: str = ""
    by: str = ""


class TakeDelivery(Event):
    """A sender of letters asks for one that is due. `fresh`: it has just started and sends nothing yet."""

    holder: str
    fresh: bool = False


class DeliverySent(Event):
    """It is out; `refused` are recipients that will never have it."""

    delivery: int
    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


class DeliveryFailed(Event):
    """It is not out, or not to all; `final`: no later attempt can help."""

    delivery: int
    error: str
    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    final: bool = False


class RetryDeliveries(Event):
    """Send these at once."""

    deliveries: list[int]
    by: str = ""


class DropDeliveries(Event):
    """Send these to nobody (any more)."""

    deliveries: list[int]
    by: str = ""
