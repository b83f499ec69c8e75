"""One TCP connection of a machine: in order, delayed; it can be cut (both learn of it in time) or fall silent.

Silent is a half-open link: bytes wait in the network until it heals or the link is given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .clockwork import Clockwork

if TYPE_CHECKING:
    from .machine import Machine
    from .master import Master

USER_TIMEOUT = 3.0  # seconds after which an end gives up a silent link (scaled like all timers here)


class Link:
    """`session` is the number under which the master knows it."""

    def __init__(self, clock: Clockwork, machine: Machine, master: Master) -> None:
        self.session = 0
        self.machine = machine
        self.master = master
        self._clock = clock
        self._silent = False
        self._machine_open = True
        self._master_open = True
        self._last = [0.0, 0.0]
        self._held: list[tuple[int, bytes]] = []

    def send(self, up: int, data: bytes) -> None:
        """`up` 1: to the master, 0: to the machine."""
        at = max(self._last[up], self._clock.now + self._clock.chance.uniform(0.0005, 0.02))
        self._last[up] = at
        self._clock.after(at - self._clock.now, lambda: self._arrive(up, data))

    def _arrive(self, up: int, data: bytes) -> None:
        if self._silent:
            self._held.append((up, data))
        elif up and self._master_open:
            self.master.receive(self, data)
        elif not up and self._machine_open:
            self.machine.receive(self, data)

    def cut(self, patience: float = 1.0) -> None:
        """Broken: each end learns of it after a while; what was on its way up may still arrive before that."""
        self._silent = False
        if self._clock.chance.random() < 0.5:
            self._last[1] = self._clock.now + 10_000  # nothing sent from now on arrives
        self._clock.after(self._clock.chance.uniform(0, patience), self.machine_end)
        self._clock.after(self._clock.chance.uniform(0, patience), self.master_end)

    def machine_end(self) -> None:
        if self._machine_open:
            self._machine_open = False
            self.machine.cut(self)

    def master_end(self) -> None:
        if self._master_open:
            self._master_open = False
            self.master.gone(self)

    def closed_by_machine(self) -> None:
        """The daemon is gone: its kernel says so soon."""
        self._machine_open = False
        self._clock.after(self._clock.chance.uniform(0.001, 0.05), self.master_end)

    def closed_by_master(self) -> None:
        self._master_open = False
        self._clock.after(self._clock.chance.uniform(0.001, 0.05), self.machine_end)

    def power_lost(self) -> None:
        """The machine is dark: nobody tells the master; keepalive will."""
        self._machine_open = False
        self._silent = True
        self._clock.after(USER_TIMEOUT + self._clock.chance.uniform(0, 9.0), self.master_end)

    def fall_silent(self) -> None:
        if not self._silent:
            self._silent = True
            self._clock.after(USER_TIMEOUT, self._give_up)

    def _give_up(self) -> None:
        if self._silent:
            self.machine_end()

    def heal(self) -> None:
        """What was held is delivered in order, or the link turns out to be dead."""
        if not self._silent:
            return
        self._silent = False
        held, self._held = self._held, []
        if not self._machine_open or self._clock.chance.random() < 0.3:
            self.cut(0.2)
            return
        for up, data in held:
            self._arrive(up, data)
