"""Watching: any list drawn again in place every second, or a job until it ends; a key ends it.

It must not know how lines are entered. What is watched is asked for like any other command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from brender.commands import COMMANDS, text
from brender.commands.table import Row
from brender.console.completing import WATCH
from brender.console.showing import Frame, keys_of, shown_on
from brender.console.talk import Talk
from brender.errors import BrenderError

EVERY = 1.0  # seconds
SEEN = ("list", "show", "status", "why", "history", "glance")  # verbs whose answer is worth seeing again
JOB = "job.watch"


def seen(words: Sequence[str]) -> tuple[Row, dict[str, Any]] | None:
    """What `watch WORDS` shows again and again; None where the words after it are no list (then they name a job)."""
    if words[0].lower() != WATCH or len(words) < 2:
        return None
    try:
        row, params = COMMANDS.resolve(words[1:])
    except BrenderError:
        return None
    return (row, COMMANDS.signature(row).given(params)) if row.verb in SEEN else None


async def watch(talk: Talk, row: Row, given: dict[str, Any]) -> None:
    """Show it every second until a key. Raises what the master refuses with."""
    seat, frame = talk.seat, Frame(shown_on(talk.seat))
    word = f"{row.words}: every {EVERY:g} s. Any key ends this."
    try:
        with talk.screen(), keys_of(seat) as keys:
            while keys.empty():
                data = await seat.unless_gone(talk.call(row.name, given))
                seat.write(frame.draw(text.lines(row.name, data, seat.size[0]), word, seat.size))
                await seat.drain()
                await _within(EVERY, keys)
    finally:
        seat.write(frame.end())


async def watch_job(talk: Talk, given: dict[str, Any]) -> Any:
    """Show how far a job is whenever that changes, until its run has ended or a key; the master's last word of it."""
    seat, frame, stir = talk.seat, Frame(shown_on(talk.seat)), asyncio.Event()

    def pressed(key: object) -> bool:
        talk.interrupt()  # then the answer comes at once
        return True

    try:
        with talk.screen(), talk.hearing(JOB, lambda data: stir.set()), seat.listening(pressed, fresh=True):
            ending = asyncio.ensure_future(talk.call(JOB, given))
            while not ending.done():
                await seat.unless_gone(_first(ending, stir.wait()))
                stir.clear()
                if not ending.done():
                    data = await seat.unless_gone(talk.call("job.status", given))
                    word = "As it changes, until the job has ended. Any key ends this."
                    seat.write(frame.draw(text.lines("job.status", data, seat.size[0]), word, seat.size))
                    await seat.drain()
            return ending.result()
    finally:
        seat.write(frame.end())


async def _within(seconds: float, keys: asyncio.Queue[str]) -> None:
    """Wait for a key, but not for long."""
    try:
        async with asyncio.timeout(seconds):
            keys.put_nowait(await keys.get())
    except TimeoutError:
        return


async def _first(answer: asyncio.Future[Any], other: Any) -> None:
    waiting = asyncio.ensure_future(other)
    await asyncio.wait([answer, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
