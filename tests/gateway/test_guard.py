"""Who may ask what: every method, name and origin, asked of a real gateway (CONTRACT S6, S7)."""

from __future__ import annotations

import socket

import pytest
from websockets.exceptions import InvalidStatus

from .conftest import Room

HOSTS = {
    "127.0.0.1:{port}": True,
    "127.0.0.1:9999": True,  # the other end of an ssh tunnel
    "localhost:{port}": True,
    "LOCALHOST": True,
    "[::1]:{port}": True,
    "evil.example:{port}": False,
    "localhost.:{port}": False,
    "127.0.0.1.nip.io:{port}": False,
    "10.0.0.7:{port}": False,
    "0.0.0.0:{port}": False,
    "127.1:{port}": False,
    "localhost:{port}@evil.example": False,
    "localhost:12:{port}": False,
    "[::1]x:{port}": False,
    "": False,
}
ORIGINS = {
    "": False,
    "null": False,
    "http://evil.example": False,
    "http://127.0.0.1:1": False,
    "http://127.0.0.1.evil.example:{port}": False,
    "http://127.0.0.1:{port}/": False,
    "http://127.0.0.1:{port}": True,
}
METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get")


def said(port: int, *lines: str) -> bytes:
    """The first line that comes back for these lines of a request."""
    with socket.create_connection(("127.0.0.1", port), 10) as link:
        link.sendall("\r\n".join([*lines, "", ""]).encode())
        return link.makefile("rb").readline()


@pytest.mark.parametrize(("host", "good"), HOSTS.items())
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_only_this_machines_own_names_are_answered(room: Room, host: str, good: bool, method: str) -> None:
    """DNS rebinding: a foreign name that leads here is not ours."""
    port = room.web.port
    given = host.format(port=port)
    line = said(port, f"{method} / HTTP/1.1", f"Host: {given}", f"Origin: http://{given}", "Content-Length: 0")
    assert (b" 421 " not in line) == good, line
    assert not good or b" 200 " in line or method == "POST"


def test_two_names_are_no_name(room: Room) -> None:
    line = said(room.web.port, "GET / HTTP/1.1", "Host: localhost", "Host: evil.example")
    assert b" 421 " in line or b" 400 " in line


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("origin", "good"), ORIGINS.items())
def test_what_is_no_plain_reading_comes_from_our_own_page(room: Room, method: str, origin: str, good: bool) -> None:
    """S6: an allow-list; whatever is neither GET nor HEAD needs our own origin."""
    port = room.web.port
    origins = [f"Origin: {origin.format(port=port)}"] if origin else []
    line = said(port, f"{method} /upload HTTP/1.1", f"Host: 127.0.0.1:{port}", *origins, "Content-Length: 0")
    refused = b" 403 " in line or b" 400 " in line  # 400: the server itself knows no such method
    assert refused or (good and b" 2" not in line[:13]), line
    assert good or refused, line


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "same-origin, same-origin", ""])
def test_what_the_browser_says_of_the_sender_wins_over_the_origin(room: Room, site: str) -> None:
    given = {"Origin": room.web.origin, "Sec_Fetch_Site": site}
    assert room.web.request("POST", "/upload?name=a.blend", b"", **given)[0] == 403


@pytest.mark.parametrize(("origin", "good"), ORIGINS.items())
def test_a_foreign_page_opens_no_websocket(room: Room, origin: str, good: bool) -> None:
    """S7: cross-site WebSocket hijacking; no session is made."""
    given = origin.format(port=room.web.port) or None
    before = len(room.farm.json().call("session.list")["sessions"])
    if good:
        assert room.page(origin=given).call("session.test")["text"]
        return
    with pytest.raises(InvalidStatus) as refused:
        room.page(origin=given)
    assert refused.value.response.status_code == 403
    assert len(room.farm.json().call("session.list")["sessions"]) == before + 1  # ours that asks


@pytest.mark.parametrize("host", ["evil.example", "localhost.", "127.0.0.1.nip.io"])
def test_a_rebound_name_opens_no_websocket(room: Room, host: str) -> None:
    head = ["GET /ws HTTP/1.1", f"Host: {host}:{room.web.port}", f"Origin: http://{host}:{room.web.port}"]
    head += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    assert b" 421 " in said(room.web.port, *head, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


def test_every_answer_forbids_what_the_page_does_not_need(room: Room) -> None:
    for path in ("/", "/nothing.js", "/metrics"):
        _, headers, _ = room.web.get(path)
        assert headers["content-security-policy"].startswith("default-src 'self'"), path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
