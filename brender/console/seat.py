"""Where an operator sits: a terminal with keys, a window and text. Behind telnet, or here.

It must not know prompts, commands or the farm. Text uses plain newlines; a terminal that is not read is given up.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, TypeVar, cast

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.input.typeahead import clear_typeahead, get_typeahead, store_typeahead
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.vt100 import Vt100_Output

from brender.console.keyboard import Keyboard
from brender.wire.telnet import Keys, Send, Telnet, Window

T = TypeVar("T")
UNREAD = 1 << 20  # bytes that wait for a terminal; then it is given up
STUCK = 10.0  # seconds for a terminal to read on
LONE_ESCAPE = 0.1  # seconds after which an escape is the key, not the beginning of a sequence
COLOURLESS = ("vt100", "vt102", "vt220", "vt320", "ansi-m")


class Left(Exception):
    """The operator has left."""


class Seat(ABC):
    """What both kinds share. `gone` is done when the operator has left."""

    input: Input
    output: Output
    local = False  # whether it is a terminal of this machine

    def __init__(self) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.resized: Callable[[], None] = lambda: None  # an open prompt draws itself anew
        self.changed: Callable[[], None] = lambda: None  # whoever keeps the size is told
        self.colour = True

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows) of the window as it is now."""
        size = self.output.get_size()
        return size.columns, size.rows

    @abstractmethod
    def write(self, text: str) -> None:
        """Show text that is safe for a terminal."""

    async def drain(self) -> None:
        """Wait until most of what was written has left."""

    def leave(self) -> None:
        """Nobody sits here any more."""
        if not self.gone.done():
            self.gone.set_result(None)

    async def unless_gone(self, what: Awaitable[T]) -> T:
        """The result of what is waited for. Raises Left when the operator leaves before."""
        task = asyncio.ensure_future(what)
        ends: list[asyncio.Future[Any]] = [task, self.gone]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            raise Left
        return task.result()

    def typed_ahead(self) -> bool:
        """Whether something waits for the next prompt besides blanks and Enter."""
        ahead = get_typeahead(self.input)
        while keys := self.input.read_keys():
            ahead += keys
        store_typeahead(self.input, ahead)
        return any(key.data.strip() for key in ahead)

    @contextmanager
    def listening(self, heard: Callable[[KeyPress], bool], fresh: bool = False) -> Iterator[None]:
        """Give each key to `heard` while no prompt is open; those it does not want (False) wait for the next prompt.

        With `fresh`, keys that were typed before are not among them.
        """
        ahead: list[KeyPress] = []
        loop = asyncio.get_running_loop()
        flush: asyncio.TimerHandle | None = None

        def take(keys: list[KeyPress]) -> None:
            ahead.extend(key for key in keys if not heard(key))

        def ready() -> None:
            nonlocal flush
            take(self.input.read_keys())
            if self.input.closed:
                self.leave()
            if flush is not None:
                flush.cancel()
            flush = loop.call_later(LONE_ESCAPE, lambda: take(self.input.flush_keys()))

        with self.input.raw_mode(), self.input.attach(ready):
            before = get_typeahead(self.input)
            while keys := self.input.read_keys():
                before += keys
            if fresh:
                ahead += before
            else:
                take(before)
            try:
                yield
            finally:
                if flush is not None:
                    flush.cancel()
                store_typeahead(self.input, ahead)


class TelnetSeat(Seat, asyncio.Protocol):
    """A terminal behind telnet. `typed` are keys that came before we did."""

    def __init__(self, name: str, columns: int, rows: int, terminal: str) -> None:
        super().__init__()
        self._window = Size(rows=rows, columns=columns)
        self._telnet = Telnet()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._room = asyncio.Event()
        self._room.set()
        self._transport: asyncio.Transport | None = None
        self.colour = terminal not in COLOURLESS
        self.input = self._keyboard = Keyboard(name, self._pause)
        depth = ColorDepth.DEPTH_4_BIT if self.colour else ColorDepth.DEPTH_1_BIT
        self.output = Vt100_Output(
            cast(TextIO, _Wire(self.write)),
            lambda: self._window,
            term=terminal,
            default_color_depth=depth,
            enable_cpr=False,
        )

    def write(self, text: str) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > UNREAD:
            self._transport.abort()
            self.leave()
            return
        # No 0xFF can be in UTF-8, so nothing needs telnet's doubling.
        self._transport.write(text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "replace"))

    async def drain(self) -> None:
        try:
            async with asyncio.timeout(STUCK):
                await self._room.wait()
        except TimeoutError:
            self.leave()

    async def take(self, sock: socket.socket) -> None:
        """Sit down at this connection. The socket stays its owner's, who closes it after `let_go`."""
        mine = sock.dup()
        mine.setblocking(False)
        await asyncio.get_running_loop().create_connection(lambda: self, sock=mine)

    def let_go(self) -> None:
        """Close our hold of the connection; the master has its own. What was typed ahead is nobody else's."""
        clear_typeahead(self.input)
        if self._transport is not None:
            self._transport.abort()

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for item in self._telnet.feed(data):
            match item:
                case Keys():
                    self._keyboard.feed(self._decode(item.data))
                case Send() if self._transport is not None:
                    self._transport.write(item.data)
                case Window():
                    self._window = Size(rows=item.rows, columns=item.columns)
                    self.resized()
                    self.changed()

    def eof_received(self) -> bool:
        self._end()
        return True  # the master closes; what we still say may be read

    def connection_lost(self, exc: Exception | None) -> None:
        self._room.set()
        self._end()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def _end(self) -> None:
        self._keyboard.end()
        self.leave()

    def _pause(self, full: bool) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading() if full else self._transport.resume_reading()


class _Wire:
    """What prompt_toolkit takes for a terminal's file."""

    encoding = "utf-8"

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write

    def flush(self) -> None:
        """Everything has been handed on already."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("a wire has no number here")


class LocalSeat(Seat):
    """This terminal. It must be one: `sys.stdin` and `sys.stdout` are used."""

    local = True

    def __init__(self) -> None:
        super().__init__()
        self.input = create_input()
        terminal = os.environ.get("TERM", "")
        self.colour = terminal not in COLOURLESS and "NO_COLOR" not in os.environ
        depth = ColorDepth.DEPTH_4_BIT if self.colour else ColorDepth.DEPTH_1_BIT
        self.output = Vt100_Output.from_pty(sys.stdout, term=terminal, default_color_depth=depth)
        cast(Any, self.output).enable_cpr = False

    def write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
