"""Commands about letters: what waits, what was given up, again; and what `brender notify` asks for and reports."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import asdict

from brender.commands.calls import Call, Lookup
from brender.commands.kinds import Arg, Kind, Others
from brender.commands.offers import Offer, starting
from brender.commands.selection import as_id
from brender.core import events
from brender.core.farm import Farm
from brender.core.rows import Delivery
from brender.core.rules.deliveries import letter
from brender.errors import Invalid, NotFound

MOST = 1000


class DeliveryRefs(Kind):
    """Some letters that are not sent: by id, `failed`, or `all`."""

    wire = str | int | list[str | int]
    expects = "a delivery's id, failed, or all"
    many = True
    required = True

    def parse(self, call: Call, value: Any, others: Others) -> list[Delivery]:
        words = value if isinstance(value, list) else [value]
        if not words:
            raise Invalid("No delivery selected. Name one by its id, or use 'failed' or 'all'.", hint="delivery list")
        found: dict[int, Delivery] = {}
        for word in words:
            for row in _deliveries(call.farm, word):
                found[row.id] = row
        return [found[number] for number in sorted(found)]

    def complete(self, call: Call, prefix: str, others: Others) -> list[Offer]:
        return starting(prefix, [*(str(number) for number in call.farm.deliveries), "all", "failed"])


def _deliveries(farm: Farm, word: str | int) -> list[Delivery]:
    if word in ("all", "failed"):
        return [
            row
            for row in farm.deliveries.values()
            if row.state == "failed" or (word == "all" and not (row.holder and row.next_at > farm.now))
        ]
    found = farm.deliveries.get(as_id(word) or 0)
    if found is None:
        raise NotFound(f"There is no delivery {word!r}, or it is sent.", hint="delivery list --sent")
    return [found]


Some = Annotated[list[Delivery], DeliveryRefs(), Arg(text="which letters")]
Id = Annotated[int, Meta(ge=1), Arg(text="which letter")]
People = Annotated[dict[str, str] | None, Arg(text="recipients, and why not")]


def listing(
    call: Call,
    state: Annotated[Literal["queued", "retrying", "failed"] | None, Arg(text="only those")] = None,
    *,
    sent: Annotated[bool, Arg(text="those that are sent, the newest first")] = False,
    limit: Annotated[int, Meta(ge=1, le=MOST), Arg(text="so many at the most")] = 50,
    offset: Annotated[int, Meta(ge=0, le=100_000), Arg(text="so many are passed over")] = 0,
) -> Any:
    """List the letters that are not sent, and whether anybody is there to send them."""
    farm = call.farm
    if sent:
        names = {row.id: row.name for row in farm.loggers.values()}
        return Lookup(
            "deliveries_of",
            (limit, offset),
            lambda found: {"deliveries": [line(row, names) for row in found], "sent": True, "now": call.now},
        )
    names = {row.id: row.name for row in farm.loggers.values()}
    found = [row for row in farm.deliveries.values() if state in (None, row.state)]
    rows = [{**line(row, names), "lines": len(farm.watch.letters[row.id])} for row in found[offset : offset + limit]]
    asked = None if farm.watch.asked_at is None else call.now - farm.watch.asked_at
    said = {"sent": False, "total": len(found), "offset": offset, "now": call.now, "asked": asked}
    return {"deliveries": rows, **said}


def line(row: Delivery, names: dict[int, str]) -> dict[str, Any]:
    """A letter with the name of its logger, of these."""
    return {**asdict(row), "logger": names.get(row.logger_id, "")}


def show(call: Call, deliveries: Some) -> dict[str, Any]:
    """Show letters that are not sent, line by line, and what stands in their way."""
    return {"deliveries": [letter(call.farm, row) for row in deliveries], "now": call.now}


def retry(call: Call, deliveries: Some) -> events.Event:
    """Send letters at once, also those that were given up."""
    return events.RetryDeliveries([row.id for row in deliveries], call.who.name)


def drop(call: Call, deliveries: Some) -> events.Event:
    """Take letters out of the outbox: nobody gets them (any more). What they say stays in the log."""
    return events.DropDeliveries([row.id for row in deliveries], call.who.name)


def take(
    call: Call,
    holder: Annotated[str, Meta(min_length=1, max_length=255), Arg(text="who will send it")],
    *,
    fresh: Annotated[bool, Arg(text="it has just started: what it took before is not under way")] = False,
) -> events.Event:
    """Give out the letter that is due longest, with its lines; whoever takes it reports what became of it."""
    return events.TakeDelivery(holder, fresh)


def sent(
    call: Call,
    delivery: Id,
    *,
    done: Annotated[list[str] | None, Arg(text="recipients that have it")] = None,
    refused: People = None,
) -> events.Event:
    """Report that a letter is out."""
    return events.DeliverySent(delivery, done or [], refused or {})


def failed(
    call: Call,
    delivery: Id,
    error: Annotated[str, Arg(text="why")],
    *,
    done: Annotated[list[str] | None, Arg(text="recipients that have it all the same")] = None,
    refused: People = None,
    final: Annotated[bool, Arg(text="no later attempt can help")] = False,
) -> events.Event:
    """Report that a letter is not out, or not to everybody: it is tried again, ever more rarely."""
    return events.DeliveryFailed(delivery, error, done or [], refused or {}, final)
