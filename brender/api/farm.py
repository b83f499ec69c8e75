"""A farm to talk to from Python: `farm = brender.connect("host:6000")`. Everything else of the API hangs on it."""

from __future__ import annotations

import os
import weakref
from typing import Any

from brender.address import MASTER_VARIABLE
from brender.api.connection import PATIENCE, TIMEOUT, Connection
from brender.api.events import Events
from brender.api.jobs import Jobs
from brender.api.limits import Limits
from brender.api.link import Master
from brender.api.presets import Presets
from brender.api.projects import Projects
from brender.api.workers import Workers


def connect(master: str = "", *, name: str = "", timeout: float = TIMEOUT, patience: float = PATIENCE) -> Farm:
    """A farm, by the address HOST:PORT of its master; without one $BRENDER_MASTER, else this machine.

    `name` says who you are (default: the user). An answer may take `timeout` seconds; a master that went away is
    waited for `patience` seconds. Raises NoMaster when nobody answers now.
    """
    origin = "" if master else MASTER_VARIABLE
    there = master or os.environ.get(MASTER_VARIABLE, "")
    return Farm(Connection(Master(there, origin if there else "", name), timeout, patience))


class Farm:
    """A render farm. Safe for threads. Use it with `with`, or `close` it."""

    def __init__(self, connection: Connection) -> None:
        """Made by `connect`."""
        self._connection = connection
        self._events: weakref.WeakSet[Events] = weakref.WeakSet()
        greeting = connection.greet()
        self.name: str = greeting["name"]
        self.role: str = greeting["role"]
        self.workers = Workers(self)
        self.jobs = Jobs(self)
        self.projects = Projects(self)
        self.limits = Limits(self)
        self.presets = Presets(self)

    @property
    def master(self) -> Master:
        """Where the master is, and who we say we are: what the rest of the API dials."""
        return self._connection.master

    @property
    def place(self) -> str:
        """HOST:PORT of the master."""
        return self.master.place

    @property
    def patience(self) -> float:
        """Seconds for which a master that went away is waited for."""
        return self._connection.patience

    def call(self, method: str, /, **params: Any) -> Any:
        """Any command by its method, such as `farm.call("farm.why", what="shot")`; docs/commands.md lists them all."""
        return self._connection.ask(method, params)

    def ask(self, method: str, params: dict[str, Any] | None = None, timeout: float | None = None) -> Any:
        """The same with the parameters as a dict, and seconds for this one answer."""
        return self._connection.ask(method, params or {}, timeout)

    def status(self) -> dict[str, Any]:
        """How the farm is: workers, slots, jobs, tasks, version, uptime, …"""
        found: dict[str, Any] = self.ask("farm.status")
        return found

    def why(self, what: str | int, task: int | None = None) -> dict[str, Any]:
        """Why a worker, job, JOB/STEP or a task of it does not run: {"subject", "state", "reasons": […]}."""
        found: dict[str, Any] = self.ask("farm.why", {"what": what, **({} if task is None else {"task": task})})
        return found

    def events(self, *topics: str, since: int | None = None) -> Events:
        """What happens from now on, or after the event number `since`, on some topics (globs); all without one."""
        made = Events(self.master, topics, since, self.patience)
        self._events.add(made)
        return made

    def close(self) -> None:
        """Hang up, and end all `events` of this farm."""
        self._connection.close()
        for made in list(self._events):
            made.close()

    def __enter__(self) -> Farm:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Farm at {self.place}>"
