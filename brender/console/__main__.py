"""`python -m brender.console FD PARENT DIRECTORY`: the master's child. It ends with the master, however that ends."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def main(words: list[str]) -> None:
    """Serve whom the master hands over; returns when its control line ends."""
    number, parent, directory = int(words[0]), int(words[1]), Path(words[2])
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the wish was made
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    from brender.console.reception import Reception, collect_little

    collect_little()
    asyncio.run(Reception(socket.socket(fileno=number), directory).run())


if __name__ == "__main__":
    main(sys.argv[1:])
