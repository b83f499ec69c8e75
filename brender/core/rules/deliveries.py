"""The outbox: which letter is due, who has it, what became of it. Sending is the work of `brender notify`.

A letter is taken for a while (a lease); without a word of what became of it, it is offered again under the same
Message-ID. So it is sent at least once, and a reader who gets it twice sees it once (RM-12, RM-13).
"""

from __future__ import annotations

from typing import Any

from brender.core import possible
from brender.core.context import Context
from brender.core.events import DeliveryFailed, DeliverySent, DropDeliveries, RetryDeliveries, TakeDelivery
from brender.core.farm import Farm
from brender.core.rows import Delivery
from brender.core.rules.rows import row_of
from brender.errors import WrongState

OPEN = ("queued", "retrying")
LONGEST = 500  # characters of an error that are kept


def take(ctx: Context, event: TakeDelivery) -> dict[str, Any]:
    """The letter that has been due for longest, with its lines; or none, and in how many seconds to ask again."""
    farm = ctx.farm
    farm.watch.asked_at = ctx.now
    waiting = [row for row in farm.deliveries.values() if row.state in OPEN]
    for row in waiting if event.fresh else ():
        if row.holder == event.holder:
            ctx.ledger.set(row, holder="", next_at=ctx.now)
    waiting.sort(key=lambda row: (row.next_at, row.id))
    if not waiting or waiting[0].next_at > ctx.now:
        return {"delivery": None, "wait": waiting[0].next_at - ctx.now if waiting else None}
    row = waiting[0]
    lease = ctx.now + ctx.settings.mail_lease
    ctx.ledger.set(row, attempts=row.attempts + 1, holder=event.holder, next_at=lease)
    return {"delivery": letter(farm, row), "wait": 0.0}


def letter(farm: Farm, row: Delivery) -> dict[str, Any]:
    """A delivery with its logger and its lines in time order (RM-12)."""
    owner = farm.loggers[row.logger_id]
    numbers = sorted(farm.watch.letters[row.id])
    lines = [_line(farm, number) for number in numbers]
    return {**row_of(row), "logger": owner.name, "sinks": list(owner.sinks), "records": lines}


def _line(farm: Farm, number: int) -> dict[str, Any]:
    row = farm.records[number]
    return {
        "id": row.id,
        "at": row.created_at,
        "level": row.level,
        "text": row.text,
        "host": row.host,
        "mac": row.mac,
        "data": row.data,
    }


def sent(ctx: Context, event: DeliverySent) -> dict[str, Any]:
    """It is out. Said twice, or of a letter that nobody knows any more, it changes nothing."""
    row = ctx.farm.deliveries.get(event.delivery)
    if row is None:
        return {"id": event.delivery, "state": "sent"}
    done = sorted({*row.done, *event.done})
    refused = {**row.refused, **event.refused}
    ctx.ledger.set(row, state="sent", sent_at=ctx.now, holder="", done=done, refused=refused, error="")
    ctx.notice("delivery.sent", id=row.id, done=done, refused=refused)
    _finish(ctx, row)
    ctx.ledger.retire(row)
    return {"id": row.id, "state": "sent"}


def failed(ctx: Context, event: DeliveryFailed) -> dict[str, Any]:
    """It is not out, or not to everybody: again later, ever more rarely, until its time is over."""
    row = ctx.farm.deliveries.get(event.delivery)
    if row is None or row.state not in OPEN:
        return {"id": event.delivery, "state": row.state if row else "sent"}
    done = sorted({*row.done, *event.done})
    refused = {**row.refused, **event.refused}
    ctx.ledger.set(row, holder="", done=done, refused=refused, error=event.error[:LONGEST])
    if event.final or ctx.now >= row.expires_at:
        _give_up(ctx, row)
    else:
        wait = ctx.settings.mail_backoff * 2.0 ** min(row.attempts - 1, 30)
        ctx.ledger.set(row, state="retrying", next_at=ctx.now + min(wait, ctx.settings.mail_backoff_most))
        ctx.notice("delivery.retrying", id=row.id, error=row.error, next_at=row.next_at, attempts=row.attempts)
    return {"id": row.id, "state": row.state, "next_at": row.next_at}


def retry(ctx: Context, event: RetryDeliveries) -> dict[str, Any]:
    """Send these now, also those that were given up."""
    found = _idle(ctx, event.deliveries)
    for row in found:
        ends = ctx.now + ctx.settings.mail_patience
        state = "retrying" if row.state == "failed" else row.state
        ctx.ledger.set(row, state=state, next_at=ctx.now, expires_at=ends, holder="", refused={})
        about = {"logger": ctx.farm.loggers[row.logger_id].name, "schedule": row.schedule}
        ctx.notice("delivery.queued", id=row.id, **about, again=True)
    return {"noun": "delivery", "deliveries": [row.id for row in found]}


def drop(ctx: Context, event: DropDeliveries) -> dict[str, Any]:
    """Take these out of the outbox for good; their lines stay in the log."""
    found = _idle(ctx, event.deliveries)
    for row in found:
        name = ctx.farm.loggers[row.logger_id].name
        ctx.notice("delivery.dropped", id=row.id, logger=name, error=row.error, by=event.by)
        _finish(ctx, row)
        ctx.ledger.remove(row)
    return {"noun": "delivery", "deliveries": [row.id for row in found]}


def _idle(ctx: Context, numbers: list[int]) -> list[Delivery]:
    """These letters, when nobody is sending one of them."""
    found = [ctx.delivery(number) for number in numbers]
    for row in found:
        if possible.is_being_sent(row, ctx.now):
            raise WrongState(f"Delivery {row.id} is being sent by {row.holder}.", hint=f"delivery show {row.id}")
    return found


def recover(ctx: Context) -> None:
    """A master starts. Its clock may have been set back meanwhile: no letter waits longer than it ever would (F24)."""
    latest, ends = ctx.now + ctx.settings.mail_backoff_most, ctx.now + ctx.settings.mail_patience
    for row in ctx.farm.deliveries.values():
        if row.state in OPEN and (row.next_at > latest or row.expires_at > ends):
            ctx.ledger.set(row, next_at=min(row.next_at, latest), expires_at=min(row.expires_at, ends))


def expire(ctx: Context) -> None:
    """Who took a letter and said nothing has it no longer; what its time is over for is given up. With every tick."""
    for row in list(ctx.farm.deliveries.values()):
        if row.holder and not possible.is_being_sent(row, ctx.now):
            ctx.ledger.set(row, holder="")
        if row.state in OPEN and ctx.now >= row.expires_at and not row.holder:
            if not row.error:
                ctx.ledger.set(row, error="nobody has sent it: no brender notify took it in time")
            _give_up(ctx, row)


def _give_up(ctx: Context, row: Delivery) -> None:
    ctx.ledger.set(row, state="failed", holder="")
    ctx.notice("delivery.failed", id=row.id, error=row.error, refused=row.refused, attempts=row.attempts)
    over = [one for one in ctx.farm.deliveries.values() if one.state == "failed"]
    for old in over[: max(0, len(over) - ctx.settings.failed_deliveries)]:
        _finish(ctx, old)
        ctx.ledger.remove(old)


def _finish(ctx: Context, row: Delivery) -> None:
    """The lines of a letter are history."""
    for number in list(ctx.farm.watch.letters[row.id]):
        one = ctx.farm.records[number]
        ctx.ledger.set(one, state="over")
        ctx.ledger.retire(one)
