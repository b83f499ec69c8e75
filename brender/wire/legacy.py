"""The shapes of 2013: one JSON line in, one dataTables line out; and the handshake of the old workers.

brender restarts from before its turn to HTTP, so its PHP pages and its clients of February 2013 must still
find what they ask for. It must not know what the four items hold: the command table makes the rows.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from brender.errors import BrenderError, InvalidParams
from brender.wire.limits import Limits
from brender.wire.messages import UNREADABLE, UNWRITABLE, Notice, Reply, Request, unwritable

ACTIONS = ("read", "create", "update", "delete")
WORDS = frozenset(("ready", "busy", "finished", "warning", "chunk_finished", "job_finished", "quit"))
ORDER_TOPIC = "legacy.order"

_ENCODER = msgspec.json.Encoder()
_PLAIN_MAC = re.compile(r"(?:[0-9a-f]{12}|[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5})", re.ASCII)
_HEX_NUMBER = re.compile(r"0x([0-9a-f]{1,12})l?", re.ASCII)


def is_legacy(document: Any) -> bool:
    """Whether a first JSON object is a request of 2013 rather than JSON-RPC."""
    return isinstance(document, dict) and "item" in document and "action" in document and "method" not in document


class OneAnswer:
    """One request, one answer, hang up: "otherwise PHP does not get EOF"."""

    kind = "legacy-json"

    def __init__(self) -> None:
        self.closing = False

    def read(self, document: dict[str, Any]) -> tuple[list[Request], bytes]:
        """The request of the line, or no request and the refusal to send."""
        try:
            return [_legacy_request(document)], b""
        except InvalidParams as error:
            return [], self.refuse(error)

    def feed(self, data: bytes) -> tuple[bytes, list[Request]]:
        """Whatever follows the one request is not read."""
        return b"", []

    def answer(self, request: Request, reply: Reply) -> bytes:
        """A list of rows as {"aaData": rows}; another result as it is; no result (an update) as silence."""
        if reply.error is not None:
            return self.refuse(reply.error)
        self.closing = True
        if reply.result is None:
            return b""
        shape = {"aaData": reply.result} if isinstance(reply.result, (list, tuple)) else reply.result
        try:
            return _ENCODER.encode(shape) + b"\n"
        except UNWRITABLE as error:
            return _ENCODER.encode({"error": unwritable(None, error)["error"]["message"]}) + b"\n"

    def refuse(self, error: BrenderError) -> bytes:
        """The old server printed `[Error] …`, which json_decode turns into nothing; this it can read."""
        self.closing = True
        return _ENCODER.encode({"error": f"[Error] {error.sentence()}", "code": error.code}) + b"\n"

    def notice(self, notice: Notice) -> bytes:
        """There were no events in 2013."""
        return b""


def _legacy_request(document: dict[str, Any]) -> Request:
    item, action = document["item"], document["action"]
    if not isinstance(item, str):
        raise InvalidParams("The item is a word.", hint="One of client, project, sequence, shot, job, brender_server.")
    if action not in ACTIONS:
        raise InvalidParams("This action is not known.", hint=f"One of {', '.join(ACTIONS)}.")
    # The README of 2013 writes `filter`, its code read `filters`.
    params = {
        "item": item,
        "action": action,
        "filters": _fields(document.get("filters", document.get("filter")), "filters"),
        "values": _fields(document.get("values"), "values"),
    }
    return Request(id=1, method=f"legacy.{action}", body=params)


def _fields(value: Any, name: str) -> dict[str, Any]:
    """Filters and values came as an object, as an empty string, or as an object written into a string."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except UNREADABLE:
            raise InvalidParams(f"The {name} are no JSON object.") from None
    if value == []:
        # PHP writes an empty array for an empty object.
        return {}
    if not isinstance(value, dict):
        raise InvalidParams(f"The {name} are no JSON object.")
    return value


class OldWorker:
    """A worker of 2013: `identify_client`, `mac_addr`, a MAC, then one word for each thing that happens.

    Requests are `legacy.hello` {mac, hostname} and `legacy.word` {word}; an answer that is a word or an
    object goes out as the order it is.
    """

    kind = "legacy-worker"

    def __init__(self, limits: Limits) -> None:
        self.closing = False
        self._limits = limits
        self._buffer = b""
        self._greeted = False
        self._known = False
        self._number = 0

    def feed(self, data: bytes) -> tuple[bytes, list[Request]]:
        out = b""
        requests: list[Request] = []
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if self.closing:
                break
            out += self._line(line, requests)
        if len(self._buffer) > self._limits.opening:
            self.closing = True
            self._buffer = b""
        return out, requests

    def answer(self, request: Request, reply: Reply) -> bytes:
        """The order in the result, if any. An old client understands no errors: it is hung up."""
        if reply.error is not None:
            self.closing = True
            return b""
        return _order(reply.result)

    def notice(self, notice: Notice) -> bytes:
        """Orders only: a notice on `legacy.order`, whose data is a word (`kill`) or the order object."""
        return _order(notice.data) if notice.topic == ORDER_TOPIC else b""

    def _line(self, raw: bytes, requests: list[Request]) -> bytes:
        if len(raw) > self._limits.opening:
            self.closing = True
            return b""
        words = raw.decode("utf-8", "replace").split()
        if not words:
            return b""
        if not self._greeted:
            self._greeted = True
            return b"mac_addr"
        return self._word(words, requests)

    def _word(self, words: list[str], requests: list[Request]) -> bytes:
        mac = read_mac(words[0])
        if mac is not None:
            self._known = True
            hostname = words[1] if len(words) > 1 else ""
            requests.append(self._request("legacy.hello", {"mac": mac, "hostname": hostname}))
        elif self._known and words[0].lower() in WORDS:
            word = words[0].lower()
            requests.append(self._request("legacy.word", {"word": word}))
            self.closing = word == "quit"
        else:
            # The old rule: any other word means that the client is gone.
            self.closing = True
        return b""

    def _request(self, method: str, params: dict[str, str]) -> Request:
        self._number += 1
        return Request(id=self._number, method=method, body=params)


def read_mac(word: str) -> str | None:
    """Twelve hex digits from a MAC as 2013's clients sent it (a decimal number) or as people write it."""
    word = word.lower()
    if word.isascii() and word.isdigit():
        # Twelve digits may be either; the old clients sent decimal numbers.
        number = int(word) if len(word) <= 15 else 1 << 48
        return f"{number:012x}" if number < 1 << 48 else None
    if _PLAIN_MAC.fullmatch(word):
        return word.replace(":", "").replace("-", "")
    found = _HEX_NUMBER.fullmatch(word)
    return found[1].zfill(12) if found else None


def _order(order: Any) -> bytes:
    # A bare word has no newline: the old client compares what one recv gave it.
    if isinstance(order, str):
        return order.encode("utf-8", "replace")
    return _ENCODER.encode(order) + b"\n" if isinstance(order, dict) else b""
