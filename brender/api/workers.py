"""The machines of a farm: who is there, who may work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from brender.api.rows import Row, Rows, references
from brender.errors import NotFound


class Worker(Row):
    """A machine that renders. Beside these properties: `worker["slots"]`, `["functions"]`, `["facts"]`, …"""

    noun = "worker"

    @property
    def enabled(self) -> bool:
        """Whether it may take tasks; people decide that."""
        return self.state == "enabled"

    @property
    def state(self) -> str:
        """enabled or disabled."""
        return str(self["state"])

    @property
    def presence(self) -> str:
        """online, lost or offline."""
        return str(self["presence"])

    @property
    def activity(self) -> str:
        """idle, busy or draining; empty while it is away."""
        return str(self["activity"])

    @property
    def tags(self) -> list[str]:
        """What steps may ask for."""
        return list(self["tags"])

    def enable(self) -> None:
        """Let it take tasks."""
        self._switch("enable", "enabled")

    def disable(self) -> None:
        """Give it no more tasks; what it runs goes on to its end."""
        self._switch("disable", "disabled")

    def set(self, *, version: int | None = None, **values: Any) -> None:
        """Change name, tags, config or warning. Raises Conflict when it is not at that version any more."""
        self._set({"workers": [self.id]}, values, version)

    def delete(self) -> None:
        """Forget it; it has to be away."""
        self.farm.ask("worker.delete", {"workers": [self.id]})

    def why(self) -> dict[str, Any]:
        """Why it is idle, or what it does: {"subject", "state", "reasons": [{"rule", "text", "next"}, …]}."""
        return self.farm.why(self.name)

    def _switch(self, verb: str, state: str) -> None:
        self.farm.ask(f"worker.{verb}", {"workers": [self.id]})
        self.data = {**self.data, "state": state, "admin_state": state}

    def _show(self) -> dict[str, Any]:
        found: dict[str, Any] = self.farm.ask("worker.show", {"workers": [self.id]})["workers"][0]
        return found

    def _set(self, selector: dict[str, Any], values: dict[str, Any], version: int | None) -> None:
        super()._set(selector, values, version)
        self.data["state"] = self.data["admin_state"]

    def __repr__(self) -> str:
        told = [str(self.data[key]) for key in ("state", "presence") if key in self.data]
        return f"<Worker {self.name} (id {self.id}): {', '.join(told)}>"


class Workers(Rows[Worker]):
    """The workers of the farm. Selectors are those of the prompt: names, ids, globs, `online`, `tag=gpu`, `all`, …"""

    noun = "worker"
    _row = Worker

    def __getitem__(self, name: str | int) -> Worker:
        """The worker of this name or id. Raises NotFound with the nearest names."""
        found = self.farm.ask("worker.show", {"workers": [name]})["workers"]
        if len(found) == 1 and name in (found[0]["name"], found[0]["id"], found[0]["hostname"], found[0]["mac"]):
            return Worker(self.farm, found[0])
        raise NotFound(
            f"There is no worker {name!r}.", hint=f"For those that a selector means: farm.workers.select({name!r})."
        )

    def select(self, *which: str | int | Worker) -> Iterator[Worker]:
        """Those that the selectors mean, as a union; all when there is none."""
        return self._all({"workers": references(which)} if which else {})

    def enable(self, *which: str | int | Worker) -> dict[str, Any]:
        """Let them take tasks: {"state", "changed": [{"id", "name"}, …], "unchanged": […]}."""
        found: dict[str, Any] = self.farm.ask("worker.enable", {"workers": references(which)})
        return found

    def disable(self, *which: str | int | Worker) -> dict[str, Any]:
        """Give them no more tasks; answers as `enable` does."""
        found: dict[str, Any] = self.farm.ask("worker.disable", {"workers": references(which)})
        return found

    def add(self, name: str, *, mac: str, **values: Any) -> Worker:
        """Make a worker known before it connects: tags, config, admin_state."""
        answer = self.farm.ask("worker.add", {"name": name, "values": {"mac": mac, **values}})
        return Worker(self.farm, {"id": answer["row"]["id"], "name": answer["row"]["name"]})
