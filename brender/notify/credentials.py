"""The credentials file: how mail leaves, and to whom. Read anew for every letter, so a password may change meanwhile.

Its keys are the seed's: from, to, user, password, server, port (RM-13, RM-45); beside them `tls`, `ca`,
`apprise` and `page`. It must not know letters.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from brender.errors import Invalid, nearest

KEYS = ("from", "to", "user", "password", "server", "port", "tls", "ca", "apprise", "page")
TLS = ("implicit", "starttls", "none")
PORTS = {465: "implicit"}
_PAGE = re.compile(r"https?://[^\s\"'<>#?]+")
_ADDRESS = re.compile(r"[^\s@<>,;\"\x00-\x1f\x7f]+@[^\s@<>,;\"\x00-\x1f\x7f]+")


class Credentials(Struct):
    """Whose mail server, and how to speak to it. `apprise` are other ways out, by name."""

    sender: str = ""
    to: list[str] = field(default_factory=list)
    user: str = ""
    password: str = ""
    server: str = ""
    port: int = 0
    tls: str = "starttls"
    ca: str = ""  # a file of certificates to trust besides the system's
    apprise: dict[str, str] = field(default_factory=dict)
    page: str = ""  # where a reader's browser finds the farm's page; letters link to it

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2] or "brender.invalid"


def read(path: Path) -> Credentials:
    """The file as it is now. Raises Invalid naming the file, the key and the rule (RM-13)."""
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()))
            document = json.loads(file.read(1 << 20))
    except OSError as error:
        raise Invalid(f"The credentials {path} cannot be read: {error.strerror}.", hint="See docs/alarms.md.") from None
    except (ValueError, RecursionError):
        raise Invalid(f"The credentials {path} are no JSON.", hint="See docs/alarms.md for how they look.") from None
    if not isinstance(document, dict):
        raise Invalid(f"The credentials {path} are no JSON object.", hint="See docs/alarms.md for how they look.")
    return _checked(path, document)


def _check_mode(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Invalid(f"The credentials {path} are no file.", hint="Give the path of a JSON file.")
    mode = stat.S_IMODE(status.st_mode)
    if mode != 0o600:
        raise Invalid(
            f"The credentials {path} have mode {mode:04o}; a password is for its owner's eyes only.",
            hint=f"chmod 600 {path}",
        )


def _checked(path: Path, found: dict[str, Any]) -> Credentials:
    for key in found:
        if key not in KEYS:
            hint = nearest(str(key), KEYS) or f"It has {', '.join(KEYS)}."
            raise Invalid(f"The credentials {path} have no key {key!r}.", hint=hint)
    made = Credentials(
        sender=_text(path, found, "from"),
        to=_recipients(path, found.get("to", [])),
        user=_text(path, found, "user"),
        password=_text(path, found, "password"),
        server=_text(path, found, "server"),
        ca=_text(path, found, "ca"),
        apprise=_ways(path, found.get("apprise", {})),
        page=_text(path, found, "page").rstrip("/"),
    )
    if made.page and _PAGE.fullmatch(made.page) is None:
        raise Invalid(f"The credentials {path}: page is where the farm's page is.", hint='"page": "http://farm:8060"')
    _check_mail(path, found, made)
    return made


def _text(path: Path, found: dict[str, Any], key: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str) or len(value) > 1000 or any(char in value for char in "\r\n\0"):
        raise Invalid(f"The credentials {path}: {key} is one line of text.")
    return value


def _recipients(path: Path, value: Any) -> list[str]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Invalid(f"The credentials {path}: to is an address or a list of addresses.")
    found = [word.strip() for word in words if word.strip()]
    for word in found:
        if not is_address(word):
            raise Invalid(f"The credentials {path}: {word[:80]!r} is no address.", hint='"to": "anna@example.org"')
    return found


def is_address(word: str) -> bool:
    """Whether a word is an address that mail can be sent to."""
    return _ADDRESS.fullmatch(word) is not None


def _ways(path: Path, value: Any) -> dict[str, str]:
    """Apprise URLs by name; a list gets names by number."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        value = {f"apprise-{number}": url for number, url in enumerate(value, 1)}
    good = isinstance(value, dict) and all(isinstance(url, str) and "://" in url for url in value.values())
    if not good or any("@" in name for name in value):
        raise Invalid(f"The credentials {path}: apprise is an object of names and URLs.", hint='{"chat": "slack://…"}')
    return dict(value)


def _check_mail(path: Path, found: dict[str, Any], made: Credentials) -> None:
    """Mail needs from, to and server; without any of them there must be another way out."""
    if not made.server and not made.sender and not made.to:
        if not made.apprise:
            raise Invalid(f"The credentials {path} name no way out.", hint="They need from, to and server, or apprise.")
        return
    for key, value in (("from", made.sender), ("to", made.to), ("server", made.server)):
        if not value:
            raise Invalid(f"The credentials {path} need {key} for mail.")
    if not is_address(made.sender):
        raise Invalid(f"The credentials {path}: from is an address, not {made.sender[:80]!r}.")
    if bool(made.user) != bool(made.password):
        raise Invalid(f"The credentials {path}: user and password go together.")
    local = is_loopback(made.server)
    port = found.get("port", 25 if local else 587)
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise Invalid(f"The credentials {path}: port is 1 to 65535, not {port!r}.")
    made.port = port
    made.tls = found.get("tls", PORTS.get(port, "none" if local and not made.user else "starttls"))
    if made.tls not in TLS:
        raise Invalid(f"The credentials {path}: tls is {', '.join(TLS)}, not {made.tls!r}.")
    if made.tls == "none" and not local:
        raise Invalid(
            f"The credentials {path}: without TLS mail goes to this machine only, not to {made.server}.",
            hint="Leave tls out: STARTTLS is used, and TLS from the first byte on port 465.",
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its address; what a name means may change."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
