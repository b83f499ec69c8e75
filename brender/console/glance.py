"""The farm at a glance under every prompt: kept up by one question that the master answers anew whenever it changes.

All sessions of a console share it, so that a hundred of them cost the farm what one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from prompt_toolkit.formatted_text import StyleAndTextTuples

from brender.console.upstream import Gone, Upstream
from brender.errors import BrenderError

WATCHED = "rpc.watched"  # the topic of what is watched
NAME = "bar"  # what we call our watch
DRAWN = 100  # bars a second, of all sessions together
AGAIN = 5.0  # seconds until a master that cannot tell is asked again


class Glance:
    """What is known of the farm, or None. Whoever is in `watchers` is told when that has changed.

    The master tells twice a second at the most; where there are many watchers they are told less often, since each
    draws a bar then.
    """

    def __init__(self) -> None:
        self.data: dict[str, Any] | None = None
        self.watchers: set[Callable[[], None]] = set()
        self._ended = asyncio.Event()
        self._telling: asyncio.TimerHandle | None = None

    async def follow(self, upstream: Upstream) -> None:
        """Keep it up until the line breaks. Its events have to be given to `hear`."""
        try:
            while not upstream.gone.done():
                self._ended.clear()
                self._is(await upstream.call("rpc.watch", method="farm.glance", name=NAME))
                ends: list[asyncio.Future[Any]] = [upstream.gone, asyncio.ensure_future(self._ended.wait())]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                ends[1].cancel()
        except BrenderError:
            await asyncio.sleep(AGAIN)
        except Gone:
            pass
        finally:
            self._is(None)

    def hear(self, event: dict[str, Any]) -> None:
        """An event of our watch; one with an error was the last."""
        self._is(event.get("data"))
        if "error" in event:
            self.again()

    def again(self) -> None:
        """Somebody has ended everything that this session watches: watch anew."""
        self._ended.set()

    def _is(self, data: dict[str, Any] | None) -> None:
        if data == self.data:
            return
        self.data = data
        if self._telling is None:
            pause = len(self.watchers) / DRAWN
            self._telling = asyncio.get_running_loop().call_later(pause, self._tell)

    def _tell(self) -> None:
        self._telling = None
        for tell in list(self.watchers):
            tell()


def bar(data: dict[str, Any] | None, nobody: str) -> StyleAndTextTuples:
    """The line under the prompt, as pieces with the names of their styles; `nobody` where nothing is known."""
    if data is None:
        return [("class:bar.alarm", f" {nobody} ")]
    workers = data["workers"]
    online, known = workers["online"], workers["known"]
    pieces: StyleAndTextTuples = [
        ("class:bar", " workers "),
        ("class:bar" if online == known else "class:bar.warning", f"{online}/{known} online"),
        ("class:bar", f", {workers['enabled']} enabled   {data['running']:,} running   {data['queued']:,} queued"),
    ]
    if data["failed"]:
        pieces.append(("class:bar.failed", f"   {data['failed']:,} failed"))
    if data["warnings"]:
        pieces.append(("class:bar.warning", f"   {_some(data['warnings'], 'warning')}"))
    if data["alarms"]:
        pieces.append(("class:bar.alarm", f"   {_some(data['alarms'], 'alarm')} "))
    return [*pieces, ("class:bar", " ")]


def _some(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
