"""Watching: any list drawn again in place whenever it changes, or a job until it ends; a key ends it.

It must not know how lines are entered. What is watched is asked for like any other command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from brender.commands import text
from brender.console.glance import WATCHED
from brender.console.showing import Frame, keys_of, shown_on
from brender.console.talk import Talk
from brender.errors import from_envelope

LIST, JOB = "rpc.watch", "job.watch"
NAME = "screen"  # what we call our watch


async def watch(talk: Talk, given: dict[str, Any], asked: Sequence[str]) -> dict[str, Any]:
    """Show it whenever it has changed, until a key; what its watch came to. Raises what the master refuses with.

    `given` are the params of rpc.watch; `asked` are the words of the line.
    """
    seat, frame, method = talk.seat, Frame(shown_on(talk.seat)), str(given["method"])
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    changes = 0
    try:
        with talk.screen(), talk.hearing(f"{WATCHED} {NAME}", heard.put_nowait), keys_of(seat) as keys:
            shown = {"data": await talk.wait(talk.call(LIST, {**given, "name": NAME}))}
            seat.resized = lambda: heard.put_nowait(shown)
            while "error" not in shown:
                lines = text.lines(method, shown["data"], seat.size[0], asked)
                seat.write(frame.draw(lines, "As it changes. Any key ends this.", seat.size))
                await seat.drain()
                event = await talk.wait(_sooner(keys, heard))
                if event is None:
                    await talk.wait(talk.call("rpc.unwatch", {"name": NAME}))
                    return {"method": method, "changes": changes}
                changes += event is not shown
                shown = event
            raise from_envelope(shown["error"])
    finally:
        seat.resized = lambda: None
        seat.write(frame.end())


async def watch_job(talk: Talk, given: dict[str, Any]) -> Any:
    """Show how far a job is whenever that changes, until its run has ended or a key; the master's last word of it."""
    seat, frame, stir = talk.seat, Frame(shown_on(talk.seat)), asyncio.Event()

    def pressed(key: object) -> bool:
        talk.interrupt()  # then the answer comes at once
        return True

    ending = asyncio.ensure_future(talk.call(JOB, given))
    try:
        with talk.screen(), talk.hearing(JOB, lambda data: stir.set()), seat.listening(pressed, fresh=True):
            while not ending.done():
                await talk.wait(_first(ending, stir.wait()))
                stir.clear()
                if not ending.done():
                    data = await talk.wait(talk.call("job.status", given))
                    word = "As it changes, until the job has ended. Any key ends this."
                    seat.write(frame.draw(text.lines("job.status", data, seat.size[0]), word, seat.size))
                    await seat.drain()
            return ending.result()
    finally:
        ending.cancel()
        seat.write(frame.end())


async def _sooner(keys: asyncio.Queue[str], heard: asyncio.Queue[dict[str, Any]]) -> dict[str, Any] | None:
    """The next event, or None for a key that came before it."""
    waits = asyncio.ensure_future(keys.get()), asyncio.ensure_future(heard.get())
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return waits[1].result() if not waits[0].done() else None
    finally:
        for one in waits:
            one.cancel()


async def _first(answer: asyncio.Future[Any], other: Any) -> None:
    waiting = asyncio.ensure_future(other)
    await asyncio.wait([answer, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
