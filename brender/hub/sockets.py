"""What the system gives a master: the unix socket beside port 6000, and as many connections as it may have files.

The socket is for this machine's own user, with nobody else able to open it. Its name is short-lived: one left by a
master that was killed is removed, which is safe because whoever comes here holds the data directory's lock.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path

from gevent import socket

SPARE = 160  # files for the database, the listeners, and those who are being refused


def most_connections(asked: int) -> int:
    """Raise this process's limit of open files as far as it goes; how many connections that leaves, `asked` at most."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    return asked if files == resource.RLIM_INFINITY else min(asked, files - min(SPARE, files // 2))


def unix_socket(path: Path) -> socket.socket:
    """A bound, listening socket of mode 0600 at the path."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    old = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    listener.listen(128)
    listener.setblocking(False)
    return listener
