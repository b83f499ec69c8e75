"""The words both sides of the wire share: Request and Notice come and go, Reply says how a request ended.

They carry no bytes and know no codec, so the hub reads a request the same way whatever the peer speaks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from typing import Any, Protocol, TypeVar

import msgspec

from brender.errors import BrenderError, InternalError, InvalidParams

T = TypeVar("T")
WIDEST = 1 << 63

#: What a foreign document can raise while msgspec reads it; RecursionError is no ValueError.
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
#: What our own answer can raise while msgspec writes it: an object it does not know, or lone surrogates.
UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError)


@lru_cache(maxsize=512)
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def unpack(raw: msgspec.Raw, kind: type[T], what: str) -> T:
    """A msgpack value as `kind`; InvalidParams, which names `what`, when it does not fit."""
    target: Any = kind
    try:
        value: T = _decoder(target).decode(raw)
    except UNREADABLE as error:
        raise InvalidParams(f"{what}: {error}.") from None
    return value


class Batch(msgspec.Struct):
    """One JSON-RPC batch on its way to be answered: its answers leave together when none is awaited."""

    waiting: int = 0
    answers: list[bytes] = msgspec.field(default_factory=list)


class Request(msgspec.Struct, kw_only=True):
    """One thing the peer wants done: a method with params, or the words of a command line.

    `id` is the peer's own (None for a notification, a running number for words). A notification is never
    answered. `body` is private to the codecs; read it with `params` or `params_as`.
    """

    id: int | str | None = None
    notification: bool = False
    method: str = ""
    words: list[str] | None = None
    as_json: bool = False
    batch: Batch | None = None
    body: Any = None

    def params_as(self, kind: type[T]) -> T:
        """The params as `kind`, converted once; absent params count as an empty object.

        Raises InvalidParams when they do not fit.
        """
        if isinstance(self.body, msgspec.Raw):
            return unpack(self.body, kind, self.method)
        try:
            return msgspec.convert({} if self.body is None else self.body, kind)
        except UNREADABLE as error:
            raise InvalidParams(f"{self.method}: {error}.") from None

    @property
    def params(self) -> Any:
        """The params as plain dict, list or None. Raises InvalidParams when they are not well formed."""
        if isinstance(self.body, msgspec.Raw):
            return unpack(self.body, Any, self.method)
        return self.body


class Reply(msgspec.Struct):
    """How a request ended: `result` for programs, `text(size)` for people, or `error` for both.

    `text` gets (columns, rows) of the window and gives lines joined by a newline.
    """

    result: Any = None
    error: BrenderError | None = None
    text: Callable[[tuple[int, int]], str] | None = None


class Lines(msgspec.Struct, frozen=True):
    """What an event says to people, where that is more than one line: shown as it is, without the topic."""

    text: str


class Notice(msgspec.Struct, frozen=True):
    """One event for subscribers; `seq` grows by one for each event of the farm, over restarts too."""

    seq: int
    topic: str
    data: Any = None


class Codec(Protocol):
    """What every form of conversation can do; all the bytes it returns are to be sent at once."""

    closing: bool

    @property
    def kind(self) -> str: ...

    def feed(self, data: bytes) -> tuple[bytes, list[Request]]: ...

    def answer(self, request: Request, reply: Reply) -> bytes: ...

    def notice(self, notice: Notice) -> bytes: ...


def envelope(request_id: int | str | None, reply: Reply) -> dict[str, Any]:
    """The JSON-RPC 2.0 response object."""
    if reply.error is not None:
        return {"jsonrpc": "2.0", "id": request_id, "error": reply.error.envelope()}
    return {"jsonrpc": "2.0", "id": request_id, "result": reply.result}


def event(notice: Notice) -> dict[str, Any]:
    """The JSON-RPC 2.0 notification that carries a notice."""
    params = {"seq": notice.seq, "topic": notice.topic, "data": notice.data}
    return {"jsonrpc": "2.0", "method": "event", "params": params}


def unwritable(request_id: int | str | None, error: Exception) -> dict[str, Any]:
    """The answer in place of one that cannot be encoded: the peer must not wait for ever."""
    defect = InternalError(f"The answer cannot be encoded: {error}.", hint="Please report this as a defect.")
    return envelope(request_id, Reply(error=defect))


def unstorable(value: Any) -> bool:
    """Whether plain data holds a number no database can: its row could be written but never read again."""
    if isinstance(value, int):
        return not -WIDEST <= value < WIDEST
    if isinstance(value, float):
        return not isfinite(value)
    if isinstance(value, dict):
        return any(map(unstorable, value)) or any(map(unstorable, value.values()))
    return isinstance(value, (list, tuple)) and any(map(unstorable, value))


def is_id(value: Any) -> bool:
    """Whether a value may be the id of a request (bool is an int in Python, but not here)."""
    return value is None or (isinstance(value, (int, str)) and not isinstance(value, bool))
