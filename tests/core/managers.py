"""Managers that do what they are told, for whoever tries channels: they host, count and die."""

from __future__ import annotations

from typing import Any

from brender.core import events as ev
from brender.core.orders import CountChannels, Host
from brender.core.rows import Channel
from core.builders import Stage

MANAGER = {"roles": ["worker", "manager"], "probes": ["host", "http"]}


class Managers:
    """Managers that do what they are told at once; `silent` ones do not answer a census, `deaf` ones nothing."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.hosts: dict[int, dict[int, Any]] = {}
        self.begun: list[int] = []  # channels in the order in which they began anywhere
        self.silent: set[int] = set()
        self.deaf: set[int] = set()

    def hello(self, name: str, **values: Any) -> int:
        config = {**MANAGER, **values.pop("config", {})}
        worker = self.stage.worker(name, config=config, **values)
        self.hosts.setdefault(worker, {})
        self.play()
        return worker

    def dies(self, worker: int) -> None:
        """kill -9: the connection ends, and nothing of it is left."""
        self.stage.do(ev.Disconnected(self.stage.session(worker)))
        self.hosts[worker] = {}
        self.stage.inbox.pop(worker, None)

    def play(self) -> None:
        """Carry out orders until there are none, and take the turns that the farm wants at once."""
        hosting = self.stage.farm.hosting
        while True:
            orders = [(w, o) for w in list(self.hosts) if w not in self.deaf for o in self.stage.orders(w)]
            if not orders and (hosting.due() or self.stage.now + 1) > self.stage.now:
                return
            if not orders:
                self.stage.do(ev.PlaceChannels())
            for worker, order in orders:
                if self.stage.farm.loads[worker].session is not None:
                    self._carry_out(worker, order)

    def _carry_out(self, worker: int, order: Any) -> None:
        mine, session = self.hosts[worker], self.stage.session(worker)
        if isinstance(order, CountChannels) and worker not in self.silent:
            self.stage.do(ev.Counted(session, order.census, len(mine)))
        elif isinstance(order, Host):
            keep = order.keep if order.keep is not None else list(mine)
            for gone in [one for one in mine if one not in keep or one in order.drop]:
                del mine[gone]
            kept = [one.id for one in order.put if mine.get(one.id) == one and not order.again]
            started = [one.id for one in order.put if one.id not in kept]
            mine.update((one.id, one) for one in order.put)
            self.begun += started
            self.stage.do(ev.ChannelsReady(session, started, kept))

    def counts(self) -> list[int]:
        return [len(mine) for mine in self.hosts.values()]


def add(managers: Managers, *names: str, **values: Any) -> list[Channel]:
    farm = managers.stage.farm
    managers.stage.do(ev.AddChannels([{"name": name, **values} for name in names]))
    managers.play()
    return [farm.channels[farm.names["channel", 0, name]] for name in names]
