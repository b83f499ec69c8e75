"""When a machine has too little memory left to start another task, and when it has enough again.

Pure: MiB in, words out. What is measured and who is told is daemon/daemon.py's.
"""

from __future__ import annotations

from typing import Final

PART: Final = 0.05
LEAST_MB: Final = 512
MOST_PART: Final = 0.125  # a small machine keeps the larger part for its work
RECOVERED: Final = 1.25  # of the floor: not started and stopped by turns around one figure


def floor_of(total_mb: int) -> int:
    """The floor where nobody names one: 5 % of the memory, 512 MiB at least, an eighth of it at most."""
    return int(min(max(total_mb * PART, LEAST_MB), total_mb * MOST_PART))


class Floor:
    """Whether available memory is under the floor. 0 is no floor."""

    def __init__(self, floor_mb: int) -> None:
        self.floor_mb = floor_mb
        self.low = False

    def see(self, available_mb: int) -> str:
        """Words for people while it is too low; empty while all is well."""
        self.low = available_mb < self.floor_mb * (RECOVERED if self.low else 1.0)
        if not self.low:
            return ""
        return f"only {available_mb} MiB of memory available, {self.floor_mb} are kept free: no task is started"
