"""The daemon's end of the reader of pictures: one niced child, one picture at a time, a new child when one died.

The child (`python -m brender.pictures serve`) decodes; nothing of a picture comes in here but a few numbers. Without
the extra `pictures` there is no child, and frames are published without thumbnails. gevent by name, never patched.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import gevent
import msgspec
from gevent.event import AsyncResult
from gevent.queue import Queue
from gevent.socket import wait_read

from brender.worker.looks import Measured, Wish

PICTURE_S: Final = 120.0  # a child that is silent for so long is ended
WAIT_S: Final = 5.0  # an attempt's result waits so long for its warnings, then it goes without
MOST_WAITING: Final = 500  # wishes; beyond that frames get no thumbnail, whoever shows them makes it
MOST_STARTS: Final = 3  # of children that died before they answered anything
ANSWER_BYTES: Final = 1 << 16
END_S: Final = 0.5
MODULES: Final = ("OpenImageIO", "numpy")


def program() -> list[str]:
    """The argv of `brender.pictures`; what follows is the name of a function."""
    return [sys.executable, "-P", "-m", "brender.pictures"]


def environment() -> dict[str, str]:
    """So that a child finds the packages that this process finds, wherever it starts and whoever is at HOME."""
    folders = [str(Path(__file__).resolve().parents[2]), *(path for path in sys.path if os.path.isdir(path))]
    return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(folders)), "PYTHONDONTWRITEBYTECODE": "1"}


def installed() -> bool:
    """Whether this machine can look at pictures at all; nothing is imported for it."""
    return all(importlib.util.find_spec(name) is not None for name in MODULES)


class Pictures:
    """`look` may be called from any greenlet of the daemon. `say` gets a line for the daemon's own log."""

    def __init__(self, argv: Sequence[str] = (), say: Callable[[str], None] | None = None) -> None:
        self._say = say or _say
        self._argv = [*(argv or [*program(), "serve"])]
        self._wishes: Queue = Queue()  # of lines and where their answers go
        self._child: subprocess.Popen[bytes] | None = None
        self._reader: gevent.Greenlet | None = None
        self._unanswered = 0  # children in a row that said nothing
        self._off = False

    def start(self) -> None:
        """Say what is missing, once."""
        if not installed():
            self._off = True
            self._say("no thumbnails and no look at the frames: pip install 'brender[pictures]'")

    def look(self, wishes: Sequence[Wish], wait_s: float = WAIT_S) -> list[Measured | None]:
        """What was seen in each, None where nobody looked in time; thumbnails are made later all the same."""
        until = time.monotonic() + wait_s
        asked = [self._ask(wish) for wish in wishes]
        return [_answer_of(one, until) for one in asked]

    def close(self) -> None:
        """End the child; nothing more is answered."""
        self._off = True
        if self._reader is not None:
            self._reader.kill(block=False)
        self._end_child()

    def _ask(self, wish: Wish) -> AsyncResult | None:
        if self._off or self._wishes.qsize() >= MOST_WAITING:
            return None
        if self._reader is None:
            self._reader = gevent.spawn(self._read)
        answer = AsyncResult()
        self._wishes.put((msgspec.json.encode(wish) + b"\n", answer))
        return answer

    def _read(self) -> None:
        while True:
            line, answer = self._wishes.get()
            answer.set(None if self._off else self._answered(line))

    def _answered(self, line: bytes) -> Measured | None:
        """One line there, one line back. A child that dies of it has its cause of death for an answer."""
        try:
            child = self._child or self._start_child()
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(line)
            told = _line_of(child.stdout.fileno())
            seen = msgspec.json.decode(told, type=Measured)
            self._unanswered = 0
            return seen
        except (OSError, msgspec.DecodeError) as error:
            slow = isinstance(error, TimeoutError)
            code = self._end_child()
            self._unanswered += 1
            if self._unanswered >= MOST_STARTS:
                self._off = True
                self._say(f"the reader of pictures died {MOST_STARTS} times in a row ({code}); no more thumbnails")
                return None
            return Measured(problem="reading it took too long" if slow else f"its reader ended with {code}")

    def _start_child(self) -> subprocess.Popen[bytes]:
        keep = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self._child = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={**keep, **environment()},
            start_new_session=True,
        )
        assert self._child.stdout is not None
        os.set_blocking(self._child.stdout.fileno(), False)
        return self._child

    def _end_child(self) -> int:
        """Its exit code, or minus the signal that ended it; a living one is killed."""
        child, self._child = self._child, None
        if child is None:
            return 0
        assert child.stdin is not None and child.stdout is not None
        with contextlib.suppress(OSError):
            child.stdin.close()
        child.stdout.close()
        with contextlib.suppress(OSError):  # mostly it has just died; TimeoutError is an OSError
            pidfd = os.pidfd_open(child.pid)
            try:
                wait_read(pidfd, timeout=END_S)
            finally:
                os.close(pidfd)
        child.kill()
        return child.wait()


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} brender client: {text}", file=sys.stderr, flush=True)


def _answer_of(answer: AsyncResult | None, until: float) -> Measured | None:
    if answer is None:
        return None
    with contextlib.suppress(gevent.Timeout):
        seen: Measured | None = answer.get(timeout=max(0.0, until - time.monotonic()))
        return seen
    return None


def _line_of(descriptor: int) -> bytes:
    """Up to the end of a line or of the stream. TimeoutError when nothing comes for PICTURE_S."""
    line = b""
    while not line.endswith(b"\n") and len(line) < ANSWER_BYTES:
        wait_read(descriptor, timeout=PICTURE_S)
        piece = os.read(descriptor, ANSWER_BYTES)
        if not piece:
            break
        line += piece
    return line
