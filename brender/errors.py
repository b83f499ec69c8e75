"""Every error brender can answer with, in one tree and with one envelope at all doors.

It must not know any door: telnet, JSON lines, msgpack and the CLI all render `envelope()`.
Codes are JSON-RPC 2.0's where it has one, and 1001-1010 as REQUIREMENTS 8.0 lists them; 1011 is ours.

    BrenderError
    ├── ParseError            -32700  the bytes are no message
    ├── InvalidRequest        -32600  a message, but not of the protocol's shape
    ├── UnknownCommand        -32601  no such command
    ├── InvalidParams         -32602  a known command with wrong arguments
    ├── InternalError         -32603  a defect in brender itself
    ├── Unauthorised           1001  say who you are first
    ├── Forbidden              1002  your role may not do this
    ├── NotFound               1003  no such thing
    ├── Exists                 1004  the name is taken
    ├── WrongState             1005  the thing's state forbids it
    ├── Invalid                1006  a value breaks a rule
    ├── Busy                   1007  a limit is reached, try again later
    ├── TimedOut               1008  it did not answer in time
    ├── Conflict               1009  somebody changed it meanwhile
    ├── Unsupported            1010  not offered here
    └── NoMaster               1011  nobody answers; said by those who ask, never by a master
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar


class BrenderError(Exception):
    """An answer that says no: what, which rule, and what to do next.

    `message` is one or two sentences for a person; `hint` is the next step; `data` is for scripts.
    """

    code: ClassVar[int] = -32603

    def __init__(self, message: str, *, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data

    def envelope(self) -> dict[str, Any]:
        """The JSON-RPC error object: {"code", "message", "data": {"hint", ...}}."""
        data = dict(self.data)
        if self.hint:
            data["hint"] = self.hint
        answer: dict[str, Any] = {"code": self.code, "message": self.message}
        if data:
            answer["data"] = data
        return answer

    def sentence(self) -> str:
        """Message and hint as one line of text."""
        return f"{self.message} {self.hint}".strip()

    @property
    def outcome(self) -> str:
        """`not done`, or `unknown`: a change was on its way when the connection broke, so look before you repeat it."""
        return str(self.data.get("outcome", "not done"))

    def __str__(self) -> str:
        return self.sentence()


class ParseError(BrenderError):
    code = -32700


class InvalidRequest(BrenderError):
    code = -32600


class UnknownCommand(BrenderError):
    code = -32601


class InvalidParams(BrenderError):
    code = -32602


class InternalError(BrenderError):
    code = -32603


class Unauthorised(BrenderError):
    code = 1001


class Forbidden(BrenderError):
    code = 1002


class NotFound(BrenderError):
    code = 1003


class Exists(BrenderError):
    code = 1004


class WrongState(BrenderError):
    code = 1005


class Invalid(BrenderError):
    code = 1006


class Busy(BrenderError):
    code = 1007


class TimedOut(BrenderError):
    code = 1008


class Conflict(BrenderError):
    code = 1009


class Unsupported(BrenderError):
    code = 1010


class NoMaster(BrenderError):
    code = 1011


def _all_errors(root: type[BrenderError]) -> Iterable[type[BrenderError]]:
    for child in root.__subclasses__():
        yield child
        yield from _all_errors(child)


BY_CODE: dict[int, type[BrenderError]] = {kind.code: kind for kind in _all_errors(BrenderError)}


def from_envelope(error: dict[str, Any]) -> BrenderError:
    """The exception that an error object from the wire stands for; unknown codes become InternalError."""
    data = dict(error.get("data") or {})
    hint = str(data.pop("hint", ""))
    kind = BY_CODE.get(int(error.get("code", -32603)), InternalError)
    return kind(str(error.get("message", "unknown error")), hint=hint, **data)


def nearest(word: str, known: Iterable[str]) -> str:
    """«Did you mean a, b or c?» for a mistyped name, or an empty string when nothing is near."""
    names = list(known)
    lower = {name.lower(): name for name in names}
    cutoff = 0.5 if len(word) < 3 else 0.55  # of two letters, one in place is near
    found = [lower[hit] for hit in difflib.get_close_matches(word.lower(), list(lower), n=3, cutoff=cutoff)]
    if not found:
        return ""
    if len(found) == 1:
        return f"Did you mean {found[0]}?"
    return f"Did you mean {', '.join(found[:-1])} or {found[-1]}?"
