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

TOPIC = "farm.glance"
AGAIN = 5.0  # seconds until a master that cannot tell is asked again


class Glance:
    """What is known of the farm, or None; whoever is in `watchers` is told of a change, at most once a second or so."""

    def __init__(self) -> None:
        self.data: dict[str, Any] | None = None
        self.watchers: set[Callable[[], None]] = set()

    async def follow(self, upstream: Upstream) -> None:
        """Keep it up until the line breaks. Its events have to be given to `hear`."""
        try:
            while not upstream.gone.done():
                try:
                    await upstream.call(TOPIC, follow=True)  # answered when somebody ends all events of the session
                except BrenderError:
                    await asyncio.sleep(AGAIN)
        except Gone:
            pass
        finally:
            self.hear(None)

    def hear(self, data: dict[str, Any] | None) -> None:
        """What the master says now; None when it says nothing any more."""
        if data != self.data:
            self.data = data
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
    if data.get("alarms"):
        pieces.append(("class:bar.alarm", f"   {_some(data['alarms'], 'alarm')} "))
    return [*pieces, ("class:bar", " ")]


def _some(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
