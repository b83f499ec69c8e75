"""One operator's session: line after line until they leave. It puts the parts of this room together."""

from __future__ import annotations

import asyncio
from typing import Any

from prompt_toolkit.application import create_app_session

from brender import __version__
from brender.console.completing import Words
from brender.console.entered import Entered
from brender.console.glance import Glance, bar
from brender.console.history import Histories
from brender.console.prompt import Dropped, Prompt
from brender.console.talk import Talk
from brender.console.upstream import Gone
from brender.wire.screen import safe

BANNER = f"brender {__version__}. Type help, or press Tab."


class Session:
    """`run` returns when the operator has left, raises Gone when the master is. `nobody`: the bar without a farm."""

    def __init__(self, talk: Talk, histories: Histories, glance: Glance, nobody: str) -> None:
        self._talk = talk
        self._glance = glance
        self._entered = Entered(talk)
        past = histories.of(talk.upstream.name)
        self._prompt = Prompt(talk.seat, Words(self._words), past, lambda: bar(glance.data, nobody))
        talk.above = self._prompt.above
        talk.introduced = lambda name: self._prompt.remember(histories.of(name))

    async def run(self, banner: str) -> None:
        """Greet, do line after line, say goodbye."""
        self._talk.seat.write(safe(banner, colour=False) + "\n")
        self._glance.watchers.add(self._prompt.refresh)
        seat = self._talk.seat
        try:
            # Without a session of its own prompt_toolkit gives the keys of all to the newest.
            with create_app_session(input=seat.input, output=seat.output):
                while await self._line():
                    pass
        finally:
            self._glance.watchers.discard(self._prompt.refresh)
        await self._entered.goodbye()

    async def _line(self) -> bool:
        """One line; False when the operator has left with it."""
        try:
            line = await self._read()
        except Dropped:
            if self._talk.topics:
                self._talk.interrupt()
            return True
        except EOFError:
            return not self._talk.seat.gone.done() and await self._entered.do("quit")
        return await self._entered.do(line)

    async def _read(self) -> str:
        """One line from the prompt. Raises Gone when the master goes meanwhile and will not be dialled again."""
        reading = asyncio.ensure_future(self._prompt.read())
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # looked at, whoever waits for it
        ends: list[asyncio.Future[Any]] = [reading, self._talk.seat.gone]
        if not self._talk.outlives:
            ends.append(self._talk.upstream.gone)
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = not reading.done()
            reading.cancel()
        if left:
            await asyncio.wait([reading])
            if not self._talk.seat.gone.done():
                raise Gone("the master has ended the connection")
            raise EOFError
        return reading.result()

    async def _words(self, line: str, cursor: int) -> dict[str, Any]:
        found: dict[str, Any] = await self._talk.call("rpc.complete", {"line": line, "cursor": cursor})
        return found
