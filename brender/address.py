"""HOST:PORT in words and back, and the one rule of who may be listened to: nobody but this machine, until keys exist.

Every program that binds or dials an address asks this file, so that no one forgets the rule (CONTRACT S2).
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

from brender.config import PORT
from brender.errors import Forbidden, Invalid

MASTER_VARIABLE = "BRENDER_MASTER"


def parse(text: str, default_port: int = PORT) -> tuple[str, int]:
    """("host", port) from host, host:port, :port or [v6]:port. Raises Invalid naming what is wrong."""
    text = text.strip()
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port_text = rest.removeprefix(":")
    elif text.count(":") > 1:
        host, port_text = text, ""
    else:
        host, _, port_text = text.partition(":")
    if not port_text:
        return host or "127.0.0.1", default_port
    if not port_text.isdigit() or not 0 <= int(port_text) <= 65535:
        raise Invalid(f"{text!r} is no address: {port_text!r} is no port.", hint="Write host:port: 127.0.0.1:6000.")
    return host or "127.0.0.1", int(port_text)


def in_words(host: str, port: int) -> str:
    """host:port, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def master(text: str) -> tuple[str, int]:
    """The master's address, to be dialled. Raises Invalid, or Forbidden unless it is this machine's own: without keys
    anybody could answer elsewhere, and a worker runs what its master says."""
    host, port = parse(text)
    if port == 0:
        raise Invalid(f"{text!r} is no address of a master: it has no port 0.", hint=f"Write HOST:{PORT}.")
    if not _is_own(host):
        raise Forbidden(
            f"brender does not talk to {in_words(host, port)}: without keys nobody can tell whose master that is.",
            hint=f"Go through a tunnel, ssh -N -L {port}:127.0.0.1:{port} {host}, to 127.0.0.1:{port} here; "
            "farm keys come in a later release.",
        )
    return host, port


def _is_own(host: str) -> bool:
    """Whether the address is a loopback one; names are not resolved, for what a name means may change."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_loopback(host: str, port: int) -> None:
    """Raise Forbidden unless the address is this machine's own: without keys nobody else could be told apart."""
    if not _is_own(host):
        raise Forbidden(
            f"brender does not listen on {in_words(host, port)}: without keys, whoever reaches it owns the farm.",
            hint="Listen on 127.0.0.1 and come through an ssh tunnel; farm keys come in a later release.",
        )


def state_directory(part: str) -> Path:
    """Where a program keeps its state unless told: $BRENDER_HOME, /var/lib/brender for root, else the user's state."""
    home = os.environ.get("BRENDER_HOME")
    if home:
        return Path(home) / part
    if os.geteuid() == 0:
        return Path("/var/lib/brender") / part
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "brender" / part


def site_directory() -> Path:
    """Where spad's files are: $BRENDER_SITE, a folder that all machines share, else one on this machine."""
    named = os.environ.get("BRENDER_SITE")
    return Path(named) if named else state_directory("site")
