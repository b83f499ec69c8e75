"""A real master with a real gateway before it, and pages that speak as a browser does."""

from __future__ import annotations

import http.client
import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from doors.peers import LIMIT, Farm, Program
from websockets.sync.client import ClientConnection, connect


class Web:
    """`brender web` on a free port, before the master at `port`."""

    def __init__(self, folder: Path, port: int, *more: str) -> None:
        self.folder, self.master, self.more = folder, port, more
        self.port = 0
        self.program = self.start()

    def start(self) -> Program:
        """Start it, again on its port where it had one."""
        words = ["--listen", f"127.0.0.1:{self.port}", "--master", f"127.0.0.1:{self.master}", *self.more]
        self.program = Program(self.folder, "web", *words)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.program.line())
        assert found, self.program.log.read_text()
        self.port = int(found[1])
        return self.program

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; header names are written with _ for -."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            link.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = link.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            link.close()

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.request("GET", path, **headers)

    def page(self, **more: Any) -> Page:
        return Page(self, **more)


class Page:
    """A page of the gateway. Events and what the gateway says of the master are kept in order."""

    def __init__(self, web: Web, **more: Any) -> None:
        given: dict[str, Any] = {"origin": web.origin, "max_size": None, "compression": None, **more}
        given["ping_interval"] = None  # as a browser: it asks for no pong, and gives up no gateway that is slow
        self._ends = ExitStack()
        opening = connect(f"ws://127.0.0.1:{web.port}/ws", open_timeout=LIMIT, **given)
        self.link: ClientConnection = self._ends.enter_context(opening)
        self.events: list[dict[str, Any]] = []
        self.states: list[bool] = []
        self.served = ""  # which page the gateway serves, as it said last
        self.answers: dict[Any, dict[str, Any]] = {}
        self._number = 100_000  # beyond the ids that tests write by hand

    def read(self) -> None:
        """Take one text in."""
        document = json.loads(self.link.recv(LIMIT))
        for one in document if isinstance(document, list) else [document]:
            if one.get("method") == "event":
                self.events.append(one["params"])
            elif one.get("method") == "gateway.state":
                self.states.append(one["params"]["master"])
                self.served = one["params"]["page"]
            else:
                self.answers[one["id"]] = one

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole answer."""
        self._number += 1
        number = self._number
        self.link.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while number not in self.answers:
            self.read()
        return self.answers.pop(number)

    def call(self, method: str, **params: Any) -> Any:
        answer = self.ask(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    def refused(self, method: str, **params: Any) -> dict[str, Any]:
        error: dict[str, Any] = self.ask(method, **params)["error"]
        return error

    def event(self, topic: str) -> dict[str, Any]:
        """The next event on a topic."""
        while True:
            while self.events:
                found = self.events.pop(0)
                if found["topic"] == topic:
                    return found
            self.read()

    def state(self, master: bool) -> None:
        """Until the gateway has said this of the master."""
        while master not in self.states:
            self.read()
        del self.states[: self.states.index(master) + 1]

    def close(self) -> None:
        self._ends.close()


__all__ = ["Farm", "Page", "Web"]
