"""People at a prompt: telnet with a line editor, or nc with plain lines. Commands come out as words.

It puts the answers back in the order of the commands, shows what was typed ahead at its own prompt, and
lets no foreign control character reach a terminal. It must not know what the words mean, `quit` excepted.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from typing import Any

import msgspec

from brender.errors import BrenderError, Busy, InvalidParams
from brender.wire.editor import Complete, Editor
from brender.wire.limits import Limits
from brender.wire.messages import UNWRITABLE, Lines, Notice, Reply, Request, unwritable
from brender.wire.screen import escape_json, safe
from brender.wire.telnet import OFFER, Keys, Name, Send, Spoke, Telnet, Window
from brender.wire.words import split

PROMPT = "brender> "
LEAVE = ("quit", "exit", "logout")
INTERRUPT = "session.interrupt"

_ENCODER = msgspec.json.Encoder()
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Entry(msgspec.Struct):
    """A command that was entered; `done` holds its answer until those before it are shown."""

    number: int
    line: str
    leaving: bool = False
    as_json: bool = False
    done: str | None = None


class Terminal:
    """One session. `offered` says that the telnet offer has been sent already (after silence)."""

    def __init__(self, limits: Limits, complete: Complete, banner: str, offered: bool) -> None:
        self.closing = False
        self.size = (80, 24)
        self.colour = True
        self._limits = limits
        self._banner = banner
        self._offered = offered
        self._telnet = Telnet()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._editor = Editor(PROMPT, limits.telnet_line, complete)
        self._pending: deque[Entry] = deque()
        self._number = 0
        self._leaving = False

    @property
    def kind(self) -> str:
        return "line" if self._editor.plain else "telnet"

    @property
    def prompt(self) -> str:
        return self._editor.prompt

    @prompt.setter
    def prompt(self, prompt: str) -> None:
        self._editor.prompt = safe(prompt, colour=False)

    def greet(self) -> bytes:
        """What a peer is told whose first byte was telnet's own."""
        if self._offered:
            return b""
        self._offered = True
        return OFFER

    def feed(self, data: bytes) -> tuple[bytes, list[Request]]:
        out: list[bytes] = []
        requests: list[Request] = []
        for item in self._telnet.feed(data):
            match item:
                case Keys():
                    out.append(self._keys(item.data, requests))
                case Send():
                    out.append(item.data)
                case Window():
                    self.size = (item.columns, item.rows)
                    self._editor.resize(item.columns)
                    out.append(_encode(self._editor.drawn()))
                case Name():
                    self.colour = item.name.lower() not in ("dumb", "unknown")
                case Spoke():
                    out.append(self._upgrade())
        return b"".join(out), requests

    def answer(self, request: Request, reply: Reply) -> bytes:
        for entry in self._pending:
            if entry.number == request.id and entry.done is None and not request.notification:
                entry.done = self._text(request.as_json, reply)
                return _encode(self._release())
        return b""

    def notice(self, notice: Notice) -> bytes:
        """A line above the prompt, or some; what is being typed comes back below."""
        if isinstance(notice.data, Lines):
            line = _lines(safe(notice.data.text, self.colour and not self._editor.plain))
        else:
            data = notice.data if isinstance(notice.data, str) else _json(notice.data)
            line = safe(f"[{notice.topic}] {data}".replace("\n", " "), colour=False) + "\r\n"
        if not self._editor.drawing:
            return _encode(line)
        self._editor.redraw()
        return _encode(f"\r\x1b[K{line}{self._editor.drawn()}")

    def _upgrade(self) -> bytes:
        """The peer speaks telnet after all: from here on it has an editor."""
        self._editor.plain = False
        out = self.greet() + _encode(_lines(safe(self._banner)))
        if not self._pending:
            self._editor.drawing = True
            self._editor.redraw()
        return out + _encode(self._editor.drawn())

    def _keys(self, data: bytes, requests: list[Request]) -> bytes:
        out: list[str] = []
        text = self._decode(data)
        at = -1
        while (at := at + 1) < len(text) and not self._leaving:
            if self._editor.deaf:  # a line without end must cost nothing
                control = _CONTROL.search(text, at)
                if control is None:
                    break
                at = control.start()
            char = text[at]
            action = self._editor.press(char)
            if not action:
                continue
            out.append(self._editor.drawn())
            if action == "enter":
                out.append(self._entered(requests))
            elif action == "quit":
                out.append("quit\r\n" if self._editor.drawing else "")
                out.append(self._command("quit", requests))
            elif self._pending:
                requests.append(Request(notification=True, method=INTERRUPT))
        out.append(self._editor.drawn())
        return _encode("".join(out))

    def _entered(self, requests: list[Request]) -> str:
        overlong = self._editor.overlong
        line = self._editor.take()
        if overlong or len(line.encode("utf-8", "replace")) > self._limits.telnet_line:
            limit = self._limits.telnet_line
            return self._refuse(line[:40] + "...", InvalidParams(f"A line holds at most {limit} bytes."))
        if line.strip():
            return self._command(line, requests)
        if self._pending:
            return ""
        self._editor.redraw()
        return self._editor.drawn() if self._editor.drawing else self.prompt

    def _command(self, line: str, requests: list[Request]) -> str:
        if len(self._pending) >= self._limits.pending:
            self._leaving = self.closing = True
            return (
                _error_line(Busy(f"{self._limits.pending} commands wait for an answer, which is the limit.")) + "\r\n"
            )
        try:
            words = split(line)
        except ValueError as error:
            hint = "Close the quotes, or put a backslash before a quote that is meant."
            return self._refuse(line, InvalidParams(f"The line cannot be split into words: {error}.", hint=hint))
        as_json = "--json" in words
        words = [word for word in words if word != "--json"]
        if not words:
            return self._refuse(line, InvalidParams("There is no command on this line."))
        if words[0].lower() in LEAVE:
            words[0], self._leaving = "quit", True
        entry = self._enter(line, self._leaving)
        requests.append(Request(id=entry.number, words=words, as_json=as_json))
        return ""

    def _enter(self, line: str, leaving: bool = False) -> Entry:
        self._number += 1
        entry = Entry(self._number, line, leaving)
        self._pending.append(entry)
        self._editor.drawing = False
        return entry

    def _refuse(self, line: str, error: BrenderError) -> str:
        self._enter(line).done = _error_line(error)
        return self._release()

    def _release(self) -> str:
        """The answers whose turn has come, each with the prompt and what was typed ahead after it."""
        out: list[str] = []
        while self._pending and self._pending[0].done is not None:
            entry = self._pending.popleft()
            out.append(_lines(entry.done or ""))
            if entry.leaving:
                self.closing = True
                break
            if self._editor.plain:
                out.append(self.prompt)
            elif self._pending:
                out.append(f"\r{self.prompt}{safe(self._pending[0].line)}\r\n")
            else:
                self._editor.drawing = True
                self._editor.redraw()
                out.append(self._editor.drawn())
        return "".join(out)

    def _text(self, as_json: bool, reply: Reply) -> str:
        colour = self.colour and not self._editor.plain
        if as_json:
            document = {"error": reply.error.envelope()} if reply.error is not None else reply.result
            return _json(document)
        if reply.error is not None:
            return _error_line(reply.error)
        if reply.text is not None:
            return safe(reply.text(self.size), colour)
        return "OK" if reply.result is None else _json(reply.result)


def _json(document: Any) -> str:
    try:
        return escape_json(_ENCODER.encode(document).decode())
    except UNWRITABLE as error:
        return escape_json(_ENCODER.encode(unwritable(None, error)).decode())


def _error_line(error: BrenderError) -> str:
    return safe(f"ERR {error.code} {error.sentence()}".replace("\n", " "), colour=False)


def _lines(text: str) -> str:
    text = text.rstrip("\n")
    return text.replace("\n", "\r\n") + "\r\n" if text else ""


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
