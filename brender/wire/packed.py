"""What worker daemons speak: frames of JSON-RPC objects in msgpack, many messages per write.

A frame is C1, its length as an unsigned 32-bit big-endian number, and a msgpack list of objects. C1 is legal
in neither msgpack nor UTF-8, so a lost peer is noticed at once. One decoder serves every connection (an
Unpacker per connection costs 45 KB). Both ends use it: the master through `Packed`, the daemon through
`FrameReader` and `frame`. It must not know sockets or what the methods mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from brender.errors import BrenderError, InvalidRequest, ParseError, from_envelope
from brender.wire.limits import DEFAULT, Limits
from brender.wire.messages import (
    UNREADABLE,
    UNWRITABLE,
    Notice,
    Reply,
    Request,
    envelope,
    event,
    unpack,
    unstorable,
    unwritable,
)
from brender.wire.readings import METHOD as READINGS

T = TypeVar("T")

MARK = 0xC1
HEAD = 5
OFFERED = b"\xff"  # a telnet's offer begins so, and holds no MARK
MOST_OFFERED = 64  # bytes; an offer has 16


class Message(msgspec.Struct, omit_defaults=True):
    """One JSON-RPC object: a request or notification (it has a method) or an answer (result or error).

    `jsonrpc` may be left out inside frames. params and result stay undecoded until somebody says what
    they are, so that a list of 500 results is decoded once, straight into Structs.
    """

    jsonrpc: str = "2.0"
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    method: str = ""
    params: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: dict[str, Any] | None = None

    @property
    def is_answer(self) -> bool:
        """Whether it answers a request of ours."""
        return not self.method and (self.result is not msgspec.UNSET or self.error is not None)

    def params_as(self, kind: type[T]) -> T:
        """The params as `kind`; absent ones count as an empty object. Raises InvalidParams."""
        return unpack(_EMPTY if isinstance(self.params, msgspec.UnsetType) else self.params, kind, self.method)

    def result_as(self, kind: type[T]) -> T:
        """The result as `kind`. Raises the error that the peer answered with, or InvalidParams."""
        if self.error is not None:
            raise self.failure() or InvalidRequest("The peer answered with an empty error.")
        return unpack(_NIL if isinstance(self.result, msgspec.UnsetType) else self.result, kind, "result")

    def failure(self) -> BrenderError | None:
        """The error the peer answered with, as an exception of ours."""
        if self.error is None:
            return None
        try:
            return from_envelope(self.error)
        except (TypeError, ValueError):
            return InvalidRequest("The peer answered with an error of no known shape.")


_EMPTY = msgspec.Raw(b"\x80")
_NIL = msgspec.Raw(b"\xc0")
_MESSAGES = msgspec.msgpack.Decoder(list[Message])
_ENCODER = msgspec.msgpack.Encoder()
#: What an integer of 64 bits, NaN and the infinities begin with.
_ODD = re.compile(rb"\xcf[\x80-\xff]|[\xca\xcb][\x7f\xff]")


def frame(objects: Iterable[Any]) -> bytes:
    """One frame of these objects (dicts or Messages). To keep it under the peer's cap is the caller's care."""
    body = _ENCODER.encode(list(objects))
    return b"%c%b%b" % (MARK, len(body).to_bytes(4, "big"), body)


class FrameReader:
    """Cuts a byte stream into frames and frames into messages. An idle reader holds an empty buffer, no more.

    A peer that breaks the framing cannot be understood again: messages before the break are still returned,
    `broken` says what was wrong, and later bytes are ignored. `late`: before the first frame a telnet may be offered,
    to a client that did not speak at once; it is passed over.
    """

    __slots__ = ("_buffer", "_late", "_most", "broken")

    def __init__(self, most: int = DEFAULT.frame, late: bool = False) -> None:
        self._buffer = bytearray()
        self._most = most
        self._late = late
        self.broken: BrenderError | None = None

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete, in order. Never raises on foreign bytes."""
        return [] if self.broken is not None else self._read(data)

    def _read(self, data: bytes) -> list[Message]:
        self._buffer += data
        found: list[Message] = []
        if self._late and not self._past_offer():
            return found
        at = 0
        while self.broken is None and at < len(self._buffer):
            end = self._end_of_frame(at)
            if end is None:
                break
            found += self._decode(bytes(self._buffer[at + HEAD : end]))
            at = end
        if self.broken is not None:
            self._buffer = bytearray()
        elif at:
            del self._buffer[:at]
        return found

    def _past_offer(self) -> bool:
        """Whether what stands before the first frame, where anything does, has come; it is dropped then."""
        if self._buffer[:1] == OFFERED:
            at = self._buffer.find(MARK)
            if at < 0 and len(self._buffer) <= MOST_OFFERED:
                return False
            del self._buffer[: max(at, 0)]
        self._late = False
        return True

    def _end_of_frame(self, at: int) -> int | None:
        if self._buffer[at] != MARK:
            self.broken = ParseError(f"Expected the start of a frame (C1), got {self._buffer[at]:02X}.")
            return None
        if len(self._buffer) < at + HEAD:
            return None
        length = int.from_bytes(self._buffer[at + 1 : at + HEAD], "big")
        if length > self._most:
            self.broken = ParseError(f"A frame of {length} bytes is over the limit of {self._most}.")
            return None
        end = at + HEAD + length
        return end if len(self._buffer) >= end else None

    def _decode(self, body: bytes) -> list[Message]:
        try:
            found = _MESSAGES.decode(body)
            # Columns of readings are full of such bytes, and are looked at sample by sample anyway (storage/sift.py).
            if all(message.method == READINGS for message in found):
                return found
            # Most other frames hold none; in those that do they may be text.
            if _ODD.search(body) and unstorable(msgspec.msgpack.decode(body)):
                self.broken = ParseError("A number of the frame cannot be stored: over 63 bits, or no number.")
                return []
            return found
        except UNREADABLE as error:
            self.broken = ParseError(f"The frame is no msgpack list of JSON-RPC objects: {error}.")
            return []


class Packed:
    """The master's side of a packed conversation."""

    kind = "packed"

    def __init__(self, limits: Limits) -> None:
        self.closing = False
        self._reader = FrameReader(limits.frame)

    def feed(self, data: bytes) -> tuple[bytes, list[Request]]:
        out = b""
        requests = []
        for message in self._reader.feed(data):
            if message.method:
                requests.append(_request(message))
            elif not message.is_answer:
                # An answer is never answered, or two confused peers would talk for ever.
                known = None if isinstance(message.id, msgspec.UnsetType) else message.id
                out += frame([envelope(known, Reply(error=InvalidRequest("A request needs a method.")))])
        if self._reader.broken is not None:
            self.closing = True
            out += frame([envelope(None, Reply(error=self._reader.broken))])
        return out, requests

    def answer(self, request: Request, reply: Reply) -> bytes:
        if request.notification:
            return b""
        try:
            return frame([envelope(request.id, reply)])
        except UNWRITABLE as error:
            return frame([unwritable(request.id, error)])

    def notice(self, notice: Notice) -> bytes:
        return frame([event(notice)])


def _request(message: Message) -> Request:
    absent = isinstance(message.params, msgspec.UnsetType) or bytes(message.params) == b"\xc0"
    return Request(
        id=None if isinstance(message.id, msgspec.UnsetType) else message.id,
        notification=message.id is msgspec.UNSET,
        method=message.method,
        body=None if absent else message.params,
    )
