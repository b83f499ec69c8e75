"""What was: ended attempts for reports, and the event log. Both grow without end, so every question has a limit.

It must not touch the farm in memory. Each function takes the database it asks (Writer.read gives it one).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field
from peewee import SqliteDatabase, fn

from brender.alarms import AlarmRow, DeliveryRow, RecordRow
from brender.core.rows import Alarm, Attempt, Delivery, Record
from brender.models import COLUMNS, FAILED, AttemptRow, EventRow, StepRow

R = TypeVar("R")

MOST = 1000  # rows of one answer, whatever was asked for
NEWEST = 200_000  # attempts among which those of one worker are looked for: no index is kept for it


class Entry(Struct):
    """One line of the event log. `subject` is a table's name, `subject_id` a row of it; id 0 means not stored yet."""

    at: float
    topic: str
    by: str = ""
    subject: str = ""
    subject_id: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    id: int = 0


_COLUMNS = [getattr(AttemptRow, name) for name in COLUMNS["attempt"]]


def attempts_of(database: SqliteDatabase, step: int, task: int, limit: int = 50) -> list[Attempt]:
    """The attempts of one task in all runs, newest first."""
    query = AttemptRow.select(*_COLUMNS).where((AttemptRow.step_id == step) & (AttemptRow.task == task))
    return _attempts(database, query.order_by(AttemptRow.id.desc()), limit)


def attempts_by(database: SqliteDatabase, worker: int, limit: int = 50) -> list[Attempt]:
    """What one worker ran, newest first, of the NEWEST attempts of the farm."""
    newest = AttemptRow.select(fn.COALESCE(fn.MAX(AttemptRow.id), 0)).bind(database).scalar()
    query = AttemptRow.select(*_COLUMNS).where((AttemptRow.id > newest - NEWEST) & (AttemptRow.worker_id == worker))
    return _attempts(database, query.order_by(AttemptRow.id.desc()), limit)


class Sum(Struct, frozen=True):
    """Attempts of one job that ended alike: in one run, on one worker, in one state. Seconds are of machine time."""

    run: int
    worker_id: int
    state: str
    attempts: int
    seconds: float
    first_at: float  # when the first of them was assigned
    last_at: float | None  # when the last of them ended


def sums_of(database: SqliteDatabase, job: int) -> list[Sum]:
    """What a job has cost, by run, worker and state; newest run first. Grouped by the database: never a row a task."""
    seconds = fn.COALESCE(fn.SUM(AttemptRow.ended_at - AttemptRow.started_at), 0.0)
    figures = (fn.COUNT(AttemptRow.id), seconds, fn.MIN(AttemptRow.assigned_at), fn.MAX(AttemptRow.ended_at))
    groups = (AttemptRow.run, AttemptRow.worker_id, AttemptRow.state)
    steps = StepRow.select(StepRow.id).where(StepRow.job_id == job)
    query = AttemptRow.select(*groups, *figures).where(AttemptRow.step_id.in_(steps)).group_by(*groups)
    rows: Any = query.order_by(AttemptRow.run.desc(), AttemptRow.worker_id).limit(MOST).bind(database).tuples()
    return [Sum(*row) for row in rows]


def failures(database: SqliteDatabase, job: int | None = None, limit: int = 50) -> list[Attempt]:
    """The attempts that failed last, of one job or of the farm, newest first."""
    query = AttemptRow.select(*_COLUMNS).where(FAILED)
    if job is not None:
        steps = StepRow.select(StepRow.id).where(StepRow.job_id == job)
        query = query.where(AttemptRow.step_id.in_(steps))
    return _attempts(database, query.order_by(AttemptRow.ended_at.desc()), limit)


def alarms_of(database: SqliteDatabase, rule: int | None, limit: int) -> list[Alarm]:
    """The alarms that are over, of one rule or of all, newest first."""
    query = AlarmRow.select().where(AlarmRow.state == "resolved")
    if rule is not None:
        query = query.where(AlarmRow.rule_id == rule)
    return _rows(database, query.order_by(AlarmRow.resolved_at.desc()), Alarm, limit)


def records_of(
    database: SqliteDatabase,
    logger: int | None,
    level: str | None,
    limit: int,
    offset: int = 0,
    search: str = "",
    delivery: int | None = None,
) -> list[Record]:
    """Lines, newest first, `offset` of them passed over: of one logger, of one level, of one letter, with this text."""
    query = RecordRow.select().offset(offset)
    if search:
        query = query.where(RecordRow.text.contains(search))
    if delivery is not None:
        query = query.where(RecordRow.delivery_id == delivery)
    if logger is not None:
        query = query.where(RecordRow.logger_id == logger)
    if level is not None:
        query = query.where(RecordRow.level == level)
    return _rows(database, query.order_by(RecordRow.id.desc()), Record, limit)


def deliveries_of(database: SqliteDatabase, limit: int, offset: int = 0) -> list[Delivery]:
    """The letters that are sent, newest first, `offset` of them passed over."""
    query = DeliveryRow.select().where(DeliveryRow.state == "sent").offset(offset)
    return _rows(database, query.order_by(DeliveryRow.id.desc()), Delivery, limit)


def _rows(database: SqliteDatabase, query: Any, kind: type[R], limit: int) -> list[R]:
    """Whole rows; JSON columns come as text or decoded, as the model is bound."""
    found = []
    for values in query.limit(min(limit, MOST)).bind(database).dicts():
        fields = {name: _data(value) if name in _JSON else value for name, value in values.items()}
        found.append(msgspec.convert(fields, kind, strict=False))
    return found


_JSON = frozenset({"data", "done", "refused"})


def append(database: SqliteDatabase, entries: Iterable[Entry]) -> None:
    """Add to the event log, all in one transaction. Run it with Writer.call: it writes."""
    rows = [(e.at, e.topic, e.by, e.subject, e.subject_id, _text(e.data)) for e in entries]
    connection: Any = database
    with database.atomic("IMMEDIATE"):
        connection.cursor().executemany(
            'INSERT INTO event (at, topic, "by", subject, subject_id, data) VALUES (?, ?, ?, ?, ?, ?)', rows
        )


def events(
    database: SqliteDatabase, after: int = 0, subject: tuple[str, int] | None = None, limit: int = 100
) -> list[Entry]:
    """The event log, newest first: what has an id above `after`, of one subject (table, id) or of all."""
    columns = (EventRow.at, EventRow.topic, EventRow.by, EventRow.subject, EventRow.subject_id, EventRow.data)
    query = EventRow.select(*columns, EventRow.id).where(EventRow.id > after)
    if subject is not None:
        query = query.where((EventRow.subject == subject[0]) & (EventRow.subject_id == subject[1]))
    rows: Any = query.order_by(EventRow.id.desc()).limit(min(limit, MOST)).bind(database).tuples()
    return [
        Entry(at, topic, by, table, row_id, _data(data), number) for at, topic, by, table, row_id, data, number in rows
    ]


def forget(database: SqliteDatabase, before: float) -> int:
    """Delete log entries older than `before` (seconds since the epoch); returns how many. Run it with Writer.call."""
    return int(EventRow.delete().where(EventRow.at < before).bind(database).execute())


def _attempts(database: SqliteDatabase, query: Any, limit: int) -> list[Attempt]:
    spent = COLUMNS["attempt"].index("spent")
    found = []
    for values in query.limit(min(limit, MOST)).bind(database).tuples():
        fields = list(values)
        fields[spent] = bool(fields[spent])
        found.append(Attempt(*fields))
    return found


def _text(data: dict[str, Any]) -> str:
    return msgspec.json.encode(data).decode()


def _data(value: Any) -> dict[str, Any]:
    """peewee decodes a JSON column only for models that are bound to a database; ours are bound query by query."""
    found: dict[str, Any] = msgspec.json.decode(value) if isinstance(value, str) else value
    return found
