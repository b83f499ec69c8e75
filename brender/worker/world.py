"""What the world tells a worker's duty, and what a duty asks of the world: values only.

Orders of the master (core/orders.py) are inputs too. What is said to the master are the workers' events of
core/events.py with session 0: the master knows which session it heard them on. It must not know how anything is done.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from brender.core.events import Event, Result
from brender.core.orders import Order
from brender.worker.functions import Call
from brender.worker.gpus import Gpu
from brender.worker.stall import Sample

SOFT: Final = 15  # SIGTERM
HARD: Final = 9  # SIGKILL


# ---- in


class Connected(Struct):
    """A new connection to the master stands; nothing was said on it yet."""


class Cut(Struct):
    """The connection is gone."""


class Began(Struct):
    """An attempt runs now; pid 0: it has no process of its own."""

    attempt: int
    pid: int = 0


class Ended(Struct):
    """An attempt's process is gone (an open Blender: has done it), with an exit code or by a signal.

    `reason` is what its log says of it.
    """

    attempt: int
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    memory_mb: int = 0  # that it held at the most, 0: not known


class NotStarted(Struct):
    """A launch came to nothing."""

    attempt: int
    reason: str


class Published(Struct):
    """The outputs of an attempt were judged and given their final names, or not: then `reason` says why.

    `note` is what a person should look at in outputs that were published all the same (a black frame).
    """

    attempt: int
    reason: str = ""
    note: str = ""


class Orphaned(Struct):
    """The guardian of the processes died, and these attempts with it."""

    attempts: list[int]


class Beat(Struct):
    """It is time for a heartbeat; `warning` is what a person should know of the machine."""

    warning: str = ""


class Looked(Struct):
    """What attempts that are watched have done since they began."""

    samples: list[Sample]


class Tight(Struct):
    """Start nothing new, for this reason; empty: go on."""

    reason: str


class Leave(Struct):
    """The daemon is being shut down: give back, say bye, end what runs."""


Input = Order | Connected | Cut | Began | Ended | NotStarted | Published | Orphaned | Beat | Looked | Tight | Leave


# ---- out


class Launch(Struct):
    """Start this attempt in this slot. It will be answered by Began and Ended, or by NotStarted."""

    attempt: int
    slot: int
    call: Call
    gpus: tuple[Gpu, ...] = ()  # that are its own while it runs
    whole: bool = True  # nobody else has a part of them
    members: tuple[int, ...] = ()  # all attempts that it is for, where it is for several


class Signal(Struct):
    """Send this signal to everything the attempt started; what has ended already is left in peace."""

    attempt: int
    signum: int


class Turn(Struct):
    """What is to be done after a turn, in the order of the fields: nothing is sent before it is kept."""

    keep: list[Result] = field(default_factory=list)
    forget: list[int] = field(default_factory=list)  # numbers of results the outbox may drop
    epoch: int | None = None  # a newer epoch of the master was seen: remember it
    write: list[tuple[int, str]] = field(default_factory=list)  # [attempt, text] for its log
    # Judge these outputs, answer with Published; their slots may be used again at once.
    publish: list[int] = field(default_factory=list)
    signal: list[Signal] = field(default_factory=list)
    launch: list[Launch] = field(default_factory=list)
    over: list[int] = field(default_factory=list)  # these left their slots: close their logs
    send: list[Event] = field(default_factory=list)
    hangup: str = ""  # close the connection, for this reason
    left: bool = False  # the bye is said: the daemon may end
    wake_at: float | None = None  # call again at this time at the latest
