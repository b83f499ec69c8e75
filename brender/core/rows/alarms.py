"""The rows of what people are told, and how. Data only, no rule: brender/alarms.py keeps the same fields on the disk.

It must not know mail: who sends a letter takes it from the outbox.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class AlarmRule(Struct):
    """When somebody is to be told: a condition on channels, or something that happens on the farm (sources.py)."""

    id: int
    name: str
    source: str = "channel"
    selector: list[str] = field(default_factory=lambda: ["*"])  # globs over names, label=glob: a name and every label
    condition: str = ""  # of channels: lifecycle.CONDITIONS
    threshold: float = 0.0
    lasting: float = 0.0  # seconds for which it must be so (`for`)
    clear: float | None = None  # the value at which it is over; None: the threshold
    level: str = "WARNING"
    logger: str = "farm"
    runbook: str = ""  # what to do then, or where that is written
    enabled: bool = True
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Alarm(Struct):
    """A rule that holds for one thing. A resolved one leaves memory: its row is the history."""

    id: int
    rule_id: int
    subject: str  # channel | worker | job | attempt
    subject_id: int
    about: str  # what the thing was called
    said: str = ""  # what is the matter, in words
    worker_id: int = 0  # the machine it is of: while that is lost nobody is told (0: of none)
    state: str = "pending"
    value: float | None = None
    level: str = "WARNING"
    muted: bool = False  # it fired and nobody was told, for its worker is away
    count: int = 1  # how often it happened while it was not over
    since: float = 0.0  # when the condition became true
    fired_at: float | None = None
    resolved_at: float | None = None
    acked_by: str = ""
    skipped_until: float | None = None
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Logger(Struct):
    """A named source of lines. `levels` says when those of each level are mailed, `sinks` to whom (none: as usual)."""

    id: int
    name: str
    levels: dict[str, str] = field(default_factory=dict)
    sinks: list[str] = field(default_factory=list)  # addresses, or names of the credentials' `apprise`
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Record(Struct):
    """A line of a logger: `waiting` for its digest, `bound` in a delivery, `over` and then only a row on the disk."""

    id: int
    logger_id: int
    level: str
    schedule: str
    text: str
    host: str = ""
    mac: str = ""
    data: dict[str, Any] = field(default_factory=dict)  # what the line is about, for whoever makes a letter of it
    delivery_id: int = 0
    state: str = "waiting"
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Delivery(Struct):
    """One letter of the outbox. Its records are the rows that name it; one that was sent leaves memory."""

    id: int
    logger_id: int
    schedule: str
    level: str  # the worst of its records
    message_id: str  # the same at every attempt: a reader who gets it twice has it once
    state: str = "queued"
    attempts: int = 0
    next_at: float = 0.0
    expires_at: float = 0.0  # when it is given up
    holder: str = ""  # who sends it now
    done: list[str] = field(default_factory=list)  # recipients that have it
    refused: dict[str, str] = field(default_factory=dict)  # recipients that never will, and why
    error: str = ""
    sent_at: float | None = None
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1
