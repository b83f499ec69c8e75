"""What a worker carries right now. Never stored: a start of the master makes it anew, and hellos fill it.

It must not know how work is given out: the scheduler asks it, and the rules and the ledger write it.
"""

from __future__ import annotations

from brender.core.rows import Attempt


class Load:
    """What a worker carries right now: its session, what was sent to it, and when it was last heard."""

    __slots__ = (
        "expected", "files", "former", "full", "heard", "live", "paces", "recalled", "said", "session",
        "twin_at",
    )  # fmt: skip

    def __init__(self, heard: float) -> None:
        self.session: int | None = None
        self.live: dict[int, Attempt] = {}
        self.recalled: set[int] = set()
        self.heard = heard  # seconds on the master's clock
        self.full = False  # it said that it starts nothing for now
        self.said = ""  # its own last warning: what differs from it was written by a person
        self.files: list[str] = []  # what its slots were last sent to open, one a slot at the most, the newest last
        self.paces: dict[str, float] = {}  # by function: its seconds a frame by those of all workers, 1 = as all
        self.expected = False  # it did not say goodbye when the master last ran, and has not come back since
        self.former = ""  # the life (boot) of its daemon before the present one
        self.twin_at: float | None = None  # when a daemon that had been replaced came back: two have this identity

    def opens(self, file: str, most: int) -> None:
        """It is sent work on this file."""
        if file in self.files:
            self.files.remove(file)
        self.files.append(file)
        del self.files[:-most]
