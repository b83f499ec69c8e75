"""What Tab shows: the master's words for the line, with what each is, and the few that only the console knows.

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
WATCH = "watch"
WATCH_ABOUT = "a job until it ends, or any list, drawn again until a key"
LOCAL = {WATCH: WATCH_ABOUT, "quit": "leave"}
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
            found = await self._found(line, cursor)
        except (Gone, BrenderError):
            return
        ends = not document.text_after_cursor and len(found) == 1
        for start, text, about in found:
            more = " " if ends and not text.endswith(OPEN_ENDS) else ""
            meta = escape(about if len(about) <= LONGEST else f"{about[: LONGEST - 1]}…")
            yield Completion(text + more, start - cursor, display=escape(text), display_meta=meta)

    async def _found(self, line: str, cursor: int) -> list[tuple[int, str, str]]:
        """(start, word, about), those of the console among those of the master."""
        found = _items(await self._ask(line, cursor))
        before = line[:cursor]
        word = before.lstrip()
        if " " not in word:
            known = {text for _, text, _ in found}
            found = [(start, text, LOCAL.get(text, about)) for start, text, about in found]
            start = cursor - len(word)
            found += [(start, text, LOCAL[text]) for text in LOCAL if text.startswith(word) and text not in known]
            return sorted(found, key=lambda one: one[1])
        if word.split(None, 1)[0].lower() == WATCH:
            offset = len(before) - len(word) + len(WATCH)
            offset += len(before[offset:]) - len(before[offset:].lstrip())
            rest = _items(await self._ask(line[offset:], cursor - offset))
            known = {text for _, text, _ in found}
            found += [(start + offset, text, about) for start, text, about in rest if text not in known]
        return found


def _items(answer: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(int(answer["start"]), str(item["text"]), str(item["about"])) for item in answer["items"]]
