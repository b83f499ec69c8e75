"""What a daemon asks its guardian to start, and what it hears of it: values, and how they stand in packets.

It must not know sockets, gevent or who decides about attempts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brender.daemon.packets import pack

Text = str | bytes


@dataclass(frozen=True, slots=True)
class Launch:
    """One attempt to start: `env` is the whole environment but for BRENDER_ATTEMPT=`token`, which is added.

    `slot` names the pipe that stdout and stderr go to: one running attempt a slot. `stdin`, if given, is the read end
    of a pipe and is given away: closed here whatever comes. Without it stdin is empty.
    """

    attempt: int
    slot: int
    argv: Sequence[Text]
    env: Mapping[str, Text]
    cwd: Text
    token: str
    stdin: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """`at` in seconds of the monotonic clock."""

    attempt: int
    pid: int
    at: float


@dataclass(frozen=True, slots=True)
class Exited:
    """`code` is the exit code, or minus the signal. `survivors`: pids SIGKILL did not end in 2 s."""

    attempt: int
    code: int
    at: float
    max_rss_kb: int
    cpu_s: float
    survivors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """It never started. `text` is for people: «/opt/x: no such file or directory»."""

    attempt: int
    errno: int
    text: str


Event = Started | Exited | Failed


def packet_of(launch: Launch) -> bytes:
    """The packet that starts it. ValueError for what no process could be given: no program, a NUL, a lone surrogate."""
    if not launch.argv or not launch.argv[0]:
        raise ValueError("the command is empty")
    argv = [os.fsencode(word) for word in launch.argv]
    env = [os.fsencode(name) + b"=" + os.fsencode(value) for name, value in launch.env.items()]
    cwd, token = os.fsencode(launch.cwd), launch.token.encode()
    for word in (*argv, *env, cwd, token):
        if b"\0" in word:
            raise ValueError("an argument, variable or folder holds a NUL byte")
    if any("=" in name or not name for name in launch.env):
        raise ValueError("a variable's name is empty or holds «=»")
    numbers = b"%d" % launch.attempt, b"%d" % launch.slot
    return pack([b"launch", *numbers, token, cwd, b"%d" % len(argv), *argv, *env])


def event_of(fields: list[bytes]) -> Event:
    """What the guardian said with these fields."""
    kind, attempt = fields[0], int(fields[1])
    if kind == b"started":
        return Started(attempt, int(fields[2]), int(fields[3]) / 1e9)
    if kind == b"exited":
        code, at, rss, cpu = map(int, fields[2:6])
        return Exited(attempt, code, at / 1e9, rss, cpu / 1e6, tuple(map(int, fields[6:])))
    return Failed(attempt, int(fields[2]), fields[3].decode("utf-8", "backslashreplace"))
