"""Commands of the noun `log`: write a line, say when lines are mailed, look at them, let a digest leave now."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from brender.commands.calls import Call, Lookup
from brender.commands.kinds import LOOSE, SENTENCE, WORD_LIST, Arg, Kind, Others
from brender.commands.offers import Offer, starting
from brender.core import events
from brender.core.farm import Farm
from brender.core.lifecycle import DIGESTS, FREQUENCIES, LEVELS
from brender.core.rows import Record
from brender.core.rules.loggers import AT_ONCE, level_of, schedule_of

MOST = 1000
FARM = "farm"


class LoggerName(Kind):
    """A logger's name; one that is not there yet is made when something is written to it."""

    expects = "a logger's name"

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [row.name for row in call.farm.loggers.values()])


class OneOf(Kind):
    """A level or a schedule, without case."""

    def __init__(self, expects: str, known: tuple[str, ...], read: Any) -> None:
        self.known, self._read = known, read
        self.expects = expects  # type: ignore[misc]

    def parse(self, call: Call, value: Any, others: Others) -> str:
        return str(self._read(value)) if value else ""

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, self.known)


LEVEL = OneOf(f"one of {', '.join(LEVELS)}", LEVELS, level_of)
FREQUENCY = OneOf(f"one of {', '.join(FREQUENCIES)}", FREQUENCIES, schedule_of)
DIGEST = OneOf(f"one of {', '.join(DIGESTS)}", DIGESTS, lambda word: schedule_of(word, DIGESTS))
Name = Annotated[str, LoggerName(), Arg(text="which logger")]
Text = Annotated[str, SENTENCE, Arg(text="what to say")]


def config(
    call: Call,
    logger: Name,
    level: Annotated[str, LEVEL, Arg(text="of which lines")] = "",
    schedule: Annotated[str, FREQUENCY, Arg(text="when they are mailed")] = "",
    *,
    sinks: Annotated[list[str] | None, WORD_LIST, Arg(text="to whom: addresses, or names in the credentials")] = None,
) -> Any:
    """Set when lines of a level of a logger are mailed, or to whom; with a name alone: show how it is."""
    if not level and not schedule and sinks is None:
        row = call.farm.logger_named(logger)
        if row is not None:
            return {"noun": "logger", "row": _logger(call.farm, row.id)}
    return events.ConfigLogger(logger, level, schedule, sinks, call.who.name)


def _logger(farm: Farm, logger_id: int) -> dict[str, Any]:
    row = farm.loggers[logger_id]
    waiting = {
        schedule: len(ids) for (owner, schedule), ids in sorted(farm.watch.digests.items()) if owner == logger_id
    }
    return {"id": row.id, "name": row.name, "levels": row.levels, "sinks": row.sinks, "waiting": waiting}


def write(
    call: Call,
    logger: Name,
    level: Annotated[str, LEVEL, Arg(text="how bad it is")],
    text: Text,
    *,
    host: Annotated[str, Arg(text="the machine it is of")] = "",
    mac: Annotated[str, Arg(text="and its MAC")] = "",
    data: Annotated[dict[str, Any] | list[Any] | None, LOOSE, Arg(text="what a letter may show of it")] = None,
) -> events.Event:
    """Write a line of any level."""
    about = data if isinstance(data, dict) else {}
    return events.WriteLog(logger, level, text, host[:255], mac[:40], data=about, by=call.who.name)


def _line(call: Call, logger: str, level: str, text: str) -> events.Event:
    return events.WriteLog(logger, level, text, by=call.who.name)


def debug(call: Call, logger: Name, text: Text) -> events.Event:
    """Write a DEBUG line: traces, usually kept and not mailed."""
    return _line(call, logger, "DEBUG", text)


def info(call: Call, logger: Name, text: Text) -> events.Event:
    """Write an INFO line, usually for the daily digest."""
    return _line(call, logger, "INFO", text)


def warning(call: Call, logger: Name, text: Text) -> events.Event:
    """Write a WARNING line, usually mailed at once."""
    return _line(call, logger, "WARNING", text)


def alert(call: Call, logger: Name, text: Text) -> events.Event:
    """Write an ALERT line: something very bad."""
    return _line(call, logger, "ALERT", text)


def error(call: Call, logger: Name, text: Text) -> events.Event:
    """Write an ERROR line: something bad but recoverable."""
    return _line(call, logger, "ERROR", text)


def listing(
    call: Call,
    logger: Annotated[str, LoggerName(), Arg(text="only of this logger")] = "",
    level: Annotated[str, LEVEL, Arg(text="only of this level")] = "",
    *,
    limit: Annotated[int, Meta(ge=1, le=MOST), Arg(text="so many at the most")] = 50,
    offset: Annotated[int, Meta(ge=0, le=100_000), Arg(text="so many of the newest are passed over")] = 0,
    search: Annotated[str, Arg(text="only lines with this in their text")] = "",
    delivery: Annotated[int | None, Meta(ge=1), Arg(text="only the lines of this letter")] = None,
) -> Lookup:
    """List lines, the newest last, and the loggers with when each level is mailed."""
    farm = call.farm
    row = farm.logger_named(logger) if logger else None
    loggers = [_logger(farm, one.id) for one in farm.loggers.values() if not logger or one is row]
    known = {one.id: one.name for one in farm.loggers.values()}
    return Lookup(
        "records_of",
        (row.id if row else (-1 if logger else None), level or None, limit, offset, search, delivery),
        lambda found: {"records": [_record(known, one) for one in reversed(found)], "loggers": loggers},
    )


def _record(loggers: dict[int, str], row: Record) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.created_at,
        "logger": loggers.get(row.logger_id, ""),
        "level": row.level,
        "schedule": row.schedule,
        "text": row.text,
        "host": row.host,
        "mac": row.mac,
        "delivery": row.delivery_id or None,
    }


def flush(
    call: Call,
    schedule: Annotated[str, DIGEST, Arg(text="which digest; left out: all that wait")] = "",
    logger: Annotated[str, LoggerName(), Arg(text="only of this logger")] = "",
) -> events.Event:
    """Let digests leave now: one letter for each logger that has lines for it."""
    return events.FlushLog(schedule, logger, call.who.name)


def test(call: Call, logger: Annotated[str, LoggerName(), Arg(text="which logger's way")] = FARM) -> events.Event:
    """Send a letter at once, to see whether mail works."""
    who = call.who.name or "somebody"
    said = f"This is a test of the mail of this farm, asked for by {who}."
    return events.WriteLog(logger, "INFO", said, FARM, schedule=AT_ONCE, by=call.who.name)
