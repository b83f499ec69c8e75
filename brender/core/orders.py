"""All that the core can ask of the world. Orders leave only after the changes of their turn are on the disk.

An order is for a session (one connection of one worker). It knows no wire: hub/ encodes it as
{"method": <wire name>, "params": {...}}.
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct, field


class StepSpec(Struct):
    """What a worker must know of a step to run its tasks."""

    id: int
    job: int
    name: str
    job_name: str
    function: str
    params: list[Any] | dict[str, Any]
    frames: str = ""
    chunk: int = 1
    timeout: float | None = None
    needs: dict[str, float] = field(default_factory=dict)  # fit.NEEDS; the worker gives out its GPUs by it
    stalled_after: float | None = None  # seconds without a sign of life; None: as the worker's own flags say
    stop_stalled: bool = False


class Order(Struct):
    """Base: one message to one worker."""

    wire: ClassVar[str] = ""


class Welcome(Order):
    """Answer to Hello: who you are here, how often to speak, and which attempts are no longer yours."""

    wire: ClassVar[str] = "welcome"
    worker: int
    name: str
    epoch: int
    heartbeat: float  # seconds between heartbeats
    drop: list[int] = field(default_factory=list)


class Run(Order):
    """Tasks of one step to run, as [attempt, task index], in this order.

    `together`: one process may take all of them that have not gone another way when it starts.
    """

    wire: ClassVar[str] = "run"
    epoch: int
    step: StepSpec
    tasks: list[tuple[int, int]]
    together: bool = False


class Recall(Order):
    """Give back what has not started; what has, goes on."""

    wire: ClassVar[str] = "recall"
    attempts: list[int]


class Stop(Order):
    """End these by the stop ladder (soft, hard, immortal); not started ones end at once."""

    wire: ClassVar[str] = "stop"
    attempts: list[int]


class Waiting(Order):
    """Which of this worker's attempts must not be stopped or timed out now: all of them, none is left out (SP-30)."""

    wire: ClassVar[str] = "waiting"
    attempts: list[int]


class Drop(Order):
    """These are no longer yours: end them and publish nothing."""

    wire: ClassVar[str] = "drop"
    attempts: list[int]


class Ack(Order):
    """These results are on the master's disk (or stale): forget them. Numbers of the worker's outbox."""

    wire: ClassVar[str] = "ack"
    results: list[int]


class ChannelSpec(Struct, omit_defaults=True):
    """What a manager must know of a channel to host it. What a probe says is kept as (value + add) * mul."""

    id: int
    name: str
    type: str
    params: dict[str, Any] = field(default_factory=dict)
    device: int = 0
    driver: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    mul: float = 1.0
    add: float = 0.0
    group: str = ""


class Host(Order):
    """Channels to host from now on, new or altered, and to give up. `all`: you have no others than those in `keep`."""

    wire: ClassVar[str] = "host"
    put: list[ChannelSpec] = field(default_factory=list)
    drop: list[int] = field(default_factory=list)
    keep: list[int] | None = None
    again: bool = False  # those in `put` begin anew, also where nothing of them has changed


class CountChannels(Order):
    """Say how many channels you have, at once."""

    wire: ClassVar[str] = "count_channels"
    census: int


class Hangup(Order):
    """Close this session: a newer one of the same worker took over, or the worker was deleted."""

    wire: ClassVar[str] = "hangup"
    reason: str
