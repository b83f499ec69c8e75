"""A master's parts on a port of this process, and who speaks to it in lines of JSON. It must not know what is tested.

Every wait has a deadline. The farm's own digests are not there: an hour may begin in a test.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent import socket

from brender.config import DEFAULT
from brender.core import events as ev
from brender.core import farm as rows
from brender.core.engine import Core
from brender.hub.clock import SteadyClock
from brender.hub.hub import Hub
from brender.hub.port import Port
from brender.hub.readings import Readings
from brender.hub.writer import Writer
from brender.storage.keeper import open_keeper
from brender.storage.terms import Terms
from brender.store import Store
from brender.wire.feed import Feed
from brender.wire.session import Conversation

LIMIT_S = 60.0


class Farm:
    """`ahead`: seconds by which somebody has set the clock on the wall; `fill` puts rows into the farm before all."""

    def __init__(self, folder: Path, ahead: float = 0.0, fill: Callable[[rows.Farm], None] = lambda farm: None) -> None:
        self.ahead = ahead
        store = Store.open(folder)
        self.farm = store.load()
        self.farm.epoch = store.next_epoch()
        fill(self.farm)
        self.faults: list[Exception] = []
        self.writer = Writer(store, self.faults.append)
        self.core = Core(self.farm)
        self.clock = SteadyClock(lambda: time.time() + self.ahead)
        self.keeper = open_keeper(folder, "me", terms=Terms(reserve_bytes=0), now=self.clock.now)
        self.readings = Readings(self.keeper, self.farm, self.clock.wall)
        self.hub = Hub(self.core, self.writer, Feed(1000, 1), self.clock, self._info, self.readings)
        self.port = Port(lambda: Conversation(complete=lambda *_: (0, [])), self.hub.take, self.hub.gone, DEFAULT)
        self.hub.boot()
        digests = [row.id for row in self.farm.schedules.values() if row.owner == "farm"]
        self.hub.tell(ev.Delete("schedule", digests), lambda said: None)
        self.loop = gevent.spawn(self.hub.run)
        self.address = self.port.listen(("127.0.0.1", 0)).address
        self._ends: list[Any] = []

    def _info(self) -> dict[str, Any]:
        return {"readings": self.readings.status()}

    def line(self, receive: int = 0) -> Line:
        return self.known(Line(self.address, receive))

    def known(self, end: Any) -> Any:
        """Somebody at the port who is to be closed with the farm."""
        self._ends.append(end)
        return end

    def close(self) -> None:
        for end in self._ends:
            end.close()
        self.port.stop()
        self.loop.kill()
        self.readings.close()
        self.writer.close()
        assert self.faults == []


class Line:
    """JSON lines. With `receive` the system keeps so many bytes for it and no more, however fast it has read before."""

    def __init__(self, address: Any, receive: int = 0) -> None:
        self.sock = socket.socket()
        if receive:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.sock.settimeout(LIMIT_S)
        self.sock.connect(address)
        self.lines = self.sock.makefile("rb")
        self.number = 0
        self.ask("session.test")  # who is silent at first is taken for a person

    def send(self, method: str, /, **params: Any) -> int:
        self.number += 1
        text = json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        self.sock.sendall(text.encode() + b"\n")
        return self.number

    def next(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.lines.readline())
        return found

    def ask(self, method: str, /, **params: Any) -> Any:
        """The result, or the error's envelope; events that come before it are passed over."""
        number = self.send(method, **params)
        while (message := self.next()).get("id") != number:
            self.passed(message)
        return message.get("result", message.get("error"))

    def passed(self, message: dict[str, Any]) -> None:
        """An event came while an answer was waited for."""

    def event(self) -> Any:
        return self.next()["params"]

    def close(self) -> None:
        self.lines.close()
        self.sock.close()
