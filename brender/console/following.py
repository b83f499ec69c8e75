"""Following the log of a task or of a worker: its lines as they come, until it ends or Ctrl-C.

It must not know where logs are; pieces come as events of the session.
"""

from __future__ import annotations

import asyncio
from typing import Any

from prompt_toolkit.key_binding.key_processor import KeyPress

from brender.console.showing import named
from brender.console.talk import Talk
from brender.errors import from_envelope
from brender.wire.screen import safe

TOPICS = ("task.log", "worker.tail")
LONGEST = 16 * 1024  # characters of a line without an end


class Lines:
    """Pieces of text in, whole lines out. Pure."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str, last: bool = False) -> list[str]:
        """The lines that this piece ends. Of a line redrawn by carriage returns the last is seen."""
        *lines, self._rest = (self._rest + text).split("\n")
        if self._rest and (last or len(self._rest) > LONGEST):
            lines, self._rest = [*lines, self._rest], ""
        return [line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines]


async def follow(talk: Talk, topic: str, given: dict[str, Any]) -> Any:
    """Show the log as it grows; the answer says whether it has ended or was left. Raises what is refused."""
    seat, lines = talk.seat, Lines()
    pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    left = {"left": True, "text": "", "eof": False}

    def heard(key: KeyPress) -> bool:
        if named(key) != "c-c":
            return False
        seat.write("^C\n")
        talk.interrupt()
        pieces.put_nowait(left)
        return True

    with talk.hearing(topic, pieces.put_nowait), seat.listening(heard):
        about = await talk.wait(talk.call(topic, given))
        if not about.get("following"):
            return about
        piece = about
        while True:
            over = piece["eof"] or piece is left
            shown = lines.feed(piece["text"], last=over)
            if shown:
                seat.write(safe("\n".join(shown), colour=False) + "\n")
                await seat.drain()
            if "error" in piece:
                raise from_envelope(piece["error"])
            if over:
                whose = {name: about[name] for name in ABOUT if name in about}
                return {**whose, "eof": piece["eof"], "left": piece is left}
            piece = await talk.wait(pieces.get())


ABOUT = ("job", "step", "task", "worker", "attempt", "state")
