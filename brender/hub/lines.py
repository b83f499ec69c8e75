"""Runs command lines one after the other, as the session that sent them: `channel load`, FROM_FILE.

Each line sees what the line before it did. It must not know what a command is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent.event import AsyncResult

from brender.commands import COMMANDS
from brender.commands.calls import Act, Call, RunLines
from brender.core import events as ev
from brender.errors import BrenderError, InternalError, Unsupported
from brender.hub.clock import breathe

AT_ONCE = 32  # lines, then others have a turn
MOST_TOLD = 100  # refusals in one answer


def run(
    act: RunLines, call: Callable[[], Call], tell: Callable[[ev.Event, Callable[[Any], None]], None]
) -> dict[str, Any]:
    """Waits until all are done; how many were, and which were refused and why."""
    done, refused = 0, []
    for count, (number, words) in enumerate(act.lines):
        try:
            answer = _one(words, call(), tell)
        except BrenderError as error:
            answer = error
        except Exception as defect:
            answer = InternalError(f"{type(defect).__name__}: {defect}")
        if isinstance(answer, BrenderError):
            refused.append({"line": number, "why": answer.sentence()})
        else:
            done += 1
        if count % AT_ONCE == AT_ONCE - 1:
            breathe()
    return {"done": done, "refused": refused[:MOST_TOLD], "more": max(0, len(refused) - MOST_TOLD)}


def _one(words: list[str], call: Call, tell: Callable[[ev.Event, Callable[[Any], None]], None]) -> Any:
    row, params = COMMANDS.resolve(words)
    found = COMMANDS.run(call, row, params)
    if isinstance(found, Act):
        raise Unsupported(f"{row.words} cannot stand in a file of lines.", hint="Say it at a prompt.")
    if not isinstance(found, ev.Event):
        return found
    answer: AsyncResult[Any] = AsyncResult()
    tell(found, answer.set)
    return answer.get()
