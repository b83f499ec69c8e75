"""Ports of loopback for programs that a test starts, kills and starts again. It must not know the programs.

A port that was only found free is somebody else's a moment later, and one on which a killed master listened may be the
source of any connection until it listens again. So each is held by a socket that is bound and does not listen: Linux
gives it to nobody who asks for any port, and lets whoever sets SO_REUSEADDR, as servers do, listen on it.
"""

from __future__ import annotations

import socket

_held: list[socket.socket] = []


def free_port() -> int:
    """A port on which nobody listens but whom the test tells to; it stays ours as long as the tests run."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return int(holder.getsockname()[1])
