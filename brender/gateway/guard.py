"""Who may ask the gateway what: the name it was called by, and from whose page a browser sends. Allow-lists only.

Any page of the web can make a visitor's browser send requests to 127.0.0.1, and can give its own name that address. So
the name is checked first (DNS rebinding), and what is no plain reading must come from our own page (CONTRACT S6, S7).
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD"})
OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """All values of a header."""
    return [value.decode("latin-1") for key, value in headers if key.lower() == name]


def own_name(hosts: list[str]) -> bool:
    """Whether the one Host header names this machine; any port, for an ssh tunnel has its own."""
    if len(hosts) != 1:
        return False
    name, port = _cut(hosts[0])
    return name.lower() in OWN_NAMES and (port == "" or (port.isascii() and port.isdigit() and len(port) <= 5))


def own_page(host: str, origins: list[str], sites: list[str]) -> bool:
    """Whether a request that is no plain reading comes from our own page: the browser says so, or names our origin."""
    if len(origins) > 1 or len(sites) > 1 or (sites and sites[0] != "same-origin"):
        return False
    if not origins:
        return bool(sites)
    return origins[0].lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def verdict(kind: str, method: str, headers: list[tuple[bytes, bytes]]) -> int:
    """0 when the request may pass, else the status that refuses it. `kind` is http or websocket."""
    hosts = values(headers, b"host")
    if not own_name(hosts):
        return 421
    if kind == "http" and method in SAFE:
        return 0
    return 0 if own_page(hosts[0], values(headers, b"origin"), values(headers, b"sec-fetch-site")) else 403


def _cut(host: str) -> tuple[str, str]:
    """A Host header as its name and its port; brackets stay on."""
    if host.startswith("["):
        name, bracket, port = host.partition("]")
        return name + bracket, port.removeprefix(":") if port.startswith(":") else ("" if not port else "?")
    name, colon, port = host.partition(":")
    return name, port if not colon or port else "?"


REFUSED = {
    421: b"This address is not served here: open http://127.0.0.1 or http://localhost with the port of brender web.\n",
    403: b"This request does not come from the farm's own page, so it is refused.\n",
}


class Guard:
    """ASGI: refuses what may not pass before anything else sees it, and puts our headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status = verdict(scope["type"], scope.get("method", "GET"), scope["headers"])
        if not status:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before accept: the server answers 403
        else:
            kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *HEADERS]
            await send({"type": f"{kind}.start", "status": status, "headers": headers})
            await send({"type": f"{kind}.body", "body": REFUSED[status]})


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *HEADERS]
        await send(message)

    return sending
