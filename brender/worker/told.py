"""How far a program says that it is, in the words of Open Job Description: `openjd_progress: 42`, `openjd_status: …`.

Any function's program may print them on a line of their own. It must not know processes, logs or the master.
"""

from __future__ import annotations

import math
from typing import Final

MOST_LINE: Final = 4096  # bytes: a longer one is none of these
MOST_NOTE: Final = 200  # characters
_ANY: Final = b"openjd_"
_PROGRESS: Final = b"openjd_progress:"
_STATUS: Final = b"openjd_status:"


class Told:
    """What the output of one attempt has told so far; `fraction` is None until it says something, 0 to 1."""

    __slots__ = ("_rest", "fraction", "note")

    def __init__(self) -> None:
        self.fraction: float | None = None
        self.note = ""
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Output in any pieces; what does not fit the words is a line like any other."""
        text = self._rest + data
        last = text.rfind(b"\n") + 1
        self._rest = text[last:][-MOST_LINE:]
        if _ANY not in text[:last]:
            return
        for line in text[:last].split(b"\n"):
            if line.startswith(_PROGRESS):
                self._progress(line[len(_PROGRESS) :])
            elif line.startswith(_STATUS):
                words = line[len(_STATUS) :].decode("utf-8", "backslashreplace").strip()
                self.fraction, self.note = self.fraction or 0.0, words[:MOST_NOTE]

    def _progress(self, said: bytes) -> None:
        try:
            percent = float(said)
        except ValueError:
            return
        if math.isfinite(percent) and 0 <= percent <= 100:
            self.fraction = round(percent / 100, 4)
