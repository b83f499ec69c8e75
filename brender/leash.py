"""Starts a program that is asked to end (SIGTERM) when its supervisor dies, also by SIGKILL.

Run as a file: `python -I leash.py PID PROGRAM ARGS…`, by the process PID itself. The kernel keeps the wish through
exec and forgets it in the program's own children, which are the program's to end. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(words: list[str]) -> None:
    """Becomes the program; returns only when the supervisor is gone already."""
    supervisor, program = int(words[0]), words[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this kernel does not tell of a parent's death")
    if os.getppid() == supervisor:  # else it died before the wish was made
        os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
