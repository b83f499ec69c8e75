"""One connection, from its first byte to its last: bytes in, requests out; replies in, bytes out.

The owner of the socket needs nothing else of this room. A Conversation finds out what the peer speaks and
from then on leaves everything to that codec. It must not know sockets, clocks or commands.
"""

from __future__ import annotations

from collections.abc import Callable

from brender.wire.editor import Complete
from brender.wire.jsonl import JsonLines
from brender.wire.legacy import OldWorker
from brender.wire.limits import DEFAULT, Limits
from brender.wire.messages import Batch, Codec, Notice, Reply, Request
from brender.wire.packed import Packed
from brender.wire.sniff import Kind, is_verb, sniff
from brender.wire.telnet import OFFER
from brender.wire.terminal import PROMPT, Terminal

__all__ = ["DEFAULT", "Batch", "Conversation", "Limits", "Notice", "Reply", "Request"]

REFUSAL = b"This is a brender farm: telnet, JSON lines (JSON-RPC 2.0), msgpack frames or TLS are spoken here.\r\n"
HTTP_HEAD = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n"
)
#: After the offer, what a peer that is no telnet sees of it is wiped off its line.
WIPE = b"\r\x1b[K"
#: An owner that does not take a TLS opening over must not make us keep it all.
TLS_UNREAD = 64 * 1024


def no_completion(line: str, cursor: int) -> tuple[int, list[str]]:
    """For owners without a command table."""
    return cursor, []


class Conversation:
    """What the master knows of one connection. `feed` never raises on foreign bytes.

    `kind` is "opening" until the first bytes decide; for "tls" the owner takes `unread` (all bytes so far)
    and starts a new Conversation inside. When `closing` is True the peer is hung up after what was returned
    has been sent, and later bytes are ignored.
    """

    __slots__ = ("_banner", "_codec", "_complete", "_door", "_limits", "_offered", "_web", "unread")

    def __init__(
        self,
        limits: Limits = DEFAULT,
        complete: Complete = no_completion,
        banner: str = "",
        web: Callable[[], str] = lambda: "port 8060",
    ) -> None:
        """`banner` greets telnet; `web` says in words where the page is, for browsers that came here."""
        self.unread = b""
        self._limits = limits
        self._complete = complete
        self._banner = banner
        self._web = web
        self._offered = False
        self._door = "opening"
        self._codec: Codec | None = None

    @property
    def kind(self) -> str:
        return self._codec.kind if self._codec is not None else self._door

    @property
    def closing(self) -> bool:
        return self._codec.closing if self._codec is not None else self._door in ("http", "refused")

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows) of the peer's window."""
        return self._codec.size if isinstance(self._codec, Terminal) else (80, 24)

    @property
    def prompt(self) -> str:
        """What telnet and nc are asked with; set it before the answer that it is to follow."""
        return self._codec.prompt if isinstance(self._codec, Terminal) else PROMPT

    @prompt.setter
    def prompt(self, prompt: str) -> None:
        if isinstance(self._codec, Terminal):
            self._codec.prompt = prompt

    def silence(self) -> tuple[bytes, list[Request]]:
        """The peer has said nothing for 200 ms: offer telnet, softly. What it says first still decides."""
        if self._door != "opening" or self.unread or self._offered:
            return b"", []
        self._offered = True
        return OFFER + WIPE, []

    def feed(self, data: bytes) -> tuple[bytes, list[Request]]:
        """What to send at once, and what the peer wants done."""
        if self.closing or not data:
            return b"", []
        if self._codec is not None:
            return self._pass_on(self._codec, data)
        self.unread += data
        if self._door != "opening":
            return (self._close("refused"), []) if len(self.unread) > TLS_UNREAD else (b"", [])
        opening = self.unread[: self._limits.opening]
        kind = sniff(opening)
        if kind is None and len(self.unread) > len(opening):
            kind = "http" if is_verb(opening) else "refused"
        return (b"", []) if kind is None else self._open(kind)

    def answer(self, request: Request, reply: Reply) -> bytes:
        """The reply in the peer's own form; nothing for notifications."""
        return self._codec.answer(request, reply) if self._codec is not None else b""

    def notice(self, notice: Notice) -> bytes:
        """An event in the peer's own form; nothing where the form has no events."""
        return self._codec.notice(notice) if self._codec is not None else b""

    def _pass_on(self, codec: Codec, data: bytes) -> tuple[bytes, list[Request]]:
        out, requests = codec.feed(data)
        if isinstance(codec, JsonLines) and codec.successor is not None:
            self._codec = codec.successor
        return out, requests

    def _open(self, kind: Kind) -> tuple[bytes, list[Request]]:
        if kind in ("http", "refused"):
            return self._close(kind), []
        self._door = kind
        if kind == "tls":
            return (self._close("refused"), []) if len(self.unread) > TLS_UNREAD else (b"", [])
        self._codec = codec = self._codec_for(kind)
        first, self.unread = self.unread, b""
        hello = codec.greet() if isinstance(codec, Terminal) and kind == "telnet" else b""
        out, requests = self._pass_on(codec, first)
        return hello + out, requests

    def _codec_for(self, kind: Kind) -> Codec:
        if kind == "json":
            return JsonLines(self._limits)
        if kind == "packed":
            return Packed(self._limits)
        if kind == "legacy-worker":
            return OldWorker(self._limits)
        return Terminal(self._limits, self._complete, self._banner, self._offered)

    def _close(self, kind: Kind) -> bytes:
        self._door, self.unread = kind, b""
        if kind != "http":
            return REFUSAL
        body = f"This is the farm's own port. The web page is on {self._web()}.\n".encode()
        return HTTP_HEAD % len(body) + body
