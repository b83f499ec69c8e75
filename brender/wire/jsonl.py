"""JSON-RPC 2.0, one object or batch a line: what PHP, the gateway, the CLI and scripts speak.

Bytes are capped before they are parsed; then everything that other parsers let through (NaN, duplicate
keys, lone surrogates, endless nesting, endless integers) is refused, without losing the connection.
It must not know what the methods mean.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

import msgspec

from brender.errors import BrenderError, InvalidRequest, ParseError
from brender.wire.legacy import OneAnswer, is_legacy
from brender.wire.limits import Limits
from brender.wire.messages import (
    UNREADABLE,
    UNWRITABLE,
    Batch,
    Codec,
    Notice,
    Reply,
    Request,
    envelope,
    event,
    is_id,
    unwritable,
)
from brender.wire.sniff import BOM

_DECODER = msgspec.json.Decoder()
_ENCODER = msgspec.json.Encoder()
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_LONG_INTEGER = re.compile(rb"(?<![\d.eE+-])-?\d{20,}(?![\d.eE])")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def decode(line: bytes, depth: int) -> Any:
    """One JSON document, strictly. Raises ParseError with what is wrong with it.

    A key given twice shows as a colon that the document's own re-encoding lacks: both counts run in C,
    where a hook for each object would cost more than the parsing.
    """
    try:
        document = _DECODER.decode(line)
        again = _ENCODER.encode(document)
    except UNREADABLE as error:
        raise ParseError(f"This is no JSON document: {error}.") from None
    marks = _marks(line)
    if marks.count(b":") != _marks(again).count(b":"):
        raise ParseError("A key is given twice in one object of the JSON document.")
    if _LONG_INTEGER.search(marks):
        raise ParseError("An integer of the JSON document has more than 19 digits.")
    if marks.count(b"[") + marks.count(b"{") > depth and _depth(marks) > depth:
        raise ParseError(f"The JSON document is nested deeper than {depth} levels.")
    return document


def _marks(text: bytes) -> bytes:
    """A valid JSON text without the contents of its strings."""
    if b"\\" in text:
        text = _STRING.sub(b"", text)
    return b"".join(text.split(b'"')[::2])


def _depth(marks: bytes) -> int:
    return max(accumulate(map(_STEP.__getitem__, marks.translate(None, _NOT_BRACKETS))))


def encode(message: Any) -> bytes:
    """A message as one line. Raises one of messages.UNWRITABLE for what JSON cannot hold."""
    return _ENCODER.encode(message) + b"\n"


class JsonLines:
    """The server's side of a conversation in JSON lines."""

    kind = "json"

    def __init__(self, limits: Limits) -> None:
        self.closing = False
        self.successor: Codec | None = None
        self._limits = limits
        self._buffer = bytearray()
        self._first = True
        self._faults = 0

    def feed(self, data: bytes) -> tuple[bytes, list[Request]]:
        out: list[bytes] = []
        requests: list[Request] = []
        seen = len(self._buffer)
        self._buffer += data
        at = 0
        while not self.closing and self.successor is None:
            end = self._buffer.find(b"\n", max(at, seen))
            if end < 0:
                break
            out.append(self._line(bytes(self._buffer[at:end]), requests))
            at = end + 1
        if self.closing or self.successor is not None:
            self._buffer = bytearray()
            return b"".join(out), requests
        del self._buffer[:at]
        if len(self._buffer) > self._limits.json_line:
            out.append(self._too_long())
            self._buffer = bytearray()
        return b"".join(out), requests

    def answer(self, request: Request, reply: Reply) -> bytes:
        if request.notification:
            return b""
        try:
            line = encode(envelope(request.id, reply))
        except UNWRITABLE as error:
            line = encode(unwritable(request.id, error))
        batch = request.batch
        if batch is None:
            return line
        batch.answers.append(line[:-1])
        batch.waiting -= 1
        return _together(batch)

    def notice(self, notice: Notice) -> bytes:
        return encode(event(notice))

    def _line(self, line: bytes, requests: list[Request]) -> bytes:
        if len(line) > self._limits.json_line:
            return self._too_long()
        if self._first:
            line = line.removeprefix(BOM)
        line = line.strip(b" \t\r")
        if not line:
            return b""
        try:
            return self._document(decode(line, self._limits.depth), requests)
        except BrenderError as error:
            return self._fault(error)
        finally:
            self._first = False

    def _document(self, document: Any, requests: list[Request]) -> bytes:
        if isinstance(document, list):
            return self._batch(document, requests)
        if self._first and is_legacy(document):
            self.successor = OneAnswer()
            request, refusal = self.successor.read(document)
            requests += request
            return refusal
        if is_answer(document):
            return b""
        try:
            requests.append(read_request(document))
        except InvalidRequest as error:
            return self._fault(error, document)
        self._faults = 0
        return b""

    def _batch(self, members: list[Any], requests: list[Request]) -> bytes:
        if not members:
            raise InvalidRequest("A batch needs at least one request.")
        if len(members) > self._limits.batch:
            raise InvalidRequest(f"A batch of {len(members)} is over the limit of {self._limits.batch} requests.")
        self._faults = 0
        batch = Batch()
        for member in members:
            if is_answer(member):
                continue
            try:
                request = read_request(member)
            except InvalidRequest as error:
                batch.answers.append(_refusal(error, member))
                continue
            request.batch = batch
            batch.waiting += not request.notification
            requests.append(request)
        return _together(batch)

    def _fault(self, error: BrenderError, document: Any = None) -> bytes:
        self._faults += 1
        if self._faults >= self._limits.faults:
            self.closing = True
        return _refusal(error, document) + b"\n"

    def _too_long(self) -> bytes:
        self.closing = True
        return _refusal(ParseError(f"A line is longer than {self._limits.json_line} bytes."), None) + b"\n"


def is_answer(document: Any) -> bool:
    """Whether a document answers somebody; answers to answers would never end, so these are dropped."""
    return isinstance(document, dict) and "method" not in document and ("result" in document or "error" in document)


def read_request(document: Any) -> Request:
    """The request that one decoded JSON object stands for. Raises InvalidRequest with the rule it breaks."""
    if not isinstance(document, dict):
        raise InvalidRequest(
            "A request is a JSON object.", hint='Example: {"jsonrpc":"2.0","id":1,"method":"rpc.discover"}'
        )
    method = document.get("method")
    if not isinstance(method, str) or not method:
        raise InvalidRequest("A request needs a method, a string.")
    # Left out it is forgiven: people type these by hand.
    if document.get("jsonrpc", "2.0") != "2.0":
        raise InvalidRequest('The member jsonrpc must be "2.0".')
    request_id = document.get("id")
    if not is_id(request_id):
        raise InvalidRequest("The id of a request is a string, an integer or null.")
    params = document.get("params")
    if not (params is None or isinstance(params, (dict, list))):
        raise InvalidRequest("The params of a request are an object or an array.")
    return Request(id=request_id, notification="id" not in document, method=method, body=params)


def _together(batch: Batch) -> bytes:
    if batch.waiting or not batch.answers:
        return b""
    answers, batch.answers = batch.answers, []
    return b"[" + b",".join(answers) + b"]\n"


def _refusal(error: BrenderError, document: Any) -> bytes:
    known = document.get("id") if isinstance(document, dict) else None
    return _ENCODER.encode(envelope(known if is_id(known) else None, Reply(error=error)))
