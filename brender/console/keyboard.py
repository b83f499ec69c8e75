"""The keys of somebody at the other end of a wire, in the shape prompt_toolkit reads them.

What comes in one go is handed on in slices, so that a long paste never keeps the others from typing; what never ends
is cut. It must not know sockets, telnet or what a key does.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from prompt_toolkit.input import Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys

SLICE = 64  # keys at once; each costs about 0.1 ms
MOST_PASTED = 256 * 1024  # characters of one paste or of one sequence
PASTED, CONTROL_C = "\x1b[201~", "\x03"  # the end of a paste
MOST_WAITING = 4096  # keys that wait; then nothing more is read from the peer until they are taken


class Keyboard(Input):
    """Feed it text; whoever is attached is called and reads keys. `full` is told when too many wait, and when not."""

    def __init__(self, name: str, full: Callable[[bool], None]) -> None:
        self._name = name
        self._full = full
        self._is_full = False
        self._keys: list[KeyPress] = []
        self._silent = 0  # characters since the last key: a paste, or a sequence, under way
        self._swallowing = ""  # the last characters of a paste that is too long
        self._parser = Vt100Parser(self._pressed)
        self._callbacks: list[Callable[[], None]] = []
        self._after_cr = False
        self._closed = False

    def feed(self, text: str) -> None:
        """What the peer typed. Enter is CR, CR NUL or CR LF; NUL is no key otherwise either."""
        if self._after_cr and text[:1] in ("\n", "\0"):
            text = text[1:]
        self._after_cr = text.endswith("\r")
        text = text.replace("\r\n", "\r").replace("\0", "")
        if self._swallowing:
            text = self._after_paste(text)
        self._silent += len(text)
        self._parser.feed(text)
        if self._silent > MOST_PASTED:
            self._drop()
        self._tell()

    def _drop(self) -> None:
        """A paste is too long: forget it, its rest as well (it would be obeyed), and the line it was for."""
        self._parser = Vt100Parser(self._pressed)
        self._swallowing = " "
        self._pressed(KeyPress(Keys.ControlC, CONTROL_C))

    def _after_paste(self, text: str) -> str:
        """What follows the end of a paste that is being swallowed, or a Ctrl-C."""
        self._swallowing += text
        found = [at + len(mark) for mark in (PASTED, CONTROL_C) if (at := self._swallowing.find(mark)) >= 0]
        rest = self._swallowing[min(found) :] if found else ""
        self._swallowing = "" if found else self._swallowing[-len(PASTED) :]
        return rest

    def end(self) -> None:
        """The peer has left."""
        self._closed = True
        self._tell()

    # ---- what prompt_toolkit asks of an Input

    def read_keys(self) -> list[KeyPress]:
        found, self._keys = self._keys[:SLICE], self._keys[SLICE:]
        if self._keys:
            asyncio.get_running_loop().call_soon(self._tell)
        self._watch_room()
        return found

    def flush_keys(self) -> list[KeyPress]:
        self._parser.flush()
        return self.read_keys()

    @property
    def closed(self) -> bool:
        return self._closed and not self._keys

    def fileno(self) -> int:
        raise io.UnsupportedOperation("these keys come over a wire")

    def typeahead_hash(self) -> str:
        return self._name

    def raw_mode(self) -> AbstractContextManager[None]:
        return nullcontext()

    def cooked_mode(self) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def attach(self, input_ready_callback: Callable[[], None]) -> Iterator[None]:
        self._callbacks.append(input_ready_callback)
        if self._keys or self._closed:  # they came while nobody was attached
            asyncio.get_running_loop().call_soon(self._tell)
        try:
            yield
        finally:
            self._callbacks.remove(input_ready_callback)

    @contextmanager
    def detach(self) -> Iterator[None]:
        before, self._callbacks = self._callbacks, []
        try:
            yield
        finally:
            self._callbacks = before

    # ---- inside

    def _pressed(self, key: KeyPress) -> None:
        self._silent = 0
        self._keys.append(key)

    def _tell(self) -> None:
        """Also when there is no key yet: an escape is one when nothing follows, which whoever is attached waits for."""
        self._watch_room()
        if self._callbacks:
            self._callbacks[-1]()

    def _watch_room(self) -> None:
        is_full = len(self._keys) > MOST_WAITING
        if is_full != self._is_full:
            self._is_full = is_full
            self._full(is_full)
