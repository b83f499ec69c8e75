"""Loggers: named sources of lines, five levels, and when the lines of each are mailed (RM-07…RM-12).

A line becomes a record; records become a letter at once or when their digest is due. Sending it is deliveries.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brender.core.context import Context
from brender.core.events import ConfigLogger, FlushLog, WriteLog
from brender.core.lifecycle import DIGESTS, FREQUENCIES, LEVELS, USUAL
from brender.core.rows import Delivery, Logger, Record
from brender.core.rules.rows import check_name, row_of
from brender.errors import Busy, Invalid, NotFound, nearest

LONGEST = 4_000  # characters of a line
AT_ONCE = "INSTANTANEOUSLY"
SILENTLY = "SILENTLY"


def level_of(word: str) -> str:
    """The level that a word means, without case. Raises Invalid."""
    return _one_of("level", word, LEVELS)


def schedule_of(word: str, known: tuple[str, ...] = FREQUENCIES) -> str:
    """The schedule that a word means, without case. Raises Invalid."""
    return _one_of("schedule", word, known)


def _one_of(what: str, word: str, known: tuple[str, ...]) -> str:
    found = word.strip().upper()
    if found not in known:
        hint = nearest(word, known) or f"One of {', '.join(known)}."
        raise Invalid(f"There is no {what} {word[:40]!r} of a logger.", hint=hint)
    return found


def config(ctx: Context, event: ConfigLogger) -> dict[str, Any]:
    """Set when a level is mailed (RM-07), or to whom the logger's mail goes. Makes the logger if there is none."""
    changes: dict[str, Any] = {}
    level = level_of(event.level) if event.level else ""
    if event.sinks is not None:
        changes["sinks"] = [_sink(word) for word in event.sinks]
    if bool(level) != bool(event.schedule):
        raise Invalid("A level and a schedule go together.", hint="log config render INFO DAILY")
    schedule = schedule_of(event.schedule) if level else ""
    row = _logger(ctx, event.logger)
    if level:
        changes["levels"] = {**row.levels, level: schedule}
    ctx.ledger.set(row, **changes)
    return {"noun": "logger", "row": row_of(row)}


def _sink(word: str) -> str:
    if not word or len(word) > 255 or any(char.isspace() or ord(char) < 32 for char in word):
        raise Invalid(f"{word[:60]!r} is nowhere a letter can go.", hint="An address, or a name in the credentials.")
    if "://" in word:
        raise Invalid(
            "A URL holds a password, so it stands in the credentials file and not in the farm.",
            hint='Put {"apprise": {"chat": "…"}} there and write sinks=chat here.',
        )
    return word


def _logger(ctx: Context, name: str) -> Logger:
    """The logger of this name; a new one has the usual levels (RM-10)."""
    found = ctx.farm.logger_named(name)
    if found is not None:
        return found
    check_name("logger", name)
    if len(ctx.farm.loggers) >= ctx.settings.loggers:
        raise Busy(f"The farm has {ctx.settings.loggers} loggers and takes no more.", hint="Write to one of these.")
    row = Logger(ctx.ledger.new_id("logger"), name, dict(USUAL), created_at=ctx.now, modified_at=ctx.now)
    ctx.ledger.add(row)
    return row


def write(ctx: Context, event: WriteLog) -> dict[str, Any]:
    """One line of a logger (RM-11)."""
    level = level_of(event.level)
    schedule = schedule_of(event.schedule) if event.schedule else ""
    if len(event.text) > LONGEST:
        raise Invalid(f"A line has {LONGEST} characters at the most, not {len(event.text)}.", hint="Cut it.")
    row = record(
        ctx, event.logger, level, event.text, host=event.host, mac=event.mac, data=event.data, schedule=schedule
    )
    return {"id": row.id, "logger": event.logger, "level": level, "schedule": row.schedule}


def record(ctx: Context, logger: str, level: str, text: str, schedule: str = "", **more: Any) -> Record:
    """Put a line; whoever tells something for the farm itself calls this, too."""
    owner = _logger(ctx, logger)
    when = schedule or owner.levels.get(level) or USUAL[level]
    row = Record(ctx.ledger.new_id("record"), owner.id, level, when, text, created_at=ctx.wall, modified_at=ctx.now)
    row.host, row.mac, row.data = more.get("host", ""), more.get("mac", ""), more.get("data") or {}
    ctx.ledger.expire("record", row.id - ctx.settings.kept_records)
    ctx.notice("log.written", id=row.id, logger=owner.name, level=level, schedule=when, text=text, host=row.host)
    if when == SILENTLY:
        row.state = "over"
        ctx.ledger.inscribe(row)
        return row
    ctx.ledger.add(row)
    if when == AT_ONCE:
        letter = _open_letter(ctx, owner) or new_letter(ctx, owner, AT_ONCE)
        bind(ctx, letter, [row])
    elif len(ctx.farm.watch.digests[owner.id, when]) >= ctx.settings.digest_lines:
        _digest(ctx, owner, when)
    return row


def _open_letter(ctx: Context, owner: Logger) -> Delivery | None:
    """A letter that nobody has taken yet and that has room: while no one can send, lines gather in it."""
    farm = ctx.farm
    for row in reversed(farm.deliveries.values()):
        if row.logger_id == owner.id and row.schedule == AT_ONCE and not row.attempts and row.state == "queued":
            full = len(farm.watch.letters[row.id]) >= ctx.settings.instant_lines
            return None if full else row
    return None


def new_letter(ctx: Context, owner: Logger, schedule: str) -> Delivery:
    """An empty letter that may leave now."""
    number = ctx.ledger.new_id("delivery")
    row = Delivery(number, owner.id, schedule, LEVELS[0], f"{number}.{int(ctx.now * 1e6)}", next_at=ctx.now)
    row.created_at, row.modified_at = ctx.wall, ctx.now
    row.expires_at = ctx.now + ctx.settings.mail_patience
    ctx.ledger.add(row)
    ctx.ledger.expire("delivery", number - ctx.settings.kept_deliveries)
    ctx.notice("delivery.queued", id=number, logger=owner.name, schedule=schedule)
    return row


def bind(ctx: Context, letter: Delivery, rows: Iterable[Record]) -> None:
    """Put records into a letter, whose level is that of the worst."""
    worst = LEVELS.index(letter.level)
    for row in rows:
        ctx.ledger.set(row, delivery_id=letter.id, state="bound")
        worst = max(worst, LEVELS.index(row.level))
    ctx.ledger.set(letter, level=LEVELS[worst])


def flush(ctx: Context, event: FlushLog) -> dict[str, Any]:
    """One letter for each logger that has lines for this digest; nothing where there are none (RM-12)."""
    wanted = (schedule_of(event.schedule, DIGESTS),) if event.schedule else DIGESTS
    only = ctx.farm.logger_named(event.logger) if event.logger else None
    if event.logger and only is None:
        names = [row.name for row in ctx.farm.loggers.values()]
        raise NotFound(f"There is no logger {event.logger!r}.", hint=nearest(event.logger, names) or "log list")
    made, lines = [], 0
    for owner_id, schedule in sorted(ctx.farm.watch.digests):
        if schedule in wanted and only in (None, ctx.farm.loggers[owner_id]):
            letter, count = _digest(ctx, ctx.farm.loggers[owner_id], schedule)
            made.append(letter.id)
            lines += count
    return {"schedules": list(wanted), "deliveries": made, "lines": lines}


def _digest(ctx: Context, owner: Logger, schedule: str) -> tuple[Delivery, int]:
    waiting = [ctx.farm.records[number] for number in sorted(ctx.farm.watch.digests[owner.id, schedule])]
    letter = new_letter(ctx, owner, schedule)
    bind(ctx, letter, waiting)
    return letter, len(waiting)
