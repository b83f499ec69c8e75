"""The other end of a connection, word by word as a test says: the wire's own codec on a real socket, and no farm.

For what a real master does only by chance: events before an answer, long silence, a master that is stuck.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from brender.wire.messages import Notice, Reply, Request
from brender.wire.session import Conversation

LIMIT = 60.0


class Talk:
    """One connection."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.conversation = Conversation()
        self.waiting: list[Request] = []
        self.answer(self.asked("session.hello"), {"name": "anna", "role": "admin"})

    def asked(self, method: str) -> Request:
        """The next request, which has to be of this method."""
        while not self.waiting:
            data = self.link.recv(1 << 16)
            assert data, f"nobody asks {method}"
            _, requests = self.conversation.feed(data)
            self.waiting += requests
        request = self.waiting.pop(0)
        assert request.method == method
        return request

    def answer(self, request: Request, result: Any) -> None:
        self.link.sendall(self.conversation.answer(request, Reply(result=result)))

    def tell(self, seq: int, topic: str, data: Any = None) -> None:
        self.link.sendall(self.conversation.notice(Notice(seq, topic, data)))

    def over(self) -> None:
        """Wait until the client hangs up."""
        while self.link.recv(1 << 16):
            pass


class Teller:
    """Plays one script for each connection, in order. `check` raises what a script has found wrong."""

    def __init__(self, *scripts: Callable[[Talk], None]) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.door.getsockname()[1]}"
        self.scripts = scripts
        self.wrong: list[BaseException] = []
        self.thread = threading.Thread(target=self._play, daemon=True)
        self.thread.start()

    def _play(self) -> None:
        try:
            for script in self.scripts:
                link, _ = self.door.accept()
                with link:
                    link.settimeout(LIMIT)
                    script(Talk(link))
        except BaseException as error:
            self.wrong.append(error)
        finally:
            self.door.close()

    def check(self) -> None:
        self.thread.join(LIMIT)
        assert not self.thread.is_alive(), "a script is not over"
        for error in self.wrong:
            raise error
