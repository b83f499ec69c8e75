"""The seed's client of the mail logger, with its names: `logger = MailLoggerClient.open()`, `logger.alert("…")`.

A line is with the master when the call returns: it is on its disk, and its letter leaves when the level's schedule says
so. Safe to use from several threads (RM-05…RM-11, RM-44, RM-47). It must not know mail.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from brender import address
from brender.api.link import Link, Master
from brender.core.lifecycle import FREQUENCIES, LEVELS
from brender.core.rules.loggers import level_of, schedule_of
from brender.errors import Invalid

ANSWER_SECONDS = 60.0
LEVEL_WORDS = SimpleNamespace(**{name: name for name in LEVELS})
SCHEDULE_WORDS = SimpleNamespace(**{name: name for name in FREQUENCIES})


class _Shared:
    """One connection to the master, shared by a logger and its clones; it is made anew when it was lost."""

    def __init__(self, master: Master) -> None:
        self.users = 1
        self._master = master
        self._lock = threading.Lock()
        self._link: Link | None = None

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """The master's answer, over a new connection where the old one ended while nobody looked. Raises what it
        refuses with, or NoMaster: with an `outcome` of its own where nobody knows whether it was done.
        """
        with self._lock:
            if self._link is None or not self._link.alive():
                self._forget()
                self._link = self._master.dial()
            link = self._link
            try:
                return link.answer(link.send(method, params), time.monotonic() + ANSWER_SECONDS)
            except OSError as error:
                self._forget()
                raise link.left(error) from None

    def close(self) -> None:
        with self._lock:
            self.users -= 1
            if not self.users:
                self._forget()

    def _forget(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None


class MailLoggerClient:
    """A named source of lines. `levels` and `schedule` hold the words that `config` takes."""

    levels = LEVEL_WORDS
    schedule = SCHEDULE_WORDS

    def __init__(self, name: str, link: _Shared) -> None:
        self.name = name
        self._link: _Shared | None = link

    @classmethod
    def open(cls, transport: str | None = None, name: str | None = None) -> MailLoggerClient:
        """A logger of the farm at `transport` (HOST:PORT; None: BRENDER_MASTER, else this machine). RM-06.

        `name` is what its letters are called, this program's own by default. Raises NoMaster if nobody answers.
        """
        who = name or Path(sys.argv[0] or "python").stem or "python"
        logger = cls(
            who,
            _Shared(
                Master(
                    (transport or "").removeprefix("tcp://") or os.environ.get(address.MASTER_VARIABLE, ""), name=who
                )
            ),
        )
        logger._ask("session.test")
        return logger

    def config(self, level: str, schedule: str) -> None:
        """When lines of this level are mailed. Raises Invalid for words that are none (RM-07)."""
        self._ask("log.config", logger=self.name, level=level_of(str(level)), schedule=schedule_of(str(schedule)))

    def write(self, level: str, text: str, *args: Any) -> None:
        """One line; `args` are for the `%` in it, as in logging. Raises NoMaster when no master answers."""
        said = str(text) % args if args else str(text)
        params = {"logger": self.name, "level": level_of(str(level)), "text": said, "host": _HOST, "mac": _MAC}
        self._ask("log.write", **params)

    def debug(self, text: str, *args: Any) -> None:
        """Traces; usually kept and not mailed."""
        self.write("DEBUG", text, *args)

    def info(self, text: str, *args: Any) -> None:
        """News of any kind; usually for the daily digest."""
        self.write("INFO", text, *args)

    def warning(self, text: str, *args: Any) -> None:
        """Be careful; usually mailed at once."""
        self.write("WARNING", text, *args)

    def error(self, text: str, *args: Any) -> None:
        """Something bad but recoverable."""
        self.write("ERROR", text, *args)

    def alert(self, text: str, *args: Any) -> None:
        """Something very bad."""
        self.write("ALERT", text, *args)

    def clone(self, name: str = "") -> MailLoggerClient:
        """Another logger over the same connection; each is closed by itself."""
        if self._link is None:
            raise Invalid(f"Logger {self.name} is closed.", hint="MailLoggerClient.open()")
        self._link.users += 1
        return MailLoggerClient(name or self.name, self._link)

    def close(self) -> None:
        """Use it no more; twice is once."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def __enter__(self) -> MailLoggerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, **params: Any) -> Any:
        if self._link is None:
            raise Invalid(f"Logger {self.name} is closed.", hint="MailLoggerClient.open()")
        return self._link.ask(method, params)


_HOST = socket.gethostname()
_MAC = f"{uuid.getnode():012x}"
