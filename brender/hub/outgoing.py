"""What leaves the hub once it is on the disk: orders to machines, answers to whoever asked, events to whoever listens.

It must not know when that is, nor the farm.
"""

from __future__ import annotations

import logging
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from brender.commands import text
from brender.commands.table import Row
from brender.core.orders import Hangup, Host, Order
from brender.errors import BrenderError, InternalError
from brender.hub.links import Link
from brender.wire.feed import Feed, matches
from brender.wire.messages import Reply, Request
from brender.wire.packed import frame

log = logging.getLogger("brender.hub")


class Asked(Struct):
    """A request that became an event: whom to answer when its turn is on the disk."""

    link: Link
    request: Request
    row: Row


def send_orders(links: dict[int, Link], orders: list[tuple[int, Order]]) -> None:
    """All orders for one session leave in one frame."""
    by_session: dict[int, list[Order]] = {}
    for session, order in orders:
        by_session.setdefault(session, []).append(order)
    for session, batch in by_session.items():
        link = links.get(session)
        if link is None:
            continue
        if link.conversation.kind == "packed":
            for part in _in_frames(batch):
                link.send(frame([{"method": order.wire, "params": asdict(order)} for order in part]))
        if any(isinstance(order, Hangup) for order in batch):
            link.hang_up()


def publish(links: dict[int, Link], feed: Feed, notices: list[tuple[str, dict[str, Any]]]) -> None:
    """Number what happened and send it to those who listen, encoded once for all who speak alike."""
    listeners = [link for link in links.values() if link.topics]
    for topic, data in notices:
        notice = feed.publish(topic, data)
        encoded: dict[str, bytes] = {}
        for link in listeners:
            if matches(topic, link.topics):
                link.tell(notice, encoded, feed)


def reply(link: Link, request: Request, row: Row | None, found: Any) -> None:
    """Answer with data, an error, or nothing where the old protocol has no answer."""
    if isinstance(found, BrenderError):
        if isinstance(found, InternalError):
            log.error("%s: %s", link.peer, found.sentence(), exc_info=found.__cause__)
        link.answer(request, Reply(error=found))
    elif row is not None and row.silent:
        link.done()
        if link.conversation.kind == "legacy-json":
            link.hang_up()
    elif row is None or row.reads is not None:
        link.answer(request, Reply(result=found))
    else:
        name, asked = row.name, request.words or ()
        link.answer(request, Reply(result=found, text=lambda size: text.render(name, found, size, asked)))


def bid_farewell(link: Link, request: Request) -> None:
    """The last word to somebody who leaves."""
    link.bye = True
    link.answer(request, Reply(result={"bye": True}, text=lambda _: "Bye."))
    link.hang_up()


def _in_frames(batch: list[Order]) -> list[list[Order]]:
    """All orders of a session leave in one frame, but those that list hundreds of channels in one each: a frame is
    bounded. Their order stays."""
    if len(batch) == 1 or not any(isinstance(order, Host) and order.put for order in batch):
        return [batch]
    return [[order] for order in batch]
