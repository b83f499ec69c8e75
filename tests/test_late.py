"""Every client of ours that speaks lines of JSON, where the machine is so slow that it first speaks after 200 ms.

The port has offered it a telnet by then, and what was offered stands before its first answer.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from brender.api.link import Master
from brender.console import upstream as console
from brender.gateway import upstream as gateway
from brender.notify import upstream as notify
from brender.probes import Surroundings
from brender.probes.remote import Licence
from brender.wire.session import Conversation, Reply
from brender.worker.instruments import OfLicence

SAYS = {"name": "late", "role": "admin", "used": 3, "count": 8}


class Port:
    """Takes everybody for a person at once, and answers each question with the same words."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.number = int(self._door.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                link, _ = self._door.accept()
                with link, suppress(OSError):
                    self._talk(link)

    @staticmethod
    def _talk(link: socket.socket) -> None:
        conversation = Conversation()
        offer, _ = conversation.silence()
        assert offer
        link.sendall(offer)
        while data := link.recv(1 << 16):
            out, requests = conversation.feed(data)
            link.sendall(out + b"".join(conversation.answer(request, Reply(result=SAYS)) for request in requests))

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture
def port() -> Iterator[int]:
    made = Port()
    yield made.number
    made.close()


def by_the_api(port: int) -> Any:
    with Master(f"127.0.0.1:{port}").dial() as link:
        return link.answer(link.greeting)


def by_the_gateway(port: int) -> Any:
    async def dial() -> Any:
        link, said = await gateway.Upstream.dial(f"127.0.0.1:{port}", lambda line: None, "page")
        link.close()
        await link.ended
        return said

    return asyncio.run(dial())


def by_the_console(port: int) -> Any:
    async def dial() -> Any:
        link = await console.over_tcp("127.0.0.1", port, "shell")
        link.close()
        assert link.welcome is not None
        return await link.welcome

    return asyncio.run(dial())


def by_notify(port: int) -> Any:
    link = notify.Upstream(("127.0.0.1", port))
    said = link.ask("session.test")
    link.close()
    return said


def by_the_probe_of_licences(port: int) -> Any:
    probe = Licence(OfLicence("nuke"), Surroundings(master=("127.0.0.1", port)))
    return {**SAYS, **{key: value for key, value in probe.read().items() if key in SAYS}}


WAYS = [by_the_api, by_the_gateway, by_the_console, by_notify, by_the_probe_of_licences]


@pytest.mark.parametrize("ask", WAYS, ids=lambda ask: ask.__name__)
def test_what_was_offered_to_a_client_that_was_slow_is_passed_over(ask: Callable[[int], Any], port: int) -> None:
    """docs/protocol.md: speak within 200 ms, or pass over what comes before your first answer."""
    assert ask(port) == SAYS
