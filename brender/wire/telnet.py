"""The telnet protocol beneath the text: finds IAC sequences, answers few of them, hands on the keys.

Eleven years of telnetd holes came from options nobody needs, so everything but ECHO, SGA, NAWS and TTYPE is
refused, subnegotiations are cut at 64 bytes, and each option is answered at most once in each direction, so
that no peer can keep us talking. It must not know lines, prompts or commands.
"""

from __future__ import annotations

from typing import Final

import msgspec

IAC: Final = 255
DONT: Final = 254
DO: Final = 253
WONT: Final = 252
WILL: Final = 251
SB: Final = 250
SE: Final = 240

ECHO: Final = 1
SGA: Final = 3
TTYPE: Final = 24
NAWS: Final = 31

OURS = frozenset((ECHO, SGA))
THEIRS = frozenset((SGA, NAWS, TTYPE))

#: What is offered to a peer that may be telnet: we echo, no go-aheads, tell us your window and your terminal.
OFFER = bytes((IAC, WILL, ECHO, IAC, WILL, SGA, IAC, DO, NAWS, IAC, DO, TTYPE))
ASK_TTYPE = bytes((IAC, SB, TTYPE, 1, IAC, SE))

#: Commands that stand for a key: interrupt process, break, erase character, erase line, end of file.
KEYS = {244: b"\x03", 243: b"\x03", 247: b"\x7f", 248: b"\x15", 236: b"\x04"}

SB_MOST = 64
COLUMNS = (20, 500)
ROWS = (4, 300)
TTYPE_MOST = 40


class Keys(msgspec.Struct, frozen=True):
    """Bytes that were typed."""

    data: bytes


class Send(msgspec.Struct, frozen=True):
    """Bytes to send back at this point of the stream."""

    data: bytes


class Window(msgspec.Struct, frozen=True):
    """The peer's window now has this size."""

    columns: int
    rows: int


class Name(msgspec.Struct, frozen=True):
    """The peer's terminal calls itself this; printable ASCII, at most 40 characters. Empty: it will not say."""

    name: str


class Spoke(msgspec.Struct, frozen=True):
    """The peer has shown that it understands telnet; said once."""


Item = Keys | Send | Window | Name | Spoke


class Telnet:
    """The parser: one byte of state and one small buffer between two calls."""

    __slots__ = ("_answered", "_asked", "_spoke", "_state", "_sub", "_verb")

    def __init__(self) -> None:
        self._state = "data"
        self._verb = 0
        self._sub = bytearray()
        self._answered: set[tuple[bool, int]] = set()
        self._asked = False
        self._spoke = False

    @property
    def at_rest(self) -> bool:
        """Whether no sequence is under way, so that somebody else may read on from here."""
        return self._state == "data"

    def feed(self, data: bytes) -> list[Item]:
        """What these bytes mean, in order. Never raises."""
        if self._state == "data" and IAC not in data:
            return [Keys(data)] if data else []
        items: list[Item] = []
        at = 0
        while at < len(data):
            if self._state == "data":
                end = data.find(IAC, at)
                end = len(data) if end < 0 else end
                if end > at:
                    items.append(Keys(data[at:end]))
                if end < len(data):
                    self._state = "iac"
                at = end + 1
            else:
                self._byte(data[at], items)
                at += 1
        return items

    def _byte(self, byte: int, items: list[Item]) -> None:
        if self._state == "iac":
            self._command(byte, items)
        elif self._state == "option":
            self._state = "data"
            self._option(self._verb, byte, items)
        elif self._state == "sub":
            if byte == IAC:
                self._state = "sub-iac"
            else:
                self._keep(byte)
        elif byte == IAC:
            self._state = "sub"
            self._keep(byte)
        elif byte == SE:
            self._state = "data"
            self._subnegotiation(bytes(self._sub), items)
            self._sub.clear()
        else:
            # IAC and no SE: a broken peer; what it was saying is dropped and the command read as one.
            self._sub.clear()
            self._command(byte, items)

    def _keep(self, byte: int) -> None:
        # One byte over the cap is kept, so that the end knows that it was too long.
        if len(self._sub) <= SB_MOST:
            self._sub.append(byte)

    def _command(self, byte: int, items: list[Item]) -> None:
        self._state = "data"
        if byte == IAC:
            items.append(Keys(b"\xff"))
            return
        if not self._spoke:
            self._spoke = True
            items.append(Spoke())
        if WILL <= byte <= DONT:
            self._state, self._verb = "option", byte
        elif byte == SB:
            self._state = "sub"
        elif byte in KEYS:
            items.append(Keys(KEYS[byte]))

    def _option(self, verb: int, option: int, items: list[Item]) -> None:
        """WILL and DO are answered once; our own offers that come back, WONT and DONT need no answer."""
        if verb == WILL and option == TTYPE and not self._asked:
            self._asked = True
            items.append(Send(ASK_TTYPE))
        if verb == WONT and option == TTYPE and not self._asked:
            self._asked = True
            items.append(Name(""))
        if verb not in (WILL, DO):
            return
        offered = option in (NAWS, TTYPE) if verb == WILL else option in OURS
        if offered or (verb == WILL, option) in self._answered:
            return
        self._answered.add((verb == WILL, option))
        willing = DO if option in THEIRS else DONT
        items.append(Send(bytes((IAC, WONT if verb == DO else willing, option))))

    def _subnegotiation(self, sub: bytes, items: list[Item]) -> None:
        if len(sub) > SB_MOST:
            return
        if len(sub) == 5 and sub[0] == NAWS:
            columns = int.from_bytes(sub[1:3], "big") or 80
            rows = int.from_bytes(sub[3:5], "big") or 24
            items.append(Window(_clamp(columns, COLUMNS), _clamp(rows, ROWS)))
        elif sub[:2] == bytes((TTYPE, 0)):
            name = sub[2 : 2 + TTYPE_MOST].decode("ascii", "replace")
            items.append(Name("".join(char for char in name if char.isascii() and char.isprintable())))


def _clamp(value: int, span: tuple[int, int]) -> int:
    return max(span[0], min(span[1], value))
