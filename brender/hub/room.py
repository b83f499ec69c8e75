"""How much room there is on the master's disk: looked at every few seconds; people are to hear of it before it is full.

It must not know what little is, or who is told.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from brender.core import events as ev

log = logging.getLogger("brender.room")

EVERY = 5.0  # seconds


def watch(folder: Path, tell: Callable[[ev.Event, Callable[[Any], None]], None]) -> None:
    """For ever; `tell` puts an event into the hub's next turn."""
    while True:
        try:
            found = os.statvfs(folder)
        except OSError as error:
            log.warning("the disk of %s cannot be asked for its room: %s", folder, error)
        else:
            room = ev.DiskRoom(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
            tell(room, lambda said: None)
        gevent.sleep(EVERY)
