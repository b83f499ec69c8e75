"""What is said between a duty and its master: the names on the wire, and what one turn has to tell.

It must not know framing or sockets: a message is a JSON-RPC object, here and in the tests' simulated links.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import asdict, replace

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
from brender.worker.berths import Berths
from brender.worker.stall import Stalls

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

    def messages(self, hello: Hello, unsaid: Iterable[Result], berths: Berths, stalls: Stalls) -> list[Event]:
        """All of it but the beat; after a hello everything is said again that the master may have missed.

        `hello` is what stands in every hello, `unsaid` are results that were kept and not told yet.
        """
        said, of = list[Event](), berths.of
        alive = [run for run in berths.running.values() if run.mine()]
        results: Iterable[Result] = [*self.again, *unsaid]
        started: Iterable[int] = self.started
        immortal: Iterable[int] = self.immortal
        if self.hello:
            running = [member for run in alive for member in run.mine()] + list(berths.queue)
            said.append(replace(hello, running=running, held=list(berths.kept.number_of)))
            results = berths.kept.held.values()
            started = [member for run in alive if run.begun for member in run.mine()]
            immortal = [member for run in alive if run.told for member in run.mine()]
            self.stalled = stalls.quiet
        if self.returned:
            said.append(Returned(0, self.returned))
        # A start whose end leaves in the same flush is no news.
        begun = [(attempt, of[attempt].pid) for attempt in started if attempt in of]
        if begun:
            said.append(Started(0, begun))
        said += in_parts([result for result in results if result.number in berths.kept.held])
        stuck = [(attempt, of[attempt].pid) for attempt in immortal if attempt in of]
        if stuck:
            said.append(Immortal(0, stuck))
        still = [(attempt, seconds) for attempt, seconds in self.stalled.items() if attempt in of]
        if still:
            said.append(Stalled(0, still))
        return said


def in_parts(results: list[Result]) -> list[Event]:
    """Bounded messages: after a long night alone an outbox may hold more than one frame can carry."""
    step = RESULTS_A_MESSAGE
    return [Results(0, results[at : at + step]) for at in range(0, len(results), step)]
