"""The command that wakes machines over the network."""

from __future__ import annotations

from typing import Annotated

from brender.commands.calls import Call, Packet, Wake
from brender.commands.kinds import Arg
from brender.commands.workers import Selected
from brender.core import wakes
from brender.core.rows import Worker

BROADCAST = "255.255.255.255:9"
WHERE = "wake"  # in a worker's config: HOST:PORT of the broadcast that reaches it


def wake(
    call: Call,
    workers: Selected,
    *,
    when_needed: Annotated[
        bool, Arg(text="only enabled machines that work waits for, and no more than it needs")
    ] = False,
) -> Wake:
    """Wake machines that are away, over the network (wake-on-LAN).

    The master sends the magic packet for their network card.

    It goes to the broadcast address of the master's network, or to what the worker's config says: wake=10.0.7.255:9.
    """
    woken, passed = wakes.sleepers(call.farm, workers, when_needed)
    return Wake(
        [Packet(worker.id, worker.name, worker.mac, _where(worker)) for worker in woken],
        [{"id": worker.id, "name": worker.name, "reason": reason} for worker, reason in passed],
    )


def _where(worker: Worker) -> str:
    found = worker.config.get(WHERE)
    return found if isinstance(found, str) and found else BROADCAST
