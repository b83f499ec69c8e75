"""Channels of a simulated farm: what a machine hosts, and what must be true of them whatever breaks.

A machine's half keeps the contract of daemon/channels.py over the real wire: it begins what is new or altered, keeps
what is the same, drops what is no longer its own, says so, and counts when it is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from brender.core.farm import Farm
from brender.core.ledger import Change
from brender.core.orders import ChannelSpec, CountChannels, Host
from brender.core.rows import TABLES
from brender.wire.packed import Message, frame

_FIELDS = {name: at for at, name in enumerate(TABLES["channel"].__struct_fields__)}
A_MACHINE: dict[str, Any] = {"roles": ["worker", "manager"], "probes": []}


class Hosting:
    """Of one life of a machine's daemon. `say` posts bytes to the master; `witness` is told what begins and ends."""

    def __init__(self, machine: int, dice: Random, say: Callable[[bytes], None], witness: Witness) -> None:
        self.machine, self.dice = machine, dice
        self.hosted: dict[int, ChannelSpec] = {}
        self.troubled: set[int] = set()  # said to be in error
        self.more = 0  # it says that it has so many more than the master knows of
        self.excused = False  # its link was cut, so its channels may have been given to others
        self._say, self._witness = say, witness

    def hear(self, message: Message) -> bool:
        if message.method == CountChannels.wire:
            census = message.params_as(CountChannels).census
            self._tell("worker.counted", {"census": census, "count": len(self.hosted) + self.more})
        elif message.method == Host.wire:
            self._host(message.params_as(Host))
        else:
            return False
        return True

    def _host(self, order: Host) -> None:
        keep = set(order.keep if order.keep is not None else self.hosted) - set(order.drop)
        for channel in sorted(self.hosted.keys() - keep):
            self._witness.dropped(self, channel)
            del self.hosted[channel]
        started, kept = [], []
        for spec in order.put:
            known = self.hosted.get(spec.id)
            if known is not None and not order.again and _alike(known, spec):
                kept.append(spec.id)
            else:
                self._witness.began(self, spec.id, known is not None)
                started.append(spec.id)
            self.hosted[spec.id] = spec
        self.troubled &= self.hosted.keys()
        if order.put:
            self._tell("worker.channels_ready", {"started": started, "kept": kept, "failed": []})
        if order.keep is not None:
            self.excused = False

    def beat(self, troubles: bool) -> None:
        """Now and then a probe fails, and is back at the next beat."""
        said = [(channel, "logging", "") for channel in sorted(self.troubled)]
        self.troubled.clear()
        if not said and troubles and self.hosted and self.dice.random() < 0.2:
            channel = self.dice.choice(sorted(self.hosted))
            self.troubled.add(channel)
            said = [(channel, self.dice.choice(["error", "stale"]), "no route")]
        if said:
            self._tell("worker.channel_states", {"channels": said})

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._say(frame([{"method": method, "params": params}]))


def _alike(one: ChannelSpec, other: ChannelSpec) -> bool:
    mine, theirs = asdict(one), asdict(other)
    return all(mine[name] == theirs[name] for name in mine if name not in ("name", "group"))


class Plan(Struct):
    """Channels that people asked for, by name, and whether they are to be there at the end."""

    acknowledged: set[str]
    deleted: set[str]  # asked to be, answered or not


class Witness:
    """What people asked of which channel, and what became of all others."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.plan = Plan(set(), set())
        self.broken: list[str] = []
        self._touched: Counter[int] = Counter()  # by channel: how often somebody asked something of it
        self._begun: Counter[tuple[int, int]] = Counter()  # by the life of a machine and channel
        self._disabled: set[int] = set()  # machines that were, so that what floats may have left them
        self._where: dict[int, int] = {}  # channel -> the worker that it was with

    def touch(self, channels: Iterable[int]) -> None:
        """Somebody asks something of these: they may stop, move or begin anew, and no others may."""
        self._touched.update(channels)

    def disabled(self, machine: int) -> None:
        """Somebody may have disabled this one; 0: any of them."""
        self._disabled.add(machine)

    # ---- what machines do

    def began(self, host: Hosting, channel: int, anew: bool) -> None:
        self.seen["began"] += 1
        if not anew:
            return
        self.seen["began anew"] += 1
        at = (id(host), channel)
        self._begun[at] += 1
        if self._begun[at] > self._touched[channel]:
            self.broken.append(f"channel {channel} of machine {host.machine} began anew and nobody had touched it")

    def dropped(self, host: Hosting, channel: int) -> None:
        self.seen["dropped"] += 1
        if not (self._touched[channel] or host.excused or self._disabled & {host.machine, 0}):
            self.broken.append(f"channel {channel} was taken from machine {host.machine} for no reason")

    # ---- what is on the disk

    def committed(self, changes: list[Change]) -> list[str]:
        """The promises that these changes, or machines before them, break."""
        broken, self.broken = self.broken, []
        for change in changes:
            if change.table != "channel" or change.op != "put":
                continue
            row = {name: change.values[at] for name, at in _FIELDS.items()}
            if row["state"] == "logging" and not row["manager_id"]:
                broken.append(f"channel {row['name']} logs nowhere")
            if row["manager_id"]:
                before = self._where.get(change.id, row["manager_id"])
                self._where[change.id] = row["manager_id"]
                self.seen["moved"] += row["manager_id"] != before
        return broken

    def at_start(self, farm: Farm) -> list[str]:
        """Acknowledged is durable."""
        names = {row.name for row in farm.channels.values()}
        lost = self.plan.acknowledged - self.plan.deleted - names
        return [f"channels {sorted(lost)} were acknowledged and are lost"] if lost else []

    def at_rest(self, farm: Farm, hosts: dict[int, Hosting]) -> list[str]:
        """All is quiet: each channel that is to log does so on one machine, and counts are true (CL-16, CL-30, CL-49).

        `hosts` by worker.
        """
        broken = []
        for worker, host in hosts.items():
            known = farm.hosting.of.get(worker, set())
            if set(host.hosted) != known:
                broken.append(f"machine {host.machine} hosts {sorted(host.hosted)}, the master counts {sorted(known)}")
        where = Counter(channel for host in hosts.values() for channel in host.hosted)
        for row in farm.channels.values():
            wanted = int(row.state != "stopped")
            if where[row.id] != wanted or (wanted and row.state != "logging"):
                broken.append(f"channel {row.name} is {row.state} and on {where[row.id]} machines")
        return broken


def chosen(counts: dict[int, int], many: int) -> list[int]:
    """Where so many channels belong, by the counts that were told: the fewest, of equals the lowest id (CL-15)."""
    counts, found = dict(counts), []
    for _ in range(many):
        best = sorted(counts, key=lambda worker: (counts[worker], worker))[0]
        counts[best] += 1
        found.append(best)
    return found
