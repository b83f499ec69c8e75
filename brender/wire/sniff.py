"""What kind of conversation the first bytes open. It decides; it must not know what the kinds do.

The answer never changes once given: a longer opening of the same stream gives the same kind, so the
stream may be cut anywhere. `None` means that more bytes are needed; after 200 ms of silence the owner
of the socket offers telnet softly, and the first byte still decides.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["telnet", "line", "json", "packed", "legacy-worker", "http", "tls", "refused"]

BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
GREETING = b"identify_client"
VERBS = tuple(
    verb + b" "
    for verb in (
        b"GET",
        b"POST",
        b"PUT",
        b"HEAD",
        b"OPTIONS",
        b"DELETE",
        b"PATCH",
        b"CONNECT",
        b"TRACE",
        b"PRI",
    )
)


def sniff(opening: bytes) -> Kind | None:
    """The kind of conversation that starts with these bytes, or None when they may still become several."""
    if not opening:
        return None
    by_mark = _by_mark(opening)
    if by_mark is not None:
        return by_mark
    if opening == b"\x16" or BOM.startswith(opening):
        return None
    return _by_text(opening.removeprefix(BOM).lstrip(BLANKS))


def _by_mark(opening: bytes) -> Kind | None:
    first = opening[0]
    if first == 0xFF:
        return "telnet"
    if first == 0xC1:
        return "packed"
    if first == 0x16 and len(opening) > 1:
        return "tls" if opening[1] == 0x03 else "line"
    # Bytes that no UTF-8 text starts with: bare msgpack, most likely, which needs frames here.
    if 0x80 <= first <= 0xC1 or first >= 0xF8:
        return "refused"
    return None


def _by_text(text: bytes) -> Kind | None:
    if not text:
        return None
    if text[:1] in (b"{", b"["):
        return "json"
    if text.startswith(b"SSH-"):
        return "refused"
    if text.startswith(GREETING):
        return _greeting(text)
    if text.startswith(VERBS):
        return _http(text)
    if any(word.startswith(text) for word in (b"SSH-", GREETING, *VERBS)):
        return None
    return "line"


def _greeting(text: bytes) -> Kind | None:
    rest = text[len(GREETING) :]
    if rest in (b"", b"\r"):
        return None
    return "legacy-worker" if rest.startswith((b"\n", b"\r\n")) else "line"


def _http(text: bytes) -> Kind | None:
    # `GET key` is also a command of the key-value store, so the whole line decides.
    line, end, _ = text.partition(b"\n")
    if not end:
        return None
    words = line.split()
    return "http" if words[-1].startswith(b"HTTP/") or words[1:2] == [b"/"] else "line"


def is_verb(opening: bytes) -> bool:
    """Whether an opening that never came to a decision looks like an over-long HTTP request line."""
    return opening.removeprefix(BOM).lstrip(BLANKS).startswith(VERBS)
