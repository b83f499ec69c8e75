"""Where a server really is: environment variables send a reference elsewhere, for test rigs (CL-37)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from brender.errors import Invalid

OURS, SEED = "BRENDER_TRANSLATE_", "CX_TRANSLATE_"


def translated(host: str, port: int, environment: Mapping[str, str]) -> tuple[str, int]:
    """The address to dial instead: of `BRENDER_TRANSLATE_<HOST>_<PORT>=<host>:<port>`, or as CX_TRANSLATE_….

    In the name the host is in upper case, and what is no letter or digit is `_`. What the value leaves out stays, but
    an empty host is this machine (`CX_TRANSLATE_LINAC1_34=:34`). Raises Invalid for a value that is no address.
    """
    word = re.sub(r"[^A-Z0-9]", "_", host.upper())
    for prefix in (OURS, SEED):
        value = environment.get(f"{prefix}{word}_{port}")
        if value is None:
            continue
        there, colon, number = value.strip().rpartition(":") if ":" in value else (value.strip(), "", "")
        if colon and number and not (number.isdigit() and 0 < int(number) < 65536):
            raise Invalid(f"{prefix}{word}_{port}={value!r} is no HOST:PORT.")
        return there.strip("[]") or "127.0.0.1", int(number) if number else port
    return host, port


def translated_url(url: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """The URL to ask instead, and what to say as its host."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    there = translated(host, port, environment)
    if there == (host, port):
        return url, parts.netloc
    name = f"[{there[0]}]" if ":" in there[0] else there[0]
    return urlunsplit(parts._replace(netloc=f"{name}:{there[1]}")), parts.netloc
