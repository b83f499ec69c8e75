"""Readings on the disk: taken in, kept safe at once, moved to a database in blocks, summed up, forgotten in time.

    sift.py     which samples may be kept
    buffer.py   what was taken in and is not in the database yet: files that are synced before anybody is answered
    archive.py  blocks of samples by channel and hour, with the sums of minutes and hours; parts.py: its tables by month
    engine.py   what is asked of a database; sqlite.py and postgres.py are the two
    ranges.py   questions about stretches of time     forgetting.py   what is too old or too much
    keeper.py   all of these as one     listener.py   a door of its own     storage.py   the program

`Storage` is what a user of the room needs: it has `start()` and hides the rest (CL-03 to CL-10). A master has the same
parts behind its own port.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """`Storage`, loaded when it is asked for: whoever needs a part only need not load a listener."""
    if name == "Storage":
        from brender.storage.storage import Storage

        return Storage
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
