"""People and the channels of a simulated farm: these are added, altered, moved and deleted while everything breaks.

When all is well again a manager dies on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from functools import partial
from typing import TYPE_CHECKING, Any

from brender.core import events as ev
from brender.core.farm import Farm

from .channels import Hosting, chosen
from .verdict import Broken

if TYPE_CHECKING:
    from .farmhouse import Farmhouse
    from .master import Master

MOVED = 1.0  # seconds in which channels are placed: the grace, the census, and links and disk at their worst


class Household:
    """Of one simulated farm."""

    def __init__(self, house: Farmhouse) -> None:
        self._house = house
        self._chance = house.chance
        self._witness = house.verdict.channels

    @property
    def _master(self) -> Master:
        assert self._house.master is not None
        return self._house.master

    @property
    def _farm(self) -> Farm:
        farm: Farm = self._master.farm
        return farm

    def plan(self, troubled: float) -> None:
        """What people do in the seconds in which things break."""
        chance, after = self._chance, self._house.clock.after
        for number in range(chance.randint(0, 3)):
            after(chance.uniform(0, troubled - 2), partial(self._add, f"ch-{number}"))
        for _ in range(chance.randint(0, 8)):
            after(chance.uniform(1, troubled - 1), self._touch)

    def _add(self, prefix: str) -> None:
        """Some that float and, where a worker is known, one that is pinned."""
        names = [f"{prefix}.{number}" for number in range(self._chance.randint(1, 6))]
        given: list[dict[str, Any]] = [{"name": name, "type": "easy"} for name in names]
        master = self._house.master
        workers = sorted(master.farm.workers) if master is not None and not master.dead else []
        if workers and self._chance.random() < 0.5:
            given[-1]["manager_id"] = self._chance.choice(workers)
        self._house.insist(ev.AddChannels(given), lambda: self._witness.plan.acknowledged.update(names))

    def _touch(self) -> None:
        """One of them is altered, stopped, moved or deleted; whether it is refused does not matter."""
        master, chance = self._house.master, self._chance
        if master is None or master.dead or not master.farm.channels:
            return
        row = master.farm.channels[chance.choice(sorted(master.farm.channels))]
        self._witness.touch([row.id])
        act = chance.choice(["alter", "alter", "delete", "start", "stop", "restart", "move"])
        if act == "alter":
            master.ask(ev.Update("channel", [row.id], {"params": {"period": chance.choice([0.5, 1.0, 2.0])}}))
        elif act == "delete":
            self._witness.plan.deleted.add(row.name)
            master.ask(ev.Delete("channel", [row.id]))
        elif act == "move":
            master.ask(ev.MoveChannels([row.id], chance.choice([0, *sorted(master.farm.workers)])))
        else:
            master.ask(ev.SwitchChannels([row.id], act))

    def admin(self, worker: int) -> None:
        """Somebody enables or disables a worker, 0: or may take that back, of any."""
        self._witness.disabled(self._machine_of(worker) if worker else 0)

    def go_on(self) -> None:
        """Healing: what was stopped is started."""
        stopped = [row.id for row in self._farm.channels.values() if row.state == "stopped"]
        if stopped:
            self._witness.touch(stopped)
            self._master.ask(ev.SwitchChannels(stopped, "start"))

    def unfinished(self) -> list[str]:
        """What does not log yet, or not where it should."""
        return self._witness.at_rest(self._farm, self._hosts())

    def move_house(self) -> None:
        """All is well. New channels go where the fewest are by what managers say at that moment; one is deleted; then a
        manager dies, and all that floats on it logs elsewhere within the bound (CL-15, CL-16, CL-49)."""
        farm, hosts = self._farm, self._hosts()
        self._chance.choice(list(hosts.values())).more = self._chance.choice([0, 1, 4])
        counts = {worker: len(host.hosted) + host.more for worker, host in hosts.items()}
        names = [f"last-{number}" for number in range(6)]
        self._master.ask(ev.AddChannels([{"name": name, "type": "easy"} for name in names]))
        self._until(lambda: self._all_log(names), "new channels log")
        where = [farm.channels[farm.names["channel", 0, name]].manager_id for name in names]
        if where != chosen(counts, len(names)):
            raise Broken(f"managers said {counts}, channels went to {where}, not to {chosen(counts, len(names))}")
        self._witness.touch([farm.names["channel", 0, "last-0"]])
        self._master.ask(ev.Delete("channel", [farm.names["channel", 0, "last-0"]]))
        self._until(lambda: not self.unfinished() and farm.channel_named("last-0") is None, "a deleted one is gone")
        worker = self._chance.choice(sorted(hosts))
        self._house.machines[self._machine_of(worker) - 1].kill()
        floating = [row.name for row in farm.channels.values() if row.placement == "floating"]
        self._until(lambda: self._all_log(floating, hosts.keys() - {worker}), "what floated logs elsewhere")

    def _machine_of(self, worker: int) -> int:
        row = self._farm.workers.get(worker)
        return int(row.name.removeprefix("w")) if row is not None else 0

    def _hosts(self) -> dict[int, Hosting]:
        """What the machines that are up host, by worker."""
        machines = {machine.number: machine for machine in self._house.machines if machine.up}
        numbers = {worker: self._machine_of(worker) for worker in self._farm.workers}
        return {worker: machines[number].hosting for worker, number in numbers.items() if number in machines}

    def _all_log(self, names: Iterable[str], where: Set[int] | None = None) -> bool:
        farm = self._farm
        rows = [farm.channels.get(farm.names.get(("channel", 0, name), 0)) for name in names]
        return all(
            row is not None and row.state == "logging" and (where is None or row.manager_id in where) for row in rows
        )

    def _until(self, question: Callable[[], bool], what: str) -> None:
        clock = self._house.clock
        if not clock.run(clock.now + MOVED, question):
            raise Broken(f"not within {MOVED:g} s: {what}")
