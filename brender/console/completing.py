"""What Tab shows: the master's own words for the line, with what each is.

It must not know the farm: `rpc.complete` does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from brender.console.upstream import Gone
from brender.errors import BrenderError
from brender.wire.screen import escape

OPEN_ENDS = ("=", "/", ":", ".")  # after these the word goes on
LONGEST = 72  # characters of a description

Ask = Callable[[str, int], Awaitable[dict[str, Any]]]


class Words(Completer):
    """Asks `ask(line, cursor)` for {"start", "items"}; a master that does not answer offers nothing."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        return ()  # only the other one can wait for the master

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        line, cursor = document.text, document.cursor_position
        try:
            found = await self._ask(line, cursor)
        except (Gone, BrenderError):
            return
        items = [(str(item["text"]), str(item["about"])) for item in found["items"]]
        ends = not document.text_after_cursor and len(items) == 1
        start = int(found["start"])
        for text, about in items:
            more = " " if ends and not text.endswith(OPEN_ENDS) else ""
            meta = escape(about if len(about) <= LONGEST else f"{about[: LONGEST - 1]}…")
            yield Completion(text + more, start - cursor, display=escape(text), display_meta=meta)
