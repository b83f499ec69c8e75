"""The unix socket beside port 6000: for this machine's own user, with nobody else able to open it.

Its name is short-lived: a socket left by a master that was killed is removed, which is safe because whoever comes here
holds the data directory's lock.
"""

from __future__ import annotations

import os
from pathlib import Path

from gevent import socket


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
