"""What is said between a duty and its master: the names on the wire, and what one turn has to tell.

It must not know framing or sockets: a message is a JSON-RPC object, here and in the tests' simulated links.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import asdict

from brender.core.events import (
    Disconnected,
    Event,
    Heartbeat,
    Hello,
    Immortal,
    Result,
    Results,
    Returned,
    Stalled,
    Started,
)
from brender.core.orders import Ack, Drop, Hangup, Order, Recall, Run, Stop, Waiting, Welcome

RESULTS_A_MESSAGE: Final = 2000
METHODS: Final[dict[type[Event], str]] = {
    Hello: "worker.hello",
    Heartbeat: "worker.heartbeat",
    Started: "worker.started",
    Results: "worker.results",
    Returned: "worker.returned",
    Immortal: "worker.immortal",
    Stalled: "worker.stalled",
    Disconnected: "worker.bye",
}
ORDERS: Final[dict[str, type[Order]]] = {
    kind.wire: kind for kind in (Welcome, Run, Recall, Stop, Waiting, Drop, Ack, Hangup)
}


def message(event: Event) -> dict[str, Any]:
    """The JSON-RPC notification that says this to the master, who knows himself on which session he heard it."""
    params = asdict(event)
    for own in ("session", "bye"):
        params.pop(own, None)
    return {"jsonrpc": "2.0", "method": METHODS[type(event)], "params": params}


class Say:
    """What there is to tell the master besides the results that are kept. Attempts by id."""

    __slots__ = ("again", "beat", "hello", "immortal", "returned", "stalled", "started")

    def __init__(self) -> None:
        self.hello = False
        self.again: list[Result] = []
        self.returned: list[int] = []
        self.started: list[int] = []
        self.immortal: list[int] = []
        self.stalled: dict[int, float] = {}  # for so many seconds; 0: it moves again
        self.beat: str | None = None

    @property
    def urgent(self) -> bool:
        """Whether the master waits for it: anything but starts and ends of tasks."""
        return self.hello or self.beat is not None or bool(self.again or self.returned or self.immortal or self.stalled)


def in_parts(results: list[Result]) -> list[Event]:
    """Bounded messages: after a long night alone an outbox may hold more than one frame can carry."""
    step = RESULTS_A_MESSAGE
    return [Results(0, results[at : at + step]) for at in range(0, len(results), step)]
