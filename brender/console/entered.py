"""One entered line, from its words to its answer: understood here, asked of the master, shown in words.

The words are read by the same table as at every other door. It must not know telnet or how a line is edited.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
from prompt_toolkit.key_binding.key_processor import KeyPress

from brender.commands import COMMANDS, text
from brender.commands.calls import ANYBODY
from brender.commands.prompt import as_watch
from brender.commands.table import Row
from brender.console.asking import question, sure, worth_asking
from brender.console.following import TOPICS as LOGS
from brender.console.following import follow
from brender.console.lexing import LEAVE
from brender.console.seat import Left
from brender.console.showing import named, show
from brender.console.talk import Talk
from brender.console.upstream import Gone
from brender.console.watching import JOB, LIST, watch, watch_job
from brender.errors import BrenderError, InternalError, InvalidParams
from brender.wire.screen import escape_json, safe
from brender.wire.words import split

log = logging.getLogger("brender.console")

READERS = (ANYBODY, "viewer")  # what these may do takes nothing away
FAREWELL = 2.0  # seconds for the master to say goodbye
_ENCODER = msgspec.json.Encoder()


class Entered:
    """Does the lines of one session, one after the other."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    async def do(self, line: str) -> bool:
        """Do one line and show its answer; False when the operator leaves. Raises Gone when the master is, for good."""
        as_json = False
        try:
            words = _words(line)
            as_json = "--json" in words
            words = [word for word in words if word != "--json"]
            if not words:
                return True
            return await self._obey(words, as_json)
        except BrenderError as error:
            self._refuse(error, as_json)
        except Left:
            return False
        except Gone as gone:
            if not self._talk.outlives:
                raise
            self._say(f"ERR 1008 No master answers: {gone}. It is tried again with the next command.")
        except Exception as defect:
            log.exception("a line met a defect")
            self._refuse(
                InternalError(f"{type(defect).__name__}: {defect}", hint="This is a defect of brender."), as_json
            )
        return True

    async def goodbye(self) -> None:
        """Say that the operator has left, so that the master closes the connection."""
        try:
            async with asyncio.timeout(FAREWELL):
                await self._talk.seat.drain()
                await self._talk.upstream.call("session.bye")
        except (TimeoutError, Gone):
            return

    async def _obey(self, words: list[str], as_json: bool) -> bool:
        if words[0].lower() in LEAVE:
            words[0] = "quit"
        row, params = COMMANDS.resolve(words)
        if row.name == "session.bye":
            self._say("Bye.")
            return False
        signature = COMMANDS.signature(row)
        given = self._talk.files(signature.parameters, signature.given(params))
        if row.role not in READERS and not await self._sure(row, given):
            self._say("OK nothing was done.")
            return True
        if as_json or not await self._followed(row, given, words):
            await self._plainly(row, given, words, as_json)
        return True

    async def _followed(self, row: Row, given: dict[str, Any], words: list[str]) -> bool:
        """What goes on until a key or an end is drawn in its place; False for what is answered once."""
        watched = given if row.name == LIST else as_watch(row.name, given)
        if watched is not None:
            await self._show(row, await watch(self._talk, watched, words), words)
        elif row.name == JOB:
            await self._show(row, await watch_job(self._talk, given), words)
        elif row.name in LOGS and given.get("follow"):
            await self._show(row, await follow(self._talk, row.name, given), words)
        else:
            return False
        return True

    async def _plainly(self, row: Row, given: dict[str, Any], words: list[str], as_json: bool) -> None:
        """Ask and show the answer or the refusal; what happens after it is shown after it."""
        with self._talk.answering():
            try:
                answer = await self._ask(row.name, given)
            except BrenderError as error:
                self._refuse(error, as_json)
                return
            self._talk.noted(row.name, row.selects, answer)
            await self._show(row, answer, words, as_json)

    async def _show(self, row: Row, answer: Any, words: list[str], as_json: bool = False) -> None:
        seat = self._talk.seat
        await show(seat, [_json(answer)] if as_json else text.lines(row.name, answer, seat.size[0], words))

    async def _ask(self, method: str, given: dict[str, Any]) -> Any:
        """Ask and wait; the first Ctrl-C asks the master to end it, the second waits no longer."""
        asking = asyncio.ensure_future(self._talk.call(method, given))
        presses = 0

        def heard(key: KeyPress) -> bool:
            nonlocal presses
            if named(key) != "c-c":
                return False
            presses += 1
            self._talk.seat.write("^C\n" if presses == 1 else "")
            self._talk.interrupt()
            if presses > 1:
                asking.cancel()
            return True

        with self._talk.seat.listening(heard):
            try:
                return await self._talk.wait(asking)
            except asyncio.CancelledError:
                if presses < 2:
                    raise
                raise InvalidParams("You did not wait for the answer; what was asked for may still be done.") from None

    async def _sure(self, row: Row, given: dict[str, Any]) -> bool:
        """Whether to go on with a command that changes something. Raises what it would be refused with."""
        touched = await self._talk.call("rpc.touches", {"method": row.name, "params": given})
        if not worth_asking(touched):
            return True
        with self._talk.screen():
            return await sure(self._talk.seat, question(row.words, touched, self._talk.seat.size[0]))

    def _refuse(self, error: BrenderError, as_json: bool) -> None:
        sentence = f"ERR {error.code} {error.sentence()}".replace("\n", " ")
        self._say(_json({"error": error.envelope()}) if as_json else safe(sentence, colour=False))

    def _say(self, line: str) -> None:
        self._talk.seat.write(line + "\n")


def _words(line: str) -> list[str]:
    try:
        return split(line)
    except ValueError as error:
        hint = "Close the quotes, or put a backslash before a quote that is meant."
        raise InvalidParams(f"The line cannot be split into words: {error}.", hint=hint) from None


def _json(document: Any) -> str:
    return escape_json(_ENCODER.encode(document).decode())
